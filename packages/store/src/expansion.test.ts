import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { Recipient } from './execution.ts';
import { executionCounts } from './execution.ts';
import { expandStep } from './expansion.ts';
import { claimBatch } from './lease.ts';
import { listMessages } from './message-list.ts';
import { findMonthOf } from './partition.ts';
import { findProfile } from './profile.ts';
import { importProfiles } from './profile-import.ts';
import type { Scope } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
} from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let scope: Scope;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
});

async function expandRecipients(...recipients: Recipient[]) {
  const executionId = await createScratchExecution(scratch.db, scope, { recipients });
  await expandAll(scratch.db, executionId);
  const page = await listMessages(scratch.db, scope, executionId, { limit: 1_000 });
  return (page?.messages ?? []).map(({ namespace, id, address, state, code }) => [
    namespace,
    id,
    address,
    code ?? state,
  ]);
}

describe('expanding an audience', () => {
  test('S4: everybody gets one message, in batches of at most 200, by steps of at most 10,000', async () => {
    await importScratchProfiles(scratch.db, scope, 10_450);
    const executionId = await createScratchExecution(scratch.db, scope);
    const first = await expandStep(scratch.db, executionId);
    expect(first).toEqual({
      done: false,
      batches: Array.from({ length: 50 }, (_, batch) => ({ batch, fence: 0 })),
    });
    expect((await executionCounts(scratch.db, scope, executionId))?.counts.queued).toBe(10_000);
    const second = await expandStep(scratch.db, executionId);
    expect(second).toEqual({ done: true, batches: [50, 51, 52].map((batch) => ({ batch, fence: 0 })) });
    expect(await expandStep(scratch.db, executionId)).toEqual({ done: true, batches: [] });
    const { rows } = await sql<{ profiles: number; messages: number; biggest: number; months: number }>`
      SELECT count(DISTINCT profile_id)::int AS profiles, count(*)::int AS messages, count(DISTINCT month)::int AS months,
        (SELECT max(n)::int FROM (SELECT count(*) AS n FROM message WHERE execution_id = ${executionId} GROUP BY batch_no) b) AS biggest
      FROM message WHERE execution_id = ${executionId}`.execute(scratch.db);
    expect(rows[0]).toEqual({ profiles: 10_450, messages: 10_450, biggest: 200, months: 1 });
  });

  test('two expanders at once double nothing', async () => {
    await importScratchProfiles(scratch.db, scope, 1_000);
    const executionId = await createScratchExecution(scratch.db, scope);
    const steps = await Promise.all(Array.from({ length: 6 }, () => expandStep(scratch.db, executionId)));
    expect(steps.flatMap(({ batches }) => batches)).toHaveLength(5);
    expect((await executionCounts(scratch.db, scope, executionId))?.counts.queued).toBe(1_000);
  });

  test('an expander that is killed in the middle leaves nothing, and another one does it all', async () => {
    await importScratchProfiles(scratch.db, scope, 300);
    const executionId = await createScratchExecution(scratch.db, scope);
    await sql`CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$;
      CREATE TRIGGER stop BEFORE INSERT ON batch FOR EACH STATEMENT EXECUTE FUNCTION stop()`.execute(
      scratch.db,
    );
    await expect(expandStep(scratch.db, executionId)).rejects.toThrow('killed');
    await sql`DROP FUNCTION stop() CASCADE`.execute(scratch.db);
    expect((await executionCounts(scratch.db, scope, executionId))?.counts.queued).toBe(0);
    expect(await expandAll(scratch.db, executionId)).toEqual([0, 1]);
  });

  test('attributes and consents narrow an audience by containment', async () => {
    await importProfiles(scratch.db, scope, [
      {
        line: 1,
        identities: { CRMID: '1', Email: '1@example.com' },
        attributes: { country: 'fr', tags: ['a', 'b'] },
      },
      {
        line: 2,
        identities: { CRMID: '2', Email: '2@example.com' },
        attributes: { country: 'fr' },
        consents: { marketing: { email: { val: 'y' } } },
      },
      {
        line: 3,
        identities: { CRMID: '3', Email: '3@example.com' },
        attributes: { country: 'de' },
        consents: { marketing: { email: { val: 'y' } } },
      },
    ]);
    const people = async (audience: object) => {
      const executionId = await createScratchExecution(scratch.db, scope, { audience });
      await expandAll(scratch.db, executionId);
      const page = await listMessages(scratch.db, scope, executionId);
      return page?.messages.map(({ id }) => id).sort();
    };
    expect(await people({ attributes: { country: 'fr' } })).toEqual(['1', '2']);
    expect(await people({ attributes: { tags: ['b'] } })).toEqual(['1']);
    expect(await people({ consents: { marketing: { email: { val: 'y' } } } })).toEqual(['2', '3']);
    expect(
      await people({ attributes: { country: 'de' }, consents: { marketing: { email: { val: 'y' } } } }),
    ).toEqual(['3']);
    expect(await people({ attributes: { country: 'xx' } })).toEqual([]);
  });

  test('S5: a profile without an address is excluded with 050020, and its batch is not due', async () => {
    await importProfiles(scratch.db, scope, [{ line: 1, identities: { CRMID: '1' } }]);
    const executionId = await createScratchExecution(scratch.db, scope);
    expect(await expandAll(scratch.db, executionId)).toEqual([]);
    expect(await executionCounts(scratch.db, scope, executionId)).toMatchObject({
      state: 'finished',
      exclusions: { '050020': 1 },
    });
    const events = await scratch.db
      .selectFrom('event')
      .select(['type', 'code'])
      .where('execution_id', '=', executionId)
      .execute();
    expect(events).toEqual([{ type: 'excluded', code: '050020' }]);
  });

  test("people of another sandbox are nobody's audience but its own", async () => {
    const other = await createScratchTenant(scratch.db);
    await importScratchProfiles(scratch.db, other, 3);
    const executionId = await createScratchExecution(scratch.db, scope);
    expect(await expandAll(scratch.db, executionId)).toEqual([]);
  });

  test('every message carries the month of its execution in its id', async () => {
    await importScratchProfiles(scratch.db, scope, 20);
    const executionId = await createScratchExecution(scratch.db, scope);
    await expandAll(scratch.db, executionId);
    const rows = await scratch.db
      .selectFrom('message')
      .select(['id', 'month'])
      .where('execution_id', '=', executionId)
      .execute();
    for (const { id, month } of rows) expect(findMonthOf(id)).toBe(month);
  });
});

describe('expanding recipients', () => {
  test('S5: the address given, else the profile’s own; what is wrong becomes its exclusion', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: 'known', Email: 'Own@example.com' } },
      { line: 2, identities: { CRMID: 'bare' } },
    ]);
    const rows = await expandRecipients(
      { namespace: 'CRMID', id: 'known' },
      { namespace: 'CRMID', id: 'new', address: 'New@example.com' },
      { namespace: 'Email', id: 'direct@example.com' },
      { namespace: 'CRMID', id: 'bare' },
      { namespace: 'CRMID', id: 'nobody' },
      { namespace: 'CRMID', id: 'bad-1', address: 'not an address' },
      { namespace: 'CRMID', id: 'bad-2', address: `${'x'.repeat(65)}@example.com` },
      { namespace: 'CRMID', id: 'bad-3', address: 'a\r\nb@example.com' },
      { namespace: 'Email', id: 'malformed' },
      { namespace: 'CRMID', id: '' },
      { address: 'nobody@example.com' },
      { namespace: 'CRMID', id: 'nul\0', address: 'nul@example.com' },
      null as never,
    );
    expect(rows).toHaveLength(13);
    expect(rows.map(([, id, address, what]) => [id, address, what]).sort()).toEqual(
      [
        ['known', 'Own@example.com', 'queued'],
        ['new', 'New@example.com', 'queued'],
        ['direct@example.com', 'direct@example.com', 'queued'],
        ['bare', null, '050020'],
        ['nobody', null, '050020'],
        ['bad-1', null, '050024'],
        ['bad-2', null, '050024'],
        ['bad-3', null, '050024'],
        ['malformed', null, '050024'],
        ['', null, '050025'],
        ['', null, '050025'],
        ['nul\ufffd', null, '050025'],
        ['', null, '050025'],
      ].sort(),
    );
  });

  test('a good recipient has a profile afterwards, a bad one creates nobody', async () => {
    await expandRecipients(
      { namespace: 'CRMID', id: 'new', address: 'new@example.com' },
      { namespace: 'CRMID', id: 'bad', address: 'bad' },
      { namespace: 'CRMID', id: 'nowhere' },
    );
    expect(await findProfile(scratch.db, scope, 'CRMID', 'new')).toMatchObject({
      identities: { CRMID: 'new', Email: 'new@example.com' },
      address: { key: 'new@example.com' },
    });
    expect(await findProfile(scratch.db, scope, 'CRMID', 'bad')).toBeNull();
    expect(await findProfile(scratch.db, scope, 'CRMID', 'nowhere')).toBeNull();
  });

  test('an address given for one execution does not replace the person’s Email, but is remembered as used', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: '1', Email: 'own@example.com' } },
    ]);
    await expandRecipients({ namespace: 'CRMID', id: '1', address: 'work@example.com' });
    const profile = await findProfile(scratch.db, scope, 'CRMID', '1');
    expect(profile?.identities).toEqual({ CRMID: '1', Email: 'own@example.com' });
    expect(profile?.addresses.map(({ key }) => key)).toEqual(['own@example.com', 'work@example.com']);
  });

  test('X5: no duplicate profile escapes an opt-out: an address known by its Email only is that person', async () => {
    await importProfiles(scratch.db, scope, [
      {
        line: 1,
        identities: { Email: 'left@example.com' },
        consents: { marketing: { email: { val: 'n' } } },
      },
    ]);
    const executionId = await createScratchExecution(scratch.db, scope, {
      recipients: [{ namespace: 'CRMID', id: 'other-system', address: 'LEFT@example.com' }],
    });
    await expandAll(scratch.db, executionId);
    const { messages } = await claimScratchBatch(scratch.db, executionId);
    expect(messages[0]).toMatchObject({
      namespace: 'CRMID',
      identity: 'other-system',
      consents: { marketing: { email: { val: 'n' } } },
    });
  });

  test('somebody named twice gets one message, by the first entry that can be sent', async () => {
    await importProfiles(scratch.db, scope, [
      { line: 1, identities: { CRMID: '1', Email: 'one@example.com' } },
    ]);
    const rows = await expandRecipients(
      { namespace: 'CRMID', id: '1', address: 'broken' },
      { namespace: 'crmid', id: '1', address: 'two@example.com' },
      { namespace: 'Email', id: 'ONE@example.com' },
      { namespace: 'CRMID', id: '1' },
      { namespace: 'CRMID', id: 'x', address: 'x@example.com' },
      { namespace: 'CRMID', id: 'x', address: 'x2@example.com' },
    );
    expect(rows.map(([, , address]) => address).sort()).toEqual(['two@example.com', 'x@example.com']);
  });

  test('context travels with the message, whatever characters it holds', async () => {
    const context = { coupon: 'A1', odd: 'a\0b\ud800', nested: [{ price: 1.5 }] };
    const executionId = await createScratchExecution(scratch.db, scope, {
      recipients: [
        { namespace: 'Email', id: 'a@example.com', context },
        { namespace: 'Email', id: 'b@example.com' },
      ],
    });
    await expandAll(scratch.db, executionId);
    const { messages } = await claimScratchBatch(scratch.db, executionId);
    const byId = new Map(messages.map((message) => [message.identity, message.context]));
    expect(byId.get('a@example.com')).toEqual({ ...context, odd: 'a\ufffdb\ufffd' });
    expect(byId.get('b@example.com')).toEqual({});
  });

  test('10,000 recipients are one step, and the same again finds them all', async () => {
    const recipients = Array.from({ length: 10_000 }, (_, index) => ({
      namespace: 'CRMID',
      id: `r${index}`,
      address: `r${index}@example.com`,
    }));
    for (let round = 0; round < 2; round += 1) {
      const executionId = await createScratchExecution(scratch.db, scope, { recipients });
      expect(await expandAll(scratch.db, executionId)).toHaveLength(50);
      expect((await executionCounts(scratch.db, scope, executionId))?.counts.queued).toBe(10_000);
    }
    const { rows } = await sql<{
      count: number;
    }>`SELECT count(*)::int AS count FROM profile WHERE sandbox_id = ${scope.sandboxId}`.execute(scratch.db);
    expect(rows[0]?.count).toBe(10_000);
  });

  test('executions at once that name the same new people create each of them once', async () => {
    const recipients = Array.from({ length: 40 }, (_, index) => ({
      namespace: 'CRMID',
      id: `r${index}`,
      address: `r${index}@example.com`,
    }));
    const executions = await Promise.all(
      [recipients, recipients.toReversed(), recipients].map((some) =>
        createScratchExecution(scratch.db, scope, { recipients: some }),
      ),
    );
    await Promise.all(executions.map((executionId) => expandAll(scratch.db, executionId)));
    const { rows } = await sql<{
      count: number;
    }>`SELECT count(*)::int AS count FROM profile WHERE sandbox_id = ${scope.sandboxId}`.execute(scratch.db);
    expect(rows[0]?.count).toBe(40);
    for (const executionId of executions) {
      const claim = await claimBatch(scratch.db, { executionId, batch: 0, owner: 'w', leaseSeconds: 60 });
      expect(claim?.messages).toHaveLength(40);
    }
  });
});
