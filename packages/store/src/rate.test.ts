import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type Lease, releaseBatch } from './lease.ts';
import { bookPermits } from './rate.ts';
import type { Scope } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
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

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importScratchProfiles(scratch.db, scope, 5);
});

async function lease(channelConfiguration: string = SCRATCH.marketing): Promise<Lease> {
  const executionId = await createScratchExecution(scratch.db, scope, { channelConfiguration });
  await expandAll(scratch.db, executionId);
  return (await claimScratchBatch(scratch.db, executionId)).lease;
}
const book = (held: Lease, wanted: number, messagesPerSecond: number) =>
  bookPermits(scratch.db, held, { wanted, messagesPerSecond });
/** Milliseconds from now on, by the clock that both sides read. */
const inMs = (booking: Awaited<ReturnType<typeof book>>): number =>
  booking?.kind === 'later' ? booking.from.getTime() - Date.now() : 0;
const permits = async ({ executionId }: Lease) =>
  scratch.db
    .selectFrom('batch')
    .select(['permits', 'permits_at'])
    .where('execution_id', '=', executionId)
    .executeTakeFirstOrThrow();

describe('S13: permits', () => {
  test('come one after the other, whoever books them, a second of them at most', async () => {
    const [first, second, third] = [await lease(), await lease(), await lease()];
    // One message in 100 s.
    expect(await book(first, 5, 0.01)).toEqual({ kind: 'now', count: 1 });
    const next = inMs(await book(second, 5, 0.01));
    expect(next).toBeGreaterThan(50_000);
    expect(next).toBeLessThanOrEqual(100_001);
    const last = inMs(await book(third, 5, 0.01));
    expect(last - next).toBeGreaterThan(90_000);
    // Another configuration has a line of its own.
    expect(await book(await lease(SCRATCH.transactional), 5, 3)).toEqual({ kind: 'now', count: 3 });
  });

  test('a hundred at once book a hundred different times', async () => {
    const leases = await Promise.all(Array.from({ length: 20 }, () => lease()));
    await Promise.all(leases.map((held) => book(held, 200, 100)));
    const rows = await Promise.all(leases.map(permits));
    const times = rows.map(({ permits_at: at }) => at?.getTime() ?? 0).sort((a, b) => a - b);
    const gaps = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // 100 permits at 100 a second, each line of them after the last.
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(999);
  });

  test('that begin later stay with the batch, and are not booked again', async () => {
    const [first, second] = [await lease(), await lease()];
    await book(first, 5, 0.01);
    const booking = await book(second, 5, 0.01);
    if (booking?.kind !== 'later') throw new Error('too early');
    await releaseBatch(scratch.db, second, { notBefore: booking.from });
    expect(await permits(second)).toMatchObject({ permits: 1 });
    const { executionId } = second;
    // The due time alone is over: the permits are not.
    await sql`UPDATE batch SET due_at = now() WHERE execution_id = ${executionId}`.execute(scratch.db);
    const again = await claimScratchBatch(scratch.db, executionId);
    expect(await book(again.lease, 5, 0.01)).toEqual(booking);
    await sql`UPDATE batch SET permits_at = now() - interval '2 seconds' WHERE execution_id = ${executionId}`.execute(
      scratch.db,
    );
    expect(await book(again.lease, 5, 0.01)).toEqual({ kind: 'now', count: 1 });
    // Used up: the next stands at the end of the line.
    expect(inMs(await book(again.lease, 5, 0.01))).toBeGreaterThan(150_000);
  });

  test('that nobody came for are void, or a pause would end in a burst', async () => {
    const [first, second] = [await lease(), await lease()];
    await book(first, 5, 0.01);
    await book(second, 5, 0.01);
    await sql`UPDATE batch SET permits_at = now() - interval '6 seconds'`.execute(scratch.db);
    expect((await book(second, 5, 0.01))?.kind).toBe('later');
  });

  test('are not booked under a lost lease', async () => {
    const held = await lease();
    expect(await book({ ...held, fence: held.fence + 1 }, 5, 1)).toBeNull();
    expect(
      await scratch.db.selectFrom('rate').selectAll().where('sandbox_id', '=', scope.sandboxId).execute(),
    ).toEqual([]);
  });
});
