import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { commitIntent } from './intent.ts';
import { releaseBatch } from './lease.ts';
import { exclude, settle } from './outcome.ts';
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
  ledger = await openLedger();
});

async function openLedger(
  differing: Parameters<typeof createScratchExecution>[2] = {},
): Promise<ScratchLedger> {
  const executionId = await createScratchExecution(scratch.db, scope, differing);
  await expandAll(scratch.db, executionId);
  return openScratchLedger(scratch.db, executionId);
}

describe('the sweep', () => {
  test('a sending message becomes unknown only after the lease and the time for DATA', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages: messages.slice(0, 2) });
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(0);
    await ledger.letTimePass(100);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(0);
    await ledger.letTimePass(250);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(0);
    await ledger.letTimePass(20);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(2);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(0);
    expect(Object.values(await ledger.states()).sort()).toEqual([
      'queued',
      'queued',
      'queued',
      'unknown',
      'unknown',
    ]);
    expect(await ledger.batch()).toMatchObject({ owner: null, lease_until: null, due_at: expect.any(Date) });
    expect(await ledger.events()).toEqual(['unknown', 'unknown']);
  });

  test('an intent that a lock held up until long after its lease has its own time for DATA', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages: messages.slice(0, 1) });
    const own = sql`WHERE execution_id = ${ledger.executionId}`;
    await sql`UPDATE batch SET lease_until = lease_until - interval '1 hour' ${own}`.execute(scratch.db);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(0);
    // Still to be found by a later sweep.
    expect((await ledger.batch()).lease_until).not.toBeNull();
    await ledger.letTimePass(310);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(1);
    expect((await ledger.batch()).lease_until).toBeNull();
  });

  test('the time for DATA begins when the intent’s own life is over: its content may begin that late', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages });
    const own = sql`WHERE execution_id = ${ledger.executionId}`;
    for (;;) {
      const began = performance.now();
      const past = sql`clock_timestamp() - interval '300.2 seconds'`;
      await sql`UPDATE batch SET owner = 'w', lease_until = ${past} ${own}`.execute(scratch.db);
      await sql`UPDATE message SET state = 'sending', updated_at = ${past} ${own}`.execute(scratch.db);
      const { unknown } = await sweep(scratch.db, { dataTimeoutSeconds: 300 });
      // Where the machine was slow the life was over.
      if (performance.now() - began > 1500) continue;
      expect(unknown).toBe(0);
      break;
    }
    await ledger.letTimePass(10);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(5);
  });

  test('a batch whose worker was killed is due again when the lease ran out, and what it was sending waits', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages: messages.slice(0, 2) });
    const mine = ({ due }: Awaited<ReturnType<typeof sweep>>) =>
      due.filter((found) => found.executionId === ledger.executionId);
    expect(mine(await sweep(scratch.db, { dataTimeoutSeconds: 300 }))).toEqual([]);
    await ledger.letTimePass(61);
    expect(mine(await sweep(scratch.db, { dataTimeoutSeconds: 300 }))).toEqual([
      { executionId: ledger.executionId, batch: 0, fence: 1 },
    ]);
    const next = await ledger.claim('worker-2', 1);
    expect(next?.messages).toHaveLength(3);
    await exclude(
      scratch.db,
      next?.lease as never,
      (next?.messages ?? []).map(({ messageId }) => ({ messageId, code: '050101' })),
    );
    await releaseBatch(scratch.db, next?.lease as never, {});
    // The lease stays as one that ran out: the two are still somebody's.
    expect(await ledger.batch()).toMatchObject({ due_at: null, lease_until: expect.any(Date) });
    await ledger.letTimePass(310);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(2);
    expect(await ledger.batch()).toMatchObject({ due_at: null, lease_until: null, owner: null });
  });

  test('S9: where unknown outcomes are resent, the message is deferred under its id, and a late truth still wins', async () => {
    ledger = await openLedger({ channelConfiguration: SCRATCH.transactional });
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    const [told, late] = messages.map(({ messageId }) => messageId) as [string, string];
    // The worker itself saw the connection go.
    await settle(scratch.db, [
      {
        messageId: told,
        attemptId,
        state: 'unknown',
        reply: 'connection lost after DATA',
        notBefore: new Date(Date.now() - 1_000),
      },
    ]);
    expect((await ledger.states())[messages[0]?.identity ?? '']).toBe('deferred');
    await ledger.letTimePass(400);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(4);
    expect(await ledger.stateSet()).toEqual(['deferred']);
    expect(await settle(scratch.db, [{ messageId: late, attemptId, state: 'sent' }])).toBe(1);
    const again = await claimScratchBatch(scratch.db, ledger.executionId);
    expect(again.messages.map(({ messageId }) => messageId)).toEqual(
      messages.map(({ messageId }) => messageId).filter((id) => id !== late),
    );
    expect(again.messages[0]?.attempts).toBe(1);
    // After the next intent the old attempt is past.
    await commitIntent(scratch.db, again.lease, { attemptId: randomUUID(), messages: again.messages });
    expect(await settle(scratch.db, [{ messageId: told, attemptId, state: 'sent' }])).toBe(0);
  });

  test('S9: after its retry period an unknown outcome stays unknown', async () => {
    ledger = await openLedger({ channelConfiguration: SCRATCH.transactional });
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    await sql`UPDATE message SET first_attempt_at = first_attempt_at - interval '85 hours' WHERE execution_id = ${ledger.executionId}`.execute(
      scratch.db,
    );
    await settle(scratch.db, [{ messageId: messages[0]?.messageId ?? '', attemptId, state: 'unknown' }]);
    await ledger.letTimePass(400);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(4);
    expect(await ledger.stateSet()).toEqual(['unknown']);
  });

  test('S9: an unknown outcome with no time left for another attempt is final, wherever its period stands', async () => {
    ledger = await openLedger({ channelConfiguration: SCRATCH.transactional });
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    const outcomes = messages.map(({ messageId }) => ({ messageId, attemptId, state: 'unknown' as const }));
    await settle(scratch.db, outcomes);
    expect(await ledger.stateSet()).toEqual(['unknown']);
  });

  test('what a dead worker was sending becomes unknown although its batch is claimed again and again', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages: messages.slice(0, 1) });
    await ledger.letTimePass(61);
    let unknown = 0;
    for (let round = 0; round < 10; round += 1) {
      await ledger.makeDue();
      const claim = await ledger.claim(`worker-${round}`);
      if (claim === null) throw new Error('nothing to claim');
      unknown += (await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown;
      // A live lease, and the attempt of an earlier one: the lease stays whose it is.
      expect((await ledger.batch()).owner).toBe(`worker-${round}`);
      await releaseBatch(scratch.db, claim.lease, {});
      await ledger.letTimePass(40);
    }
    expect(unknown).toBe(1);
    expect(await ledger.stateSet()).toEqual(['queued', 'unknown']);
  });

  test('executions that nobody expanded are found, dry runs as well', async () => {
    const waiting = await createScratchExecution(scratch.db, scope);
    const dry = await createScratchExecution(scratch.db, scope, { dryRun: true });
    const { expand } = await sweep(scratch.db, { dataTimeoutSeconds: 300 });
    expect(expand).toContain(waiting);
    expect(expand).toContain(dry);
    expect(expand).not.toContain(ledger.executionId);
  });

  test('sweeps at once write every outcome once', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages });
    await ledger.letTimePass(500);
    const sweeps = await Promise.all(
      Array.from({ length: 8 }, () => sweep(scratch.db, { dataTimeoutSeconds: 300 })),
    );
    expect(sweeps.reduce((sum, { unknown }) => sum + unknown, 0)).toBe(5);
    expect(await ledger.events()).toHaveLength(5);
  });
});
