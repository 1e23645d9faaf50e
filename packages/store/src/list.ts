/**
 * Subscription lists.
 *
 * One rule: people and consents know a list by its name, mail tokens by its number, and the number never changes.
 *
 * @module
 */
import type { Db } from './database.ts';
import type { ListBody } from './schema.ts';
import type { Scope } from './scope.ts';
import { checkStorable, storableText } from './storable.ts';

/** A list as it is kept. */
export interface StoredList {
  readonly number: number;
  readonly name: string;
  readonly title: string;
  readonly body: ListBody;
}

/** Creates a list or replaces what is said of it. Throws `character_invalid`. */
export async function putList(
  db: Db,
  scope: Scope,
  list: { readonly name: string; readonly title: string; readonly body?: ListBody },
): Promise<{ number: number }> {
  checkStorable(list);
  const { name, title, body = {} } = list;
  const json = JSON.stringify(body);
  return db
    .insertInto('list')
    .values({ sandbox_id: scope.sandboxId, name, title, body: json })
    .onConflict((conflict) => conflict.columns(['sandbox_id', 'name']).doUpdateSet({ title, body: json }))
    .returning('number')
    .executeTakeFirstOrThrow();
}

/** A list of this sandbox by its name or its number, or null. */
export async function findList(
  db: Db,
  scope: Scope,
  nameOrNumber: string | number,
): Promise<StoredList | null> {
  const row = await db
    .selectFrom('list')
    .select(['number', 'name', 'title', 'body'])
    .where('sandbox_id', '=', scope.sandboxId)
    .where(
      typeof nameOrNumber === 'number' ? 'number' : 'name',
      '=',
      typeof nameOrNumber === 'number' ? nameOrNumber : storableText(nameOrNumber),
    )
    .executeTakeFirst();
  return row ?? null;
}
