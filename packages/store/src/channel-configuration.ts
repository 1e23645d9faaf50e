/**
 * Channel configurations, versioned: an execution keeps the version it was created with.
 *
 * One rule: a put that changes something makes a new version, a put that changes nothing makes none.
 *
 * @module
 */
import type { ChannelConfiguration } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { storableText } from './storable.ts';
import { putVersion } from './version.ts';

/** A configuration as it is kept. */
export interface StoredChannelConfiguration {
  readonly version: number;
  readonly configuration: ChannelConfiguration;
}

/** Stores a configuration and answers its version. */
export async function putChannelConfiguration(
  db: Db,
  scope: Scope,
  configuration: ChannelConfiguration,
): Promise<{ version: number }> {
  return putVersion(db, scope, {
    table: 'channel_configuration',
    key: 'name',
    name: configuration.name,
    body: configuration,
  });
}

/** The latest version of a configuration, or a given one; null where there is none. */
export async function findChannelConfiguration(
  db: Db,
  scope: Scope,
  name: string,
  version?: number,
): Promise<StoredChannelConfiguration | null> {
  const row = await db
    .selectFrom('channel_configuration')
    .select(['version', 'body'])
    .where('sandbox_id', '=', scope.sandboxId)
    .where('name', '=', storableText(name))
    .where(version === undefined ? sql<boolean>`true` : sql<boolean>`version = ${version}`)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? null : { version: row.version, configuration: row.body };
}
