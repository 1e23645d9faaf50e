/**
 * The sweep: repairs whatever a lost wake-up, a killed worker or a missed month left behind.
 *
 * One rule: PostgreSQL is the truth and the queue only a wake-up, so everything that is due can be found here again.
 *
 * @module
 */
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { INTENT_LIFE_SECONDS } from './intent.ts';
import { ensurePartitions } from './partition.ts';
import { prepared, preparedMonthly, run } from './statement.ts';

/** A batch that can be claimed, with the fence to claim it under. */
export interface DueBatch {
  readonly executionId: number;
  readonly batch: number;
  readonly fence: number;
}

/** What a sweep found. */
export interface SweepOutcome {
  /** Messages whose outcome became `unknown`, or which are resent. */
  readonly unknown: number;
  /** At most 1,000 that may be sent, longest due first, and 1,000 with messages that have to be ended. */
  readonly due: DueBatch[];
  /** Executions that are not fully expanded. */
  readonly expand: number[];
}

const MONTHS = prepared<{ readonly month: string }>(
  'sweep_months',
  `SELECT DISTINCT month FROM batch WHERE lease_until IS NOT NULL`,
);

/**
 * Hardly anybody can still be sending: the life of an intent and the time a relay may take to answer content have passed since
 * the intent, and the lease under which it was made is over, because it ran out that long ago or because the batch was claimed
 * anew since. What remains is a content whose upload and answer together take longer than that answer may, from a worker that
 * lost its lease meanwhile: where unknown outcomes are resent, such a mail may arrive twice. A late truth still wins.
 *
 * Batches first, then their messages, as everywhere. A batch that somebody is writing at this moment is skipped, not waited for.
 */
const ABANDONED = preparedMonthly<{ readonly id: string }>(
  'sweep_abandoned',
  (messages, events) => `WITH lost AS MATERIALIZED (
     SELECT b.execution_id, b.no, c.body ->> 'unknownOutcome' = 'resend' AS resend,
       make_interval(mins => (c.body ->> 'retryMinutes')::integer) AS period, e.sandbox_id, b.claimed_at,
       b.lease_until < clock_timestamp() - make_interval(secs => $1) AS over
     FROM batch b JOIN execution e ON e.id = b.execution_id
     JOIN channel_configuration c ON c.sandbox_id = e.sandbox_id AND c.name = e.configuration_name
       AND c.version = e.configuration_version
     WHERE b.month = $2 AND b.lease_until IS NOT NULL AND (b.lease_until < clock_timestamp() - make_interval(secs => $1)
       OR EXISTS (SELECT FROM ${messages} m WHERE m.execution_id = b.execution_id AND m.batch_no = b.no
         AND m.state = 'sending' AND m.updated_at < clock_timestamp() - make_interval(secs => $1)
         AND m.updated_at < b.claimed_at))
     ORDER BY b.execution_id, b.no LIMIT 100 FOR NO KEY UPDATE OF b SKIP LOCKED
   ), abandoned AS (
     UPDATE ${messages} m SET state = CASE WHEN l.resend AND m.identity <> '' AND m.first_attempt_at > clock_timestamp() - l.period
         THEN 'deferred' ELSE 'unknown' END::message_state, not_before = NULL, updated_at = clock_timestamp()
     FROM lost l
     WHERE m.execution_id = l.execution_id AND m.batch_no = l.no AND m.state = 'sending'
       AND m.updated_at < clock_timestamp() - make_interval(secs => $1) AND (l.over OR m.updated_at < l.claimed_at)
     RETURNING m.month, m.id, m.execution_id, m.batch_no, m.profile_id, m.state, l.sandbox_id
   ), freed AS (
     UPDATE batch b SET owner = CASE WHEN l.over AND NOT l.busy THEN NULL ELSE b.owner END,
       lease_until = CASE WHEN l.over AND NOT l.busy THEN NULL ELSE b.lease_until END,
       due_at = CASE WHEN EXISTS (SELECT FROM abandoned a
         WHERE a.execution_id = l.execution_id AND a.batch_no = l.no AND a.state = 'deferred')
       THEN least(b.due_at, clock_timestamp()) ELSE b.due_at END
     FROM (SELECT lost.*, EXISTS (SELECT FROM ${messages} m
       WHERE m.execution_id = lost.execution_id AND m.batch_no = lost.no AND m.state = 'sending'
         AND m.updated_at >= clock_timestamp() - make_interval(secs => $1)) AS busy FROM lost) l
     WHERE b.execution_id = l.execution_id AND b.no = l.no
   )
   INSERT INTO ${events} (month, sandbox_id, type, message_id, execution_id, profile_id)
   SELECT month, sandbox_id, state::text, id, execution_id, profile_id FROM abandoned RETURNING message_id AS id`,
);

/** What may not be sent is left out, or it would stand before what may; what has to be ended comes in any case. */
const DUE = prepared<DueBatch>(
  'sweep_due',
  `(SELECT b.execution_id AS "executionId", b.no AS batch, b.fence FROM batch b JOIN sendable() AS id ON id = b.execution_id
    WHERE b.due_at <= now() AND (b.lease_until IS NULL OR b.lease_until < now()) ORDER BY b.due_at LIMIT 1000)
   UNION ALL
   (SELECT execution_id, no, fence FROM batch
    WHERE ends_at <= now() AND (lease_until IS NULL OR lease_until < now()) ORDER BY ends_at LIMIT 1000)`,
);

const TO_EXPAND = prepared<{ readonly id: number }>(
  'sweep_expand',
  `SELECT id FROM execution WHERE expanded_at IS NULL ORDER BY id LIMIT 100`,
);

/**
 * Sweeps once. Any number of processes may.
 *
 * @param dataTimeoutSeconds how long a relay may take to answer content
 */
export async function sweep(
  db: Db,
  { dataTimeoutSeconds }: { readonly dataTimeoutSeconds: number },
): Promise<SweepOutcome> {
  await ensurePartitions(db);
  const seconds = INTENT_LIFE_SECONDS + dataTimeoutSeconds;
  let unknown = 0;
  for (const { month } of await run(db, MONTHS, [])) {
    unknown += (await retrying(() => run(db, ABANDONED(month), [seconds, month]))).length;
  }
  const found = await run(db, DUE, []);
  const due = [...new Map(found.map((batch) => [`${batch.executionId}-${batch.batch}`, batch])).values()];
  const expand = await run(db, TO_EXPAND, []);
  return { unknown, due, expand: expand.map((row) => row.id) };
}
