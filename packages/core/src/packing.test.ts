import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { bindTexts, packTexts, unpackTexts } from './packing.ts';

const text = fc.oneof(
  fc.constant(undefined),
  fc.string(),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
  fc.uuid(),
  fc.uuid().map((id) => id.toUpperCase()),
  fc.stringMatching(/^[0-9]{1,300}$/),
  fc.stringMatching(/^[0-9a-f]{1,40}$/),
  fc.constantFrom('Email', 'CRMID', 'prod', ''),
);

test('unpacks what it packed, whatever the texts', () => {
  fc.assert(
    fc.property(fc.array(text, { maxLength: 10 }), (texts) => {
      expect(unpackTexts(packTexts(texts), texts.length)).toEqual(texts);
    }),
  );
});

test('packs a UUID into 17 bytes, 38 digits into 21 and a known word into 1', () => {
  expect(packTexts(['1b4e28ba-2fa1-11d2-883f-0016d3cca427'])).toHaveLength(17);
  expect(packTexts(['51427330415460200958515299370682115711'])).toHaveLength(21);
  expect(packTexts(['CRMID'])).toHaveLength(1);
});

test('answers null for bytes that end early, go on too long or mean nothing, and never throws', () => {
  const packed = packTexts(['john@example.com', '51427330415460200958', undefined, 'x'.repeat(300)]);
  for (let length = 0; length < packed.length; length += 1) {
    expect(unpackTexts(packed.subarray(0, length), 4)).toBeNull();
  }
  expect(unpackTexts(packed, 3)).toBeNull();
  expect(unpackTexts(Buffer.from([0xff]), 1)).toBeNull();
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(12), (bytes, count) => {
      const texts = unpackTexts(Buffer.from(bytes), count);
      expect(texts === null || texts.length === count).toBe(true);
    }),
  );
});

test('refuses a text that no length can hold', () => {
  expect(() => packTexts(['x'.repeat(70_000)])).toThrow(RangeError);
});

test('binding gives different bytes for every different list of texts', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), fc.array(fc.string()), (a, b) => {
      expect(bindTexts(a).equals(bindTexts(b))).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
  expect(bindTexts(['ab', 'c']).equals(bindTexts(['a', 'bc']))).toBe(false);
});
