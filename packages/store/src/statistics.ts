/**
 * Statistics that keep pace: the planner must know that a table has grown before a plan made for a small one hurts.
 *
 * One rule: whoever fills a table in bulk has it analysed each time it has grown fourfold. PostgreSQL's own daemon comes a
 * minute later; until then a plan that was cached while the table was empty would walk through all of it for
 * every message. Analysing also drops such plans.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { sqlState } from './database-error.ts';
import { prepared, run } from './statement.ts';

/** Tables that grow with the number of people. */
export const PROFILE_TABLES = ['profile', 'identity', 'address', 'profile_address'];

/** In pages of 8 KiB. Smaller tables may be read in any way, even once for each of some hundred rows. */
const SMALL = 4;
/** Lock not available, deadlock, statement timeout: somebody else is at it. */
const BUSY = new Set(['55P03', '40P01', '57014']);

const GROWN = prepared<{ readonly name: string }>(
  'grown_tables',
  `SELECT c.relname AS name FROM pg_class c WHERE c.oid = ANY (SELECT to_regclass(n)::oid FROM unnest($1::text[]) AS n)
     AND pg_relation_size(c.oid) / current_setting('block_size')::integer > greatest(4 * c.relpages, $2::integer)`,
);

/** The table of a month's messages (`YYYY-MM-01`). */
export function messagesOf(month: string): string {
  return `message_${month.slice(0, 7).replace('-', '_')}`;
}

/** Analyses those of the tables that have grown fourfold since they were last looked at. */
export async function keepStatistics(db: Db, tables: readonly string[]): Promise<void> {
  if (tables.length === 0) return;
  for (const { name } of await run(db, GROWN, [[...tables], SMALL])) {
    try {
      await db.transaction().execute(async (transaction) => {
        await sql`SET LOCAL lock_timeout = '100ms'`.execute(transaction);
        await sql`ANALYZE ${sql.table(name)}`.execute(transaction);
      });
    } catch (error) {
      // 55P03 was translated already: it may also mean that the database is away, which the next statement tells.
      const state = sqlState((error as { cause?: unknown }).cause ?? error);
      if (!BUSY.has(state ?? '')) throw error;
    }
  }
}
