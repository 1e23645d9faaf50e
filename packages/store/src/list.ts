/**
 * Subscription lists.
 *
 * One rule: people and consents know a list by its name, mail tokens by its number, and the number never changes.
 *
 * @module
 */
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { checkStorable, storableText } from './storable.ts';

/** A list as it is kept. */
export interface StoredList {
  readonly number: number;
  readonly name: string;
  readonly title: string;
}

/** Creates a list or changes its title. Throws `character_invalid`. */
export async function putList(
  db: Db,
  scope: Scope,
  list: { readonly name: string; readonly title: string },
): Promise<{ number: number }> {
  checkStorable(list);
  const found = await findList(db, scope, list.name);
  if (found?.title === list.title) return { number: found.number };
  return db
    .insertInto('list')
    .values({ sandbox_id: scope.sandboxId, ...list })
    .onConflict((conflict) => conflict.columns(['sandbox_id', 'name']).doUpdateSet({ title: list.title }))
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
    .select(['number', 'name', 'title'])
    .where('sandbox_id', '=', scope.sandboxId)
    .where(
      typeof nameOrNumber === 'number' ? 'number' : 'name',
      '=',
      typeof nameOrNumber === 'number' ? nameOrNumber : storableText(nameOrNumber),
    )
    .executeTakeFirst();
  return row ?? null;
}
