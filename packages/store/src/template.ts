/**
 * Template sources, versioned: what the author wrote, compiled elsewhere.
 *
 * One rule: a put that changes something makes a new version, a put that changes nothing makes none.
 *
 * @module
 */
import type { TemplateSource } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { storableText } from './storable.ts';
import { putVersion } from './version.ts';

/** Stores a template (its `version`, if any, is ignored) and answers the version that holds it. */
export async function putTemplate(
  db: Db,
  scope: Scope,
  source: Omit<TemplateSource, 'version'> & { readonly version?: number },
): Promise<{ version: number }> {
  const { id, version: _, ...body } = source;
  return putVersion(db, scope, { table: 'template', key: 'id', name: id, body });
}

/** The latest version of a template, or a given one; null where there is none. */
export async function findTemplate(
  db: Db,
  scope: Scope,
  id: string,
  version?: number,
): Promise<TemplateSource | null> {
  const row = await db
    .selectFrom('template')
    .select(['version', 'body'])
    .where('sandbox_id', '=', scope.sandboxId)
    .where('id', '=', storableText(id))
    .where(version === undefined ? sql<boolean>`true` : sql<boolean>`version = ${version}`)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : { ...row.body, id, version: row.version };
}
