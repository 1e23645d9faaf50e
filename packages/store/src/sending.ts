/**
 * Whether this installation sends at all: one switch for everybody and everything.
 *
 * One rule: a pause has a reason in words a person understands, and the first reason stays until somebody resumes.
 * Claim, intent and lease renewal ask the switch in the database itself (`may_send`), so no process has to be told.
 *
 * @module
 */
import { Failure, hasControlCharacter } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { sqlState } from './database-error.ts';
import { storableText } from './storable.ts';

/** The switch. */
export type Sending =
  | { readonly state: 'running' }
  | { readonly state: 'paused'; readonly why: string; readonly since: Date };

/** The columns that say it. */
export interface PauseRow {
  readonly paused_at: Date | null;
  readonly paused_why: string | null;
}

const UNDEFINED_TABLE = '42P01';
/** Characters of a reason. */
export const REASON_LIMIT = 1_000;

/** Reads the switch. Throws `database_not_migrated` where it has never been built. */
export async function readSending(db: Db): Promise<Sending> {
  try {
    const query = db.selectFrom('installation').select(['paused_at', 'paused_why']);
    return sendingOf(await query.executeTakeFirstOrThrow());
  } catch (error) {
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
    const detail = 'The database is of an earlier version, which cannot pause. Run "adieu migrate" first.';
    throw new Failure('database_not_migrated', detail, { cause: error });
  }
}

/** How a pause was taken. */
export interface Pause {
  readonly sending: Sending;
  /** It was paused before, and the reason of then stands. */
  readonly alreadyPaused: boolean;
}

/** Pauses. Where it is paused already, the earlier reason stands. Throws `reason_invalid` and `database_not_migrated`. */
export async function pauseSending(db: Db, why: string): Promise<Pause> {
  checkReason(why);
  // Says so where it has never been built.
  await readSending(db);
  const { numUpdatedRows } = await db
    .updateTable('installation')
    .set({ paused_at: sql`clock_timestamp()`, paused_why: why })
    .where('paused_at', 'is', null)
    .executeTakeFirstOrThrow();
  return { sending: await readSending(db), alreadyPaused: numUpdatedRows === 0n };
}

function checkReason(why: string): void {
  const fits = why.trim() !== '' && why.length <= REASON_LIMIT;
  if (fits && !hasControlCharacter(why) && storableText(why) === why) return;
  const detail = `A reason is one line of 1 to ${REASON_LIMIT} characters.`;
  throw new Failure('reason_invalid', detail, { field: 'why' });
}

/** Resumes. What is due is found by the next sweep. */
export async function resumeSending(db: Db): Promise<Sending> {
  await db.updateTable('installation').set({ paused_at: null, paused_why: null }).execute();
  return readSending(db);
}

/** The switch as a row has it. */
export function sendingOf({ paused_at, paused_why }: PauseRow): Sending {
  return paused_at === null || paused_why === null
    ? { state: 'running' }
    : { state: 'paused', why: paused_why, since: paused_at };
}
