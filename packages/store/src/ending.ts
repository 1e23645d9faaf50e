/**
 * Messages that end without being sent: cancelled, too late, or deadly to their workers.
 *
 * One rule: when a message has to end is said by {@link ENDS_AT} alone. `batch.ends_at` is the earliest of its messages,
 * kept by every release, so that the sweep finds what has to end without looking at a message, also while sending is paused.
 *
 * @module
 */
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import type { Lease } from './lease.ts';
import { preparedMonthly, run } from './statement.ts';

/** Deaths of workers over one message, after which it is not touched again. */
export const DEADLY = 4;

/** What of an execution ends its messages; a subquery over `$1`, its id. */
export const TERMS = `(SELECT e.control = 'cancelled' AS cancelled, e.expires_at, e.sandbox_id,
     make_interval(mins => (c.body ->> 'retryMinutes')::integer) + interval '15 minutes' AS period
   FROM execution e JOIN channel_configuration c ON c.sandbox_id = e.sandbox_id AND c.name = e.configuration_name
     AND c.version = e.configuration_version
   WHERE e.id = $1)`;

/**
 * When an open message `m` ends by the terms `t`: never tried, when its execution is too old; tried, some time after its
 * retry period, since the last attempt falls on the end of that.
 */
export const ENDS_AT = `CASE WHEN t.cancelled THEN '-infinity' WHEN m.attempts = 0 THEN t.expires_at
     ELSE m.first_attempt_at + t.period END`;

/** An attempt of `m` that is still on record may have been accepted: such a message ends `unknown`, and a late truth still wins. */
export const ends = (state: string): string =>
  `(CASE WHEN m.attempt_id IS NOT NULL THEN 'unknown' ELSE ${state} END)::message_state`;

const END = preparedMonthly<{ readonly id: string }>(
  'end_messages',
  (messages, events) => `WITH held AS MATERIALIZED (
     SELECT 1 FROM batch WHERE execution_id = $1 AND no = $2 AND fence = $3 AND owner = $4
       AND lease_until > clock_timestamp() FOR SHARE
   ), ended AS (
     UPDATE ${messages} m SET not_before = NULL, updated_at = clock_timestamp(),
       state = ${ends("CASE WHEN t.cancelled OR m.attempts = 0 OR m.deaths >= $5 THEN 'failed' ELSE 'bounced' END")},
       code = CASE WHEN t.cancelled THEN 'cancelled' WHEN m.deaths >= $5 THEN 'poison' ELSE '4.4.7' END,
       reply = CASE WHEN t.cancelled THEN 'Its execution was cancelled.'
         WHEN m.deaths >= $5 THEN 'Its delivery ended the worker ' || m.deaths || ' times.'
         WHEN m.attempts = 0 THEN 'It was too late to be sent.' ELSE m.reply END
     FROM ${TERMS} t
     WHERE (SELECT count(*) FROM held) > 0 AND m.execution_id = $1 AND m.batch_no = $2
       AND m.state IN ('queued', 'deferred') AND (m.deaths >= $5 OR ${ENDS_AT} <= clock_timestamp())
     RETURNING m.month, m.id, m.profile_id, m.state, m.code, t.sandbox_id
   )
   INSERT INTO ${events} (month, sandbox_id, type, message_id, execution_id, profile_id, code)
   SELECT month, sandbox_id, state::text, id, $1, profile_id, code FROM ended RETURNING message_id AS id`,
);

/** Ends what has to end in a leased batch and answers how many messages. */
export async function endMessages(db: Db, lease: Lease): Promise<number> {
  const { executionId, batch, fence, owner, month } = lease;
  const parameters = [executionId, batch, fence, owner, DEADLY];
  return (await retrying(() => run(db, END(month), parameters))).length;
}
