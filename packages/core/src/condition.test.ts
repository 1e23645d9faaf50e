import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Condition, compileCondition, describeSubject, type Subject } from './condition.ts';
import { CONDITION_LIMITS, readCondition } from './condition-reading.ts';
import { isFailure } from './failure.ts';

const SUBJECT: Subject = {
  attributes: {
    country: 'DE',
    age: 41,
    member: true,
    tags: ['gold', 7],
    empty: '',
    nothing: null,
    address: { city: 'Rome' },
    since: '2024-05-01',
  },
  consents: { marketing: { sms: { val: 'y' }, email: { subscriptions: { weekly: { val: 'y' } } } } },
};

const says = (condition: unknown): boolean | null => compileCondition(condition as Condition)(SUBJECT);
const at = (path: string, test: object) => says({ path: `attributes.${path}`, ...test });

describe('a condition', () => {
  test.each<[string, object, boolean]>([
    ['country', { equals: 'DE' }, true],
    ['country', { equals: 'FR' }, false],
    ['member', { equals: true }, true],
    ['age', { in: [40, 41] }, true],
    ['age', { in: ['41', 40] }, false],
    ['country', { contains: 'D' }, true],
    ['tags', { contains: 'gold' }, true],
    ['tags', { contains: 7 }, true],
    ['tags', { contains: 'go' }, false],
    ['age', { greater: 41 }, false],
    ['age', { atLeast: 41 }, true],
    ['age', { less: 42 }, true],
    ['age', { atMost: 40 }, false],
    ['since', { greater: '2024-04-30' }, true],
    ['address.city', { equals: 'Rome' }, true],
    ['address', { exists: true }, true],
    ['empty', { exists: true }, true],
    ['nothing', { exists: true }, false],
    ['missing', { exists: false }, true],
  ])('X6 attributes.%s %j is %s', (path, test, expected) => {
    expect(at(path, test)).toBe(expected);
    expect(says({ not: { path: `attributes.${path}`, ...test } })).toBe(!expected);
  });

  test.each<[string, object]>([
    ['missing', { equals: 'x' }],
    ['missing.deeper', { in: ['x'] }],
    ['nothing', { equals: 'x' }],
    ['nothing', { less: 5 }],
    ['age', { equals: '41' }],
    ['age', { greater: '40' }],
    ['country', { greater: 1 }],
    ['member', { atLeast: 1 }],
    ['address', { equals: 'Rome' }],
    ['age', { contains: 4 }],
    ['tags', { equals: 'gold' }],
    ['tags.0', { equals: 'gold' }],
    ['tags.length', { equals: 2 }],
    ['country.length', { equals: 2 }],
  ])('X6 what cannot be told holds neither way: attributes.%s %j', (path, test) => {
    expect(at(path, test)).toBeNull();
    expect(says({ not: { path: `attributes.${path}`, ...test } })).toBeNull();
  });

  test('X6 all, any and not go on with what is known', () => {
    const yes = { path: 'attributes.age', equals: 41 };
    const no = { path: 'attributes.age', equals: 1 };
    const open = { path: 'attributes.missing', equals: 1 };
    expect(says({ all: [yes, open] })).toBeNull();
    expect(says({ all: [open, no] })).toBe(false);
    expect(says({ any: [open, yes] })).toBe(true);
    expect(says({ any: [no, open] })).toBeNull();
    expect(says({ not: { any: [no, open] } })).toBeNull();
    expect(says({ not: { all: [no, open] } })).toBe(true);
  });

  test('X6 consents are asked like attributes, of the profile and of a list', () => {
    expect(says({ path: 'consents.marketing.sms.val', in: ['y', 'dy'] })).toBe(true);
    expect(says({ path: 'consents.marketing.email.subscriptions.weekly', exists: true })).toBe(true);
    expect(says({ path: 'consents.personalize.content.val', equals: 'y' })).toBeNull();
  });

  test('a path reaches for nothing but what somebody wrote', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'length', 'valueOf', '0'),
          {
            minLength: 1,
            maxLength: 6,
          },
        ),
        fc.constantFrom(
          'attributes',
          'attributes.country',
          'attributes.tags',
          'attributes.address',
          'consents',
        ),
        (names, start) => {
          const path = [start, ...names].join('.');
          expect(says({ path, exists: true })).toBe(false);
          expect(describeSubject({ path, exists: true }, SUBJECT)).toBe(`${path}: missing`);
        },
      ),
    );
  });

  test('a word of a later version holds neither way', () => {
    expect(says({ path: 'attributes.age', matches: '.*' })).toBeNull();
    expect(says({ not: { path: 'attributes.age', matches: '.*' } })).toBeNull();
  });

  test('X9 what it saw is told once for each path, and not at any length', () => {
    const path = 'attributes.country';
    expect(describeSubject({ all: [{ path, equals: 'DE' }, { not: { path, equals: 'FR' } }] }, SUBJECT)).toBe(
      'attributes.country: "DE"',
    );
    const long = { attributes: { text: '😀'.repeat(500) }, consents: {} };
    const told = describeSubject({ path: 'attributes.text', exists: true }, long);
    expect([...told].length).toBeLessThan(90);
    expect(told).not.toMatch(/\p{Cs}/u);
  });
});

/** Code and field of the refusal, or null. */
function refusal(condition: unknown): string | null {
  try {
    readCondition(condition);
    return null;
  } catch (error) {
    if (!isFailure(error)) throw error;
    return `${error.code} ${error.field}`;
  }
}

const test1 = { path: 'attributes.a', equals: 1 };
const nested = (levels: number): object => (levels === 1 ? test1 : { not: nested(levels - 1) });

describe('reading a condition', () => {
  test('takes what the language has, and keeps nothing else of it', () => {
    const given = {
      all: [
        { path: 'attributes.country', in: ['DE', 'AT'] },
        {
          any: [
            { path: 'attributes.age', atLeast: 18 },
            { not: { path: 'consents.marketing.sms.val', equals: 'n' } },
          ],
        },
      ],
    };
    expect(readCondition(given)).toEqual(given);
    expect(readCondition(given)).not.toBe(given);
  });

  test('takes every name that consents have', () => {
    for (const path of [
      'collect.val',
      'metadata.time',
      'personalize.content',
      'personalize.content.val',
      'marketing.any.val',
      'marketing.preferred.val',
      'marketing.email.reason',
      'marketing.whatsApp.subscriptions',
      'marketing.email.subscriptions.weekly',
      'marketing.email.subscriptions.weekly.end',
      'marketing.email.subscriptions.constructor.val',
      'marketing.push.subscriptions.weekly.subscribers.device.time',
    ]) {
      expect(refusal({ path: `consents.${path}`, exists: true })).toBeNull();
    }
  });

  test.each<[unknown, string]>([
    [null, 'condition_invalid condition'],
    ['attributes.a', 'condition_invalid condition'],
    [[test1], 'condition_invalid condition'],
    [{}, 'condition_invalid condition'],
    [{ all: [test1], any: [test1] }, 'condition_invalid condition'],
    [{ all: [] }, 'condition_invalid condition.all'],
    [{ any: test1 }, 'condition_invalid condition.any'],
    [{ not: [test1] }, 'condition_invalid condition.not'],
    [{ all: [test1, null] }, 'condition_invalid condition.all.1'],
    [{ path: 'attributes.a' }, 'condition_invalid condition'],
    [{ path: 'attributes.a', equals: 1, less: 2 }, 'condition_invalid condition'],
    [{ path: 'attributes.a', matches: '.*' }, 'condition_invalid condition'],
    [{ path: 'attributes.a', equals: 1, all: [] }, 'condition_invalid condition'],
    [{ path: 7, equals: 1 }, 'condition_invalid condition.path'],
    [{ path: 'attributes', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'attributes..a', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'profile.a', exists: true }, 'condition_invalid condition.path'],
    [{ path: `attributes${'.a'.repeat(11)}`, exists: true }, 'condition_invalid condition.path'],
    [{ path: `attributes.${'a'.repeat(101)}`, exists: true }, 'condition_invalid condition.path'],
    [{ path: 'attributes.a\u202eb', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'attributes.a\0', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'attributes.\ud800', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'consents.marketing', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'consents.marketing.emial.val', equals: 'y' }, 'condition_invalid condition.path'],
    [{ path: 'consents.marketing.email.value', equals: 'y' }, 'condition_invalid condition.path'],
    [{ path: 'consents.personalize.val', equals: 'y' }, 'condition_invalid condition.path'],
    [{ path: 'consents.metadata.val', exists: true }, 'condition_invalid condition.path'],
    [
      { path: 'consents.marketing.email.subscriptions.a.b.val', equals: 'y' },
      'condition_invalid condition.path',
    ],
    [{ path: 'consents.marketing.call.subscriptions.a', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'consents.constructor', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'consents.marketing.email', equals: 'y' }, 'condition_invalid condition.path'],
    [{ path: 'consents.marketing.email.subscriptions.val', equals: 'y' }, 'condition_invalid condition.path'],
    [{ path: 'consents.idSpecific.Email', exists: true }, 'condition_invalid condition.path'],
    [{ path: 'consents.marketing.sms.val', equals: 'yes' }, 'condition_invalid condition.equals'],
    [{ path: 'consents.marketing.sms.val', in: ['y', 'Y'] }, 'condition_invalid condition.in'],
    [{ path: 'attributes.a', equals: null }, 'condition_invalid condition.equals'],
    [{ path: 'attributes.a', equals: { a: 1 } }, 'condition_invalid condition.equals'],
    [{ path: 'attributes.a', equals: Number.POSITIVE_INFINITY }, 'condition_invalid condition.equals'],
    [{ path: 'attributes.a', equals: 'x'.repeat(256) }, 'condition_invalid condition.equals'],
    [{ path: 'attributes.a', equals: 'a\r\nb' }, 'condition_invalid condition.equals'],
    [{ path: 'attributes.a', in: [] }, 'condition_invalid condition.in'],
    [{ path: 'attributes.a', in: 'DE' }, 'condition_invalid condition.in'],
    [{ path: 'attributes.a', in: Array(101).fill(1) }, 'condition_invalid condition.in'],
    [{ path: 'attributes.a', exists: 'yes' }, 'condition_invalid condition.exists'],
    [{ path: 'attributes.a', less: true }, 'condition_invalid condition.less'],
    [nested(CONDITION_LIMITS.depth + 1), `condition_too_deep condition${'.not'.repeat(8)}`],
    [{ any: Array(64).fill(test1) }, 'condition_too_large condition.any.63'],
    [
      { any: Array(60).fill({ path: 'attributes.a', in: Array(5).fill('x'.repeat(100)) }) },
      'condition_too_large condition',
    ],
  ])('refuses %j', (condition, expected) => {
    expect(refusal(condition)).toBe(expected);
  });

  test('reads as many levels and parts as it says', () => {
    expect(refusal(nested(CONDITION_LIMITS.depth))).toBeNull();
    expect(refusal({ any: Array(CONDITION_LIMITS.nodes - 1).fill(test1) })).toBeNull();
  });

  test('answers a depth or a width beyond all reason at once', () => {
    expect(refusal(nested(5_000))).toMatch(/^condition_too_deep/);
    expect(refusal({ any: Array(1_000_000).fill(test1) })).toMatch(/^condition_too_large/);
  });

  test('X6 whatever it is given, it reads it or refuses it with a code', () => {
    const words = fc.constantFrom('all', 'any', 'not', 'path', 'equals', 'in', 'exists', '__proto__', 'x');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<unknown>(test1, 'attributes.a', 'consents.marketing.sms.val', 1, true, null),
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.dictionary(words, tie('tree'), { maxKeys: 3 }),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => void refusal(value)),
      { numRuns: 2_000 },
    );
  });
});
