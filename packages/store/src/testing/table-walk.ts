/**
 * A walk over every table: where a text stands, for a test that says it stands nowhere, and what was written at all.
 *
 * One rule: tables are asked for from the catalogue, so that one which is added later is walked, too.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** The tables in which a text stands in any column, whatever its case. */
export async function whereFound(db: Db, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const table of await tablesOf(db)) {
    const { rows } =
      await sql`SELECT FROM ${sql.table(table)} t WHERE t::text ILIKE ${`%${text}%`} LIMIT 1`.execute(db);
    if (rows.length > 0) found.push(table.replace(/^.*\./, ''));
  }
  return found;
}

/** The versions of all rows, summed up by table: equal as long as nobody has written anything. */
export async function rowVersions(db: Db): Promise<ReadonlyMap<string, unknown>> {
  const versions = new Map<string, unknown>();
  for (const table of await tablesOf(db)) {
    const { rows } =
      await sql`SELECT count(*), sum(xmin::text::bigint) AS versions FROM ${sql.table(table)}`.execute(db);
    versions.set(table, rows[0]);
  }
  return versions;
}

async function tablesOf(db: Db): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`SELECT schemaname || '.' || tablename AS name FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`.execute(db);
  return rows.map(({ name }) => name);
}
