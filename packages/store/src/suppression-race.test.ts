/**
 * The race between a suppression and the intent to send, with real sessions that block each other.
 *
 * A violation is a message whose intent was committed after the commit of an entry for its address. Both sides
 * take the next number of one sequence while they hold their locks, so the numbers have the order of the commits.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { DeliveryList } from '@adieu/core';
import { decide, gateMessage } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { putEntries, removeEntry } from './delivery-list.ts';
import { commitIntent } from './intent.ts';
import type { Claim } from './lease.ts';
import { releaseBatch, reread } from './lease.ts';
import type { Scope } from './scope.ts';
import { standingOf } from './standing.ts';
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

function put(list: DeliveryList, ...people: readonly string[]): Promise<boolean[]> {
  const entries = people.map((person) => {
    const key = `${person}@example.com`;
    return { kind: 'email', key, spelling: key, reason: 'manual', comment: null, author: null } as const;
  });
  return putEntries(scratch.db, scope, { list, source: 'admin', entries });
}

function messageOf(person: string) {
  const message = claim.messages.find(({ identity }) => identity === person);
  if (message === undefined) throw new Error(`no message of ${person}`);
  return message;
}

function intend(messages = claim.messages): Promise<Set<string>> {
  return commitIntent(scratch.db, claim.lease, { attemptId: randomUUID(), messages });
}

async function openSession(): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: scratch.url });
  await session.connect();
  return session;
}

/** Waits until so many sessions of this database wait for a lock. */
async function untilBlocked(sessions: number): Promise<void> {
  const admin = await openSession();
  for (;;) {
    const { rows } = await admin.query<{ blocked: number }>(
      "SELECT count(*)::int AS blocked FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    if (rows[0]?.blocked === sessions) break;
    await pause(5);
  }
  await admin.end();
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('OH-27, X10: an address suppressed between claim and intent is kept back, and only that one; the gate then sees why', async () => {
  await put('suppressed', 'p1');
  const admitted = await intend();
  expect([...admitted].sort()).toEqual([messageOf('p0').messageId, messageOf('p2').messageId].sort());
  const [again] = await reread(scratch.db, claim.lease, [messageOf('p1').messageId]);
  if (again === undefined) throw new Error('not open any more');
  expect(
    decide(
      gateMessage({ emailType: 'transactional', marketingActions: [] }, null),
      standingOf(again, claim.defaults),
    ),
  ).toEqual({
    kind: 'exclude',
    code: '050102',
    rule: 'suppressed_address',
  });
});

test('OH-27, X11: an address taken off the allowed list between claim and intent is kept back', async () => {
  await put('allowed', 'p0', 'p1', 'p2');
  claim = await claimNew();
  expect(claim.messages.every(({ allowed }) => allowed)).toBe(true);
  await removeEntry(scratch.db, scope, { list: 'allowed', kind: 'email', key: 'p2@example.com' });
  const admitted = await intend();
  expect([...admitted].sort()).toEqual([messageOf('p0').messageId, messageOf('p1').messageId].sort());
});

test('OH-27: a suppression that commits while the intent waits for a profile is seen', async () => {
  const blocker = await openSession();
  await blocker.query('BEGIN');
  await blocker.query('SELECT 1 FROM profile WHERE id = $1 FOR UPDATE', [messageOf('p2').profileId]);
  const intent = intend();
  await untilBlocked(1);
  await put('suppressed', 'p0');
  await blocker.query('COMMIT');
  expect([...(await intent)].sort()).toEqual([messageOf('p1').messageId, messageOf('p2').messageId].sort());
  await blocker.end();
});

test('OH-27: under load no intent is committed after a suppression of its address', async () => {
  const people = 40;
  await importScratchProfiles(scratch.db, scope, people);
  const session = await openSession();
  await session.query(CLOCK);
  let violations = 0;
  let admitted = 0;
  let suppressed = 0;
  for (let round = 0; round < 10; round += 1) {
    await session.query('DELETE FROM delivery_list WHERE sandbox_id = $1', [scope.sandboxId]);
    await session.query('TRUNCATE clock');
    const { lease, messages } = await claimNew();
    const intents = messages.map(async (message) => {
      await pause(Math.random() * 40);
      return commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages: [message] });
    });
    // In groups that overlap, as an import and an operator would write them.
    const suppressions = messages.map(async ({ identity }, index) => {
      await pause(Math.random() * 40);
      return put('suppressed', identity, `p${(index + 7) % people}`);
    });
    await Promise.all([...intents, ...suppressions]);
    const { rows } = await session.query<{ violations: number; admitted: number; suppressed: number }>(COUNT);
    violations += rows[0]?.violations ?? 0;
    admitted += rows[0]?.admitted ?? 0;
    suppressed += rows[0]?.suppressed ?? 0;
    await releaseBatch(scratch.db, lease, {});
  }
  await session.end();
  // Both orders must have happened, or nothing was proven.
  expect(suppressed).toBe(people * 10);
  expect(admitted).toBeGreaterThan(0);
  expect(admitted).toBeLessThan(people * 10);
  expect(violations).toBe(0);
});

/** The numbers are taken inside the statements, while the locks are held; the sleep widens the gap before the commit. */
const CLOCK = `
  CREATE SEQUENCE tick;
  CREATE TABLE clock (address_id bigint, kind text, at bigint DEFAULT nextval('tick'));
  CREATE FUNCTION note_intent() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN INSERT INTO clock (address_id, kind) VALUES (NEW.address_id, 'intent'); RETURN NEW; END $$;
  CREATE FUNCTION note_entry() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_sleep(0.001);
    INSERT INTO clock (address_id, kind) SELECT id, 'out' FROM address WHERE sandbox_id = NEW.sandbox_id AND key = NEW.key;
    RETURN NEW;
  END $$;
  CREATE TRIGGER note AFTER UPDATE ON message FOR EACH ROW WHEN (NEW.state = 'sending') EXECUTE FUNCTION note_intent();
  CREATE TRIGGER note AFTER INSERT ON delivery_list FOR EACH ROW EXECUTE FUNCTION note_entry();`;

const COUNT = `
  SELECT (SELECT count(*)::int FROM clock i JOIN clock o ON o.kind = 'out' AND o.at < i.at AND o.address_id = i.address_id
      WHERE i.kind = 'intent') AS violations,
    (SELECT count(*)::int FROM clock WHERE kind = 'intent') AS admitted,
    (SELECT count(*)::int FROM clock WHERE kind = 'out') AS suppressed`;
