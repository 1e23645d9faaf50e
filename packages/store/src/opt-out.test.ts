import type { OptOut, OptOutScope } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { consentHistory } from './consent-history.ts';
import { findList } from './list.ts';
import { recordOptOuts } from './opt-out.ts';
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
} from './testing/scratch-tenant.ts';

const AT = new Date('2026-11-21T10:20:30.400Z');

let scratch: ScratchDatabase;
let scope: Scope;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importProfiles(scratch.db, scope, [
    { line: 1, identities: { CRMID: '1', Email: 'One@example.com' } },
    { line: 2, identities: { CRMID: '2', Email: 'two@example.com' } },
  ]);
});

function optOut(
  level: OptOutScope,
  differing: Partial<OptOut> = {},
  who: Partial<OptOut['who']> = {},
): OptOut {
  return {
    organisation: scope.organisation,
    sandbox: scope.sandbox,
    who: {
      by: 'identity',
      namespace: 'CRMID',
      id: '1',
      addressNamespace: 'Email',
      address: 'one@example.com',
      ...who,
    } as OptOut['who'],
    scope: level,
    source: 'header_post',
    fingerprint: '0123456789abcdef',
    at: AT,
    ...differing,
  };
}

async function record(...optOuts: OptOut[]) {
  return (await recordOptOuts(scratch.db, optOuts)).map(({ changed, known }) => ({ changed, known }));
}

async function profile(id = '1', namespace = 'CRMID'): Promise<StoredProfile> {
  const found = await findProfile(scratch.db, scope, namespace, id);
  if (found === null) throw new Error('no such profile');
  return found;
}

async function countRows() {
  const { rows } = await sql<{ history: number; events: number }>`
    SELECT (SELECT count(*)::int FROM consent_history WHERE sandbox_id = ${scope.sandboxId}) AS history,
      (SELECT count(*)::int FROM event WHERE sandbox_id = ${scope.sandboxId} AND type = 'opted_out') AS events`.execute(
    scratch.db,
  );
  return rows[0];
}

const NEW = { changed: true, known: true };
const REPEAT = { changed: false, known: true };
const NOBODY = { changed: false, known: false };

describe('an opt-out', () => {
  test('C10: of the channel sets the current state and leaves evidence', async () => {
    const before = await profile();
    expect(await record(optOut('channel'))).toEqual([NEW]);
    const after = await profile();
    expect(profileConsents(after)).toEqual({
      marketing: { email: { val: 'n', time: '2026-11-21T10:20:30.400Z' } },
    });
    expect(after.standingVersion).toBe(before.standingVersion + 1);
    expect(after.address?.standingVersion).toBe(before.address?.standingVersion);
    expect(await consentHistory(scratch.db, scope, after)).toEqual([
      {
        at: '2026-11-21T10:20:30.400Z',
        scope: 'channel',
        channel: 'email',
        address: 'One@example.com',
        from: 'u',
        to: 'n',
        source: 'header_post',
      },
    ]);
  });

  test('of an identity belongs to the address and binds everybody who uses it', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: '3', Email: 'ONE@example.com' } },
    ]);
    expect(await record(optOut('identity'))).toEqual([NEW]);
    const said = {
      idSpecific: {
        Email: { 'one@example.com': { marketing: { email: { val: 'n', time: AT.toISOString() } } } },
      },
    };
    expect(profileConsents(await profile('1'))).toEqual(said);
    expect(profileConsents(await profile('3'))).toEqual(said);
    expect(await consentHistory(scratch.db, scope, await profile('3'))).toHaveLength(1);
    expect(profileConsents(await profile('2'))).toEqual({});
  });

  test('of the channel by somebody whose address is shared binds that profile only', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: '3', Email: 'one@example.com' } },
    ]);
    await record(optOut('channel'));
    expect(profileConsents(await profile('3'))).toEqual({});
  });

  test('of a list ends the subscription, by name or by number, and leaves the channel alone', async () => {
    const list = await findList(scratch.db, scope, 'weekly');
    await importProfiles(scratch.db, scope, [
      {
        line: 1,
        identities: { CRMID: '1' },
        consents: {
          marketing: { email: { val: 'y', subscriptions: { weekly: { start: '2026-01-01' }, daily: {} } } },
        },
      },
    ]);
    expect(await record(optOut('subscription', { list: 'weekly' }))).toEqual([NEW]);
    expect(await record(optOut('subscription', { list: list?.number ?? 0 }))).toEqual([REPEAT]);
    expect((await profile()).consents.marketing?.email).toEqual({
      val: 'y',
      subscriptions: { weekly: { start: '2026-01-01', end: AT.toISOString() }, daily: {} },
    });
    const [row] = await consentHistory(scratch.db, scope, await profile());
    expect(row).toMatchObject({
      scope: 'subscription',
      list: 'weekly',
      from: 'y',
      to: 'n',
      source: 'header_post',
    });
  });

  test('of a list the person was never on is kept, so that a later import cannot subscribe them', async () => {
    expect(await record(optOut('subscription', { list: 'weekly' }, { id: '2' }))).toEqual([NEW]);
    expect((await profile('2')).consents.marketing?.email?.subscriptions).toEqual({
      weekly: { end: AT.toISOString() },
    });
  });

  test('OC-8: a repeat, and any number of repeats at once, add no row and no event', async () => {
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, index) => record(optOut(index % 2 === 0 ? 'channel' : 'identity'))),
    );
    expect(answers.flat().filter(({ changed }) => changed)).toHaveLength(2);
    expect(answers.flat().every(({ known }) => known)).toBe(true);
    expect(await record(optOut('channel'), optOut('identity'))).toEqual([REPEAT, REPEAT]);
    expect(await countRows()).toEqual({ history: 2, events: 2 });
    expect((await profile()).standingVersion).toBe(2);
  });

  test('IN-21: the same opt-out twice in one group is one', async () => {
    const both = [
      optOut('channel'),
      optOut('channel'),
      optOut('subscription', { list: 'weekly' }),
      optOut('subscription', { list: 'weekly' }),
    ];
    expect(await record(...both)).toEqual([NEW, REPEAT, NEW, REPEAT]);
    expect((await profile()).consents.marketing?.email).toEqual({
      val: 'n',
      time: AT.toISOString(),
      subscriptions: { weekly: { end: AT.toISOString() } },
    });
    expect(await countRows()).toEqual({ history: 2, events: 2 });
  });

  test('said several times in one group is as new as the last of them', async () => {
    const later = (minutes: number) => ({ at: new Date(AT.getTime() + minutes * 60_000) });
    expect(await record(...[1, 3, 2].map((minutes) => optOut('channel', later(minutes))))).toEqual([
      NEW,
      REPEAT,
      REPEAT,
    ]);
    expect((await profile()).consents.marketing?.email?.time).toBe(later(3).at.toISOString());
    expect(await countRows()).toEqual({ history: 1, events: 1 });
  });

  test('groups that name the same people in opposite order end without a lost opt-out', async () => {
    const people = Array.from({ length: 30 }, (_, index) => String(index + 10));
    await importProfiles(
      scratch.db,
      scope,
      people.map((id, index) => ({ line: index, identities: { CRMID: id, Email: `${id}@example.com` } })),
    );
    const groups = Array.from({ length: 12 }, (_, turn) => {
      const group = people.flatMap((id) => {
        const who = { id, address: `${id}@example.com` };
        return [optOut('channel', {}, who), optOut('identity', {}, who)];
      });
      return turn % 2 === 0 ? group : group.toReversed();
    });
    const answers = await Promise.all(groups.map((group) => record(...group)));
    expect(answers.flat().filter(({ changed }) => changed)).toHaveLength(60);
    expect(await countRows()).toEqual({ history: 60, events: 60 });
  });

  test.each(['dn', 'y', 'p', 'LI'])(
    'what was %s before becomes a plain no, and the history says what it was',
    async (val) => {
      await importProfiles(scratch.db, scope, [
        {
          line: 1,
          identities: { CRMID: '1' },
          consents: { marketing: { email: { val, reason: 'because' } } },
        },
      ]);
      expect(await record(optOut('channel'))).toEqual([NEW]);
      expect((await profile()).consents.marketing?.email).toEqual({ val: 'n', time: AT.toISOString() });
      const [row] = await consentHistory(scratch.db, scope, await profile());
      expect(row).toMatchObject({ from: val, to: 'n' });
    },
  );

  test('of numbers, lists and sandboxes that mean nobody invents nobody', async () => {
    const before = await countRows();
    const nobody = { by: 'number', profile: 1_099_511_627_775, address: 1_099_511_627_775 } as const;
    expect(
      await record(
        { ...optOut('channel'), who: nobody },
        { ...optOut('identity'), who: nobody },
        optOut('channel', { sandbox: 'elsewhere' }),
        optOut('channel', { organisation: 'elsewhere' }),
        optOut('subscription', { list: 16_777_215 }),
      ),
    ).toEqual([NOBODY, NOBODY, NOBODY, NOBODY, NOBODY]);
    expect(await countRows()).toEqual(before);
  });

  test('C1: by a link that names a person who has no row is kept, and a later import stays out', async () => {
    // As after the restore of a backup that is older than the mail.
    const gone = (id: string) => ({ id, address: `${id}@example.com` });
    expect(
      await record(
        optOut('channel', {}, gone('gone1')),
        optOut('identity', {}, gone('gone2')),
        optOut('subscription', { list: 'weekly' }, gone('gone3')),
      ),
    ).toEqual([NEW, NEW, NEW]);
    expect(await record(optOut('channel', {}, gone('gone1')))).toEqual([REPEAT]);
    const records = ['gone1', 'gone2'].map((id, index) => ({
      line: index + 1,
      identities: { CRMID: id, Email: `${id}@example.com` },
      consents: { marketing: { email: { val: 'y' as const } } },
    }));
    await importProfiles(scratch.db, scope, records);
    const consents = async (id: string) => {
      const found = await findProfile(scratch.db, scope, 'CRMID', id);
      return found === null ? null : profileConsents(found);
    };
    expect(await consents('gone1')).toMatchObject({ marketing: { email: { val: 'n' } } });
    expect(await consents('gone2')).toMatchObject({
      idSpecific: { Email: { 'gone2@example.com': { marketing: { email: { val: 'n' } } } } },
    });
  });

  test('of an address that was mailed by the person but is not kept yet is kept, once', async () => {
    const unheard = { address: 'Elsewhere@example.com' };
    expect(await record(optOut('identity', {}, unheard), optOut('channel'))).toEqual([NEW, NEW]);
    expect(await record(optOut('identity', {}, { address: 'elsewhere@EXAMPLE.com' }))).toEqual([REPEAT]);
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::int AS count FROM address WHERE sandbox_id = ${scope.sandboxId} AND key = 'elsewhere@example.com'`.execute(
      scratch.db,
    );
    expect(rows[0]?.count).toBe(1);
  });

  test('MT-10: by number finds the same person and address, in the right sandbox only', async () => {
    const { id, address } = await profile();
    const who = { by: 'number', profile: id, address: address?.id ?? 0 } as const;
    expect(await record({ ...optOut('channel'), who }, { ...optOut('identity'), who })).toEqual([NEW, NEW]);
    const other = await createScratchTenant(scratch.db);
    const foreign = { ...optOut('channel'), who, organisation: other.organisation };
    expect(await record(foreign)).toEqual([NOBODY]);
    expect(profileConsents(await profile())).toMatchObject({ marketing: { email: { val: 'n' } } });
  });

  test('X5: spellings of namespace and address do not matter', async () => {
    expect(
      await record(
        optOut('identity', {}, { namespace: 'crmid', addressNamespace: 'EMAIL', address: 'ONE@EXAMPLE.COM' }),
      ),
    ).toEqual([NEW]);
  });

  test('under a former Email still finds the person it was mailed to', async () => {
    await importProfiles(scratch.db, scope, [{ line: 1, identities: { Email: 'solo@example.com' } }]);
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { Email: 'solo@example.com', CRMID: '7' } },
    ]);
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { Email: 'moved@example.com', CRMID: '7' } },
    ]);
    const who = { namespace: 'Email', id: 'solo@example.com', address: 'solo@example.com' };
    expect(await record(optOut('channel', {}, who))).toEqual([NEW]);
    expect((await profile('7')).consents.marketing?.email?.val).toBe('n');
  });

  test('where several share the Email of the link, the message tells who was mailed', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: 'a', Email: 'both@example.com' } },
      { line: 2, identities: { CRMID: 'b', Email: 'both@example.com' } },
    ]);
    const executionId = await createScratchExecution(scratch.db, scope, {
      recipients: [{ namespace: 'CRMID', id: 'b' }],
    });
    await expandAll(scratch.db, executionId);
    const { messages } = await claimScratchBatch(scratch.db, executionId);
    const who = { namespace: 'Email', id: 'both@example.com', address: 'both@example.com' };
    await record(optOut('channel', { messageId: messages[0]?.messageId ?? '' }, who));
    expect((await profile('b')).consents.marketing?.email?.val).toBe('n');
    expect((await profile('a')).consents).toEqual({});
  });

  test('X8: the evidence names message and execution while the message is kept, and the message anyway', async () => {
    const executionId = await createScratchExecution(scratch.db, scope);
    await expandAll(scratch.db, executionId);
    const { messages } = await claimScratchBatch(scratch.db, executionId);
    const messageId = messages.find(({ identity }) => identity === '1')?.messageId ?? '';
    const forgotten = '017f22e2-79b0-7cc3-98c4-dc0c0c07398f';
    await record(
      optOut('channel', { messageId }),
      optOut('identity', { messageId: forgotten }),
      optOut('subscription', { list: 'weekly', messageId: 'none of ours' }),
    );
    const history = await consentHistory(scratch.db, scope, await profile());
    expect(history.map((row) => [row.scope, row.messageId, row.executionId])).toEqual([
      ['subscription', undefined, undefined],
      ['identity', forgotten, undefined],
      ['channel', messageId, executionId],
    ]);
    const rows = await scratch.db
      .selectFrom('consent_history')
      .select('fingerprint')
      .where('sandbox_id', '=', scope.sandboxId)
      .execute();
    expect(rows.every(({ fingerprint }) => fingerprint === '0123456789abcdef')).toBe(true);
  });

  test('X8: evidence cannot be changed, removed or emptied, except by an erasure that says so', async () => {
    await record(optOut('channel'));
    const { db } = scratch;
    await expect(sql`UPDATE consent_history SET to_value = 'y'`.execute(db)).rejects.toThrow('append-only');
    await expect(sql`DELETE FROM consent_history`.execute(db)).rejects.toThrow('append-only');
    await expect(sql`TRUNCATE consent_history`.execute(db)).rejects.toThrow('append-only');
    await db.transaction().execute(async (transaction) => {
      await sql`SET LOCAL adieu.erasure = 'on'`.execute(transaction);
      await sql`DELETE FROM consent_history WHERE sandbox_id = ${scope.sandboxId}`.execute(transaction);
    });
    await expect(sql`DELETE FROM consent_history`.execute(db)).rejects.toThrow('append-only');
  });

  test('is not lost to a month that has no table yet', async () => {
    const { rows } = await sql<{
      name: string;
    }>`SELECT 'event_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AS name`.execute(scratch.db);
    await sql`DROP TABLE ${sql.table(rows[0]?.name ?? '')}`.execute(scratch.db);
    expect(await record(optOut('channel'))).toEqual([NEW]);
    expect(await countRows()).toEqual({ history: 1, events: 1 });
  });
});
