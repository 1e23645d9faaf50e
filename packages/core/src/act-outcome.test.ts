import { describe, expect, test } from '@jest/globals';
import type { Change } from './act.ts';
import type { ActState, Bars } from './act-outcome.ts';
import { applyAct } from './act-outcome.ts';

const AT = new Date('2026-11-24T14:25:09.316Z');
const BEFORE = '2026-11-01T00:00:00.000Z';
const AFTER = '2026-12-01T00:00:00.000Z';
const TIME = AT.toISOString();
const NO_BARS: Bars = { erased: false, complained: false, lastNo: () => null };
const NOTHING: ActState = { consents: {}, address: {} };

const email = (to: Change['to']): Change => ({ scope: 'channel', channel: 'email', to });
const address = (to: Change['to']): Change => ({ scope: 'identity', channel: 'email', to });
const list = (to: Change['to'], name = 'weekly'): Change => ({
  scope: 'subscription',
  channel: 'email',
  list: name,
  to,
});

function apply(state: ActState, changes: readonly Change[], bars: Partial<Bars> = {}) {
  return applyAct(state, changes, { at: AT, now: AT, bars: { ...NO_BARS, ...bars } });
}

function left(time = BEFORE): ActState {
  const no = { val: 'n', time } as const;
  return {
    consents: {
      personalize: { content: no },
      marketing: { any: no, email: { ...no, subscriptions: { weekly: { start: BEFORE, end: time } } } },
    },
    address: { marketing: { email: no } },
  };
}

describe('a no', () => {
  test('is written where it was meant, with its time, and leaves the rest alone', () => {
    const state: ActState = {
      consents: {
        collect: { val: 'y' },
        marketing: {
          sms: { val: 'y' },
          email: { val: 'y', reason: 'shop', subscriptions: { weekly: {}, daily: {} } },
        },
      },
      address: { marketing: { sms: { val: 'y' } }, adID: { val: 'n' } },
    };
    const changes = [email('n'), address('n'), list('n'), { ...email('n'), channel: 'personalize' } as const];
    expect(apply(state, changes)).toEqual({
      changed: changes,
      kept: [],
      state: {
        consents: {
          collect: { val: 'y' },
          personalize: { content: { val: 'n', time: TIME } },
          marketing: {
            sms: { val: 'y' },
            email: { val: 'n', time: TIME, subscriptions: { weekly: { end: TIME }, daily: {} } },
          },
        },
        address: { marketing: { sms: { val: 'y' }, email: { val: 'n', time: TIME } }, adID: { val: 'n' } },
      },
    });
  });

  test('that stands already, with a time that is no older, changes nothing, by default or said', () => {
    const state = left(TIME);
    for (const no of ['n', 'dn'] as const) {
      const outcome = apply(state, [email(no), address(no), list(no)], { erased: true, complained: true });
      expect(outcome).toEqual({ state, changed: [], kept: [] });
    }
  });

  test('said again is newer, keeps what stands beside it, and is no change', () => {
    const again = [{ ...email('n'), channel: 'any' } as const, email('dn'), address('n'), list('n')];
    for (const time of [BEFORE, AFTER, undefined]) {
      const no = { val: 'n', reason: 'erased', ...(time === undefined ? {} : { time }) } as const;
      const ended = { start: BEFORE, val: 'dn', ...(time === undefined ? {} : { time }) } as const;
      const state: ActState = {
        consents: { marketing: { any: no, email: { ...no, subscriptions: { weekly: ended } } } },
        address: { marketing: { email: no } },
      };
      const newer = { ...no, time: TIME };
      expect(apply(state, again, { erased: true })).toEqual({
        state: {
          consents: {
            marketing: {
              any: newer,
              email: { ...newer, subscriptions: { weekly: { ...ended, end: TIME } } },
            },
          },
          address: { marketing: { email: newer } },
        },
        changed: [],
        kept: [],
      });
    }
  });

  test('older than a yes counts all the same', () => {
    const state: ActState = { consents: { marketing: { email: { val: 'y', time: AFTER } } }, address: {} };
    expect(apply(state, [email('n')]).changed).toHaveLength(1);
  });
});

describe('a yes', () => {
  const everything = [
    { ...email('y'), channel: 'any' } as const,
    email('y'),
    address('y'),
    list('y'),
    { ...email('y'), channel: 'personalize' } as const,
  ];

  test('lifts the older no of each scope that it names', () => {
    const { state, kept } = apply(left(), everything);
    const yes = { val: 'y', time: TIME };
    expect(kept).toEqual([]);
    expect(state).toEqual({
      consents: {
        personalize: { content: yes },
        marketing: { any: yes, email: { ...yes, subscriptions: { weekly: { start: TIME } } } },
      },
      address: { marketing: { email: yes } },
    });
  });

  test.each(everything)('of scope $scope about $channel lifts no no of another scope', (change) => {
    const { state } = apply(left(), [change]);
    const noes = (JSON.stringify(state).match(/"n"|"end"/g) ?? []).length;
    expect(noes).toBe(everything.length - 1);
  });

  test('lifts neither a newer no nor one of the same moment', () => {
    for (const time of [AFTER, TIME]) {
      const outcome = apply(left(time), everything);
      expect(outcome.kept).toEqual(everything.map((change) => ({ ...change, why: 'newer' })));
      expect(outcome).toMatchObject({ state: left(time), changed: [] });
    }
  });

  test('is kept out by a no that was said again after the row of its first time', () => {
    const lastNo = () => ({ source: 'header_post', at: new Date(BEFORE) }) as const;
    expect(apply(left(TIME), everything, { lastNo }).kept).toHaveLength(everything.length);
  });

  test('is not kept out by a time to come that an import wrote', () => {
    const lastNo = () => ({ source: 'import', at: new Date(BEFORE) }) as const;
    expect(apply(left(AFTER), everything, { lastNo }).kept).toEqual([]);
  });

  test('lifts a no without any time', () => {
    const state: ActState = { consents: { marketing: { email: { val: 'dn' } } }, address: {} };
    expect(apply(state, [email('y')]).changed).toEqual([email('y')]);
  });

  test('lifts no complaint: not one that was recorded, nor one that the suppression list knows', () => {
    const lastNo = () => ({ source: 'complaint', at: new Date(BEFORE) }) as const;
    expect(apply(left(), everything, { lastNo }).kept.map(({ why }) => why)).toEqual(
      everything.map(() => 'complaint'),
    );
    // A complaint about mail says nothing about other channels, nor about what mail may hold.
    expect(apply(left(), everything, { complained: true }).kept).toEqual(
      [email('y'), address('y'), list('y')].map((change) => ({ ...change, why: 'complaint' })),
    );
  });

  test('lifts nothing of who was erased', () => {
    expect(apply(left(), everything, { erased: true }).kept.map(({ why }) => why)).toEqual(
      everything.map(() => 'erasure'),
    );
  });

  test('where nobody said no is written, whatever bars there are', () => {
    const bars = { complained: true, lastNo: () => ({ source: 'complaint', at: AT }) as const };
    expect(apply(NOTHING, everything, bars).changed).toEqual(everything);
  });
});

test('a word that is neither yes nor no lifts no more than a yes does', () => {
  const lastNo = () => ({ source: 'complaint', at: new Date(BEFORE) }) as const;
  expect(apply(left(), [email('p')], { lastNo }).kept).toEqual([{ ...email('p'), why: 'complaint' }]);
  const { state } = apply(left(), [email('p'), list('p')]);
  expect(state.consents.marketing?.email).toEqual({
    val: 'p',
    time: TIME,
    subscriptions: { weekly: { start: TIME, val: 'p', time: TIME } },
  });
});

test.each(['constructor', '__proto__', 'toString'])('a list may be called %s', (name) => {
  const joined = apply(NOTHING, [list('y', name)]);
  expect(Object.hasOwn(joined.state.consents.marketing?.email?.subscriptions ?? {}, name)).toBe(true);
  expect(apply(joined.state, [list('n', name)]).changed).toHaveLength(1);
  expect(apply(joined.state, [list('y', name)]).changed).toHaveLength(0);
});

test('changes count in their order, and nothing that is given is changed', () => {
  const state = left();
  expect(apply(state, [email('y'), email('n'), email('y')]).changed).toEqual([email('y'), email('n')]);
  expect(state).toEqual(left());
});
