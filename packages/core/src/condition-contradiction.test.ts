import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Condition, compileCondition } from './condition.ts';
import { findContradiction } from './condition-contradiction.ts';

const find = (condition: unknown) => findContradiction([{ condition: condition as Condition, place: 'c' }]);
const a = (test: object) => ({ path: 'attributes.a', ...test });

describe('a condition that can never hold', () => {
  test.each<[string, object[]]>([
    ['two values', [a({ equals: 1 }), a({ equals: 2 })]],
    ['a value outside a list', [a({ in: [1, 2] }), a({ equals: 3 })]],
    ['lists without a common value', [a({ in: [1, 2] }), a({ in: [3] })]],
    ['a value and its negation', [a({ equals: 1 }), { not: a({ equals: 1 }) }]],
    ['values of two kinds', [a({ equals: 1 }), a({ equals: '1' })]],
    ['a value beyond a bound', [a({ equals: 1 }), a({ greater: 1 })]],
    ['bounds without room', [a({ greater: 5 }), a({ atMost: 5 })]],
    ['bounds upside down', [a({ atLeast: '2026-02-01' }), a({ less: '2026-01-01' })]],
    ['a negated bound', [a({ greater: 5 }), { not: a({ greater: 4 }) }]],
    ['bounds of two kinds', [a({ greater: 5 }), a({ less: 'x' })]],
    ['what is missing and has a value', [a({ exists: false }), a({ equals: 1 })]],
    ['what is missing and has another value', [a({ exists: false }), { not: a({ equals: 1 }) }]],
    ['what is there and is not', [a({ exists: true }), { not: a({ exists: true }) }]],
    ['a number that contains', [a({ contains: 'x' }), a({ greater: 5 })]],
    ['a text without the part', [a({ equals: 'gold' }), a({ contains: 'silver' })]],
  ])('X6 %s: is named with its place, in either order', (_, [one, other]) => {
    expect(find({ all: [one, other] })).toMatchObject({
      place: expect.stringMatching(/^c\.all\.1/),
      other: expect.stringMatching(/^c\.all\.0/),
    });
    expect(find({ all: [other, one] })).toMatchObject({ place: expect.stringMatching(/^c\.all\.1/) });
    expect(find({ not: { any: [{ not: one }, { not: other }] } })).not.toBeNull();
    expect(find({ all: [one, { all: [other, { path: 'attributes.b', exists: true }] }] })).not.toBeNull();
    expect(find({ any: [{ all: [one, other] }, { all: [one, other] }] })).not.toBeNull();
    expect(find({ all: [one, { any: [other, other] }] })).not.toBeNull();
    const elsewhere = JSON.parse(JSON.stringify(other).replace('attributes.a', 'attributes.b'));
    expect(find({ any: [one, other] })).toBeNull();
    expect(find({ all: [one, elsewhere] })).toBeNull();
    expect(find({ all: [one, { any: [other, { path: 'attributes.b', exists: true }] }] })).toBeNull();
  });

  test('X6 what takes three of them to contradict is found, too', () => {
    const found = find({ all: [a({ in: [1, 2] }), { not: a({ equals: 1 }) }, { not: a({ equals: 2 }) }] });
    expect(found).toEqual({ place: 'c.all.2.not', other: null });
  });

  test('X6 bounds that meet in one value leave room for it', () => {
    expect(find({ all: [a({ atLeast: 5 }), a({ atMost: 5 })] })).toBeNull();
    expect(find({ all: [a({ atLeast: 5 }), { not: a({ greater: 5 }) }] })).toBeNull();
    expect(find({ all: [{ not: a({ less: 5 }) }, { not: a({ greater: 5 }) }] })).toBeNull();
  });

  test('X6 two policies are held against each other', () => {
    const one = { condition: a({ equals: 1 }) as Condition, place: 'one' };
    const other = {
      condition: { any: [a({ equals: 2 }), a({ equals: 3 })] } as unknown as Condition,
      place: 'other',
    };
    expect(findContradiction([one, other])).not.toBeNull();
    expect(findContradiction([one, { ...other, condition: a({ less: 2 }) as Condition }])).toBeNull();
  });

  const value = fc.constantFrom(0, 1, 2, 'a', 'b', true);
  const bound = fc.constantFrom<string | number>(0, 1, 2, 'a', 'b');
  const path = fc.constantFrom('attributes.a', 'attributes.b');
  const single = fc
    .tuple(
      path,
      fc.oneof(
        fc.record({ exists: fc.boolean() }),
        fc.record({ equals: value }),
        fc.record({ in: fc.array(value, { minLength: 1, maxLength: 2 }) }),
        fc.record({ contains: value }),
        fc.record({ greater: bound }),
        fc.record({ atLeast: bound }),
        fc.record({ less: bound }),
        fc.record({ atMost: bound }),
      ),
    )
    .map(([path, test]) => ({ path, ...test }));
  const { tree } = fc.letrec<{ tree: Condition }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      single as fc.Arbitrary<Condition>,
      fc.record({ all: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ any: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ not: tie('tree') }),
    ),
  }));

  test('X6 nothing that holds for anybody is ever called contradictory', () => {
    const values = [
      undefined,
      -1,
      0,
      0.5,
      1,
      1.5,
      2,
      3,
      '',
      'a',
      'aa',
      'ab',
      'b',
      'c',
      true,
      false,
      [0],
      ['a'],
      [1, 2, 'a', 'b', true],
    ];
    let found = 0;
    fc.assert(
      fc.property(tree, (condition) => {
        if (find(condition) === null) return;
        found += 1;
        const holds = compileCondition(condition);
        for (const a of values)
          for (const b of values) {
            expect(holds({ attributes: { a, b }, consents: {} })).not.toBe(true);
          }
      }),
      { numRuns: 3_000 },
    );
    expect(found).toBeGreaterThan(50);
  });
});
