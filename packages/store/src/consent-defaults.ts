/**
 * What a sandbox makes of silence and of values that do not decide by themselves (X2, X3).
 *
 * One rule: it lies on the sandbox's row, which every claim reads, so that it counts from the next claim on.
 *
 * @module
 */
import type { ConsentDefaults } from '@adieu/core';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';

/** The defaults of a sandbox; `meanings` holds only what differs from the program's own. */
export async function findConsentDefaults(db: Db, scope: Scope): Promise<ConsentDefaults> {
  return db
    .selectFrom('sandbox')
    .select(['strict', 'value_meanings as meanings'])
    .where('id', '=', scope.sandboxId)
    .executeTakeFirstOrThrow();
}

/** Replaces the defaults of a sandbox. */
export async function setConsentDefaults(
  db: Db,
  scope: Scope,
  { strict, meanings }: ConsentDefaults,
): Promise<void> {
  await db
    .updateTable('sandbox')
    .set({ strict, value_meanings: JSON.stringify(meanings) })
    .where('id', '=', scope.sandboxId)
    .execute();
}
