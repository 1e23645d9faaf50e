/**
 * API keys: who may call, for which organisation, and what.
 *
 * One rule: the secret is never stored. A key is found by the SHA-256 of its secret through an index, so no
 * comparison of secrets takes place whose time could be measured.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import { Failure } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { ensureOrganisation } from './scope.ts';

/** A key as it is created. `id` is public (`x-api-key`), `secret` random. */
export interface NewApiKey {
  readonly organisation: string;
  readonly id: string;
  readonly secret: string;
  readonly scopes: readonly string[];
}

/** A key as it is found. */
export interface ApiKey {
  readonly id: string;
  readonly organisation: string;
  readonly scopes: readonly string[];
}

/** Creates a key or replaces its secret and scopes. Throws `api_key_taken` when another organisation has the id. */
export async function ensureApiKey(db: Db, key: NewApiKey): Promise<void> {
  const organisationId = await ensureOrganisation(db, key.organisation);
  const hash = hashSecret(key.secret);
  const stored = await db
    .insertInto('api_key')
    .values({ id: key.id, organisation_id: organisationId, hash, scopes: [...key.scopes] })
    .onConflict((conflict) =>
      conflict
        .column('id')
        .doUpdateSet({ hash, scopes: [...key.scopes] })
        .where(sql.ref('api_key.organisation_id'), '=', organisationId),
    )
    .returning('id')
    .executeTakeFirst();
  if (stored === undefined)
    throw new Failure('api_key_taken', 'This key id belongs to another organisation.');
}

/** The key with this secret, or null. */
export async function findApiKey(db: Db, secret: string): Promise<ApiKey | null> {
  const row = await db
    .selectFrom('api_key')
    .innerJoin('organisation', 'organisation.id', 'api_key.organisation_id')
    .select(['api_key.id', 'organisation.name as organisation', 'api_key.scopes'])
    .where('api_key.hash', '=', hashSecret(secret))
    .executeTakeFirst();
  return row ?? null;
}

function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
