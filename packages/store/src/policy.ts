/**
 * Policies of a sandbox (X6).
 *
 * One rule: whoever decides about messages reads all of them with the sandbox's other rules, so there are few, and what is
 * written counts from the next claim on.
 *
 * @module
 */
import { Failure, POLICY_LIMIT, type Policy } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import type { Scope } from './scope.ts';
import { checkStorable, storableText } from './storable.ts';

/** Creates or replaces a policy. Throws `character_invalid`, and `policies_too_many` where there is no room for another. */
export async function putPolicy(db: Db, scope: Scope, { id, ...body }: Policy): Promise<void> {
  checkStorable({ id, body });
  await retrying(() =>
    db.transaction().execute(async (transaction) => {
      // One after the other, or two of them would both see room for the last.
      await transaction
        .selectFrom('sandbox')
        .select('id')
        .where('id', '=', scope.sandboxId)
        .forNoKeyUpdate()
        .execute();
      const { others } = await transaction
        .selectFrom('policy')
        .select((expression) => expression.fn.countAll<number>().as('others'))
        .where('sandbox_id', '=', scope.sandboxId)
        .where('id', '<>', id)
        .executeTakeFirstOrThrow();
      if (others >= POLICY_LIMIT) {
        const detail = `A sandbox has at most ${POLICY_LIMIT} policies, disabled ones included.`;
        throw new Failure('policies_too_many', detail);
      }
      const row = { body: JSON.stringify(body), updated_at: sql<Date>`clock_timestamp()` };
      await transaction
        .insertInto('policy')
        .values({ sandbox_id: scope.sandboxId, id, ...row })
        .onConflict((conflict) => conflict.columns(['sandbox_id', 'id']).doUpdateSet(row))
        .execute();
    }),
  );
}

/** A policy, or null. */
export async function findPolicy(db: Db, scope: Scope, id: string): Promise<Policy | null> {
  const row = await ofSandbox(db, scope).where('id', '=', storableText(id)).executeTakeFirst();
  return row === undefined ? null : { ...row.body, id: row.id };
}

/** Every policy, by id. */
export async function listPolicies(db: Db, scope: Scope): Promise<Policy[]> {
  const rows = await ofSandbox(db, scope).orderBy('id').execute();
  return rows.map(({ id, body }) => ({ ...body, id }));
}

/** Takes a policy away; false where there is none. */
export async function removePolicy(db: Db, scope: Scope, id: string): Promise<boolean> {
  const removed = await db
    .deleteFrom('policy')
    .where('sandbox_id', '=', scope.sandboxId)
    .where('id', '=', storableText(id))
    .returning('id')
    .executeTakeFirst();
  return removed !== undefined;
}

/** The marketing actions that the latest versions of the sandbox's channel configurations name. */
export async function marketingActionsInUse(db: Db, scope: Scope): Promise<Set<string>> {
  const { rows } = await sql<{ action: string }>`
    SELECT DISTINCT jsonb_array_elements_text(body -> 'marketingActions') AS action FROM (
      SELECT DISTINCT ON (name) body FROM channel_configuration WHERE sandbox_id = ${scope.sandboxId}
      ORDER BY name, version DESC) latest`.execute(db);
  return new Set(rows.map(({ action }) => action));
}

function ofSandbox(db: Db, scope: Scope) {
  return db.selectFrom('policy').select(['id', 'body']).where('sandbox_id', '=', scope.sandboxId);
}
