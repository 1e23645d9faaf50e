import { randomUUID } from 'node:crypto';
import type { Act, Change, OptOutSubject } from '@adieu/core';
import { SILENT } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { consentHistory } from './consent-history.ts';
import { putEntries } from './delivery-list.ts';
import { commitIntent } from './intent.ts';
import type { OptOutRecorder } from './opt-out-recorder.ts';
import { openOptOutRecorder } from './opt-out-recorder.ts';
import { settle } from './outcome.ts';
import type { StoredProfile } from './profile.ts';
import { findProfile, profileConsents } from './profile.ts';
import { importProfiles } from './profile-import.ts';
import type { Scope } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  SCRATCH,
} from './testing/scratch-tenant.ts';

const MINUTE = 60_000;
const START = Date.now();

let scratch: ScratchDatabase;
let scope: Scope;
let recorder: OptOutRecorder;

beforeAll(async () => {
  scratch = await openScratchDatabase();
  recorder = openOptOutRecorder(scratch.database, { log: SILENT, patienceSeconds: 60 });
});
afterAll(async () => {
  await recorder.close();
  await scratch.close();
});
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importProfiles(scratch.db, scope, [
    {
      line: 1,
      identities: { CRMID: '1', Email: 'One@example.com' },
      attributes: { big: 12_345, deep: { a: [1] } },
    },
    { line: 2, identities: { CRMID: '2', Email: 'two@example.com' } },
  ]);
});

const email = (to: Change['to']): Change => ({ scope: 'channel', channel: 'email', to });
const address = (to: Change['to']): Change => ({ scope: 'identity', channel: 'email', to });
const list = (to: Change['to'], name: string = SCRATCH.list): Change => ({
  ...address(to),
  scope: 'subscription',
  list: name,
});

/** `minute` after the start of the test. */
function act(changes: readonly Change[], minute = 1, differing: Partial<Act> = {}): Act {
  return {
    organisation: scope.organisation,
    sandbox: scope.sandbox,
    who: subject('1', 'one@example.com'),
    changes,
    source: 'preference_centre',
    at: new Date(START + minute * MINUTE),
    ...differing,
  };
}

function subject(id: string, mailed: string): OptOutSubject {
  return { by: 'identity', namespace: 'CRMID', id, addressNamespace: 'Email', address: mailed };
}

async function profileOf(id: string): Promise<StoredProfile> {
  const found = await findProfile(scratch.db, scope, 'CRMID', id);
  if (found === null) throw new Error('no such profile');
  return found;
}

async function historyOf(id: string) {
  return consentHistory(scratch.db, scope, await profileOf(id));
}

async function eventsOf(id: string): Promise<string[]> {
  const { id: profileId } = await profileOf(id);
  const rows = await scratch.db
    .selectFrom('event')
    .select('type')
    .where('profile_id', '=', profileId)
    .orderBy('id')
    .execute();
  return rows.map(({ type }) => type);
}

describe('an act', () => {
  test('is recorded as a whole: state, standing, one history row for each change, and events', async () => {
    const before = await profileOf('1');
    const changes = [email('n'), address('n'), list('y'), { ...email('n'), channel: 'personalize' } as const];
    const receipt = await recorder.recordAct(
      act(changes, 1, { fingerprint: 'abc', reference: 'form 7', source: 'admin' }),
    );
    expect(receipt).toEqual({ known: true, changed: changes, kept: [] });
    const time = new Date(START + MINUTE).toISOString();
    const after = await profileOf('1');
    expect(profileConsents(after)).toEqual({
      personalize: { content: { val: 'n', time } },
      marketing: { email: { val: 'n', time, subscriptions: { weekly: { start: time } } } },
      idSpecific: { Email: { 'one@example.com': { marketing: { email: { val: 'n', time } } } } },
    });
    expect(after.attributes).toEqual(before.attributes);
    expect(after.standingVersion).toBe(before.standingVersion + 1);
    expect(after.address?.standingVersion).toBe((before.address?.standingVersion ?? 0) + 1);
    const rows = await historyOf('1');
    expect(rows).toHaveLength(4);
    for (const row of rows)
      expect(row).toMatchObject({ at: time, source: 'admin', reference: 'form 7', from: 'u' });
    expect(rows.map((row) => [row.scope, row.channel, row.list, row.to])).toEqual(
      expect.arrayContaining([
        ['channel', 'email', undefined, 'n'],
        ['identity', 'email', undefined, 'n'],
        ['subscription', 'email', 'weekly', 'y'],
        ['channel', 'personalize', undefined, 'n'],
      ]),
    );
    expect((await eventsOf('1')).sort()).toEqual(['opted_in', 'opted_out', 'opted_out']);
  });

  test('said again adds no row and no event, and within the same moment changes nothing', async () => {
    const changes = [email('n'), address('n'), list('n')];
    await recorder.recordAct(act(changes, -2));
    const before = await profileOf('1');
    expect(await recorder.recordAct(act(changes, -2))).toEqual({ known: true, changed: [], kept: [] });
    expect(await profileOf('1')).toEqual(before);
    expect(await historyOf('1')).toHaveLength(3);
    expect(await eventsOf('1')).toHaveLength(3);
  });

  test('names its message, the execution and the token that proved it', async () => {
    const executionId = await createScratchExecution(scratch.db, scope);
    await expandAll(scratch.db, executionId);
    const { messages } = await claimScratchBatch(scratch.db, executionId);
    const messageId = messages.find(({ identity }) => identity === '1')?.messageId ?? '';
    await recorder.recordAct(act([email('n')], 1, { messageId, fingerprint: 'abc' }));
    expect(await historyOf('1')).toMatchObject([{ messageId, executionId }]);
    await recorder.recordAct(act([email('y')], 2, { messageId: randomUUID() }));
    expect((await historyOf('1'))[0]).not.toHaveProperty('messageId');
  });

  test('of who has no row yet creates the person and the address', async () => {
    const receipt = await recorder.recordAct(
      act([email('n'), address('n')], 1, { who: subject('new', 'New@Example.COM') }),
    );
    expect(receipt).toMatchObject({ known: true, changed: [email('n'), address('n')] });
    const profile = await profileOf('new');
    expect(profile.consents.marketing?.email?.val).toBe('n');
    expect(profile.address?.consents.email?.val).toBe('n');
    expect(profile.address?.spelling).toBe('New@Example.COM');
  });

  test('by numbers finds its person, and numbers that mean nobody are unknown', async () => {
    const { id, address: own } = await profileOf('2');
    const by = (profile: number) => ({ by: 'number', profile, address: own?.id ?? 0 }) as const;
    expect(await recorder.recordAct(act([address('n')], 1, { who: by(id) }))).toMatchObject({ known: true });
    expect((await profileOf('2')).address?.consents.email?.val).toBe('n');
    for (const who of [by(999_999), { ...by(id), address: 999_999 }]) {
      expect(await recorder.recordAct(act([address('n')], 1, { who }))).toEqual({
        known: false,
        changed: [],
        kept: [],
      });
    }
  });

  test('finds nobody of another organisation or sandbox', async () => {
    const { id, address: own } = await profileOf('1');
    const other = await createScratchTenant(scratch.db);
    const who = { by: 'number', profile: id, address: own?.id ?? 0 } as const;
    const receipt = await recorder.recordAct(act([email('n')], 1, { who, organisation: other.organisation }));
    expect(receipt.known).toBe(false);
    const sandbox = await recorder.recordAct(act([email('n')], 1, { sandbox: 'none' }));
    expect(sandbox.known).toBe(false);
    expect(await historyOf('1')).toEqual([]);
  });

  test('that joins a list which is not there is refused as a whole; leaving it is recorded', async () => {
    const joining = recorder.recordAct(act([email('n'), list('y', 'nowhere')]));
    await expect(joining).rejects.toMatchObject({ code: 'unknown_list', temporary: false });
    expect(await historyOf('1')).toEqual([]);
    for (const name of ['nowhere', 'constructor', '__proto__', "'; --", 'nul\0']) {
      expect((await recorder.recordAct(act([list('n', name)]))).changed).toHaveLength(1);
      expect((await recorder.recordAct(act([list('n', name)]))).changed).toHaveLength(0);
    }
  });

  test.each<[string, Act['changes'], Date | undefined]>([
    ['list_required', [{ scope: 'subscription', channel: 'email', to: 'n' }], undefined],
    ['list_required', [{ scope: 'subscription', channel: 'email', list: '', to: 'n' }], undefined],
    ['scope_invalid', [{ scope: 'identity', channel: 'sms', to: 'n' }], undefined],
    ['scope_invalid', [{ scope: 'subscription', channel: 'any', list: 'weekly', to: 'n' }], undefined],
    ['time_invalid', [{ scope: 'channel', channel: 'sms', to: 'n' }], new Date(Number.NaN)],
  ])('that does not say what it is about is refused with %s', async (code, changes, at) => {
    const refused = recorder.recordAct(act(changes, 1, at === undefined ? {} : { at }));
    await expect(refused).rejects.toMatchObject({ code, temporary: false });
  });

  test('is a temporary failure when it cannot be stored, and then nothing of it is', async () => {
    await sql`ALTER TABLE consent_history ADD CONSTRAINT poison CHECK (fingerprint <> 'poison')`.execute(
      scratch.db,
    );
    const refused = recorder.recordAct(act([email('n'), list('n')], 1, { fingerprint: 'poison' }));
    await expect(refused).rejects.toMatchObject({ code: 'opt_out_not_stored', temporary: true });
    await sql`ALTER TABLE consent_history DROP CONSTRAINT poison`.execute(scratch.db);
    expect((await profileOf('1')).consents).toEqual({});
  });

  test('is not taken by a recorder that is closed, which has answered what it took', async () => {
    const short = openOptOutRecorder(scratch.database, { log: SILENT });
    const taken = short.recordAct(act([email('n')]));
    await short.close();
    expect(short.stats().acts).toBe(1);
    expect(await taken).toMatchObject({ known: true });
    await expect(short.recordAct(act([email('n')]))).rejects.toMatchObject({ temporary: true });
  });
});

describe('a yes', () => {
  test('lifts an older no, whatever door it came through, and mail goes again', async () => {
    await recorder.record({ ...act([]), scope: 'channel', source: 'header_post', fingerprint: 'f' });
    await recorder.recordAct(act([list('n')], 1));
    const receipt = await recorder.recordAct(act([email('y'), list('y')], 2));
    expect(receipt).toEqual({ known: true, changed: [email('y'), list('y')], kept: [] });
    const time = new Date(START + 2 * MINUTE).toISOString();
    expect((await profileOf('1')).consents.marketing?.email).toEqual({
      val: 'y',
      time,
      subscriptions: { weekly: { start: time } },
    });
    expect(await historyOf('1')).toMatchObject([
      { from: 'n', to: 'y' },
      { from: 'n', to: 'y' },
      { from: 'u', to: 'n' },
      { from: 'u', to: 'n' },
    ]);
  });

  test('older than the no is kept out', async () => {
    await recorder.recordAct(act([email('n')], 5));
    expect(await recorder.recordAct(act([email('y')], 4))).toEqual({
      known: true,
      changed: [],
      kept: [{ ...email('y'), why: 'newer' }],
    });
  });

  const everything = [email('n'), address('n'), list('n')];
  const told = (minute: number) =>
    ({ val: 'n', time: new Date(START + minute * MINUTE).toISOString() }) as const;
  test.each<[string, (minute: number) => Promise<unknown>]>([
    [
      'an opt-out',
      (minute) =>
        Promise.all(
          everything.map(({ scope: level, list: name }) =>
            recorder.record({
              ...act([], minute),
              scope: level,
              source: 'header_post',
              fingerprint: 'f',
              ...(name === undefined ? {} : { list: name }),
            }),
          ),
        ),
    ],
    ['an act', (minute) => recorder.recordAct(act(everything, minute))],
    [
      'an import',
      (minute) =>
        importProfiles(scratch.db, scope, [
          {
            line: 1,
            identities: { CRMID: '1' },
            consents: {
              marketing: { email: { ...told(minute), subscriptions: { weekly: told(minute) } } },
              idSpecific: { Email: { 'one@example.com': { marketing: { email: told(minute) } } } },
            },
          },
        ]),
    ],
  ])('between a first no and its repeat by %s is kept out, one after it is not', async (_door, sayNo) => {
    const yes = everything.map((change) => ({ ...change, to: 'y' as const }));
    await recorder.recordAct(act(everything, -50));
    await sayNo(-30);
    await sayNo(-40);
    const before = await profileOf('1');
    await sayNo(-30);
    expect(await profileOf('1')).toEqual(before);
    expect([await historyOf('1'), await eventsOf('1')].map(({ length }) => length)).toEqual([3, 3]);
    expect(await recorder.recordAct(act(yes, -31))).toMatchObject({
      changed: [],
      kept: yes.map((change) => ({ ...change, why: 'newer' })),
    });
    expect(await recorder.recordAct(act(yes, -29))).toMatchObject({ changed: yes, kept: [] });
  });

  test('lifts no no that somebody else said again of the address they share', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: '3', Email: 'one@example.com' } },
    ]);
    const other = { who: subject('3', 'one@example.com') };
    await recorder.recordAct(act([address('n')], -50));
    await recorder.record({
      ...act([], -30, other),
      scope: 'identity',
      source: 'header_post',
      fingerprint: 'f',
    });
    expect(await recorder.recordAct(act([address('y')], -40))).toMatchObject({
      kept: [{ ...address('y'), why: 'newer' }],
    });
  });

  test('lifts no complaint of its scope, and others of the same act are recorded', async () => {
    await recorder.recordAct(act([list('n')], 1));
    await recorder.record({ ...act([]), scope: 'channel', source: 'complaint', fingerprint: 'f' });
    const receipt = await recorder.recordAct(act([email('y'), list('y')], 9));
    expect(receipt).toMatchObject({ changed: [list('y')], kept: [{ ...email('y'), why: 'complaint' }] });
  });

  test('of an address binds the complaint of whoever shares it', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: '3', Email: 'one@example.com' } },
    ]);
    const other = act([], 1, { who: subject('3', 'one@example.com') });
    await recorder.record({ ...other, scope: 'identity', source: 'complaint', fingerprint: 'f' });
    expect(await recorder.recordAct(act([address('y')], 9))).toMatchObject({
      kept: [{ ...address('y'), why: 'complaint' }],
    });
  });

  test('lifts nothing about mail where the address is suppressed because of a complaint, and only then', async () => {
    const key = 'one@example.com';
    await recorder.recordAct(act([email('n'), { ...email('n'), channel: 'sms' }]));
    const suppress = (reason: 'complaint' | 'hard') =>
      putEntries(scratch.db, scope, {
        list: 'suppressed',
        source: 'admin',
        entries: [{ kind: 'email', key, spelling: key, reason, comment: null, author: null }],
      });
    await suppress('complaint');
    const yes = [email('y'), { ...email('y'), channel: 'sms' } as const];
    expect(await recorder.recordAct(act(yes, 2))).toMatchObject({
      changed: [yes[1]],
      kept: [{ ...email('y'), why: 'complaint' }],
    });
    await suppress('hard');
    expect(await recorder.recordAct(act([email('y')], 3))).toMatchObject({ changed: [email('y')] });
  });
});

describe('waiting for the wire', () => {
  async function sendOne() {
    const executionId = await createScratchExecution(scratch.db, scope);
    await expandAll(scratch.db, executionId);
    const { lease, messages } = await claimScratchBatch(scratch.db, executionId);
    const mine = messages.filter(({ identity }) => identity === '1');
    const attemptId = randomUUID();
    expect((await commitIntent(scratch.db, lease, { attemptId, messages: mine })).size).toBe(1);
    const messageId = mine[0]?.messageId ?? '';
    return () => settle(scratch.db, [{ messageId, attemptId, state: 'sent' }]);
  }

  test.each([
    ['email', email('n')],
    ['everything', { ...email('n'), channel: 'any' } as const],
    ['the address', address('n')],
  ])('OH-27: a no about %s is answered when what was being sent has settled', async (_what, change) => {
    const settleIt = await sendOne();
    let answered = false;
    const answer = recorder.recordAct(act([change])).then(() => (answered = true));
    // Committed, and not answered: the wire is what it waits for.
    while ((await historyOf('1')).length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(answered).toBe(false);
    await settleIt();
    await answer;
  });

  test('a yes, and a no about something else, is answered at once', async () => {
    await sendOne();
    const before = recorder.stats().overtaken;
    await recorder.recordAct(act([email('y'), { ...email('n'), channel: 'sms' }, list('n')]));
    // Had it waited, it would have been given up in the end, and counted.
    expect(recorder.stats().overtaken).toBe(before);
  });
});
