import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { contentChunks } from './stuffing.ts';

const onWire = (...pieces: string[]): string =>
  Buffer.concat(contentChunks(pieces.map((piece) => Buffer.from(piece, 'latin1')))).toString('latin1');

/** What a receiver makes of it (RFC 5321 section 4.5.2), written another way than the code under test. */
function receive(wire: string): string {
  const lines: string[] = [];
  for (const line of wire.split('\r\n')) {
    if (line === '.') return lines.map((text) => `${text}\r\n`).join('');
    lines.push(line.startsWith('.') ? line.slice(1) : line);
  }
  throw new Error('no final dot');
}

describe('content on the wire', () => {
  test('a message without dots is not copied', () => {
    const message = Buffer.from('Subject: a\r\n\r\nbody\r\n');
    expect(contentChunks([message])[0]).toBe(message);
  });

  test.each([
    ['.', '..\r\n.\r\n'],
    ['.\r\n', '..\r\n.\r\n'],
    ['a\r\n.\r\nb\r\n', 'a\r\n..\r\nb\r\n.\r\n'],
    ['a\r\n.\r\n.\r\n', 'a\r\n..\r\n..\r\n.\r\n'],
    ['a\r\n..b', 'a\r\n...b\r\n.\r\n'],
    ['', '.\r\n'],
  ])('%j goes out as %j', (message, wire) => {
    expect(onWire(message)).toBe(wire);
  });

  test('whatever the message, the receiver reads it back and stops at its end', () => {
    const piece = fc.constantFrom('.', '..', '\r\n', 'a', 'hello', '\r\n.', '\r\n.\r\n', '.\r\n', 'é');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const message = pieces.join('');
        const whole = message === '' || message.endsWith('\r\n') ? message : `${message}\r\n`;
        const wire = onWire(message);
        expect(receive(wire)).toBe(whole);
        expect(wire.indexOf('\r\n.\r\n')).toBe(whole === '' ? -1 : wire.length - 5);
        expect(onWire(...pieces)).toBe(wire);
        expect(onWire(...message)).toBe(wire);
      }),
    );
  });

  test('a large chunk that messages share is stuffed by what stands in it and before it', () => {
    const lines = `${'x'.repeat(70)}\r\n`.repeat(100);
    const plain = Buffer.from(`.${lines}`);
    const dotted = Buffer.from(`${lines}.${lines}`);
    for (const before of ['a', 'a\r\n', 'a']) {
      const wire = Buffer.concat(contentChunks([Buffer.from(before), plain, dotted])).toString();
      expect(wire).toBe(`${before}${before === 'a' ? '.' : '..'}${lines}${lines}..${lines}.\r\n`);
    }
  });
});
