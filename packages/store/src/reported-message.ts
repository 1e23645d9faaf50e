/**
 * The message that a report is about: by the id that came back, else by the day of its token.
 *
 * One rule: an id in a report is a hint of anybody's; it counts only where that message went to the person and the address of the
 * token (BC-1). Without one, the newest message of that day that has not come back yet is meant.
 *
 * @module
 */
import type { BounceVerdict } from '@adieu/core';
import type { Db } from './database.ts';
import { findMonthOf, firstOfMonth } from './partition.ts';
import { preparedMonthly, run } from './statement.ts';
import { storableText } from './storable.ts';

/** A message that came back. */
export interface ReportedMessage {
  readonly id: string;
  /** `YYYY-MM-01`. */
  readonly month: string;
  readonly executionId: number;
}

/** Whose message, and what the report and its token say of it. */
export interface ReportedSearch {
  readonly profileId: number | null;
  readonly addressId: number | null;
  readonly messageId?: string;
  readonly day?: number;
}

/** Given to a relay: it may come back. A message that is tried again under an attempt on record may have been accepted. */
const GIVEN = `(m.state IN ('sent', 'unknown', 'sending') OR (m.state = 'deferred' AND m.attempt_id IS NOT NULL))`;

const BY_ID = preparedMonthly<ReportedMessage>(
  'reported_by_id',
  (messages) => `SELECT id, month, execution_id AS "executionId" FROM ${messages}
   WHERE id = $1 AND profile_id = $2 AND address_id = $3 AND attempts > 0`,
);

/** Executions that are walked for one report, newest first: who sends each mail in one of its own has very many. */
const EXECUTION_LIMIT = 5_000;

/** As an erasure finds them: executions are walked in the index, since no index is by profile alone. */
const BY_DAY = preparedMonthly<ReportedMessage>(
  'reported_by_day',
  (messages) => `WITH RECURSIVE execution_of AS (
     (SELECT execution_id AS id, 1 AS place FROM ${messages} ORDER BY execution_id DESC LIMIT 1)
     UNION ALL SELECT (SELECT m.execution_id FROM ${messages} m WHERE m.execution_id < e.id ORDER BY m.execution_id DESC LIMIT 1),
       e.place + 1
     FROM execution_of e WHERE e.id IS NOT NULL AND e.place < ${EXECUTION_LIMIT}
   )
   SELECT m.id, m.month, m.execution_id AS "executionId" FROM execution_of e
   CROSS JOIN LATERAL (SELECT * FROM ${messages} WHERE execution_id = e.id AND profile_id = $1 OFFSET 0) m
   WHERE m.address_id = $2 AND m.attempts > 0 AND (${GIVEN} OR m.state = 'bounced')
     AND m.updated_at >= $3::date AND m.first_attempt_at < $3::date + 2
   ORDER BY ${GIVEN} DESC, m.updated_at DESC LIMIT 1`,
);

const END = preparedMonthly<{ readonly id: string }>(
  'end_reported',
  (messages, events) => `WITH ended AS (
     UPDATE ${messages} m SET state = $2::message_state, code = $3, reply = $4, not_before = NULL, updated_at = clock_timestamp()
     WHERE m.id = $1 AND ${GIVEN} RETURNING m.month, m.id, m.execution_id, m.profile_id, m.state, m.code
   )
   INSERT INTO ${events} (month, sandbox_id, type, message_id, execution_id, profile_id, code)
   SELECT d.month, e.sandbox_id, d.state::text, d.id, d.execution_id, d.profile_id, d.code
   FROM ended d JOIN execution e ON e.id = d.execution_id RETURNING message_id AS id`,
);

const DAY = 86_400_000;

/** Finds the message while it is kept; null when it is not, or was erased. */
export async function findReported(db: Db, search: ReportedSearch): Promise<ReportedMessage | null> {
  const { profileId, addressId, messageId, day } = search;
  if (profileId === null || addressId === null) return null;
  const month = messageId === undefined ? null : findMonthOf(messageId);
  if (month !== null && (await isKept(db, month))) {
    const [found] = await run(db, BY_ID(month), [messageId, profileId, addressId]);
    if (found !== undefined) return found;
  }
  return day === undefined ? null : findByDay(db, { profileId, addressId, day });
}

/** An execution of the month before may have been sent on that day: a message lives in the month of its execution. */
async function findByDay(
  db: Db,
  { profileId, addressId, day }: { profileId: number; addressId: number; day: number },
): Promise<ReportedMessage | null> {
  const instant = new Date(day * DAY);
  if (Number.isNaN(instant.getTime()) || instant.getUTCFullYear() > 9_998) return null;
  const date = instant.toISOString().slice(0, 10);
  const before = new Date(Date.UTC(instant.getUTCFullYear(), instant.getUTCMonth() - 1, 1));
  for (const month of [firstOfMonth(instant), firstOfMonth(before)]) {
    if (!(await isKept(db, month))) continue;
    const [found] = await run(db, BY_DAY(month), [profileId, addressId, date]);
    if (found !== undefined) return found;
  }
  return null;
}

/** Turns a message that a relay had taken into `bounced`, or `failed` where the sender is to blame. One that has ended stays. */
export async function endMessage(
  db: Db,
  { id, month }: ReportedMessage,
  { kind, status, reason }: BounceVerdict,
): Promise<boolean> {
  const state = kind === 'sender' ? 'failed' : 'bounced';
  return (await run(db, END(month), [id, state, status, storableText(reason)])).length > 0;
}

/** A month that was dropped has no table, and a statement about it would end the transaction. */
async function isKept(db: Db, month: string): Promise<boolean> {
  const name = `message_${month.slice(0, 7).replace('-', '_')}`;
  const found = await db
    .selectNoFrom((of) => of.fn<string | null>('to_regclass', [of.val(name)]).as('name'))
    .executeTakeFirst();
  return found?.name != null;
}
