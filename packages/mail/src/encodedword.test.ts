import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeWords, encodePhrase, encodeUnstructured } from './encodedword.ts';
import { cleanLine } from './text.ts';

const line = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.constantFrom(' ', '  ', '=?', '?=', 'é', '🎈', 'x'.repeat(90)),
    ),
  )
  .map((parts) => cleanLine(Buffer.from(parts.join('')).toString()));

describe('Encoded-words', () => {
  test('OH-15: any subject is read back as it was, in words of at most 75 characters on lines of at most 76', () => {
    fc.assert(
      fc.property(line, (text) => {
        const written = `Subject: ${encodeUnstructured(text, 'Subject: '.length)}`;
        for (const part of written.split('\r\n')) expect(part.length).toBeLessThanOrEqual(76);
        for (const [word] of written.matchAll(/=\?UTF-8\?[QB]\?[^?]*\?=/g)) {
          expect(word.length).toBeLessThanOrEqual(75);
          // Whole characters in every word.
          expect(decodeWords(word)).not.toContain('\ufffd'.repeat(text.includes('\ufffd') ? 99 : 1));
        }
        expect(written).toMatch(/^[\x20-\x7e]*(?:\r\n [\x20-\x7e]+)*$/);
        expect(decodeWords(written.slice('Subject: '.length).replace(/\r\n/g, ''))).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test('plain text stays plain, and folds between its words', () => {
    expect(encodeUnstructured('Spring is here', 9)).toBe('Spring is here');
    const long = 'The spring sale of everything we have, and of a few things that we do not have yet';
    const folded = encodeUnstructured(long, 9);
    expect(folded.split('\r\n')).toHaveLength(2);
    expect(folded.replace(/\r\n/g, '')).toBe(long);
  });

  test('what looks like an encoded-word is encoded, so that nobody smuggles one in', () => {
    const smuggled = '=?utf-8?Q?a=0D=0ABcc:_x@example.com?=';
    expect(encodeUnstructured(smuggled, 9)).not.toContain(smuggled);
    expect(decodeWords(encodeUnstructured(smuggled, 9))).toBe(smuggled);
  });

  test('a phrase is quoted where that is enough, and encoded where it is not, never both', () => {
    expect(encodePhrase('Brand', 6)).toBe('Brand');
    expect(encodePhrase('Brand, Inc. "B"', 6)).toBe('"Brand, Inc. \\"B\\""');
    expect(encodePhrase('Bränd <x@y.z>', 6)).toMatch(/^=\?UTF-8\?[QB]\?[A-Za-z0-9=_!*+/-]+\?=$/);
  });

  test('words of other charsets and encodings are read', () => {
    expect(decodeWords('=?iso-8859-1?q?caf=E9?= =?utf-8?b?4oKs?= x')).toBe('café€ x');
    expect(decodeWords('=?no-such?q?a?=')).toBe('=?no-such?q?a?=');
  });
});
