import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findJsonFault, MAX_DEPTH } from './json-syntax.ts';

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** JSON with a few characters changed, taken away or put in: most of it is none any more. */
const damaged = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.array(fc.tuple(fc.nat(200), fc.constantFrom(...'{}[]",:\\0-1.eEtn u\n')), { maxLength: 3 }),
  )
  .map(([text, changes]) =>
    changes.reduce((changed, [place, character]) => {
      const at = place % (changed.length + 1);
      return changed.slice(0, at) + character + changed.slice(at + (place % 2));
    }, text),
  );

test('A text has a fault exactly where JSON.parse refuses it', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json({ maxDepth: 4 }), damaged, fc.string()), (text) => {
      expect([text, findJsonFault(text) === null]).toEqual([text, parses(text)]);
    }),
    { numRuns: 5_000 },
  );
});

test.each([
  '',
  ' ',
  '{',
  '[',
  '"',
  '"\\',
  '"\\u12',
  '"\\x"',
  '"a\nb"',
  '01',
  '-',
  '1.',
  '.5',
  '1e',
  '+1',
  'tru',
  'truex',
  'nul',
  'NaN',
  '[1,]',
  '[,1]',
  '{"a":1,}',
  '{"a"}',
  '{"a":}',
  '{a:1}',
  "{'a':1}",
  '[1}',
  '{"a":1]',
  '1 2',
  '[] []',
  '\ufeff1',
  '\u00a01',
  '{}}',
])('has a fault in %j', (text) => {
  expect(parses(text)).toBe(false);
  expect(findJsonFault(text)).toMatchObject({ why: 'syntax' });
});

test('tells the place, and the depth before it is built', () => {
  expect(findJsonFault('{"a": tru}')).toEqual({ why: 'syntax', at: 6 });
  expect(findJsonFault('['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH))).toBeNull();
  expect(findJsonFault('['.repeat(1_000_000))).toEqual({ why: 'depth', at: MAX_DEPTH });
});

test('reads a string of a megabyte', () => {
  expect(findJsonFault(JSON.stringify('\\"x\u0001é'.repeat(200_000)))).toBeNull();
});
