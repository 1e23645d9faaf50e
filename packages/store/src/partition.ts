/**
 * Months: which table of `message` and `event` a row lives in.
 *
 * One rule: everything about a message lives in the month of its execution's creation (UTC), which its id carries
 * in its first 48 bits. Whoever has the id has the table.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { sqlState } from './database-error.ts';

const MESSAGE_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;
/** 9999-12-31: what PostgreSQL and JavaScript both write with four digits. */
const LAST_MILLISECOND = 253_402_214_400_000;

/** The month of a message as `YYYY-MM-01`, or null when the text is no message id of ours. */
export function findMonthOf(messageId: string): string | null {
  if (!MESSAGE_ID.test(messageId)) return null;
  const milliseconds = Number.parseInt(messageId.slice(0, 8) + messageId.slice(9, 13), 16);
  return milliseconds > LAST_MILLISECOND ? null : firstOfMonth(new Date(milliseconds));
}

/** The month of a message as `YYYY-MM-01`. Throws when the text is no message id of ours. */
export function monthOf(messageId: string): string {
  const month = findMonthOf(messageId);
  if (month === null) throw new RangeError('not a message id');
  return month;
}

/** The month of an instant as `YYYY-MM-01`, in UTC. */
export function firstOfMonth(instant: Date): string {
  return `${instant.toISOString().slice(0, 7)}-01`;
}

/** Creates the tables of this month and the next where they are missing. The database's clock decides. */
export async function ensurePartitions(db: Db): Promise<void> {
  await sql`SELECT ensure_month(m::date) FROM generate_series(
    date_trunc('month', now() AT TIME ZONE 'UTC'),
    date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', interval '1 month') AS m`.execute(db);
}

/**
 * Runs a statement; where it failed because a month has no table yet (the sweep did not run for a month), creates
 * the table and runs it again. An opt-out is not lost to a missing partition.
 */
export async function withPartitions<T>(db: Db, statement: () => Promise<T>): Promise<T> {
  try {
    return await statement();
  } catch (error) {
    if (!isMissingPartition(error)) throw error;
    await ensurePartitions(db);
    return statement();
  }
}

function isMissingPartition(error: unknown): boolean {
  return sqlState(error) === '23514' && /no partition of relation/.test(String((error as Error).message));
}
