/**
 * Messages of somebody who is being erased: they stay as numbers.
 *
 * One rule: what was to be sent ends, what is on the wire keeps its attempt, and neither has a word left. Every month's
 * table is looked into, also one that was detached: a partition lives on with what it holds.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { ends } from './ending.ts';
import { preparedMonthly, run } from './statement.ts';

/** Whose messages. */
export interface MessageOwner {
  readonly profileId: number;
  readonly sandboxId: number;
  /** Ids in lower case, under which a message may name the person without being the profile's. */
  readonly ids: readonly string[];
}

/** What became of them. */
export interface ErasedMessages {
  readonly messages: number;
  /** Those among them that were still to be sent. */
  readonly stopped: number;
}

/**
 * There is no index by profile alone, which every message of every mailing would pay for: the executions of the month are
 * walked in the index, and each is asked for the profile. A message that names somebody who was not found has no profile.
 */
const ERASE = preparedMonthly<{ readonly open: boolean }>(
  'erase_messages',
  (messages) => `WITH RECURSIVE execution_of AS (
     (SELECT execution_id AS id FROM ${messages} ORDER BY execution_id LIMIT 1)
     UNION ALL SELECT (SELECT m.execution_id FROM ${messages} m WHERE m.execution_id > e.id ORDER BY m.execution_id LIMIT 1)
     FROM execution_of e WHERE e.id IS NOT NULL
   ), found AS MATERIALIZED (
     SELECT m.id FROM execution_of e CROSS JOIN LATERAL (SELECT id FROM ${messages}
       WHERE execution_id = e.id AND profile_id = $1 OFFSET 0) m
     UNION ALL SELECT m.id FROM ${messages} m JOIN execution e ON e.id = m.execution_id AND e.sandbox_id = $2
     WHERE m.profile_id IS NULL AND lower(m.identity) = ANY ($3::text[])
   ), locked AS MATERIALIZED (
     SELECT m.id, m.state IN ('queued', 'deferred') AS open FROM ${messages} m
     WHERE m.id = ANY (ARRAY(SELECT id FROM found)) ORDER BY m.id FOR UPDATE
   ), erased AS (
     UPDATE ${messages} m SET namespace = '', identity = '', context = NULL, reply = NULL, profile_id = NULL,
       address_id = NULL, updated_at = CASE WHEN l.open THEN clock_timestamp() ELSE m.updated_at END,
       state = CASE WHEN l.open THEN ${ends("'excluded'")} ELSE m.state END,
       code = CASE WHEN l.open THEN '050101' ELSE m.code END,
       not_before = CASE WHEN l.open THEN NULL ELSE m.not_before END
     FROM locked l WHERE m.id = l.id
     RETURNING m.month, m.id, m.execution_id, m.state, m.code, l.open
   ), noted AS (
     INSERT INTO event (month, sandbox_id, type, message_id, execution_id, code)
     SELECT month, $2, state::text, id, execution_id, code FROM erased WHERE open
   )
   SELECT open FROM erased`,
);

/** Erases the words of a person's messages, in the caller's transaction. */
export async function eraseMessages(transaction: Db, owner: MessageOwner): Promise<ErasedMessages> {
  const { profileId, sandboxId, ids } = owner;
  const counts = { messages: 0, stopped: 0 };
  for (const month of await everyMonth(transaction)) {
    const rows = await run(transaction, ERASE(month), [profileId, sandboxId, [...ids]]);
    counts.messages += rows.length;
    counts.stopped += rows.filter(({ open }) => open).length;
  }
  return counts;
}

/** Months that have a table of messages, attached or not, as `YYYY-MM-01`. */
export async function everyMonth(db: Db): Promise<string[]> {
  const { rows } = await sql<{ month: string }>`
    SELECT to_char(to_date(right(relname, 7), 'YYYY_MM'), 'YYYY-MM-DD') AS month FROM pg_class
    WHERE relkind = 'r' AND relname ~ '^message_[0-9]{4}_[0-9]{2}$' AND pg_table_is_visible(oid) ORDER BY 1`.execute(
    db,
  );
  return rows.map((row) => row.month);
}
