/**
 * What became of attempts: settled, given back, excluded.
 *
 * One rule: an outcome belongs to an attempt. It is written only where that attempt is still open, so a late truth
 * wins over `unknown`, and nothing is written twice. The event stands in the same statement.
 *
 * @module
 */
import type { ExclusionCode } from '@adieu/core';
import { countBounces, lockRecipients } from './bounce.ts';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { ends } from './ending.ts';
import type { Lease } from './lease.ts';
import { monthOf } from './partition.ts';
import type { MonthlyStatement } from './statement.ts';
import { preparedMonthly, run } from './statement.ts';

/** One attempt of one message. */
export interface Attempt {
  readonly messageId: string;
  readonly attemptId: string;
}

/** Messages that an address remembers; one is enough to tell a success. */
const ACCEPTED_LIMIT = 20;
/** What a message of somebody erased meanwhile ends with, where its attempt leaves it open. */
const ERASED_CODE = '050101' satisfies ExclusionCode;

/** What became of an attempt. */
export interface Outcome extends Attempt {
  readonly state: 'sent' | 'deferred' | 'bounced' | 'failed' | 'unknown';
  /** Enhanced status or exclusion code. */
  readonly code?: string;
  /** What the relay said. */
  readonly reply?: string;
  /** For `deferred`: when to try again. */
  readonly notBefore?: Date;
  /** For `bounced`: what it says about the address. */
  readonly bounce?: 'hard' | 'soft';
}

/** Message ids of what was written. */
interface Written {
  readonly id: string;
}

/**
 * `attempt_id` stays while the outcome is open: `sending`, `unknown`, and `deferred` where an unknown outcome is
 * resent; a late truth still finds its row there. An ordinary `deferred` clears it.
 *
 * A message that is open again may have to end before its batch would be looked at, so that is asked at once: the next
 * release says when. Batches that become due again are locked before the messages change, as {@link releaseBatch} relies on, and
 * whether they are due already is read from the locked row: this statement's snapshot may be older than a release.
 *
 * Nearly no address bounces softly: what was sent meets a table that is nearly empty. An address that does remembers what was
 * taken for it since, because only time tells whether that arrived.
 *
 * A message without an identity is of somebody who was erased while it was on the wire: it keeps its outcome and no word, and
 * what would be tried again ends.
 */
const SETTLE = preparedMonthly<Written>(
  'settle',
  (messages, events) => `WITH outcome AS MATERIALIZED (
     SELECT o.*, m.execution_id, m.batch_no, e.sandbox_id,
       o.state = 'unknown' AND c.body ->> 'unknownOutcome' = 'resend' AND o.not_before IS NOT NULL AS resent
     FROM unnest($1::uuid[], $2::uuid[], $3::message_state[], $4::text[], $5::text[], $6::timestamptz[])
       AS o (id, attempt_id, state, code, reply, not_before)
     JOIN ${messages} m ON m.id = o.id
     JOIN execution e ON e.id = m.execution_id
     JOIN channel_configuration c ON c.sandbox_id = e.sandbox_id AND c.name = e.configuration_name
       AND c.version = e.configuration_version
   ), woken AS MATERIALIZED (
     SELECT b.execution_id, b.no, b.due_at FROM batch b
     WHERE (b.execution_id, b.no) IN (SELECT execution_id, batch_no FROM outcome WHERE state = 'deferred' OR resent)
     ORDER BY b.execution_id, b.no FOR NO KEY UPDATE
   ), settled AS (
     UPDATE ${messages} m SET
       state = CASE WHEN m.identity = '' AND o.state = 'deferred' THEN 'excluded'
         WHEN o.resent AND m.identity <> '' THEN 'deferred' ELSE o.state END,
       code = CASE WHEN m.identity = '' AND o.state = 'deferred' THEN '${ERASED_CODE}' ELSE o.code END,
       reply = CASE WHEN m.identity <> '' THEN o.reply END,
       attempt_id = CASE WHEN o.state = 'deferred' THEN NULL ELSE m.attempt_id END,
       not_before = CASE WHEN m.identity <> '' AND (o.state = 'deferred' OR o.resent) THEN o.not_before END,
       updated_at = clock_timestamp()
     FROM outcome o
     WHERE (SELECT count(*) FROM woken) >= 0 AND m.id = o.id AND m.attempt_id = o.attempt_id
       AND (m.state = 'sending' OR (m.state IN ('unknown', 'deferred') AND o.state <> 'unknown'))
     RETURNING m.month, m.id, m.execution_id, m.batch_no, m.profile_id, m.address_id, m.state, m.code, m.not_before, o.sandbox_id
   ), taken AS (
     UPDATE soft_bounce b SET accepted = b.accepted || s.id
     FROM settled s WHERE s.state = 'sent' AND b.address_id = s.address_id AND cardinality(b.accepted) < ${ACCEPTED_LIMIT}
   ), due AS (
     UPDATE batch b SET due_at = d.due_at, ends_at = clock_timestamp()
     FROM (SELECT execution_id, batch_no, min(coalesce(not_before, clock_timestamp())) AS due_at FROM settled
       WHERE state = 'deferred' GROUP BY 1, 2) d
     JOIN woken w ON w.execution_id = d.execution_id AND w.no = d.batch_no AND (w.due_at IS NULL OR w.due_at > d.due_at)
     WHERE b.execution_id = d.execution_id AND b.no = d.batch_no
   )
   INSERT INTO ${events} (month, sandbox_id, type, message_id, execution_id, profile_id, code)
   SELECT month, sandbox_id, state::text, id, execution_id, profile_id, code FROM settled RETURNING message_id AS id`,
);

/** An attempt that is given back is not counted; the message is as it was before the intent, and due. One without an identity ends. */
const GIVE_BACK = preparedMonthly<Written>(
  'give_back',
  (messages, events) => `WITH attempt AS MATERIALIZED (
     SELECT a.*, m.execution_id, m.batch_no FROM unnest($1::uuid[], $2::uuid[]) AS a (id, attempt_id)
     JOIN ${messages} m ON m.id = a.id
   ), woken AS MATERIALIZED (
     SELECT b.execution_id, b.no, b.due_at FROM batch b
     WHERE (b.execution_id, b.no) IN (SELECT execution_id, batch_no FROM attempt)
     ORDER BY b.execution_id, b.no FOR NO KEY UPDATE
   ), given AS (
     UPDATE ${messages} m SET state = CASE WHEN m.identity = '' THEN 'excluded' WHEN m.attempts > 1 THEN 'deferred'
         ELSE 'queued' END::message_state, code = CASE WHEN m.identity = '' THEN '${ERASED_CODE}' ELSE m.code END,
       attempts = m.attempts - 1, attempt_id = NULL, not_before = NULL, updated_at = clock_timestamp(),
       first_attempt_at = CASE WHEN m.attempts > 1 THEN m.first_attempt_at END
     FROM attempt a
     WHERE (SELECT count(*) FROM woken) >= 0 AND m.id = a.id AND m.attempt_id = a.attempt_id
       AND m.state IN ('sending', 'unknown')
     RETURNING m.month, m.id, m.execution_id, m.batch_no, m.state, m.code
   ), noted AS (
     INSERT INTO ${events} (month, sandbox_id, type, message_id, execution_id, code)
     SELECT g.month, e.sandbox_id, 'excluded', g.id, g.execution_id, g.code
     FROM given g JOIN execution e ON e.id = g.execution_id WHERE g.state = 'excluded'
   ), due AS (
     UPDATE batch b SET due_at = clock_timestamp(), ends_at = clock_timestamp()
     FROM (SELECT DISTINCT execution_id, batch_no FROM given) g
     JOIN woken w ON w.execution_id = g.execution_id AND w.no = g.batch_no
       AND (w.due_at IS NULL OR w.due_at > clock_timestamp())
     WHERE b.execution_id = g.execution_id AND b.no = g.batch_no
   )
   SELECT id FROM given`,
);

const EXCLUDE = preparedMonthly<Written>(
  'exclude',
  (messages, events) => `WITH held AS MATERIALIZED (
     SELECT 1 FROM batch WHERE execution_id = $1 AND no = $2 AND fence = $3 AND owner = $4
       AND lease_until > clock_timestamp() FOR SHARE
   ), excluded AS (
     UPDATE ${messages} m SET state = ${ends("'excluded'")}, code = x.code, not_before = NULL, updated_at = clock_timestamp()
     FROM unnest($5::uuid[], $6::text[]) AS x (id, code)
     WHERE (SELECT count(*) FROM held) > 0 AND m.id = x.id AND m.execution_id = $1
       AND m.state IN ('queued', 'deferred')
     RETURNING m.month, m.id, m.profile_id, m.state, m.code
   )
   INSERT INTO ${events} (month, sandbox_id, type, message_id, execution_id, profile_id, code)
   SELECT x.month, e.sandbox_id, x.state::text, x.id, $1, x.profile_id, x.code FROM excluded x JOIN execution e ON e.id = $1
   RETURNING message_id AS id`,
);

/**
 * Writes outcomes and answers how many were still open. `unknown` on a configuration that resends unknown
 * outcomes becomes `deferred` under the same message id while its retry period lasts (S9).
 */
export async function settle(db: Db, outcomes: readonly Outcome[]): Promise<number> {
  const bounced = outcomes.filter(({ bounce }) => bounce !== undefined);
  const others = bounced.length === 0 ? outcomes : outcomes.filter(({ bounce }) => bounce === undefined);
  let written = await perMonth(db, SETTLE, others, outcomeColumns);
  for (const [month, own] of byMonth(bounced)) {
    written += await retrying(() =>
      db.transaction().execute((transaction) => settleBounces(transaction, month, own)),
    );
  }
  return written;
}

/** The address is locked first, as everywhere: a message ends and its address is suppressed by one commit (X10, BC-5). */
async function settleBounces(transaction: Db, month: string, outcomes: readonly Outcome[]): Promise<number> {
  const recipients = await lockRecipients(
    transaction,
    month,
    outcomes.map(({ messageId }) => messageId),
  );
  const written = await run(transaction, SETTLE(month), outcomeColumns(outcomes));
  const ids = new Set(written.map(({ id }) => id));
  const counted = outcomes.flatMap(({ messageId, bounce, code = null }) => {
    const recipient = recipients.get(messageId);
    return bounce === undefined || recipient === undefined || !ids.has(messageId)
      ? []
      : [{ ...recipient, messageId, kind: bounce, status: code }];
  });
  await countBounces(transaction, counted);
  return written.length;
}

function outcomeColumns(outcomes: readonly Outcome[]): unknown[] {
  return [
    outcomes.map((outcome) => outcome.messageId),
    outcomes.map((outcome) => outcome.attemptId),
    outcomes.map((outcome) => outcome.state),
    outcomes.map((outcome) => outcome.code ?? null),
    outcomes.map((outcome) => outcome.reply ?? null),
    outcomes.map((outcome) => outcome.notBefore ?? null),
  ];
}

/** Takes back attempts that are known not to have been sent; answers how many were still open. */
export async function giveBack(db: Db, attempts: readonly Attempt[]): Promise<number> {
  return perMonth(db, GIVE_BACK, attempts, (own) => [
    own.map((attempt) => attempt.messageId),
    own.map((attempt) => attempt.attemptId),
  ]);
}

/**
 * Ends messages of a leased batch that must not be sent, `excluded` or `unknown`, and answers how many; none when the lease
 * is lost.
 */
export async function exclude(
  db: Db,
  lease: Lease,
  exclusions: readonly { readonly messageId: string; readonly code: ExclusionCode }[],
): Promise<number> {
  if (exclusions.length === 0) return 0;
  const { executionId, batch, fence, owner, month } = lease;
  const ids = exclusions.map((exclusion) => exclusion.messageId);
  const codes = exclusions.map((exclusion) => exclusion.code);
  return (await retrying(() => run(db, EXCLUDE(month), [executionId, batch, fence, owner, ids, codes])))
    .length;
}

/** Nearly always one month: a statement each, so that each looks into one table only. */
async function perMonth<T extends Attempt>(
  db: Db,
  statement: MonthlyStatement<Written>,
  items: readonly T[],
  columns: (items: readonly T[]) => unknown[],
): Promise<number> {
  let written = 0;
  for (const [month, own] of byMonth(items)) {
    written += (await retrying(() => run(db, statement(month), columns(own)))).length;
  }
  return written;
}

function byMonth<T extends Attempt>(items: readonly T[]): Map<string, T[]> {
  const months = new Map<string, T[]>();
  for (const item of items) {
    const month = monthOf(item.messageId);
    months.set(month, [...(months.get(month) ?? []), item]);
  }
  return months;
}
