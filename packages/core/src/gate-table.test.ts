/**
 * The whole table of the gate: everything a person, a list, a sandbox and its policies can say at once, against an oracle
 * that was written from the product's words and shares nothing with the gate.
 *
 * @module
 */
import { expect, test } from '@jest/globals';
import type { Condition } from './condition.ts';
import type { Consents, ConsentValue, Subscription, ValueMeanings } from './consent.ts';
import { UNLISTED } from './delivery-list.ts';
import { decide, evaluate, type GateMessage, type Standing } from './gate.ts';
import type { Policy } from './policy.ts';
import { goes, type PolicyInWords, type Situation } from './testing/gate-oracle.ts';

/** Every way to say something: not at all, yes, no, no by default, not yet, unknown, and one that rests on something else. */
const SAID = ['empty', 'y', 'n', 'dn', 'p', 'u', 'LI'] as const;
type Said = (typeof SAID)[number];
const LISTS = [
  'no list',
  'never subscribed',
  'ended',
  'subscribed empty',
  'subscribed y',
  'subscribed p',
  'subscribed n',
  'subscribed dn',
] as const;

/** What a sandbox may say of values; nothing it could say of a no is even asked. */
const MEANINGS: readonly ValueMeanings[] = [
  {},
  { p: 'allow', LI: 'stop', dy: 'stop' },
  { y: 'stop', p: 'stop', n: 'allow', dn: 'allow', u: 'allow' },
];

const HOLDS: Condition = { path: 'attributes.country', equals: 'DE' };
const FAILS: Condition = { not: HOLDS };
const UNTOLD: Condition = { not: { path: 'attributes.age', less: 18 } };

interface Setting {
  readonly condition: Condition;
  readonly enabled?: boolean;
  readonly marketingActions?: readonly string[];
}

/** None, and every way in which one or several bind or do not bind. */
const POLICIES: readonly (readonly Setting[])[] = [
  [],
  [{ condition: HOLDS }],
  [{ condition: FAILS }],
  [{ condition: UNTOLD }],
  [{ condition: FAILS, enabled: false }],
  [{ condition: FAILS, marketingActions: ['upsell'] }],
  [{ condition: HOLDS }, { condition: FAILS }],
];

interface Case {
  readonly situation: Situation;
  readonly message: GateMessage;
  readonly standing: Standing;
}

function* everyCase(): Generator<Case> {
  for (const emailType of ['marketing', 'transactional'] as const)
    for (const any of SAID)
      for (const channel of SAID)
        for (const address of SAID)
          for (const list of LISTS)
            for (const strict of [false, true])
              for (const meanings of MEANINGS)
                for (const settings of POLICIES) {
                  const words = { any, channel, address, list, strict };
                  yield caseOf(words, { emailType, meanings, settings });
                }
}

interface Rest {
  readonly emailType: GateMessage['emailType'];
  readonly meanings: ValueMeanings;
  readonly settings: readonly Setting[];
}

type Words = Pick<Situation, 'list' | 'strict'> & Readonly<Record<'any' | 'channel' | 'address', Said>>;

function caseOf(words: Words, { emailType, meanings, settings }: Rest): Case {
  const meaning = (wanted: string) =>
    Object.keys(meanings).filter((value) => meanings[value as ConsentValue] === wanted);
  return {
    situation: {
      ...words,
      owed: emailType === 'transactional',
      goes: meaning('allow'),
      stops: meaning('stop'),
      policies: settings.map(inWords),
    },
    message: {
      emailType,
      list: words.list === 'no list' ? null : 'weekly',
      marketingActions: emailType === 'marketing' ? ['newsletter', 'winback'] : [],
      sendAfterComplaint: false,
    },
    standing: {
      profile: consentsOf(words),
      attributes: { country: 'DE' },
      address: words.address === 'empty' ? {} : { email: { val: words.address } },
      listings: UNLISTED,
      defaults: { strict: words.strict, meanings, allowedList: 'off', policies: settings.map(policyOf) },
    },
  };
}

function consentsOf({ any, channel, list }: Words): Consents {
  const subscription = subscriptionOf(list);
  return {
    marketing: {
      ...(any === 'empty' ? {} : { any: { val: any } }),
      email: {
        ...(channel === 'empty' ? {} : { val: channel }),
        subscriptions: { other: { val: 'n' }, ...(subscription === null ? {} : { weekly: subscription }) },
      },
    },
  };
}

function subscriptionOf(list: Situation['list']): Subscription | null {
  if (list === 'no list' || list === 'never subscribed') return null;
  if (list === 'ended') return { val: 'y', end: '2026-01-01T00:00:00Z' };
  const value = list.slice('subscribed '.length);
  return value === 'empty' ? {} : { val: value as ConsentValue };
}

function policyOf(setting: Setting, index: number): Policy {
  return { id: `policy-${index}`, enabled: true, marketingActions: ['newsletter'], ...setting };
}

function inWords({ condition, enabled = true, marketingActions = ['newsletter'] }: Setting): PolicyInWords {
  return { enabled, sharesAnAction: marketingActions.includes('newsletter'), holds: condition === HOLDS };
}

test('X2 X3 X4 X6 X9 any, channel, identity, subscription, default, policy and email type decide together as the product says', () => {
  const wrong: object[] = [];
  const counts = { sent: 0, stopped: 0, byPolicy: 0 };
  for (const { situation, message, standing } of everyCase()) {
    const decision = decide(message, standing);
    const right = (decision.kind === 'send') === goes(situation);
    const coded = decision.kind === 'send' || decision.code === '050101';
    if ((!right || !coded) && wrong.length < 10) wrong.push({ situation, decision });
    if (decision.kind === 'send') counts.sent += 1;
    else counts.stopped += 1;
    if (decision.kind === 'exclude' && decision.rule.startsWith('policy:')) counts.byPolicy += 1;
    // What explain tells first is what was decided; of every seventh, since it is slower.
    if ((counts.sent + counts.stopped) % 7 > 0) continue;
    const stop = evaluate(message, standing).find(({ verdict }) => verdict === 'stop')?.rule ?? null;
    const rule = decision.kind === 'exclude' ? decision.rule : null;
    if (rule !== stop && wrong.length < 10) wrong.push({ situation, rule, stop });
  }
  expect(wrong).toEqual([]);
  const cases = 2 * SAID.length ** 3 * LISTS.length * 2 * MEANINGS.length * POLICIES.length;
  expect([cases, counts.sent + counts.stopped]).toEqual([230_496, cases]);
  expect(Math.min(counts.sent, counts.stopped, counts.byPolicy)).toBeGreaterThan(3_000);
});
