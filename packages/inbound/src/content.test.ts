import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Content, MAX_HEADER_FIELDS, MAX_HEADER_OCTETS, openContent } from './content.ts';

function read(...chunks: (string | Buffer)[]): Content {
  const reader = openContent();
  for (const chunk of chunks) reader.push(Buffer.from(chunk));
  return reader.end();
}

describe('reading the content of a message', () => {
  test('IN-2 a bare CR, a bare LF and a NUL are told apart, wherever they stand', () => {
    expect(read('A: b\r\n\r\nfine\r\n').defect).toBeNull();
    expect(read('A: b\r\n\r\nx\ny\r\n').defect).toBe('bare_lf');
    expect(read('A: b\r\n\r\nx\ry\r\n').defect).toBe('bare_cr');
    expect(read('A: b\r\n\r\nx\0y\r\n').defect).toBe('nul');
    expect(read('A: b\nC: d\r\n\r\n').defect).toBe('bare_lf');
    expect(read('\n').defect).toBe('bare_lf');
    expect(read('\r\r\n').defect).toBe('bare_cr');
    expect(read('x\r').defect).toBe('bare_cr');
  });

  test('IN-2 the verdict does not depend on how the bytes were cut', () => {
    const piece = fc.constantFrom('a', 'b: c', '\r\n', '\r', '\n', '\0', '.', ' ');
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 30 }),
        fc.array(fc.nat(60), { maxLength: 8 }),
        (pieces, cuts) => {
          const whole = pieces.join('');
          const edges = [0, ...cuts.filter((cut) => cut < whole.length).sort((a, b) => a - b), whole.length];
          const parts = edges.slice(1).map((edge, index) => whole.slice(edges[index], edge));
          expect(read(...parts)).toEqual(read(whole));
          expect(read(whole).defect !== null).toBe(/\r(?!\n)|(?<!\r)\n|\0/.test(whole));
        },
      ),
    );
  });

  test('header fields are unfolded, in order, and end at the first empty line', () => {
    expect(read('From: a\r\nSubject: one\r\n two\r\n\tthree\r\n\r\nAuto-Submitted: body\r\n').fields).toEqual(
      [
        { name: 'from', value: ' a' },
        { name: 'subject', value: ' one two\tthree' },
      ],
    );
    expect(read('\r\nFrom: body\r\n').fields).toEqual([]);
    expect(read('no field here\r\nTo : b\r\n').fields).toEqual([{ name: 'to', value: ' b' }]);
  });

  test('IN-17 a header block is kept up to its limits and no further', () => {
    const long = read(`A: b\r\nLong: ${'x'.repeat(MAX_HEADER_OCTETS)}\r\nAuto-Submitted: late\r\n\r\n`);
    expect(long.defect).toBeNull();
    expect(long.fields.map((field) => field.name)).toEqual(['a', 'long']);
    const many = read('A: b\r\n'.repeat(MAX_HEADER_FIELDS + 5));
    expect(many.fields).toHaveLength(MAX_HEADER_FIELDS);
  });

  test('IN-17 a header that comes octet by octet costs no object for each octet', () => {
    setFlagsFromString('--expose-gc');
    const collect: () => void = runInNewContext('gc');
    const readers = Array.from({ length: 4 }, openContent);
    const octet = Buffer.from('x');
    collect();
    const before = process.memoryUsage();
    for (const reader of readers) for (let at = 0; at < MAX_HEADER_OCTETS; at += 1) reader.push(octet);
    collect();
    const after = process.memoryUsage();
    const held = after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers;
    // A megabyte is what the four may keep; an object for each octet would be a hundred.
    expect(held).toBeLessThan(8 * 1024 * 1024);
    for (const reader of readers) expect(reader.bytes()).toBe(MAX_HEADER_OCTETS);
  });

  test('a body is counted and not kept', () => {
    const reader = openContent();
    reader.push(Buffer.from('A: b\r\n\r\n'));
    const body = Buffer.alloc(64 * 1024, 'x');
    for (let round = 0; round < 64; round += 1) reader.push(body);
    expect(reader.bytes()).toBe(8 + 64 * body.length);
    expect(reader.end().fields).toEqual([{ name: 'a', value: ' b' }]);
  });
});
