/**
 * Leases on batches: one worker at a time, on the database's clock.
 *
 * One rule: every claim makes the fence grow, and whoever writes under a lease proves fence and owner in the same
 * statement. A worker that was asleep too long finds its writes without effect.
 *
 * @module
 */
import type { SandboxRules } from '@adieu/core';
import type { Db } from './database.ts';
import { ENDS_AT, endMessages, TERMS } from './ending.ts';
import { SANDBOX_RULES, STANDING, type StandingRow, standingOfEach } from './standing.ts';
import { prepared, preparedMonthly, run } from './statement.ts';

/** The right to work on a batch. */
export interface Lease {
  readonly executionId: number;
  readonly batch: number;
  /** Where its messages live. */
  readonly month: string;
  readonly fence: number;
  readonly owner: string;
  readonly leaseSeconds: number;
}

/** What to claim. With `fence`, only if nobody claimed since that fence was handed out. */
export interface ClaimRequest {
  readonly executionId: number;
  readonly batch: number;
  readonly owner: string;
  readonly leaseSeconds: number;
  readonly fence?: number;
}

/** A message with the standing it was read with. The versions go back with the intent. */
export interface ClaimedMessage extends StandingRow {
  readonly messageId: string;
  readonly profileId: number;
  readonly addressId: number;
  /** The identity the execution named. */
  readonly namespace: string;
  readonly identity: string;
  /** Where to, as it goes on the wire. */
  readonly spelling: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly attempts: number;
  readonly firstAttemptAt: Date | null;
}

/** A claimed batch. */
export interface Claim {
  readonly lease: Lease;
  /** What the sandbox says when the person said nothing; counts from this claim on. */
  readonly defaults: SandboxRules;
  /** Leases in a row, before this one, that were never given back: their workers were killed, or hang. */
  readonly deaths: number;
  /** Due now, at least one; what has outlived the most workers comes last. */
  readonly messages: ClaimedMessage[];
}

/** How a batch is given back. */
export interface Release {
  /** Not due before. */
  readonly notBefore?: Date | null;
  /** What is to be remembered of {@link Claim.deaths}. Default: nothing, since its worker lives. */
  readonly deaths?: number;
  /** A message that was marked and has not ended its worker; cleared also when the lease is lost. */
  readonly survivor?: string | null;
}

/** Deaths after which the messages of a batch are taken one by one, to find the one to blame. */
export const SUSPICIOUS = 2;

interface ClaimRow extends SandboxRules {
  readonly fence: number;
  readonly month: string;
  readonly deaths: number;
  readonly sendable: boolean;
  readonly ending: boolean;
}

const CLAIM = prepared<ClaimRow>(
  'claim_batch',
  `UPDATE batch b SET owner = $3, claimed_at = clock_timestamp(), fence = b.fence + 1, deaths = b.deaths + 1,
     lease_until = clock_timestamp() + make_interval(secs => $4)
   FROM execution e JOIN sandbox s ON s.id = e.sandbox_id
   WHERE b.execution_id = $1 AND b.no = $2 AND e.id = b.execution_id
     AND (b.due_at <= clock_timestamp() AND may_send($1) OR b.ends_at <= clock_timestamp())
     AND (b.lease_until IS NULL OR b.lease_until < clock_timestamp()) AND ($5::integer IS NULL OR b.fence = $5)
   RETURNING b.fence, b.month, ${SANDBOX_RULES}, b.deaths - 1 AS deaths,
     may_send($1) AS sendable, coalesce(b.ends_at <= clock_timestamp(), false) AS ending`,
);

const standing = (
  messages: string,
) => `SELECT m.id AS "messageId", m.profile_id AS "profileId", m.address_id AS "addressId", m.namespace, m.identity,
     a.spelling, ${STANDING}, coalesce(m.context, '{}') AS context, m.attempts,
     m.first_attempt_at AS "firstAttemptAt"
   FROM ${messages} m ${standingOfEach('m')}
   WHERE m.execution_id = $1 AND m.batch_no = $2 AND m.state IN ('queued', 'deferred')`;

const READ_DUE = preparedMonthly<ClaimedMessage>(
  'read_due',
  (messages) =>
    `${standing(messages)} AND (m.not_before IS NULL OR m.not_before <= clock_timestamp()) ORDER BY m.deaths, m.id`,
);

const REREAD = preparedMonthly<ClaimedMessage>(
  'reread',
  (messages) => `${standing(messages)} AND m.id = ANY ($3::uuid[]) ORDER BY m.id`,
);

const RENEW = prepared<{ readonly no: number }>(
  'renew_lease',
  `UPDATE batch SET lease_until = clock_timestamp() + make_interval(secs => $5)
   WHERE execution_id = $1 AND no = $2 AND fence = $3 AND owner = $4 AND lease_until >= clock_timestamp()
     AND may_send($1) RETURNING no`,
);

const LOCK = prepared<{ readonly no: number }>(
  'lock_batch',
  `SELECT no FROM batch WHERE execution_id = $1 AND no = $2 AND fence = $3 AND owner = $4 FOR NO KEY UPDATE`,
);

/**
 * Where a message is still `sending`, the lease stays as one that ran out, for the sweep to find. Such a message is
 * looked at again a minute later should its time be over, since only its outcome can end it.
 */
const RELEASE = preparedMonthly<never>(
  'release_batch',
  (messages) => `UPDATE batch SET owner = CASE WHEN o.sending THEN owner END, deaths = $4,
     lease_until = CASE WHEN o.sending THEN clock_timestamp() END, ends_at = o.ends_at,
     due_at = CASE WHEN o.due_at IS NOT NULL THEN greatest(o.due_at, $3::timestamptz) END
   FROM (SELECT min(coalesce(m.not_before, clock_timestamp())) FILTER (WHERE m.state <> 'sending') AS due_at,
       min(CASE WHEN m.state = 'sending' THEN greatest(${ENDS_AT}, clock_timestamp() + interval '1 minute')
         ELSE greatest(${ENDS_AT}, clock_timestamp()) END) AS ends_at,
       coalesce(bool_or(m.state = 'sending'), false) AS sending
     FROM ${messages} m CROSS JOIN ${TERMS} t WHERE m.execution_id = $1 AND m.batch_no = $2
       AND m.state IN ('queued', 'deferred', 'sending')) o
   WHERE execution_id = $1 AND no = $2`,
);

/** A message is marked before it is touched. */
const MARK = preparedMonthly<{ readonly id: string }>(
  'mark_message',
  (messages) => `UPDATE ${messages} SET deaths = deaths + 1
   WHERE id = $3 AND execution_id = $1 AND batch_no = $2 AND EXISTS (SELECT FROM batch
     WHERE execution_id = $1 AND no = $2 AND fence = $4 AND owner = $5) RETURNING id`,
);

/** Who comes back has outlived it, whoever holds the lease by now: a lease also runs out because the database is away. */
const CLEAR = preparedMonthly<never>(
  'clear_message',
  (messages) => `UPDATE ${messages} SET deaths = 0 WHERE id = $1 AND deaths > 0`,
);

/**
 * Takes a batch, ends what has to end in it and reads what is due; null when another worker has it, nothing is due or
 * nothing may be sent. The read is a statement of its own: it must see everything that was committed before the lease was ours.
 */
export async function claimBatch(db: Db, request: ClaimRequest): Promise<Claim | null> {
  const { executionId, batch, owner, leaseSeconds, fence: expected } = request;
  const [row] = await run(db, CLAIM, [executionId, batch, owner, leaseSeconds, expected ?? null]);
  if (row === undefined) return null;
  const { fence, month, deaths, sendable, ending, ...defaults } = row;
  const lease = { executionId, batch, month, fence, owner, leaseSeconds };
  if (ending || deaths >= SUSPICIOUS) await endMessages(db, lease);
  const messages = sendable ? await run(db, READ_DUE(month), [executionId, batch]) : [];
  if (messages.length > 0) return { lease, defaults, deaths, messages };
  await releaseBatch(db, lease, { deaths });
  return null;
}

/** Reads again messages that the intent sent back: those still open, with the standing of now. */
export async function reread(db: Db, lease: Lease, messageIds: readonly string[]): Promise<ClaimedMessage[]> {
  return run(db, REREAD(lease.month), [lease.executionId, lease.batch, [...messageIds]]);
}

/** Prolongs a lease from now; false when it is lost, or when the execution must not send any more. */
export async function renewLease(db: Db, lease: Lease): Promise<boolean> {
  const { executionId, batch, fence, owner, leaseSeconds } = lease;
  return (await run(db, RENEW, [executionId, batch, fence, owner, leaseSeconds])).length > 0;
}

/**
 * Gives a batch back: due again when its earliest open message is, not before `notBefore`, or never when none is
 * open. Under a lost lease it only clears the survivor. The lock comes first and the sum in a later statement, so that a
 * message that was given back or deferred meanwhile is either seen here or sets `due_at` after us.
 */
export async function releaseBatch(
  db: Db,
  lease: Lease,
  { notBefore = null, deaths = 0, survivor = null }: Release,
): Promise<void> {
  const { executionId, batch, month, fence, owner } = lease;
  await db.transaction().execute(async (transaction) => {
    const held = await run(transaction, LOCK, [executionId, batch, fence, owner]);
    if (survivor !== null) await clearMessage(transaction, lease, survivor);
    if (held.length === 0) return;
    await run(transaction, RELEASE(month), [executionId, batch, notBefore, deaths]);
  });
}

/** Marks a message of a suspicious batch; false when the lease is lost, and then it must not be touched. */
export async function markMessage(db: Db, lease: Lease, messageId: string): Promise<boolean> {
  const { executionId, batch, month, fence, owner } = lease;
  return (await run(db, MARK(month), [executionId, batch, messageId, fence, owner])).length > 0;
}

/** Clears a message that its worker has outlived. */
export async function clearMessage(db: Db, { month }: Lease, messageId: string): Promise<void> {
  await run(db, CLEAR(month), [messageId]);
}
