import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Consents, ConsentValue } from './consent.ts';
import { CONSENT_VALUES, isEnded, isNo } from './consent.ts';
import { mergeImport } from './consent-import.ts';
import { UNLISTED } from './delivery-list.ts';
import { decide, gateMessage } from './gate.ts';
import { addressConsents } from './identity-consents.ts';

const MARKETING = { emailType: 'marketing', marketingActions: [] } as const;
const others = CONSENT_VALUES.filter((value) => !isNo(value));

describe('X7 an import', () => {
  test('never turns a no into anything else, at any level', () => {
    for (const no of ['n', 'dn'] as const) {
      for (const val of others) {
        const current: Consents = {
          marketing: { any: { val: no }, email: { val: no, time: '2026-01-01' }, call: { val: no } },
          idSpecific: { Email: { 'john@example.com': { marketing: { email: { val: no } } } } },
          collect: { val: no },
          personalize: { content: { val: no } },
        };
        const incoming: Consents = {
          marketing: { any: { val }, email: { val, time: '2026-09-09' }, call: { val } },
          idSpecific: { EMAIL: { 'John@Example.com': { marketing: { email: { val } } } } },
          collect: { val },
          personalize: { content: { val } },
        };
        const { consents, kept } = mergeImport(current, incoming);
        expect(consents).toEqual(current);
        expect([...kept].sort()).toEqual([
          'collect',
          'idSpecific.Email.john@example.com.marketing.email',
          'marketing.any',
          'marketing.call',
          'marketing.email',
          'personalize.content',
        ]);
      }
    }
  });

  test('never reopens a list that was left', () => {
    const ended = { start: '2025-01-01', end: '2026-01-01' };
    const current: Consents = {
      marketing: { email: { subscriptions: { weekly: ended, daily: { val: 'n' }, new: {} } } },
    };
    const incoming: Consents = {
      marketing: {
        email: {
          subscriptions: {
            weekly: { start: '2026-06-01' },
            daily: { val: 'y' },
            new: { start: '2026-06-01' },
          },
        },
      },
    };
    const { consents, kept } = mergeImport(current, incoming);
    expect(consents.marketing?.email?.subscriptions).toEqual({
      weekly: ended,
      daily: { val: 'n' },
      new: { start: '2026-06-01' },
    });
    expect(kept).toEqual(['marketing.email.subscriptions.weekly', 'marketing.email.subscriptions.daily']);
  });

  test('may bring a no, end a list, and bring what nobody had said', () => {
    const { consents, kept } = mergeImport(
      {
        marketing: { email: { val: 'y', subscriptions: { weekly: { start: '2025-01-01' } } } },
        metadata: { time: '2025-01-01' },
      },
      {
        marketing: {
          any: { val: 'LI' },
          email: {
            val: 'n',
            reason: 'wrote to us',
            subscriptions: { weekly: { end: '2026-01-01' }, daily: {} },
          },
        },
        idSpecific: { Email: { 'john@example.com': { marketing: { email: { val: 'y' } } } } },
        metadata: { time: '2026-01-01' },
      },
    );
    expect(kept).toEqual([]);
    expect(consents).toEqual({
      marketing: {
        any: { val: 'LI' },
        email: {
          val: 'n',
          reason: 'wrote to us',
          subscriptions: { weekly: { start: '2025-01-01', end: '2026-01-01' }, daily: {} },
        },
      },
      idSpecific: { Email: { 'john@example.com': { marketing: { email: { val: 'y' } } } } },
      metadata: { time: '2026-01-01' },
    });
  });

  test('keeps what it does not name, and a no that comes again is no conflict', () => {
    const current: Consents = {
      marketing: { email: { val: 'n', time: '2026-01-01' }, sms: { val: 'y' }, preferred: { val: 'sms' } },
      idSpecific: { CRMID: { 7: { marketing: { push: { val: 'n' } } } } },
    };
    expect(mergeImport(current, {})).toEqual({ consents: current, kept: [] });
    expect(mergeImport({}, current)).toEqual({ consents: current, kept: [] });
    expect(mergeImport(current, current)).toEqual({ consents: current, kept: [] });
    expect(
      mergeImport(current, { marketing: { email: { val: 'dn' }, preferred: { val: 'email' } } }),
    ).toEqual({
      consents: { ...current, marketing: { ...current.marketing, preferred: { val: 'email' } } },
      kept: [],
    });
  });

  test('makes a no newer that was said again, and never older', () => {
    const no = (time: string): Consents => ({
      marketing: {
        email: {
          val: 'n',
          time,
          subscriptions: { weekly: { start: '2025-01-01', end: time }, daily: { val: 'dn', time } },
        },
      },
      idSpecific: { Email: { 'john@example.com': { marketing: { email: { val: 'n', time } } } } },
    });
    const now = new Date('2026-06-01');
    const newer = mergeImport(no('2026-01-01'), no('2026-05-05'), now);
    expect(newer.kept).toEqual([]);
    expect(newer.consents.marketing?.email).toEqual({
      val: 'n',
      time: '2026-05-05',
      subscriptions: {
        weekly: { start: '2025-01-01', end: '2026-05-05' },
        daily: { val: 'dn', time: '2026-01-01', end: '2026-05-05' },
      },
    });
    expect(newer.consents.idSpecific).toEqual(no('2026-05-05').idSpecific);
    // Neither an older time, nor one to come, nor none.
    for (const time of ['2025-12-31', '2026-07-01']) {
      expect(mergeImport(no('2026-01-01'), no(time), now).consents).toEqual(no('2026-01-01'));
    }
    const timeless: Consents = {
      marketing: { email: { val: 'n', subscriptions: { weekly: { val: 'n' } } } },
    };
    expect(mergeImport(no('2026-01-01'), timeless, now).consents).toEqual(no('2026-01-01'));
    // One that was to come when it was written says nothing about when it was said.
    const { consents } = mergeImport(no('2027-01-01'), no('2026-05-05'), now);
    expect(consents.marketing?.email?.time).toBe('2026-05-05');
  });

  test('X5 finds the same identity under another spelling of its namespace', () => {
    const { consents } = mergeImport(
      { idSpecific: { Loyalty: { A: { marketing: { push: { val: 'n' } } } } } },
      { idSpecific: { LOYALTY: { A: { marketing: { push: { val: 'y' } } } } } },
    );
    expect(consents.idSpecific).toEqual({ Loyalty: { A: { marketing: { push: { val: 'n' } } } } });
  });
});

const field = fc
  .constantFrom<ConsentValue | undefined>(undefined, ...CONSENT_VALUES)
  .map((val) => (val === undefined ? {} : { val }));
const subscription = fc.constantFrom(
  {},
  { start: '2026-01-01' },
  { end: '2026-01-01' },
  { val: 'n' as const },
  { val: 'y' as const },
);
const anyConsents: fc.Arbitrary<Consents> = fc
  .record({
    any: field,
    email: field,
    subscriptions: fc.dictionary(fc.constantFrom('weekly', 'daily'), subscription),
    namespace: fc.constantFrom('Email', 'EMAIL', 'email'),
    address: fc.constantFrom('john@example.com', 'John@EXAMPLE.com', 'jane@example.com'),
    own: field,
  })
  .map(({ any, email, subscriptions, namespace, address, own }) => ({
    marketing: { ...('val' in any ? { any } : {}), email: { ...email, subscriptions } },
    idSpecific: { [namespace]: { [address]: { marketing: 'val' in own ? { email: own } : {} } } },
  })) as fc.Arbitrary<Consents>;

describe('X7 properties', () => {
  const defaults = { strict: false, meanings: {}, allowedList: 'off', policies: [] } as const;
  const standing = (profile: Consents, id: string) => ({
    profile,
    attributes: {},
    address: addressConsents(profile.idSpecific, 'Email', id),
    listings: UNLISTED,
    defaults,
  });

  test('a message that a no stopped before an import is stopped after it', () => {
    let stopped = 0;
    fc.assert(
      fc.property(anyConsents, anyConsents, fc.constantFrom('weekly', null), (current, incoming, list) => {
        const before = standing(current, 'john@example.com');
        const said = [before.address.email, current.marketing?.email, current.marketing?.any];
        const left = list === null ? undefined : current.marketing?.email?.subscriptions?.[list];
        if (!said.some((each) => isNo(each?.val)) && (left === undefined || !isEnded(left))) return;
        stopped += 1;
        const { consents } = mergeImport(current, incoming);
        expect(decide(gateMessage(MARKETING, list), standing(consents, 'john@example.com')).kind).toBe(
          'exclude',
        );
      }),
      { numRuns: 500 },
    );
    expect(stopped).toBeGreaterThan(100);
  });

  test('a no that an import brings stops', () => {
    let brought = 0;
    fc.assert(
      fc.property(anyConsents, anyConsents, (current, incoming) => {
        const said = [
          addressConsents(incoming.idSpecific, 'Email', 'john@example.com').email,
          incoming.marketing?.email,
          incoming.marketing?.any,
        ];
        if (!said.some((each) => isNo(each?.val))) return;
        brought += 1;
        const { consents } = mergeImport(current, incoming);
        expect(decide(gateMessage(MARKETING, null), standing(consents, 'john@example.com')).kind).toBe(
          'exclude',
        );
      }),
      { numRuns: 500 },
    );
    expect(brought).toBeGreaterThan(100);
  });

  test('importing the same twice changes nothing more, and neither side is changed', () => {
    fc.assert(
      fc.property(anyConsents, anyConsents, (current, incoming) => {
        const copies = JSON.stringify([current, incoming]);
        const once = mergeImport(current, incoming).consents;
        expect(mergeImport(once, incoming).consents).toEqual(once);
        expect(JSON.stringify([current, incoming])).toBe(copies);
      }),
    );
  });
});
