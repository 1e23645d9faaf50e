import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { openDatabase } from './database.ts';
import { keepStatistics, messagesOf } from './statistics.ts';
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
beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());

/** The plan that this connection uses now for a statement it has prepared. */
async function planOf(db: Db, execute: string): Promise<string> {
  const { rows } = await sql<{
    'QUERY PLAN': string;
  }>`${sql.raw(`EXPLAIN (COSTS off) EXECUTE ${execute}`)}`.execute(db);
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

describe('plans that were made while tables were empty', () => {
  test('are made again once tables have grown, and reach every row by its whole key', async () => {
    // The daemon would do the same, but a minute later.
    await sql`ALTER TABLE identity SET (autovacuum_enabled = off)`.execute(scratch.db);
    const { db, close } = openDatabase({ url: scratch.url, poolSize: 1 });
    const scope = await createScratchTenant(db);
    await importScratchProfiles(db, scope, 1);
    await importScratchProfiles(db, scope, 3_000);
    expect(await planOf(db, "known_identities (1, ARRAY['email'], ARRAY['x'])")).toMatch(
      /identity_pkey on identity\n.*Index Cond: \(\(sandbox_id = .*\) AND \(namespace_key = .*\) AND \(value = .*\)\)/,
    );
    const executionId = await createScratchExecution(db, scope);
    await expandAll(db, executionId);
    const { lease } = await claimScratchBatch(db, executionId);
    const table = messagesOf(lease.month);
    expect(await planOf(db, `read_due_${table.slice('message_'.length)} (1, 0)`)).toMatch(
      new RegExp(
        `${table}_execution_id_batch_no_idx.*\n.*Index Cond: \\(\\(execution_id = .*\\) AND \\(batch_no = .*\\)\\)`,
      ),
    );
    await close();
  });

  test('a table is looked at when it has grown fourfold, by one of those who ask at once', async () => {
    const analysed = async () => {
      const { rows } = await sql<{ pages: number }>`
        SELECT relpages AS pages FROM pg_class WHERE relname = 'growing'`.execute(scratch.db);
      return rows[0]?.pages ?? 0;
    };
    await sql`CREATE TABLE growing (filler text) WITH (autovacuum_enabled = off)`.execute(scratch.db);
    const grow = (rows: number) =>
      sql`INSERT INTO growing SELECT repeat('x', 700) FROM generate_series(1, ${rows}::int)`.execute(
        scratch.db,
      );
    await grow(10);
    await keepStatistics(scratch.db, ['growing']);
    expect(await analysed()).toBeLessThanOrEqual(1);
    await grow(1_000);
    await Promise.all(
      Array.from({ length: 5 }, () => keepStatistics(scratch.db, ['growing', 'no_such_table'])),
    );
    const pages = await analysed();
    expect(pages).toBeGreaterThan(90);
    await grow(1_000);
    await keepStatistics(scratch.db, ['growing']);
    expect(await analysed()).toBe(pages);
  });
});
