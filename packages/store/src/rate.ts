/**
 * Rates: when messages of a configuration may leave, shared by all workers (S13).
 *
 * One rule: nobody books ahead and nobody sleeps. A batch takes permits that are there, or is given back until some may be;
 * so whoever is cancelled, paused, killed or late holds up nobody, and a rate that is changed counts from the next claim on.
 *
 * The bound: in any `t` seconds a configuration is granted at most what its rate allows in `t` + 6 s (two messages more than
 * in `t`, where its rate is so slow that this is less). Permits count when they are granted: those of a batch under way, a
 * second's worth at most, leave together when it had to wait for connections.
 *
 * @module
 */
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import type { Lease } from './lease.ts';
import { prepared, run } from './statement.ts';

/** What a batch wants. */
export interface PermitRequest {
  /** Messages that could leave; at least 1. */
  readonly wanted: number;
  readonly messagesPerSecond: number;
}

/** So many messages may leave now, or none before `from`; null when the lease is lost. */
export type Booking =
  | { readonly kind: 'now'; readonly count: number }
  | { readonly kind: 'later'; readonly from: Date };

interface Row {
  readonly now: boolean;
  readonly from: Date;
}

/** Permits that nobody took for so long are void: after a pause they would all come at once. */
const KEPT_SECONDS = 5;
/**
 * How many of those who wait come back: a few more than can be served, since they come at random, but not more than some in
 * a second, however many they are.
 */
const COMING_PER_BOOKING = 1.25;
const COMING_PER_SECOND = 5;
/** Who waits longer asks in between, since the rate may have been changed. */
const ASK_AGAIN_SECONDS = 60;

/**
 * Permits are there when `free_at` is over, or further away than this rate puts it: then a slower one did, which counts no
 * more. Who waits is counted only for who finds none: batches of other executions that
 * were cancelled or paused are not coming. (`OFFSET 0`: from the few batches that are due to their executions, never from
 * all executions there are.)
 */
const BOOK = prepared<Row>(
  'book_permits',
  `WITH held AS MATERIALIZED (
     SELECT e.sandbox_id, e.configuration_name,
       CASE WHEN r.free_at <= clock_timestamp() + make_interval(secs => $8) THEN r.free_at END AS free_at
     FROM batch b JOIN execution e ON e.id = b.execution_id
     LEFT JOIN rate r ON r.sandbox_id = e.sandbox_id AND r.configuration_name = e.configuration_name
     WHERE b.execution_id = $1 AND b.no = $2 AND b.fence = $3 AND b.owner = $4 AND b.lease_until > clock_timestamp()
   ), booked AS (
     INSERT INTO rate AS r (sandbox_id, configuration_name, free_at)
     SELECT sandbox_id, configuration_name, clock_timestamp() + make_interval(secs => $5) FROM held
     WHERE free_at IS NULL OR free_at <= clock_timestamp()
     ON CONFLICT (sandbox_id, configuration_name) DO UPDATE
       SET free_at = greatest(least(r.free_at, clock_timestamp()), clock_timestamp() - make_interval(secs => $6))
         + make_interval(secs => $5)
       WHERE r.free_at <= clock_timestamp() OR r.free_at > clock_timestamp() + make_interval(secs => $8)
     RETURNING true AS now
   )
   SELECT b.now IS NOT NULL AS now, CASE WHEN b.now IS NULL THEN
     least(greatest(h.free_at, clock_timestamp()), clock_timestamp() + make_interval(secs => $9)) + interval '1 millisecond' + random() * make_interval(secs => $7::float8 * (
       SELECT count(*) FROM batch w CROSS JOIN LATERAL (SELECT FROM execution x WHERE x.id = w.execution_id
         AND x.sandbox_id = h.sandbox_id AND x.configuration_name = h.configuration_name AND x.control = 'running'
         OFFSET 0) x
       WHERE w.due_at IS NOT NULL)) END AS "from"
   FROM held h LEFT JOIN booked b ON true`,
);

/** Takes permits for messages of a leased batch: at most as many as leave in a second, and at least one. */
export async function bookPermits(
  db: Db,
  { executionId, batch, fence, owner }: Lease,
  { wanted, messagesPerSecond }: PermitRequest,
): Promise<Booking | null> {
  const count = Math.min(wanted, Math.max(1, Math.floor(messagesPerSecond)));
  const seconds = count / messagesPerSecond;
  const kept = Math.max(KEPT_SECONDS, 1 / messagesPerSecond);
  const apart = Math.min(seconds / COMING_PER_BOOKING, 1 / COMING_PER_SECOND);
  const furthest = Math.max(1, 1 / messagesPerSecond);
  const parameters = [executionId, batch, fence, owner, seconds, kept, apart, furthest, ASK_AGAIN_SECONDS];
  const [row] = await retrying(() => run(db, BOOK, parameters));
  if (row === undefined) return null;
  return row.now ? { kind: 'now', count } : { kind: 'later', from: row.from };
}
