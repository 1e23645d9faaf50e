/**
 * Retention: months of messages and events that are old enough are dropped, table and all.
 *
 * One rule: what is dropped is the ledger. Consent history, profiles and lists stay, and a token needs none of it: who was
 * written to years ago can still leave.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { isDatabaseAway } from './database-error.ts';
import { forgetReports, HEARD_LIMIT } from './report.ts';
import { dropOldReviews } from './review.ts';
import { prepared, run } from './statement.ts';

/** What a round did with the months that are old enough, as `YYYY-MM-01`. */
export interface RetentionRound {
  readonly dropped: readonly string[];
  /** Something in them may still be sent. */
  readonly open: readonly string[];
  /** Somebody was reading or writing; tried again by the next round. */
  readonly busy: readonly string[];
}

/** Old: even its last day is. Dry runs may have a month without a table. */
const OLD = prepared<{ readonly month: string }>(
  'old_months',
  `SELECT DISTINCT month FROM (
     SELECT to_date(right(c.relname, 7), 'YYYY_MM') AS month FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent IN ('message'::regclass, 'event'::regclass)
     UNION ALL SELECT month FROM execution) m
   WHERE month + interval '1 month' <= (now() AT TIME ZONE 'UTC')::date - $1::integer ORDER BY month`,
);

const IS_OPEN = prepared<{ readonly open: boolean }>(
  'month_is_open',
  `SELECT EXISTS (SELECT FROM batch WHERE month = $1 AND due_at IS NOT NULL)
     OR EXISTS (SELECT FROM batch WHERE month = $1 AND ends_at IS NOT NULL)
     OR EXISTS (SELECT FROM batch WHERE month = $1 AND lease_until IS NOT NULL)
     OR EXISTS (SELECT FROM execution WHERE month = $1 AND expanded_at IS NULL) AS open`,
);

/** A few at a time, so that no statement is long. */
const FORGET_BATCHES = prepared<{ readonly n: number }>(
  'forget_batches',
  `WITH gone AS (DELETE FROM batch b USING (
       SELECT x.execution_id, x.no FROM execution e JOIN batch x ON x.execution_id = e.id WHERE e.month = $1 LIMIT 10000
     ) g WHERE b.execution_id = g.execution_id AND b.no = g.no RETURNING 1)
   SELECT count(*) AS n FROM gone`,
);
const FORGET_EXECUTIONS = prepared<{ readonly n: number }>(
  'forget_executions',
  `WITH gone AS (DELETE FROM execution WHERE id IN (SELECT id FROM execution WHERE month = $1 LIMIT 1000) RETURNING 1)
   SELECT count(*) AS n FROM gone`,
);

/**
 * Drops what is older than that. Any number of processes may at once; killed anywhere, the next round goes on. A table
 * goes last: an execution that is found has one.
 */
export async function dropOldMonths(db: Db, days: number): Promise<RetentionRound> {
  await dropOldReviews(db, days);
  await forgetReports(db, days, HEARD_LIMIT);
  const outcomes = { dropped: [] as string[], open: [] as string[], busy: [] as string[] };
  for (const { month } of await run(db, OLD, [days])) {
    const [state] = await run(db, IS_OPEN, [month]);
    if (state?.open !== false) {
      outcomes.open.push(month);
      continue;
    }
    for (const statement of [FORGET_BATCHES, FORGET_EXECUTIONS]) {
      while (((await run(db, statement, [month]))[0]?.n ?? 0) > 0);
    }
    outcomes[await dropTables(db, month)].push(month);
  }
  return outcomes;
}

/**
 * Dropping a month locks the whole of `message` and `event` for a moment, and whoever comes while it waits for that lock
 * waits behind it. So it waits hardly at all.
 */
async function dropTables(db: Db, month: string): Promise<'dropped' | 'busy'> {
  const suffix = month.slice(0, 7).replace('-', '_');
  try {
    await db.transaction().execute(async (transaction) => {
      await sql`SET LOCAL lock_timeout = '200ms'`.execute(transaction);
      for (const name of [`message_${suffix}`, `event_${suffix}`]) {
        await sql`DROP TABLE IF EXISTS ${sql.table(name)}`.execute(transaction);
      }
    });
    return 'dropped';
  } catch (error) {
    // A lock that was not had looks like a database that is away, which the next statement tells.
    if (!isDatabaseAway(error)) throw error;
    return 'busy';
  }
}
