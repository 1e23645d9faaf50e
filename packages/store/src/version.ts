/**
 * Versioned documents: configurations and templates.
 *
 * One rule: versions of one name are written one after another, under a lock of that name, and a body that equals
 * the latest one (as jsonb: neither key order nor white space count) adds nothing.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { checkStorable } from './storable.ts';

/** A document on its way into a table whose primary key is (sandbox_id, name column, version). */
export interface NewVersion {
  readonly table: 'channel_configuration' | 'template';
  readonly key: 'name' | 'id';
  readonly name: string;
  readonly body: object;
}

/** Stores the body as a new version unless it is the latest already, and answers the version that holds it. Throws `character_invalid`. */
export async function putVersion(db: Db, scope: Scope, next: NewVersion): Promise<{ version: number }> {
  checkStorable({ name: next.name, body: next.body });
  const table = sql.table(next.table);
  const key = sql.ref(next.key);
  const body = JSON.stringify(next.body);
  return db.transaction().execute(async (transaction) => {
    await sql`SELECT pg_advisory_xact_lock(hashtext(${next.table}),
      hashtext(${`${scope.sandboxId} ${next.name}`}))`.execute(transaction);
    const { rows } = await sql<{ version: number; same: boolean }>`
      SELECT version, body = ${body}::jsonb AS same FROM ${table}
      WHERE sandbox_id = ${scope.sandboxId} AND ${key} = ${next.name} ORDER BY version DESC LIMIT 1`.execute(
      transaction,
    );
    const latest = rows[0];
    if (latest?.same === true) return { version: latest.version };
    const version = (latest?.version ?? 0) + 1;
    await sql`INSERT INTO ${table} (sandbox_id, ${key}, version, body)
      VALUES (${scope.sandboxId}, ${next.name}, ${version}, ${body}::jsonb)`.execute(transaction);
    return { version };
  });
}
