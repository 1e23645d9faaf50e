/**
 * What the database says of everybody, for tests that look for rows which nobody asked for.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from '../database.ts';

/** One row of evidence. */
export interface Evidence {
  readonly id: number;
  readonly profileId: number | null;
  readonly source: string;
  readonly fingerprint: string | null;
}

/** Every row that came after a row, in order, of whatever sandbox. */
export async function evidenceAfter(db: Db, id: number): Promise<readonly Evidence[]> {
  const { rows } = await sql<Evidence>`SELECT id, profile_id AS "profileId", source, fingerprint
    FROM consent_history WHERE id > ${id} ORDER BY id`.execute(db);
  return rows;
}

/** The numbers that a mail token carries, of whoever was created with these addresses. */
export async function numbersOf(
  db: Db,
  emails: readonly string[],
): Promise<readonly { readonly email: string; readonly profile: number; readonly address: number }[]> {
  const { rows } = await sql<{ email: string; profile: number; address: number }>`
    SELECT a.spelling AS email, p.id AS profile, a.id AS address FROM profile p JOIN address a ON a.id = p.address_id
    WHERE a.spelling = ANY (${emails}::text[])`.execute(db);
  return rows;
}
