/**
 * A walk over every table: where a text stands, for a test that says it stands nowhere.
 *
 * One rule: tables are asked for from the catalogue, so that one which is added later is walked, too.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** The tables in which a text stands in any column, whatever its case. */
export async function whereFound(db: Db, text: string): Promise<string[]> {
  const tables = await sql<{ schema: string; name: string }>`
    SELECT schemaname AS schema, tablename AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2`.execute(db);
  const found: string[] = [];
  for (const { schema, name } of tables.rows) {
    const { rows } =
      await sql`SELECT FROM ${sql.table(`${schema}.${name}`)} t WHERE t::text ILIKE ${`%${text}%`} LIMIT 1`.execute(
        db,
      );
    if (rows.length > 0) found.push(name);
  }
  return found;
}
