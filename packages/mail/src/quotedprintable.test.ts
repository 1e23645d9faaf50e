import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeQuotedPrintable, encodeQuotedPrintable } from './quotedprintable.ts';

/** RFC 2045 section 6.7 to the letter: any other `=` is an error. */
function strictDecode(wire: string): string {
  const bytes: number[] = [];
  for (let at = 0; at < wire.length; at += 1) {
    const code = wire.charCodeAt(at);
    if (code !== 61) bytes.push(code);
    else if (wire.startsWith('\r\n', at + 1)) at += 2;
    else {
      const hex = wire.slice(at + 1, at + 3);
      if (!/^[0-9A-F]{2}$/.test(hex)) throw new Error(`= followed by ${JSON.stringify(hex)}`);
      bytes.push(Number.parseInt(hex, 16));
      at += 2;
    }
  }
  return Buffer.from(bytes).toString();
}

/** DKIM's relaxed body form of text that ends with CRLF (RFC 6376 section 3.4.4), without the empty lines at its end. */
function relaxed(wire: string): string {
  return wire.replace(/[ \t]+/g, ' ').replace(/ \r\n/g, '\r\n');
}

const text = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '\n',
        ' ',
        '  ',
        '\t',
        '.',
        '..',
        'From ',
        'F',
        '=',
        'é',
        '€',
        '🎈',
        'x'.repeat(73),
        '\n.\n',
        'a \n',
      ),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join('').replace(/\r/g, ''));

describe('Quoted-printable', () => {
  test('any text, split anywhere, decodes to itself, by strict rules and by ours', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), (stretches) => {
        const wire = stretches.map(encodeQuotedPrintable).join('');
        const want = Buffer.from(
          stretches.map((stretch) => Buffer.from(stretch).toString()).join(''),
        ).toString();
        expect(strictDecode(wire)).toBe(want.replace(/\n/g, '\r\n'));
        expect(decodeQuotedPrintable(wire).toString()).toBe(want.replace(/\n/g, '\r\n'));
      }),
      { numRuns: 500 },
    );
  });

  test('OH-29: lines are ASCII, at most 76 octets, and end with CRLF only', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), (stretches) => {
        const wire = stretches.map(encodeQuotedPrintable).join('');
        expect(wire).toMatch(/^[\r\n\x20-\x7e]*$/);
        expect(wire.replace(/\r\n/g, '')).not.toMatch(/[\r\n]/);
        for (const line of wire.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
      }),
      { numRuns: 500 },
    );
  });

  test('what is written is in relaxed form already, and no line tempts a relay', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 6 }), (stretches) => {
        const wire = stretches.map(encodeQuotedPrintable).join('');
        expect(relaxed(wire)).toBe(wire);
        for (const line of wire.split('\r\n')) expect(line).not.toMatch(/^(?:\.|From )/);
      }),
      { numRuns: 500 },
    );
  });

  test('a stretch is empty or ends where a line starts', () => {
    expect(encodeQuotedPrintable('')).toBe('');
    expect(encodeQuotedPrintable('Jane')).toBe('Jane=\r\n');
    expect(encodeQuotedPrintable('a\n')).toBe('a\r\n');
    expect(encodeQuotedPrintable('From here')).toBe('=46rom here=\r\n');
    expect(encodeQuotedPrintable('.com')).toBe('=2Ecom=\r\n');
  });

  test('decoding forgives what mail does to it', () => {
    expect(decodeQuotedPrintable('a=3d \r\nb=\t\r\nc=zz').toString()).toBe('a=\r\nbc=zz');
    // An octet that is half of a character and looks like a space stays.
    expect(decodeQuotedPrintable('\xc3\xa0\n').toString()).toBe('à\r\n');
  });
});
