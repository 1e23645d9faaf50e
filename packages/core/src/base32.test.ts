import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase32, encodeBase32 } from './base32.ts';

test('writes the vectors of RFC 4648 section 10 in lower case and without padding', () => {
  const vectors = {
    '': '',
    f: 'my',
    fo: 'mzxq',
    foo: 'mzxw6',
    foob: 'mzxw6yq',
    fooba: 'mzxw6ytb',
    foobar: 'mzxw6ytboi',
  };
  for (const [plain, encoded] of Object.entries(vectors)) {
    expect(encodeBase32(Buffer.from(plain))).toBe(encoded);
    expect(decodeBase32(encoded)?.toString()).toBe(plain);
  }
});

test('TK-2 reads back what it wrote in either case, and no other spelling of it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const text = encodeBase32(bytes);
      expect(decodeBase32(text)).toEqual(Buffer.from(bytes));
      expect(decodeBase32(text.toUpperCase())).toEqual(Buffer.from(bytes));
    }),
  );
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z2-7]{0,24}$/), (text) => {
      const bytes = decodeBase32(text);
      if (bytes !== null) expect(encodeBase32(bytes)).toBe(text);
    }),
  );
});

test('refuses characters of no alphabet, and letters that only Unicode folds into it', () => {
  for (const text of ['m0', 'm1', 'm8', 'm=', 'my======', 'm y', 'm-', '\u212ay', 'İy', 'mz']) {
    expect([text, decodeBase32(text)]).toEqual([text, null]);
  }
});
