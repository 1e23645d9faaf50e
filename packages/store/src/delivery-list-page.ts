/**
 * The suppression list and the allowed list of a sandbox, as they are read.
 *
 * One rule: a page begins at a place, never at a count, so that reading a list while it changes neither repeats nor
 * skips what was there all along. Entries of one import have one time; their keys tell them apart.
 *
 * @module
 */
import type { DeliveryList, ListedKind, SuppressionReason } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { storableText } from './storable.ts';

/** An entry as it is kept. */
export interface StoredEntry {
  readonly kind: ListedKind;
  readonly key: string;
  readonly spelling: string;
  readonly reason: SuppressionReason;
  readonly comment: string | null;
  readonly author: string | null;
  readonly createdAt: Date;
}

/** By creation, or by key. */
export type EntryOrder = 'created' | 'key';

/** Which page. */
export interface EntryPageRequest {
  readonly list: DeliveryList;
  readonly kind: ListedKind;
  readonly order: EntryOrder;
  readonly descending: boolean;
  readonly limit: number;
  /** Where the page begins, its first entry included. */
  readonly start?: EntryPlace;
}

/** A place in a list. Without a key: the first entry of that time, whichever way. */
export interface EntryPlace {
  /** Microseconds since 1970; only where the order is by creation. */
  readonly micros?: number;
  readonly key?: string;
}

/** A page. */
export interface EntryPage {
  readonly items: readonly StoredEntry[];
  /** Where the next page begins; null at the end. */
  readonly next: Required<EntryPlace> | null;
  /** Of the whole list. */
  readonly total: number;
}

const MICROS = sql<number>`(extract(epoch FROM created_at) * 1000000)::bigint`;

/** Those of the keys that are on a list. */
export async function findEntries(
  db: Db,
  scope: Scope,
  { list, kind, keys }: Pick<EntryPageRequest, 'list' | 'kind'> & { readonly keys: readonly string[] },
): Promise<StoredEntry[]> {
  return entries(db, scope, { list, kind })
    .where('key', '=', sql<string>`ANY (${keys.map(storableText)}::text[])`)
    .execute();
}

/** One page of a list. */
export async function listEntries(db: Db, scope: Scope, request: EntryPageRequest): Promise<EntryPage> {
  const { list, kind, order, descending, limit, start } = request;
  const direction = descending ? 'desc' : 'asc';
  const compare = sql.raw(descending ? '<=' : '>=');
  let query = entries(db, scope, { list, kind })
    .select(MICROS.as('micros'))
    .limit(limit + 1);
  query =
    order === 'key'
      ? query.orderBy('key', direction)
      : query
          // As the index has it.
          .where(sql`list || kind`, '=', list + kind)
          .orderBy('created_at', direction)
          .orderBy('key', direction);
  if (order === 'key' && start?.key !== undefined) {
    query = query.where(sql<boolean>`key ${compare} ${storableText(start.key)}`);
  } else if (order === 'created' && start?.micros !== undefined) {
    const at = sql`timestamptz 'epoch' + ${start.micros}::double precision * interval '1 microsecond'`;
    query =
      start.key === undefined
        ? query.where(sql<boolean>`created_at ${compare} ${at}`)
        : query.where(sql<boolean>`(created_at, key) ${compare} (${at}, ${storableText(start.key)})`);
  }
  const rows = await query.execute();
  const following = rows[limit];
  const { total } = await db
    .selectFrom('delivery_list')
    .select(({ fn }) => fn.countAll<number>().as('total'))
    .where('sandbox_id', '=', scope.sandboxId)
    .where('list', '=', list)
    .where('kind', '=', kind)
    .executeTakeFirstOrThrow();
  return {
    items: rows.slice(0, limit).map(({ micros: _micros, ...entry }) => entry),
    next: following === undefined ? null : { micros: following.micros, key: following.key },
    total,
  };
}

/** Whether the allowed list is active, and how much it holds. */
export async function allowedListSize(
  db: Db,
  scope: Scope,
): Promise<{ readonly active: boolean; readonly addresses: number; readonly domains: number }> {
  const count = (kind: ListedKind) =>
    sql<number>`(SELECT count(*) FROM delivery_list WHERE sandbox_id = sandbox.id AND list = 'allowed' AND kind = ${kind})`;
  return db
    .selectFrom('sandbox')
    .select(['allowed_list_active as active', count('email').as('addresses'), count('domain').as('domains')])
    .where('id', '=', scope.sandboxId)
    .executeTakeFirstOrThrow();
}

/** Switches the allowed list; counts from the next claim. */
export async function setAllowedList(db: Db, scope: Scope, active: boolean): Promise<void> {
  await db
    .updateTable('sandbox')
    .set({ allowed_list_active: active })
    .where('id', '=', scope.sandboxId)
    .execute();
}

function entries(db: Db, scope: Scope, which: { readonly list: DeliveryList; readonly kind: ListedKind }) {
  return db
    .selectFrom('delivery_list')
    .select(['kind', 'key', 'spelling', 'reason', 'comment', 'author', 'created_at as createdAt'])
    .where('sandbox_id', '=', scope.sandboxId)
    .where('list', '=', which.list)
    .where('kind', '=', which.kind);
}
