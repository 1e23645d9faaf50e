/**
 * The race between an opt-out and the intent to send, with real sessions that block each other.
 *
 * A violation is a message whose intent was committed after the commit of an opt-out of its scope. Both
 * sides take the next number of one sequence while they hold their locks, so the numbers have the order of the commits.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { OptOut, OptOutScope } from '@adieu/core';
import { SILENT } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import pg from 'pg';
import { openDatabase } from './database.ts';
import { commitIntent, intentText } from './intent.ts';
import type { Claim } from './lease.ts';
import { releaseBatch } from './lease.ts';
import { recordOptOuts } from './opt-out.ts';
import { openOptOutRecorder } from './opt-out-recorder.ts';
import { settle } from './outcome.ts';
import type { Scope } from './scope.ts';
import { preparationOf } from './statement.ts';
import { messagesOf } from './statistics.ts';
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
let claim: Claim;

beforeAll(async () => {
  scratch = await openScratchDatabase({ poolSize: 30 });
});
afterAll(() => scratch.close());

beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importScratchProfiles(scratch.db, scope, 3);
  claim = await claimNew();
});

async function claimNew(): Promise<Claim> {
  const executionId = await createScratchExecution(scratch.db, scope);
  await expandAll(scratch.db, executionId);
  return claimScratchBatch(scratch.db, executionId);
}

function optOutOf(person: string, level: OptOutScope = 'channel'): OptOut {
  return {
    organisation: scope.organisation,
    sandbox: scope.sandbox,
    who: {
      by: 'identity',
      namespace: 'CRMID',
      id: person,
      addressNamespace: 'Email',
      address: `${person}@example.com`,
    },
    scope: level,
    source: 'header_post',
    fingerprint: 'fingerprint',
    at: new Date(),
  };
}

function messageOf(person: string) {
  const message = claim.messages.find(({ identity }) => identity === person);
  if (message === undefined) throw new Error(`no message of ${person}`);
  return message;
}

/** Waits until so many sessions of this database wait for a lock. */
async function untilBlocked(sessions: number): Promise<void> {
  const admin = new pg.Client({ connectionString: scratch.url });
  await admin.connect();
  for (;;) {
    const { rows } = await admin.query<{ blocked: number }>(
      "SELECT count(*)::int AS blocked FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (rows[0]?.blocked === sessions) break;
    await pause(5);
  }
  await admin.end();
}

async function untilStored(profileId: number): Promise<void> {
  for (;;) {
    const row = await scratch.db
      .selectFrom('profile')
      .select('consents')
      .where('id', '=', profileId)
      .executeTakeFirst();
    if (row?.consents.marketing?.email?.val === 'n') return;
    await pause(5);
  }
}

async function openSession(): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: scratch.url });
  await session.connect();
  return session;
}

describe('an opt-out and the intent to send', () => {
  test.each(['channel', 'identity'] as const)(
    'OH-27: a %s opt-out between claim and intent keeps the message back, and only that one',
    async (level) => {
      const [recorded] = await recordOptOuts(scratch.db, [optOutOf('p1', level)]);
      expect(recorded).toMatchObject({ known: true, changed: true });
      const admitted = await commitIntent(scratch.db, claim.lease, {
        attemptId: randomUUID(),
        messages: claim.messages,
      });
      expect([...admitted].sort()).toEqual([messageOf('p0').messageId, messageOf('p2').messageId].sort());
    },
  );

  test.each([
    ['batch', 'SELECT 1 FROM batch WHERE execution_id = $1 FOR UPDATE'],
    [
      'first profile',
      'SELECT 1 FROM profile WHERE id = (SELECT min(profile_id) FROM message WHERE execution_id = $1) FOR UPDATE',
    ],
    [
      'first address',
      'SELECT 1 FROM address WHERE id = (SELECT min(address_id) FROM message WHERE execution_id = $1) FOR UPDATE',
    ],
  ])(
    'OH-27: an intent that waits for the %s row while an opt-out commits and is answered does not admit the message',
    async (row, lock) => {
      const blocker = await openSession();
      await blocker.query('BEGIN');
      await blocker.query(lock, [claim.lease.executionId]);
      const intent = commitIntent(scratch.db, claim.lease, {
        attemptId: randomUUID(),
        messages: claim.messages,
      });
      await untilBlocked(1);
      if (row === 'first address') {
        // The profiles are locked by the intent already: the opt-out has to wait for it, so it comes later.
        const optOut = recordOptOuts(scratch.db, [optOutOf('p1')]);
        await untilBlocked(2);
        await blocker.query('COMMIT');
        expect((await intent).has(messageOf('p1').messageId)).toBe(true);
        expect((await optOut)[0]).toMatchObject({ changed: true });
      } else {
        await recordOptOuts(scratch.db, [optOutOf('p2')]);
        await blocker.query('COMMIT');
        expect([...(await intent)].sort()).toEqual(
          [messageOf('p0').messageId, messageOf('p1').messageId].sort(),
        );
      }
      await blocker.end();
    },
  );

  test('OH-27: an opt-out of the address that commits while the intent waits for a profile is seen', async () => {
    const blocker = await openSession();
    await blocker.query('BEGIN');
    await blocker.query('SELECT 1 FROM profile WHERE id = $1 FOR UPDATE', [messageOf('p2').profileId]);
    const intent = commitIntent(scratch.db, claim.lease, {
      attemptId: randomUUID(),
      messages: claim.messages,
    });
    await untilBlocked(1);
    await recordOptOuts(scratch.db, [optOutOf('p0', 'identity')]);
    await blocker.query('COMMIT');
    expect([...(await intent)].sort()).toEqual([messageOf('p1').messageId, messageOf('p2').messageId].sort());
    await blocker.end();
  });

  test('OH-27: an intent that finds its lease lost after waiting admits nothing', async () => {
    const blocker = await openSession();
    await blocker.query('BEGIN');
    await blocker.query('UPDATE batch SET fence = fence + 1 WHERE execution_id = $1', [
      claim.lease.executionId,
    ]);
    const intent = commitIntent(scratch.db, claim.lease, {
      attemptId: randomUUID(),
      messages: claim.messages,
    });
    await untilBlocked(1);
    await blocker.query('COMMIT');
    expect(await intent).toEqual(new Set());
    await blocker.end();
  });

  test('OH-27, LG-1: an opt-out after the intent is answered only when the message has settled', async () => {
    const recorder = openOptOutRecorder(scratch.database, { log: SILENT, patienceSeconds: 60 });
    const attemptId = randomUUID();
    const { messageId } = messageOf('p1');
    await commitIntent(scratch.db, claim.lease, { attemptId, messages: claim.messages });
    let answered = false;
    const answer = recorder.record(optOutOf('p1')).then((receipt) => {
      answered = true;
      return receipt;
    });
    await untilStored(messageOf('p1').profileId);
    expect(answered).toBe(false);
    await settle(scratch.db, [{ messageId, attemptId, state: 'sent' }]);
    expect(await answer).toEqual({ changed: true, known: true });
    expect(recorder.stats().overtaken).toBe(0);
    await recorder.close();
  });

  test.each(['force_generic_plan', 'force_custom_plan'])(
    'the locks are taken in one order: batch, profiles by id, addresses by id, then messages (%s)',
    async (mode) => {
      const { db, close } = openDatabase({ url: scratch.url, poolSize: 1 });
      await commitIntent(db, claim.lease, { attemptId: randomUUID(), messages: claim.messages });
      await sql`SELECT set_config('plan_cache_mode', ${mode}, false)`.execute(db);
      const id = 'gen_random_uuid()';
      const { rows } = await sql<{ 'QUERY PLAN': string }>`${sql.raw(
        `EXPLAIN (COSTS off) EXECUTE ${preparationOf(intentText(messagesOf(claim.lease.month)))?.name}
       (1, 0, 1, 'worker-1', ${id}, ARRAY[${id}], ARRAY[1], ARRAY[1], ARRAY[1], ARRAY[1])`,
      )}`.execute(db);
      await close();
      const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
      const steps = new Map(plan.split(/\n {2}CTE /).map((step) => [step.split('\n')[0] ?? '', step]));
      for (const [step, before] of [
        ['profiles', 'held'],
        ['addresses', 'profiles'],
        ['admitted', 'addresses'],
      ] as const) {
        // The whole step before is counted before the first row of this one is read.
        expect(steps.get(step)).toMatch(/One-Time Filter: \(.*InitPlan/);
        expect(steps.get(step)).toMatch(
          new RegExp(`InitPlan \\d.*\\n +-> +Aggregate\\n +-> +CTE Scan on ${before}\\b`),
        );
      }
      expect(steps.get('held')).toMatch(/LockRows/);
      expect(steps.get('profiles')).toMatch(/LockRows(.|\n)*Sort Key: p\.id/);
      expect(steps.get('addresses')).toMatch(/LockRows(.|\n)*Sort Key: a\.id/);
      expect(steps.get('admitted')).toMatch(/CTE Scan on admitted w/);
    },
  );

  test('OH-27: under load no intent is committed after an opt-out of its message', async () => {
    const people = 40;
    await importScratchProfiles(scratch.db, scope, people);
    const session = await openSession();
    await session.query(CLOCK);
    let violations = 0;
    let admittedInAll = 0;
    let optedOutInAll = 0;
    for (let round = 0; round < 12; round += 1) {
      // Everybody is in again: a person's own act, which grows the version as well.
      await session.query(
        "UPDATE profile SET consents = '{}', standing_version = standing_version + 1 WHERE sandbox_id = $1",
        [scope.sandboxId],
      );
      await session.query(
        "UPDATE address SET consents = '{}', standing_version = standing_version + 1 WHERE sandbox_id = $1",
        [scope.sandboxId],
      );
      await session.query('TRUNCATE clock');
      const { lease, messages } = await claimNew();
      const intents = messages.map(async (message) => {
        await pause(Math.random() * 20);
        return commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages: [message] });
      });
      const optOuts = messages.map(async ({ identity }, index) => {
        await pause(Math.random() * 20);
        await recordOptOuts(scratch.db, [optOutOf(identity, index % 2 === 0 ? 'channel' : 'identity')]);
      });
      await Promise.all([...intents, ...optOuts]);
      const { rows } = await session.query<{ violations: number; admitted: number; left: number }>(
        COUNT_VIOLATIONS,
      );
      violations += rows[0]?.violations ?? 0;
      admittedInAll += rows[0]?.admitted ?? 0;
      optedOutInAll += rows[0]?.left ?? 0;
      await releaseBatch(scratch.db, lease, {});
    }
    await session.end();
    // Both orders must have happened, or nothing was proven.
    expect(optedOutInAll).toBe(people * 12);
    expect(admittedInAll).toBeGreaterThan(0);
    expect(admittedInAll).toBeLessThan(people * 12);
    expect(violations).toBe(0);
  });
});

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Both sides write down the order in which they held the row. The triggers run inside the statements, while the
 * locks are held, and a short sleep before the opt-out's commit widens the gap in which a wrong statement would slip.
 */
const CLOCK = `
  CREATE SEQUENCE tick;
  CREATE TABLE clock (profile_id bigint, address_id bigint, kind text, at bigint DEFAULT nextval('tick'));
  CREATE FUNCTION note_intent() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO clock (profile_id, address_id, kind) VALUES (NEW.profile_id, NEW.address_id, 'intent'); RETURN NEW; END $$;
  CREATE FUNCTION note_profile() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN PERFORM pg_sleep(0.002); INSERT INTO clock (profile_id, kind) VALUES (NEW.id, 'out'); RETURN NEW; END $$;
  CREATE FUNCTION note_address() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN PERFORM pg_sleep(0.002); INSERT INTO clock (address_id, kind) VALUES (NEW.id, 'out'); RETURN NEW; END $$;
  CREATE TRIGGER note AFTER UPDATE ON message FOR EACH ROW WHEN (NEW.state = 'sending') EXECUTE FUNCTION note_intent();
  CREATE TRIGGER note AFTER UPDATE ON profile FOR EACH ROW WHEN (NEW.consents #>> '{marketing,email,val}' = 'n') EXECUTE FUNCTION note_profile();
  CREATE TRIGGER note AFTER UPDATE ON address FOR EACH ROW WHEN (NEW.consents #>> '{marketing,email,val}' = 'n') EXECUTE FUNCTION note_address();`;

const COUNT_VIOLATIONS = `
  SELECT (SELECT count(*)::int FROM clock i JOIN clock o ON o.kind = 'out' AND o.at < i.at
      AND (o.profile_id = i.profile_id OR o.address_id = i.address_id) WHERE i.kind = 'intent') AS violations,
    (SELECT count(*)::int FROM clock WHERE kind = 'intent') AS admitted,
    (SELECT count(*)::int FROM clock WHERE kind = 'out') AS left`;
