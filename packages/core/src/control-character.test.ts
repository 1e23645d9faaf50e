import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findControlCharacter, hasControlCharacter, withoutControlCharacters } from './control-character.ts';

const FORBIDDEN = [
  '\0',
  '\r',
  '\n',
  '\t',
  '\u001b',
  '\u007f',
  '\u0085',
  '\u009f',
  '\u2028',
  '\u2029',
  '\u202a',
  '\u202e',
  '\u2066',
  '\u2069',
];

test('OH-14 finds and removes every character that no header may hold', () => {
  for (const character of FORBIDDEN) {
    expect(hasControlCharacter(`a${character}b`)).toBe(true);
    expect(withoutControlCharacters(`a${character}b`)).toBe('ab');
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const clean = withoutControlCharacters(text);
      expect(hasControlCharacter(clean)).toBe(false);
      if (!hasControlCharacter(text)) expect(clean).toBe(text);
    }),
  );
});

test('leaves what people write alone', () => {
  for (const text of ['Ünïcödé – “quotes” 日本語 مرحبا 👨‍👩‍👧', 'a\u200eb\u200f', '']) {
    expect(withoutControlCharacters(text)).toBe(text);
  }
});

test('tells the path of the first in a document', () => {
  expect(findControlCharacter({ a: 1, b: ['x', { c: 'y\n' }] })).toBe('b.1.c');
  expect(findControlCharacter({ a: { 'k\r': 1 } })).toBe('a.k');
  expect(findControlCharacter({ a: null, b: true, c: 'fine' })).toBeNull();
});
