import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { AddressConsents, Consents, ConsentValue, Subscription } from './consent.ts';
import { CONSENT_VALUES } from './consent.ts';
import type { AllowedList, Listings } from './delivery-list.ts';
import { SUPPRESSION_REASONS, UNLISTED } from './delivery-list.ts';
import type { GateMessage, SandboxRules, Standing } from './gate.ts';
import { decide, evaluate, gateMessage } from './gate.ts';

const MARKETING = { emailType: 'marketing', marketingActions: [] } as const;
const TRANSACTIONAL = { emailType: 'transactional', marketingActions: [] } as const;

type Said = ConsentValue | 'empty';

interface Case {
  readonly any: Said;
  readonly channel: Said;
  readonly address: Said;
  readonly list: 'no list' | 'not on it' | 'running' | 'ended' | 'refused' | 'waiting';
  readonly strict: boolean;
  readonly pendingAllows: boolean;
}

const SAID: readonly Said[] = ['empty', ...CONSENT_VALUES];
const LISTS = ['no list', 'not on it', 'running', 'ended', 'refused', 'waiting'] as const;

const SUBSCRIPTIONS: Readonly<Record<Case['list'], Subscription | null>> = {
  'no list': null,
  'not on it': null,
  running: {},
  ended: { end: '2026-01-01T00:00:00Z' },
  refused: { val: 'n' },
  waiting: { val: 'p' },
};

function field(said: Said): { val: ConsentValue } | undefined {
  return said === 'empty' ? undefined : { val: said };
}

function standing(each: Case): Standing {
  const any = field(each.any);
  const channel = field(each.channel);
  const address = field(each.address);
  const subscription = SUBSCRIPTIONS[each.list];
  const email = {
    ...channel,
    subscriptions: { other: {}, ...(subscription === null ? {} : { weekly: subscription }) },
  };
  const profile: Consents = { marketing: { email, ...(any === undefined ? {} : { any }) } };
  const own: AddressConsents = address === undefined ? {} : { email: address };
  const { strict, pendingAllows } = each;
  return {
    profile,
    attributes: {},
    address: own,
    listings: UNLISTED,
    defaults: { strict, meanings: pendingAllows ? { p: 'allow' } : {}, allowedList: 'off', policies: [] },
  };
}

function message(each: Case): GateMessage {
  return gateMessage(MARKETING, each.list === 'no list' ? null : 'weekly');
}

const RELAXED: SandboxRules = { strict: false, meanings: {}, allowedList: 'off', policies: [] };

/** X4 in other words: conditions for sending instead of reasons for stopping. */
function maySend(each: Case): boolean {
  const levels = [each.address, each.channel, each.any];
  const noNo = !levels.some((said) => ['n', 'dn'].includes(said));
  const listFine =
    each.list === 'no list' || each.list === 'running' || (each.list === 'waiting' && each.pendingAllows);
  const words = levels.filter((said) => !['empty', 'u'].includes(said));
  let wanted = !each.strict;
  if (words.length > 0) wanted = words[0] !== 'p' || each.pendingAllows;
  return noNo && listFine && wanted;
}

function* everyCase(): Generator<Case> {
  for (const any of SAID)
    for (const channel of SAID)
      for (const address of SAID)
        for (const list of LISTS)
          for (const strict of [false, true])
            for (const pendingAllows of [false, true])
              yield { any, channel, address, list, strict, pendingAllows };
}

describe('X4 the whole table', () => {
  test('X2 X3 X4 every combination of values, list and defaults is decided as the rule says', () => {
    let sent = 0;
    let stopped = 0;
    const wrong: Case[] = [];
    for (const each of everyCase()) {
      const decision = decide(message(each), standing(each));
      if ((decision.kind === 'send') !== maySend(each)) wrong.push(each);
      if (decision.kind === 'exclude' && decision.code !== '050101') wrong.push(each);
      if (decision.kind === 'send') sent += 1;
      else stopped += 1;
    }
    expect(wrong).toEqual([]);
    expect(sent + stopped).toBe(12 * 12 * 12 * 6 * 4);
    expect(Math.min(sent, stopped)).toBeGreaterThan(1000);
  });

  test('X9 explain walks the same rules: its first stop is the decision, and without a stop the message is sent', () => {
    for (const each of everyCase()) {
      const rules = evaluate(message(each), standing(each));
      const stop = rules.find((rule) => rule.verdict === 'stop');
      const decision = decide(message(each), standing(each));
      expect(decision.kind === 'exclude' ? decision.rule : null).toBe(stop?.rule ?? null);
    }
  });
});

const ALLOW: Case = {
  any: 'y',
  channel: 'y',
  address: 'y',
  list: 'no list',
  strict: false,
  pendingAllows: false,
};

function ruleThatStops(part: Partial<Case>): string | null {
  const each = { ...ALLOW, ...part };
  const decision = decide(message(each), standing(each));
  return decision.kind === 'exclude' ? decision.rule : null;
}

describe('rule by rule', () => {
  test('X4 nothing lifts a no at any level', () => {
    for (const no of ['n', 'dn'] as const) {
      expect(ruleThatStops({ any: no, pendingAllows: true })).toBe('marketing.any');
      expect(ruleThatStops({ channel: no })).toBe('marketing.email');
      expect(ruleThatStops({ address: no })).toBe('idSpecific.email');
    }
    expect(ruleThatStops({ list: 'refused' })).toBe('subscription');
    expect(ruleThatStops({ list: 'ended' })).toBe('subscription');
  });

  test('X4 a list message needs a subscription that is not ended', () => {
    expect(ruleThatStops({ list: 'not on it' })).toBe('subscription');
    expect(ruleThatStops({ list: 'running' })).toBeNull();
    expect(ruleThatStops({ list: 'no list' })).toBeNull();
  });

  test('X4 the most specific word decides', () => {
    expect(ruleThatStops({ address: 'p', channel: 'y', any: 'y' })).toBe('stated');
    expect(ruleThatStops({ address: 'y', channel: 'p', any: 'p' })).toBeNull();
    expect(ruleThatStops({ address: 'u', channel: 'p', any: 'y' })).toBe('stated');
    expect(ruleThatStops({ address: 'empty', channel: 'u', any: 'p' })).toBe('stated');
    expect(ruleThatStops({ address: 'empty', channel: 'u', any: 'LI', strict: true })).toBeNull();
  });

  test('X2 p waits unless the sandbox says otherwise, and everything else that is stated allows', () => {
    expect(ruleThatStops({ address: 'p' })).toBe('stated');
    expect(ruleThatStops({ address: 'p', pendingAllows: true })).toBeNull();
    for (const value of ['y', 'dy', 'LI', 'CT', 'CP', 'VI', 'PI'] as const) {
      expect(ruleThatStops({ address: value, channel: 'empty', any: 'empty', strict: true })).toBeNull();
    }
  });

  test('X3 nothing said is consent, unless the sandbox is strict', () => {
    for (const said of ['empty', 'u'] as const) {
      const silent = { address: said, channel: said, any: said };
      expect(ruleThatStops(silent)).toBeNull();
      expect(ruleThatStops({ ...silent, strict: true })).toBe('sandbox_default');
    }
    expect(
      decide(gateMessage(MARKETING, null), {
        profile: {},
        attributes: {},
        address: {},
        listings: UNLISTED,
        defaults: RELAXED,
      }),
    ).toEqual({ kind: 'send' });
  });

  test('X4 transactional mail skips consent, whatever was said', () => {
    for (const each of everyCase()) {
      const owed: GateMessage = { ...message(each), emailType: 'transactional' };
      expect(decide(owed, standing(each))).toEqual({ kind: 'send' });
    }
    const owed = gateMessage(TRANSACTIONAL, 'weekly');
    const rules = evaluate(owed, standing({ ...ALLOW, any: 'n', list: 'ended' }));
    expect(rules.filter((rule) => rule.verdict !== 'skip')).toEqual([
      { rule: 'email_type', value: 'transactional', verdict: 'allow' },
    ]);
  });
});

test('X9 explain names every rule with the value it saw', () => {
  const each: Case = {
    any: 'u',
    channel: 'dy',
    address: 'empty',
    list: 'running',
    strict: true,
    pendingAllows: false,
  };
  expect(evaluate(message(each), standing(each))).toEqual([
    { rule: 'suppressed_address', value: 'no', verdict: 'skip' },
    { rule: 'suppressed_domain', value: 'no', verdict: 'skip' },
    { rule: 'allowed_address', value: 'off', verdict: 'skip' },
    { rule: 'allowed_domain', value: 'off', verdict: 'skip' },
    { rule: 'email_type', value: 'marketing', verdict: 'skip' },
    { rule: 'marketing.any', value: 'u', verdict: 'skip' },
    { rule: 'marketing.email', value: 'dy', verdict: 'skip' },
    { rule: 'idSpecific.email', value: 'empty', verdict: 'skip' },
    { rule: 'subscription', value: 'weekly: running', verdict: 'allow' },
    { rule: 'stated', value: 'dy', verdict: 'allow' },
    { rule: 'sandbox_default', value: 'strict', verdict: 'skip' },
  ]);
});

test('X9 explain tells a no once, where it was said', () => {
  const each: Case = {
    any: 'y',
    channel: 'n',
    address: 'u',
    list: 'no list',
    strict: true,
    pendingAllows: false,
  };
  const verdicts = evaluate(message(each), standing(each)).map((rule) => [rule.rule, rule.verdict]);
  expect(verdicts.filter(([, verdict]) => verdict === 'stop')).toEqual([['marketing.email', 'stop']]);
  expect(verdicts.filter(([, verdict]) => verdict === 'allow')).toEqual([]);
});

test('a list whose name every object knows is a list like any other', () => {
  const profile: Consents = { marketing: { email: { val: 'y', subscriptions: {} } } };
  const each = { profile, attributes: {}, address: {}, listings: UNLISTED, defaults: RELAXED };
  fc.assert(
    fc.property(
      fc.constantFrom('constructor', 'toString', '__proto__', 'hasOwnProperty', 'valueOf'),
      (list) => {
        expect(decide(gateMessage(MARKETING, list), each)).toMatchObject({
          kind: 'exclude',
          rule: 'subscription',
        });
      },
    ),
  );
});

/** What the lists decide for somebody who said yes, or for owed mail: the code, or null when it is sent. */
function listed(
  listings: Partial<Listings>,
  allowedList: AllowedList = 'off',
  message: GateMessage = gateMessage(MARKETING, null),
): string | null {
  const decision = decide(message, {
    ...standing(ALLOW),
    listings: { ...UNLISTED, ...listings },
    defaults: { ...RELAXED, allowedList },
  });
  return decision.kind === 'send' ? null : decision.code;
}

const OWED = gateMessage(TRANSACTIONAL, null);
const OWED_AFTER_COMPLAINT = gateMessage({ ...TRANSACTIONAL, sendAfterComplaint: true }, null);

describe('the lists', () => {
  test('X10 X12 a suppressed address or domain gets nothing, whatever the reason, and owed mail neither', () => {
    for (const message of [gateMessage(MARKETING, null), OWED]) {
      for (const suppressed of SUPPRESSION_REASONS) {
        expect(listed({ suppressed }, 'off', message)).toBe('050102');
      }
      expect(listed({ domainSuppressed: true }, 'off', message)).toBe('050105');
    }
  });

  test('X10 owed mail passes over a complaint where its configuration says so, and over nothing else', () => {
    expect(listed({ suppressed: 'complaint' }, 'off', OWED_AFTER_COMPLAINT)).toBeNull();
    for (const suppressed of ['manual', 'hard', 'soft'] as const) {
      expect(listed({ suppressed }, 'off', OWED_AFTER_COMPLAINT)).toBe('050102');
    }
    const both = { suppressed: 'complaint', domainSuppressed: true } as const;
    expect(listed(both, 'off', OWED_AFTER_COMPLAINT)).toBe('050105');
    expect(listed({ suppressed: 'complaint' }, 'on', OWED_AFTER_COMPLAINT)).toBe('050103');
    // Marketing never, even if a configuration had got there.
    const marketing = { ...OWED_AFTER_COMPLAINT, emailType: 'marketing' } as const;
    expect(listed({ suppressed: 'complaint' }, 'off', marketing)).toBe('050102');
  });

  test('X11 X12 while the allowed list is active only who is on it gets mail, owed or not', () => {
    for (const message of [gateMessage(MARKETING, null), OWED]) {
      expect(listed({ allowed: false }, 'on', message)).toBe('050103');
      expect(listed({ allowed: false }, 'domains', message)).toBe('050106');
      expect(listed({ allowed: true }, 'on', message)).toBeNull();
      expect(listed({ allowed: true }, 'domains', message)).toBeNull();
      expect(listed({ allowed: false }, 'off', message)).toBeNull();
    }
  });

  test('X11 suppressed beats allowed', () => {
    expect(listed({ suppressed: 'manual', allowed: true }, 'on')).toBe('050102');
    expect(listed({ domainSuppressed: true, allowed: true }, 'domains', OWED)).toBe('050105');
  });

  test('X11 being on the allowed list lifts no no', () => {
    const said = { ...standing({ ...ALLOW, channel: 'n' }), listings: { ...UNLISTED, allowed: true } };
    const rules = { ...RELAXED, allowedList: 'on' } as const;
    expect(decide(gateMessage(MARKETING, null), { ...said, defaults: rules })).toMatchObject({
      kind: 'exclude',
      code: '050101',
    });
  });

  test('X9 explain tells the lists first, and its first stop is the decision', () => {
    for (const suppressed of [null, ...SUPPRESSION_REASONS])
      for (const domainSuppressed of [false, true])
        for (const allowed of [false, true])
          for (const allowedList of ['off', 'on', 'domains'] as const)
            for (const message of [gateMessage(MARKETING, null), OWED, OWED_AFTER_COMPLAINT]) {
              const each: Standing = {
                ...standing(ALLOW),
                listings: { suppressed, domainSuppressed, allowed },
                defaults: { ...RELAXED, allowedList },
              };
              const stop = evaluate(message, each).find((rule) => rule.verdict === 'stop');
              const decision = decide(message, each);
              expect(decision.kind === 'exclude' ? decision.rule : null).toBe(stop?.rule ?? null);
            }
    const complained: Standing = {
      ...standing(ALLOW),
      listings: { suppressed: 'complaint', domainSuppressed: false, allowed: true },
      defaults: { ...RELAXED, allowedList: 'domains' },
    };
    expect(evaluate(OWED_AFTER_COMPLAINT, complained).slice(0, 5)).toEqual([
      { rule: 'suppressed_address', value: 'complaint', verdict: 'allow' },
      { rule: 'suppressed_domain', value: 'no', verdict: 'skip' },
      { rule: 'allowed_address', value: 'listed', verdict: 'skip' },
      { rule: 'allowed_domain', value: 'listed', verdict: 'allow' },
      { rule: 'email_type', value: 'transactional', verdict: 'allow' },
    ]);
  });
});
