/**
 * A table that nobody else can write, as a migration or a session that hangs makes one.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** Locks a table, which can still be read unless told otherwise; resolves with what lets go of it. */
export async function lockTable(
  db: Db,
  table: string,
  mode: 'EXCLUSIVE' | 'ACCESS EXCLUSIVE' = 'EXCLUSIVE',
): Promise<() => Promise<void>> {
  const holding = await db.startTransaction().execute();
  await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(holding);
  await sql`LOCK TABLE ${sql.table(table)} IN ${sql.raw(mode)} MODE`.execute(holding);
  return async () => {
    await holding.rollback().execute();
  };
}
