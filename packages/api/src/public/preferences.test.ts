import { isNo } from '@adieu/core';
import type { PersonChoices } from '@adieu/store';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  changesOf,
  EVERYTHING,
  isStopped,
  type Preference,
  preferencesOf,
  readShown,
  turned,
  writeShown,
} from './preferences.ts';

const NOBODY: PersonChoices = {
  consents: {},
  address: {},
  complained: false,
  language: null,
  lists: [],
  strict: false,
  meanings: {},
};

/** What is on, by key. */
function on(
  choices: Partial<PersonChoices>,
  offered: Parameters<typeof preferencesOf>[1] = ['email'],
): object {
  return Object.fromEntries(
    preferencesOf({ ...NOBODY, ...choices }, offered).items.map((item) => [nameOf(item), item.on]),
  );
}

function nameOf({ key, subject }: Preference): string {
  return subject.kind === 'list' ? subject.list.name : key;
}

describe('what is shown', () => {
  test('X3: silence is on, unless the sandbox is strict', () => {
    expect(on({})).toEqual({ email: true, personalize: true });
    expect(on({ strict: true })).toEqual({ email: false, personalize: true });
  });

  test('X4: the channel’s word comes before that for everything, and a no to everything before all', () => {
    const marketing = { any: { val: 'y' }, sms: { val: 'p' }, push: { val: 'LI' } } as const;
    expect(on({ strict: true, consents: { marketing } }, ['sms', 'push'])).toMatchObject({
      email: true,
      sms: false,
      push: true,
    });
    const left = { any: { val: 'n' }, sms: { val: 'y' } } as const;
    expect(on({ consents: { marketing: left } }, ['sms'])).toMatchObject({ email: false, sms: false });
  });

  test('C5: lists that are open or that the person is or was on, and what still runs of those that nobody described', () => {
    const lists = [
      { name: 'open', title: 'Open', body: { open: true } },
      { name: 'closed', title: 'Closed', body: {} },
      { name: 'was', title: 'Was', body: {} },
    ];
    const subscriptions = {
      was: { end: '2026-01-01' },
      imported: {},
      gone: { val: 'n' },
      constructor: {},
    } as const;
    expect(on({ lists, consents: { marketing: { email: { subscriptions } } } })).toEqual({
      email: true,
      open: false,
      was: false,
      imported: true,
      constructor: true,
      personalize: true,
    });
  });

  test('the link’s own address is shown where it was refused, and only there', () => {
    expect(on({ address: { email: { val: 'n' } } })).toMatchObject({ address: false });
    expect(on({ address: { email: { val: 'y' } } })).not.toHaveProperty('address');
  });

  test('mail is stopped by a no to everything, to email or to the address', () => {
    expect(isStopped({ choices: null })).toBe(false);
    expect(isStopped({ choices: NOBODY })).toBe(false);
    for (const choices of [
      { ...NOBODY, consents: { marketing: { any: { val: 'dn' } } } } as const,
      { ...NOBODY, consents: { marketing: { email: { val: 'n' } } } } as const,
      { ...NOBODY, address: { email: { val: 'n' } } } as const,
    ]) {
      expect(isStopped({ choices })).toBe(true);
    }
  });
});

describe('what was turned', () => {
  const choices: PersonChoices = {
    ...NOBODY,
    address: { email: { val: 'n' } },
    lists: [{ name: 'weekly', title: 'Weekly', body: { open: true } }],
  };
  const { items } = preferencesOf(choices, ['email', 'sms', 'push']);
  const states = fc.array(fc.boolean(), { minLength: items.length, maxLength: items.length });

  test('only what was shown and differs is recorded, and a yes only where a box was ticked that was not', () => {
    fc.assert(
      fc.property(states, states, fc.boolean(), (before, after, leftAll) => {
        const shownItems = items.map((item, place) => ({ ...item, on: before[place] === true }));
        const shown = readShown(writeShown(leftAll, shownItems));
        if (shown === null) throw new Error('not read back');
        const ticked = new Set(items.filter((_, place) => after[place] === true).map(({ key }) => key));
        const now = turned(shown, (key) => ticked.has(key), items);
        expect(now.map(({ key }) => key)).toEqual(
          items.filter((_, place) => before[place] !== after[place]).map(({ key }) => key),
        );
        for (const item of now) expect([item.key, item.on]).toEqual([item.key, ticked.has(item.key)]);
        const yes = changesOf(shown, leftAll, now).filter(
          ({ to, channel }) => !isNo(to) && channel !== 'any',
        );
        expect(yes.length).toBe(now.filter((item) => item.on).length);
      }),
    );
  });

  test('what was not shown is not touched, and an unticked box of a later page says nothing here', () => {
    const shown = readShown('any-1.sms-1');
    expect(turned(shown ?? new Map(), () => false, items).map(({ key }) => key)).toEqual(['sms']);
  });

  test('“everything” is lifted by a tick of a channel alone, and then every other channel gets its own no', () => {
    const shown = new Map([[EVERYTHING, false]]);
    const [email, , , address, list] = items.map((item) => ({ ...item, on: true }));
    if (email === undefined || address === undefined || list === undefined) throw new Error('too few');
    expect(changesOf(shown, true, [address, list]).map(({ channel }) => channel)).not.toContain('any');
    const changes = changesOf(shown, true, [email]);
    expect(changes.filter(({ to }) => to === 'y').map(({ channel }) => channel)).toEqual(['any', 'email']);
    expect(changes.filter(({ to }) => to === 'n').map(({ channel }) => channel)).toEqual([
      'sms',
      'push',
      'whatsApp',
      'call',
      'fax',
      'postalMail',
    ]);
  });

  test.each([
    '',
    'any',
    'any-2',
    'any-1.',
    'email-1',
    'any-1.email-1.email-1',
    'any-1 email-1',
    'any-1'.repeat(9_000),
  ])('a field %.30j that we never wrote is not read', (text) => {
    expect(readShown(text)).toBeNull();
  });
});
