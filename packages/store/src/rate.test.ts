import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { Lease } from './lease.ts';
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
/** Seconds, by the database's clock, from which on the next may leave. */
async function ahead(): Promise<number> {
  const { rows } = await sql<{ readonly seconds: number }>`
    SELECT extract(epoch FROM free_at - clock_timestamp())::float8 AS seconds FROM rate
    WHERE sandbox_id = ${scope.sandboxId} AND configuration_name = ${SCRATCH.marketing}`.execute(scratch.db);
  return rows[0]?.seconds ?? 0;
}
async function now(): Promise<number> {
  const { rows } = await sql<{
    readonly seconds: number;
  }>`SELECT extract(epoch FROM clock_timestamp())::float8 AS seconds`.execute(scratch.db);
  return rows[0]?.seconds ?? 0;
}
/** As if so much time had passed. */
const later = (seconds: number) =>
  sql`UPDATE rate SET free_at = free_at - make_interval(secs => ${seconds})`.execute(scratch.db);

describe('S13: permits', () => {
  test('come one after the other, whoever takes them, a second of them at most', async () => {
    const [first, second] = [await lease(), await lease()];
    // One message in 1,000 s.
    expect(await book(first, 5, 0.001)).toEqual({ kind: 'now', count: 1 });
    for (const held of [second, first, second]) expect((await book(held, 5, 0.001))?.kind).toBe('later');
    await later(1000);
    expect(await book(second, 5, 0.001)).toEqual({ kind: 'now', count: 1 });
    expect((await book(first, 5, 0.001))?.kind).toBe('later');
    // Another configuration has a line of its own.
    expect(await book(await lease(SCRATCH.transactional), 5, 3)).toEqual({ kind: 'now', count: 3 });
  });

  test('that many want at once are never more than the time allows', async () => {
    const leases = await Promise.all(Array.from({ length: 20 }, () => lease()));
    const begun = await now();
    let granted = 0;
    await Promise.all(
      leases.map(async (held) => {
        for (let time = 0; time < 20; time += 1) {
          const booking = await book(held, 200, 100);
          if (booking?.kind === 'now') granted += booking.count;
        }
      }),
    );
    // Each was paid for with its time, beginning with the first.
    expect(granted).toBeGreaterThanOrEqual(100);
    expect(granted).toBeLessThanOrEqual(100 * ((await now()) - begun) + 100);
  });

  test('that many find at the same moment go to one of them', async () => {
    const leases = await Promise.all(Array.from({ length: 5 }, () => lease()));
    const [first] = leases;
    if (first === undefined) throw new Error('no lease');
    await book(first, 5, 0.001);
    await later(1000);
    let waiting: Promise<Awaited<ReturnType<typeof book>>[]> = Promise.resolve([]);
    await scratch.db.transaction().execute(async (transaction) => {
      await sql`SELECT FROM rate FOR UPDATE`.execute(transaction);
      waiting = Promise.all(leases.map((held) => book(held, 5, 0.001)));
      const count = async () => {
        const { rows } = await sql`SELECT pid FROM pg_stat_activity
          WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(transaction);
        return rows.length;
      };
      while ((await count()) < leases.length) await new Promise((resolve) => setTimeout(resolve, 10));
    });
    expect((await waiting).filter((booking) => booking?.kind === 'now')).toHaveLength(1);
  });

  test('that nobody took for long are void, or a pause would end in a burst', async () => {
    const held = await lease();
    await book(held, 5, 0.5);
    await later(3600);
    const begun = await now();
    let granted = 0;
    while ((await book(held, 1, 0.5))?.kind === 'now') granted += 1;
    // 5 s that were kept and what came meanwhile, at 2 s each, the last of which may reach beyond.
    expect(granted).toBeGreaterThanOrEqual(3);
    expect(granted).toBeLessThanOrEqual((5 + (await now()) - begun) / 2 + 1);
    expect(await ahead()).toBeGreaterThan(0);
  });

  test('of a slow rate are kept until there is another', async () => {
    const held = await lease();
    await book(held, 5, 0.001);
    await later(1900);
    expect((await book(held, 5, 0.001))?.kind).toBe('now');
    // The last one came 900 s late.
    await later(100);
    expect((await book(held, 5, 0.001))?.kind).toBe('now');
    expect((await book(held, 5, 0.001))?.kind).toBe('later');
  });

  test('are not held by those who wait: what is cancelled or slower holds up nobody', async () => {
    const leases = await Promise.all(Array.from({ length: 50 }, () => lease()));
    for (const held of leases) await book(held, 5, 0.1);
    expect(await ahead()).toBeLessThanOrEqual(10);
    await later(10);
    expect(await book(await lease(), 200, 100)).toEqual({ kind: 'now', count: 100 });
  });

  test('that a slower rate has put off are there at once, and who waits for long asks in between', async () => {
    const [first, second] = [await lease(), await lease()];
    expect(await book(first, 5, 0.001)).toEqual({ kind: 'now', count: 1 });
    const booking = await book(second, 5, 0.001);
    const wait = booking?.kind === 'later' ? booking.from.getTime() / 1000 - (await now()) : 0;
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(62);
    expect(await book(second, 5, 0.05)).toEqual({ kind: 'now', count: 1 });
    expect(await ahead()).toBeLessThanOrEqual(20);
    // By the rate of today: one has just been taken.
    expect((await book(first, 5, 0.05))?.kind).toBe('later');
  });

  test('are asked for again at times that spread with the number of those who wait, and with no one else', async () => {
    const [first, ...leases] = await Promise.all(Array.from({ length: 40 }, () => lease()));
    if (first === undefined) throw new Error('no lease');
    const times = async () => {
      const bookings = await Promise.all(leases.map((held) => book(held, 5, 0.02)));
      const found = bookings.map((booking) => (booking?.kind === 'later' ? booking.from.getTime() : 0));
      return { earliest: Math.min(...found), last: Math.max(...found) };
    };
    await book(first, 5, 0.02);
    const { rows } = await sql<{ readonly free_at: Date }>`
      SELECT free_at FROM rate WHERE sandbox_id = ${scope.sandboxId}`.execute(scratch.db);
    const free = rows[0]?.free_at.getTime() ?? 0;
    const crowd = await times();
    expect(crowd.earliest).toBeGreaterThanOrEqual(free);
    // 40 at five in a second. That 39 of them fall into its first quarter never happens.
    expect(crowd.last - free).toBeGreaterThan(2000);
    expect(crowd.last - free).toBeLessThanOrEqual(8002);
    await sql`UPDATE execution SET control = 'cancelled' WHERE id <> ${first.executionId}`.execute(
      scratch.db,
    );
    expect((await times()).last - free).toBeLessThanOrEqual(202);
  });

  test('are not booked under a lost lease', async () => {
    const held = await lease();
    expect(await book({ ...held, fence: held.fence + 1 }, 5, 1)).toBeNull();
    expect(
      await scratch.db.selectFrom('rate').selectAll().where('sandbox_id', '=', scope.sandboxId).execute(),
    ).toEqual([]);
  });
});
