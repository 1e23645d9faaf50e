/**
 * The intent to send: the commit that decides against an opt-out's commit (OH-27).
 *
 * One rule: a message becomes `sending` only while the standing that the gate saw is locked and still current.
 *
 * @module
 */
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import type { ClaimedMessage, Lease } from './lease.ts';
import { preparedMonthly, run } from './statement.ts';

/** An intent older than this never starts content: an opt-out's answer waits no longer for it. Seconds. */
export const INTENT_LIFE_SECONDS = 2;

/** Messages that a connection takes now, as one attempt. */
export interface Intent {
  /** UUID; outcomes are matched by it. */
  readonly attemptId: string;
  readonly messages: readonly Pick<
    ClaimedMessage,
    'messageId' | 'profileId' | 'profileVersion' | 'addressId' | 'addressVersion'
  >[];
}

/**
 * Why the order, and why it holds. The statement runs at READ COMMITTED and its snapshot may be older than an
 * opt-out that was committed, and answered, while it waited for a lock. A plain comparison would then see the old
 * version. `FOR SHARE` does not: when the row was changed after the snapshot, PostgreSQL takes the newest version
 * and checks the condition again (EvalPlanQual), so a version that grew drops out. An opt-out that comes later waits
 * for our lock, and then for the rows to settle.
 *
 * A CTE runs when it is first read, and only as far as it is read. Each step therefore begins with the count of
 * the one before: the batch, then every profile by id, then every address by id. An opt-out takes the same order. The
 * message update joins all of them, so it starts only when every lock is held; it names only rows whose profile
 * and address both passed.
 */
export const intentText = (messages: string): string => `WITH held AS MATERIALIZED (
     SELECT e.expires_at > clock_timestamp() AS timely FROM batch b JOIN execution e ON e.id = b.execution_id
     WHERE b.execution_id = $1 AND b.no = $2 AND b.fence = $3 AND b.owner = $4 AND b.lease_until > clock_timestamp()
       AND may_send($1) FOR SHARE OF b
   ), wanted AS MATERIALIZED (
     SELECT * FROM unnest($6::uuid[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[])
       AS w (message_id, profile_id, profile_version, address_id, address_version)
   ), profiles AS MATERIALIZED (
     SELECT p.id, w.message_id FROM wanted w JOIN profile p ON p.id = w.profile_id
     WHERE (SELECT count(*) FROM held) > 0 AND p.standing_version = w.profile_version
     ORDER BY p.id FOR SHARE OF p
   ), addresses AS MATERIALIZED (
     SELECT a.id, w.message_id FROM wanted w JOIN address a ON a.id = w.address_id
     WHERE (SELECT count(*) FROM profiles) > 0 AND a.standing_version = w.address_version
     ORDER BY a.id FOR SHARE OF a
   ), admitted AS MATERIALIZED (
     SELECT p.message_id FROM profiles p JOIN addresses a ON a.message_id = p.message_id
     WHERE (SELECT count(*) FROM addresses) > 0
   )
   UPDATE ${messages} m SET state = 'sending', attempt_id = $5, attempts = m.attempts + 1, not_before = NULL, reply = NULL,
     code = NULL, first_attempt_at = coalesce(m.first_attempt_at, clock_timestamp()), updated_at = clock_timestamp()
   FROM admitted w
   WHERE m.id = w.message_id AND m.state IN ('queued', 'deferred') AND (m.attempts > 0 OR (SELECT timely FROM held))
   RETURNING m.id`;

const INTENT = preparedMonthly<{ readonly id: string }>('commit_intent', intentText);

/**
 * Commits the intent to send and answers the ids that are `sending` now. What is missing goes back to the gate
 * (its standing changed, or it is too late for a first attempt), or the lease is lost, as by a pause. An error leaves
 * nothing written; when the reply to the commit was lost, give the attempt back.
 */
export async function commitIntent(
  db: Db,
  lease: Lease,
  { attemptId, messages }: Intent,
): Promise<Set<string>> {
  if (messages.length === 0) return new Set();
  const parameters = [
    lease.executionId,
    lease.batch,
    lease.fence,
    lease.owner,
    attemptId,
    messages.map((message) => message.messageId),
    messages.map((message) => message.profileId),
    messages.map((message) => message.profileVersion),
    messages.map((message) => message.addressId),
    messages.map((message) => message.addressVersion),
  ];
  const rows = await retrying(() => run(db, INTENT(lease.month), parameters));
  return new Set(rows.map((row) => row.id));
}
