/**
 * After how many soft bounces in a row an address of a sandbox is suppressed (X10).
 *
 * One rule: it is asked with each bounce, so a change counts from the next one on.
 *
 * @module
 */
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';

/** 1 to 20. */
export async function findSoftBounceThreshold(db: Db, scope: Scope): Promise<number> {
  const row = await db
    .selectFrom('sandbox')
    .select('soft_bounce_threshold as threshold')
    .where('id', '=', scope.sandboxId)
    .executeTakeFirstOrThrow();
  return row.threshold;
}

/** 1 to 20; 5 until it is said. */
export async function setSoftBounceThreshold(db: Db, scope: Scope, threshold: number): Promise<void> {
  await db
    .updateTable('sandbox')
    .set({ soft_bounce_threshold: threshold })
    .where('id', '=', scope.sandboxId)
    .execute();
}
