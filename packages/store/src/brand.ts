/**
 * How the pages of a subdomain look and speak: a document that the API checks and its pages read.
 *
 * @module
 */
import { parseDomain } from '@adieu/core';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { checkStorable } from './storable.ts';

/** A brand as it is kept; empty where none was put. */
export type StoredBrand = Readonly<Record<string, unknown>>;

/** Replaces the brand of a subdomain; false when this sandbox has no such subdomain. Throws `character_invalid`. */
export async function putBrand(db: Db, scope: Scope, domain: string, brand: StoredBrand): Promise<boolean> {
  checkStorable(brand);
  const written = await db
    .updateTable('subdomain')
    .set({ brand: JSON.stringify(brand), updated_at: new Date() })
    .where('sandbox_id', '=', scope.sandboxId)
    .where('domain', '=', parseDomain(domain) ?? '')
    .executeTakeFirst();
  return written.numUpdatedRows > 0n;
}

/** The brand of a subdomain of this sandbox, or null when there is no such subdomain. */
export async function findBrand(db: Db, scope: Scope, domain: string): Promise<StoredBrand | null> {
  const row = await db
    .selectFrom('subdomain')
    .select('brand')
    .where('sandbox_id', '=', scope.sandboxId)
    .where('domain', '=', parseDomain(domain) ?? '')
    .executeTakeFirst();
  return row?.brand ?? null;
}
