import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { openDatabase } from './database.ts';
import { createExecution, executionCounts } from './execution.ts';
import { controlExecution } from './execution-control.ts';
import { expandStep } from './expansion.ts';
import type { Scope } from './scope.ts';
import { pauseSending, resumeSending } from './sending.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
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
});

const counts = (executionId: number) => executionCounts(scratch.db, scope, executionId);
async function rows(table: string): Promise<number | undefined> {
  const found = await sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql.table(table)}`.execute(
    scratch.db,
  );
  return found.rows[0]?.n;
}
const TABLES = ['profile', 'identity', 'address', 'profile_address', 'message', 'event', 'batch'];
const stored = () => Promise.all(TABLES.map(rows));

describe('a dry run', () => {
  test('counts 25,000 people exactly, by steps of two places at once, after one was killed in the middle', async () => {
    await importScratchProfiles(scratch.db, scope, 25_000);
    await sql`UPDATE profile
      SET consents = '{"marketing":{"email":{"val":"n"}}}', standing_version = standing_version + 1
      WHERE sandbox_id = ${scope.sandboxId} AND (attributes ->> 'number')::integer % 7 = 0`.execute(
      scratch.db,
    );
    await sql`UPDATE profile SET address_id = NULL
      WHERE sandbox_id = ${scope.sandboxId} AND (attributes ->> 'number')::integer % 11 = 0`.execute(
      scratch.db,
    );
    const before = await stored();
    const executionId = await createScratchExecution(scratch.db, scope, { dryRun: true });
    const places = [0, 1].map(() => openDatabase({ url: scratch.url, poolSize: 1 }));
    const [victim] = places;
    // It has written its messages, and wants to read the lists next.
    const killed = scratch.db.transaction().execute(async (transaction) => {
      await sql`LOCK TABLE delivery_list IN ACCESS EXCLUSIVE MODE`.execute(transaction);
      const step = expandStep(victim?.db ?? scratch.db, executionId).then(
        () => 'done',
        () => 'killed',
      );
      for (;;) {
        const { rows: hit } = await sql`SELECT pg_terminate_backend(pid) FROM pg_locks
          WHERE relation = 'delivery_list'::regclass AND NOT granted
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`.execute(
          transaction,
        );
        if (hit.length > 0) return step;
      }
    });
    expect(await killed).toBe('killed');
    expect(await counts(executionId)).toMatchObject({ state: 'running', counts: { queued: 0, excluded: 0 } });
    const work = async (place: (typeof places)[number]) => {
      while (!(await expandStep(place.db, executionId)).done);
    };
    await Promise.all(places.map(work));
    for (const place of places) await place.close();
    const none = Math.ceil(25_000 / 11);
    const no = Math.ceil(25_000 / 7) - Math.ceil(25_000 / 77);
    expect(await counts(executionId)).toMatchObject({
      dryRun: true,
      state: 'finished',
      counts: { queued: 25_000 - none - no, excluded: none + no, sent: 0 },
      exclusions: { '050020': none, '050101': no },
    });
    expect(await stored()).toEqual(before);
  });

  test('whose step fails in the middle has counted nothing, and goes on', async () => {
    await importScratchProfiles(scratch.db, scope, 30);
    const executionId = await createScratchExecution(scratch.db, scope, { dryRun: true });
    await sql`CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'killed'; END $$;
      CREATE TRIGGER stop BEFORE UPDATE OF expand_cursor ON execution FOR EACH ROW EXECUTE FUNCTION stop()`.execute(
      scratch.db,
    );
    await expect(expandStep(scratch.db, executionId)).rejects.toThrow('killed');
    await sql`DROP FUNCTION stop() CASCADE`.execute(scratch.db);
    expect(await counts(executionId)).toMatchObject({ state: 'running', counts: { queued: 0 } });
    expect(await expandAll(scratch.db, executionId)).toEqual([]);
    expect(await counts(executionId)).toMatchObject({ state: 'finished', counts: { queued: 30 } });
  });

  test('of recipients nobody knows stores none of them, not even in the request', async () => {
    const before = await stored();
    const recipients = Array.from({ length: 10_000 }, (_, index) => ({
      namespace: 'CRMID',
      id: `r${index}`,
      address: `r${index}@example.com`,
    }));
    const executionId = await createScratchExecution(scratch.db, scope, { dryRun: true, recipients });
    expect(await expandStep(scratch.db, executionId)).toEqual({ done: true, batches: [] });
    expect(await counts(executionId)).toMatchObject({
      counts: { queued: 10_000, excluded: 0 },
      exclusions: {},
    });
    expect(await stored()).toEqual(before);
    const kept = await scratch.db
      .selectFrom('execution')
      .select('recipients')
      .where('id', '=', executionId)
      .executeTakeFirstOrThrow();
    expect(kept.recipients).toEqual([]);
  });

  test('is one by its request id, and never stands in the way of the sending itself', async () => {
    await importScratchProfiles(scratch.db, scope, 3);
    const request = (dryRun?: boolean) => ({
      requestId: 'spring',
      channelConfiguration: SCRATCH.marketing,
      template: SCRATCH.template,
      audience: { all: true } as const,
      ...(dryRun === undefined ? {} : { dryRun }),
    });
    const first = await createExecution(scratch.db, scope, request(true));
    await expandAll(scratch.db, first.executionId);
    const again = await createExecution(scratch.db, scope, request(true));
    expect(again).toEqual({ ...first, created: false });
    await expandAll(scratch.db, again.executionId);
    expect((await counts(first.executionId))?.counts.queued).toBe(3);
    for (const dryRun of [undefined, false]) {
      await expect(createExecution(scratch.db, scope, request(dryRun))).rejects.toMatchObject({
        code: 'request_id_taken',
      });
    }
    const send = { ...request(), requestId: randomUUID() };
    await createExecution(scratch.db, scope, send);
    await expect(createExecution(scratch.db, scope, { ...send, dryRun: true })).rejects.toMatchObject({
      code: 'request_id_taken',
    });
  });

  test('is counted while everything is paused, and a cancellation finishes it with what it has', async () => {
    await importScratchProfiles(scratch.db, scope, 10_001);
    await pauseSending(scratch.db, 'a restore');
    const executionId = await createScratchExecution(scratch.db, scope, { dryRun: true });
    expect(await expandStep(scratch.db, executionId)).toEqual({ done: false, batches: [] });
    await resumeSending(scratch.db);
    expect(await counts(executionId)).toMatchObject({ state: 'running', counts: { queued: 10_000 } });
    const cancel = () => controlExecution(scratch.db, scope, { executionId, action: 'cancel' });
    expect(await cancel()).toEqual({ kind: 'done', control: 'cancelled' });
    expect(await expandStep(scratch.db, executionId)).toEqual({ done: true, batches: [] });
    expect(await counts(executionId)).toMatchObject({
      state: 'finished',
      control: 'cancelled',
      counts: { queued: 10_000 },
    });
    const counted = await createScratchExecution(scratch.db, scope, { dryRun: true });
    await expandAll(scratch.db, counted);
    expect(await controlExecution(scratch.db, scope, { executionId: counted, action: 'pause' })).toEqual({
      kind: 'refused',
      because: 'finished',
    });
  });
});
