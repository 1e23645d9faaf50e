/**
 * Organisations and their sandboxes.
 *
 * One rule: every statement about a tenant's rows takes a {@link Scope} (or a row that already carries its sandbox),
 * so nothing can be read or written across organisations.
 *
 * @module
 */
import { Failure } from '@adieu/core';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { storableText } from './storable.ts';

/** One sandbox of one organisation. */
export interface Scope {
  readonly organisation: string;
  readonly organisationId: number;
  readonly sandbox: string;
  readonly sandboxId: number;
}

const NAME = /^[^\p{C}]{1,255}$/u;

/** Finds or creates an organisation and its sandbox. */
export async function ensureSandbox(db: Db, organisation: string, sandbox: string): Promise<Scope> {
  checkName(organisation, 'organisation');
  checkName(sandbox, 'sandbox');
  const found = await findScope(db, organisation, sandbox);
  if (found !== null) return found;
  return retrying(async () => {
    const organisationId = await ensureOrganisation(db, organisation);
    await db
      .insertInto('sandbox')
      .values({ organisation_id: organisationId, name: sandbox })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const scope = await findScope(db, organisation, sandbox);
    if (scope === null) throw new Error('a sandbox vanished');
    return scope;
  });
}

/** A sandbox by name, or null. */
export async function findScope(db: Db, organisation: string, sandbox: string): Promise<Scope | null> {
  const row = await db
    .selectFrom('sandbox')
    .innerJoin('organisation', 'organisation.id', 'sandbox.organisation_id')
    .select(['sandbox.id as sandboxId', 'organisation.id as organisationId'])
    .where('organisation.name', '=', storableText(organisation))
    .where('sandbox.name', '=', storableText(sandbox))
    .executeTakeFirst();
  return row === undefined ? null : { organisation, sandbox, ...row };
}

/** Finds or creates an organisation and answers its number. */
export async function ensureOrganisation(db: Db, name: string): Promise<number> {
  await db
    .insertInto('organisation')
    .values({ name })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const row = await db
    .selectFrom('organisation')
    .select('id')
    .where('name', '=', name)
    .executeTakeFirstOrThrow();
  return row.id;
}

function checkName(name: string, field: string): void {
  if (!NAME.test(name)) {
    throw new Failure(`${field}_invalid`, `The ${field} needs a name of 1 to 255 printable characters.`, {
      field,
    });
  }
}
