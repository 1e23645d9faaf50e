import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { executionCounts } from './execution.ts';
import { controlExecution } from './execution-control.ts';
import { expandStep } from './expansion.ts';
import { commitIntent } from './intent.ts';
import { claimBatch, releaseBatch, renewLease } from './lease.ts';
import { openExecutions } from './open-execution.ts';
import { type Attempt, giveBack, settle } from './outcome.ts';
import type { Scope } from './scope.ts';
import { sweep } from './sweep.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import type { ScratchLedger } from './testing/scratch-ledger.ts';
import { openScratchLedger } from './testing/scratch-ledger.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
  SCRATCH,
} from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let scope: Scope;
let ledger: ScratchLedger;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importScratchProfiles(scratch.db, scope, 5);
  ledger = await open();
});

async function open(differing: Parameters<typeof createScratchExecution>[2] = {}): Promise<ScratchLedger> {
  const executionId = await createScratchExecution(scratch.db, scope, differing);
  await expandAll(scratch.db, executionId);
  return openScratchLedger(scratch.db, executionId);
}
const say = (action: 'pause' | 'resume' | 'cancel', executionId = ledger.executionId) =>
  controlExecution(scratch.db, scope, { executionId, action });
const isDue = async (): Promise<boolean> => {
  const { due } = await sweep(scratch.db, { dataTimeoutSeconds: 300 });
  return due.some(({ executionId }) => executionId === ledger.executionId);
};
const rows = () =>
  scratch.db
    .selectFrom('message')
    .select(['id', 'state', 'code', 'reply'])
    .where('execution_id', '=', ledger.executionId)
    .orderBy('id')
    .execute();
/** What was to be done until now was to be done long ago. */
const age = async (interval: string): Promise<void> => {
  const past = sql.raw(`interval '${interval}'`);
  const own = sql`execution_id = ${ledger.executionId}`;
  await sql`UPDATE execution SET expires_at = expires_at - ${past} WHERE id = ${ledger.executionId}`.execute(
    scratch.db,
  );
  await sql`UPDATE batch SET ends_at = ends_at - ${past} WHERE ${own}`.execute(scratch.db);
  await sql`UPDATE message SET first_attempt_at = first_attempt_at - ${past} WHERE ${own}`.execute(
    scratch.db,
  );
};
const pauseInstallation = (paused: boolean) =>
  sql`UPDATE installation SET paused_at = ${paused ? sql`now()` : sql`NULL`}, paused_why = ${paused ? 'test' : null}`.execute(
    scratch.db,
  );

describe('S8: a pause', () => {
  const PAUSES = [
    ['of the execution', () => say('pause'), () => say('resume')],
    ['of the installation', () => pauseInstallation(true), () => pauseInstallation(false)],
  ] as const;

  test.each(PAUSES)('%s: nothing is claimed, and after it everything is', async (_name, pause, resume) => {
    await pause();
    expect(await isDue()).toBe(false);
    expect(await ledger.claim('w')).toBeNull();
    expect(await ledger.batch()).toMatchObject({ owner: null, fence: 0 });
    await resume();
    expect(await isDue()).toBe(true);
    expect((await ledger.claim('w'))?.messages).toHaveLength(5);
  });

  test.each(PAUSES)(
    '%s ends a lease: no further intent, no renewal, and its release leaves all due',
    async (_name, pause, resume) => {
      const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
      const attemptId = randomUUID();
      await commitIntent(scratch.db, lease, { attemptId, messages: messages.slice(0, 1) });
      await pause();
      const rest = messages.slice(1);
      expect(await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages: rest })).toEqual(
        new Set(),
      );
      expect(await renewLease(scratch.db, lease)).toBe(false);
      // What is on the wire settles.
      expect(
        await settle(scratch.db, [{ messageId: messages[0]?.messageId ?? '', attemptId, state: 'sent' }]),
      ).toBe(1);
      await releaseBatch(scratch.db, lease, {});
      expect(await isDue()).toBe(false);
      await resume();
      expect(await isDue()).toBe(true);
      expect((await ledger.claim('w'))?.messages).toHaveLength(4);
    },
  );

  test('does not keep others from the sweep, however many batches it holds', async () => {
    await say('pause');
    await sql`INSERT INTO batch (execution_id, no, month, due_at, ends_at)
      SELECT ${ledger.executionId}::bigint, n, '2026-01-01', now() - interval '1 hour', now() + interval '1 hour'
      FROM generate_series(1, 1500) n`.execute(scratch.db);
    const other = await open();
    const { due } = await sweep(scratch.db, { dataTimeoutSeconds: 300 });
    expect(due).toContainEqual({ executionId: other.executionId, batch: 0, fence: 0 });
    expect(due.filter(({ executionId }) => executionId === ledger.executionId)).toEqual([]);
  });
});

test('what goes out after a resume is listed with what is left of it, and nothing else is', async () => {
  const own = async () =>
    (await openExecutions(scratch.db)).find(({ executionId }) => executionId === ledger.executionId);
  expect(await own()).toMatchObject({
    control: 'running',
    expanded: true,
    queued: 5,
    sending: 0,
    deferred: 0,
  });
  const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
  const attemptId = randomUUID();
  await commitIntent(scratch.db, lease, { attemptId, messages });
  const [first, ...others] = messages.map(({ messageId }) => messageId) as [string, ...string[]];
  const notBefore = new Date(Date.now() + 3_600_000);
  await settle(scratch.db, [{ messageId: first, attemptId, state: 'deferred', notBefore }]);
  expect(await own()).toMatchObject({ queued: 0, sending: 4, deferred: 1 });
  await settle(
    scratch.db,
    others.map((messageId) => ({ messageId, attemptId, state: 'sent' as const })),
  );
  await releaseBatch(scratch.db, lease, { notBefore });
  await say('pause');
  expect(await own()).toMatchObject({ control: 'paused', sending: 0, deferred: 1 });
  await say('cancel');
  expect(await own()).toBeUndefined();
});

describe('S8: a cancellation', () => {
  test('ends what is queued or deferred, lets the wire settle, and then the execution is finished', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages: messages.slice(0, 2) });
    const [sent, deferred] = messages.map(({ messageId }) => messageId) as [string, string];
    const notBefore = new Date(Date.now() + 3_600_000);
    await settle(scratch.db, [{ messageId: deferred, attemptId, state: 'deferred', notBefore }]);
    await say('cancel');
    expect(await ledger.claim('other')).toBeNull();
    expect(await renewLease(scratch.db, lease)).toBe(false);
    await settle(scratch.db, [{ messageId: sent, attemptId, state: 'sent' }]);
    await releaseBatch(scratch.db, lease, {});
    expect(await isDue()).toBe(true);
    expect(await ledger.claim('w')).toBeNull();
    expect(await isDue()).toBe(false);
    expect(await executionCounts(scratch.db, scope, ledger.executionId)).toMatchObject({
      state: 'finished',
      control: 'cancelled',
      counts: { sent: 1, failed: 4, queued: 0, deferred: 0 },
    });
    for (const row of (await rows()).filter(({ id }) => id !== sent)) {
      expect(row).toMatchObject({ code: 'cancelled', reply: 'Its execution was cancelled.' });
    }
    expect(await ledger.events()).toEqual(['deferred', 'failed', 'failed', 'failed', 'failed', 'sent']);
    expect(await ledger.batch()).toMatchObject({ owner: null, due_at: null });
  });

  test('of an execution that is being expanded leaves it as it is, and ends that', async () => {
    await importScratchProfiles(scratch.db, scope, 10_300);
    const executionId = await createScratchExecution(scratch.db, scope);
    expect((await expandStep(scratch.db, executionId)).done).toBe(false);
    await say('cancel', executionId);
    expect(await expandStep(scratch.db, executionId)).toEqual({ done: true, batches: [] });
    const { expand, due } = await sweep(scratch.db, { dataTimeoutSeconds: 300 });
    expect(expand).not.toContain(executionId);
    const own = due.filter((batch) => batch.executionId === executionId);
    expect(own).toHaveLength(50);
    for (const { batch, fence } of own) {
      const request = { executionId, batch, fence, owner: 'w', leaseSeconds: 60 };
      expect(await claimBatch(scratch.db, request)).toBeNull();
    }
    expect(await executionCounts(scratch.db, scope, executionId)).toMatchObject({
      state: 'finished',
      counts: { failed: 10_000, queued: 0 },
    });
  });

  test('S9: of a message whose attempt may have been accepted it says so, and a late truth still wins', async () => {
    ledger = await open({ channelConfiguration: SCRATCH.transactional });
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    const notBefore = new Date(Date.now() + 60_000);
    await settle(
      scratch.db,
      messages.map(({ messageId }) => ({ messageId, attemptId, state: 'unknown' as const, notBefore })),
    );
    await releaseBatch(scratch.db, lease, {});
    expect(await ledger.stateSet()).toEqual(['deferred']);
    await say('cancel');
    expect(await ledger.claim('w')).toBeNull();
    expect(await ledger.stateSet()).toEqual(['unknown']);
    const messageId = messages[0]?.messageId ?? '';
    expect(await settle(scratch.db, [{ messageId, attemptId, state: 'sent' }])).toBe(1);
    expect(await ledger.stateSet()).toEqual(['sent', 'unknown']);
  });
});

describe('a batch that was done', () => {
  /** Everything in it has become unknown, and its worker has left. */
  const beDone = async (): Promise<Attempt[]> => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    const attempts = messages.map(({ messageId }) => ({ messageId, attemptId }));
    await settle(
      scratch.db,
      attempts.map((attempt) => ({ ...attempt, state: 'unknown' as const })),
    );
    await releaseBatch(scratch.db, lease, {});
    return attempts;
  };
  const defer = (attempts: readonly Attempt[]) =>
    settle(
      scratch.db,
      attempts.map((attempt) => ({
        ...attempt,
        state: 'deferred' as const,
        notBefore: new Date(Date.now() + 3_600_000),
      })),
    );

  test('is cancelled with its execution where a late truth deferred its messages', async () => {
    await defer(await beDone());
    expect(await say('cancel')).toEqual({ kind: 'done', control: 'cancelled' });
    expect(await isDue()).toBe(true);
    expect(await ledger.claim('w')).toBeNull();
    expect(await ledger.stateSet()).toEqual(['failed']);
    expect(await isDue()).toBe(false);
  });

  test('ends in time, also while it is paused, where a late truth opened its messages', async () => {
    const attempts = await beDone();
    expect(await giveBack(scratch.db, attempts.slice(0, 2))).toBe(2);
    expect(await defer(attempts.slice(2))).toBe(3);
    await say('pause');
    await age('85 hours');
    expect(await isDue()).toBe(true);
    expect(await ledger.claim('w')).toBeNull();
    expect(await ledger.stateSet()).toEqual(['bounced', 'failed']);
    expect(await isDue()).toBe(false);
  });

  test.each(['due_at', 'ends_at', 'lease_until'] as const)(
    'and has work again is cancelled whether its row says so by %s or otherwise',
    async (sign) => {
      await beDone();
      const own = sql`WHERE execution_id = ${ledger.executionId}`;
      await sql`UPDATE message SET state = 'queued' ${own}`.execute(scratch.db);
      const owner = sign === 'lease_until' ? 'gone' : null;
      await sql`UPDATE batch SET ${sql.ref(sign)} = now() - interval '1 second', owner = ${owner} ${own}`.execute(
        scratch.db,
      );
      expect((await say('cancel')).kind).toBe('done');
      expect(await isDue()).toBe(true);
      await ledger.claim('w');
      expect(await ledger.stateSet()).toEqual(['unknown']);
    },
  );

  test('is done without a look at its messages, and one that only looks open is not open', async () => {
    await beDone();
    const own = sql`WHERE execution_id = ${ledger.executionId}`;
    await sql`UPDATE batch SET ends_at = now() + interval '1 hour' ${own}`.execute(scratch.db);
    expect(await say('pause')).toEqual({ kind: 'refused', because: 'finished' });
    await sql`UPDATE batch SET ends_at = NULL ${own}`.execute(scratch.db);
    // Nobody writes that: it shows who is asked.
    await sql`UPDATE message SET state = 'queued' ${own}`.execute(scratch.db);
    expect(await say('pause')).toEqual({ kind: 'refused', because: 'finished' });
  });
});

describe('S7: what is too late', () => {
  test('was never tried: ends, and no intent is given meanwhile', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    await age('85 hours');
    expect(await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages })).toEqual(new Set());
    expect(await renewLease(scratch.db, lease)).toBe(true);
    await releaseBatch(scratch.db, lease, { notBefore: new Date(Date.now() + 60_000) });
    expect(await isDue()).toBe(true);
    expect(await ledger.claim('w')).toBeNull();
    for (const row of await rows()) {
      expect(row).toMatchObject({ state: 'failed', code: '4.4.7', reply: 'It was too late to be sent.' });
    }
    expect(await ledger.events()).toEqual(Array(5).fill('failed'));
    expect(await isDue()).toBe(false);
  });

  test('ends while the execution is paused', async () => {
    await say('pause');
    await age('85 hours');
    expect(await isDue()).toBe(true);
    expect(await ledger.claim('w')).toBeNull();
    expect(await ledger.stateSet()).toEqual(['failed']);
    expect((await executionCounts(scratch.db, scope, ledger.executionId))?.state).toBe('finished');
  });

  test('has the time that the execution asked for, or the retry period of its configuration', async () => {
    const minutes = async () => {
      const { rows: found } = await sql<{ minutes: number }>`
        SELECT round(extract(epoch FROM expires_at - created_at) / 60)::int AS minutes FROM execution
        WHERE id = ${ledger.executionId}`.execute(scratch.db);
      return found[0]?.minutes;
    };
    expect(await minutes()).toBe(5040);
    ledger = await open({ maxLatenessMinutes: 7 });
    expect(await minutes()).toBe(7);
    await age('8 minutes');
    expect(await ledger.claim('w')).toBeNull();
    expect(await ledger.stateSet()).toEqual(['failed']);
  });

  test('does not concern a message that was tried: its retry period is its own, and ends it when nobody could try again', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    await settle(
      scratch.db,
      messages.map(({ messageId }) => ({
        messageId,
        attemptId,
        state: 'deferred' as const,
        notBefore: new Date(0),
        code: '4.3.0',
        reply: '451 4.3.0 not now',
      })),
    );
    await releaseBatch(scratch.db, lease, {});
    await say('pause');
    await sql`UPDATE execution SET expires_at = now() - interval '1 hour' WHERE id = ${ledger.executionId}`.execute(
      scratch.db,
    );
    expect(await isDue()).toBe(false);
    await say('resume');
    const again = await claimScratchBatch(scratch.db, ledger.executionId);
    expect(again.messages).toHaveLength(5);
    const one = again.messages.slice(0, 1);
    expect(
      (await commitIntent(scratch.db, again.lease, { attemptId: randomUUID(), messages: one })).size,
    ).toBe(1);
    await say('pause');
    await age('85 hours');
    await releaseBatch(scratch.db, again.lease, {});
    expect(await isDue()).toBe(true);
    await ledger.letTimePass(1);
    expect(await ledger.claim('w')).toBeNull();
    // What is on the wire is left to its outcome, and the sweep does not ask for it again at once.
    expect(await ledger.stateSet()).toEqual(['bounced', 'sending']);
    for (const row of (await rows()).filter(({ state }) => state === 'bounced')) {
      expect(row).toMatchObject({ code: '4.4.7', reply: '451 4.3.0 not now' });
    }
    await ledger.letTimePass(1);
    expect(await isDue()).toBe(false);
  });
});
