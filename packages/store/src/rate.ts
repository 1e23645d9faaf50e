/**
 * Rates: when messages of a configuration may leave, shared by all workers (S13).
 *
 * One rule: a permit is booked ahead, in one statement, and nobody sleeps for it. A batch whose permits begin later is given
 * back until then; claimed again, it finds them on its row.
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
  readonly count: number;
  readonly now: boolean;
  readonly from: Date;
}

/** Permits that were not used so long after they began are void: after a pause they would all come at once. */
const KEPT_SECONDS = 5;

/** Permits are those on the row, or the next ones in line. What begins now is used up: a crash loses it. */
const BOOK = prepared<Row>(
  'book_permits',
  `WITH held AS MATERIALIZED (
     SELECT e.sandbox_id, e.configuration_name, b.permits, b.permits_at,
       b.permits > 0 AND b.permits_at > clock_timestamp() - interval '${KEPT_SECONDS} seconds' AS kept
     FROM batch b JOIN execution e ON e.id = b.execution_id
     WHERE b.execution_id = $1 AND b.no = $2 AND b.fence = $3 AND b.owner = $4 AND b.lease_until > clock_timestamp()
     FOR NO KEY UPDATE OF b
   ), booked AS (
     INSERT INTO rate AS r (sandbox_id, configuration_name, free_at)
     SELECT sandbox_id, configuration_name, clock_timestamp() + make_interval(secs => $6) FROM held WHERE NOT kept
     ON CONFLICT (sandbox_id, configuration_name) DO UPDATE
       SET free_at = greatest(r.free_at, clock_timestamp()) + make_interval(secs => $6)
     RETURNING free_at - make_interval(secs => $6) AS begins
   ), booking AS MATERIALIZED (
     SELECT CASE WHEN h.kept THEN h.permits ELSE $5 END AS permits, x.begins, x.begins <= clock_timestamp() AS now
     FROM held h LEFT JOIN booked b ON true
     CROSS JOIN LATERAL (SELECT CASE WHEN h.kept THEN h.permits_at ELSE b.begins END AS begins) x
   )
   UPDATE batch SET permits = CASE WHEN k.now THEN 0 ELSE k.permits END, permits_at = k.begins
   FROM booking k WHERE execution_id = $1 AND no = $2
   RETURNING k.permits AS count, k.now, date_trunc('milliseconds', k.begins) + interval '1 millisecond' AS "from"`,
);

/** Books permits for messages of a leased batch: at most as many as leave in a second, and at least one. */
export async function bookPermits(
  db: Db,
  { executionId, batch, fence, owner }: Lease,
  { wanted, messagesPerSecond }: PermitRequest,
): Promise<Booking | null> {
  const count = Math.min(wanted, Math.max(1, Math.floor(messagesPerSecond)));
  const parameters = [executionId, batch, fence, owner, count, count / messagesPerSecond];
  const [row] = await retrying(() => run(db, BOOK, parameters));
  if (row === undefined) return null;
  return row.now ? { kind: 'now', count: row.count } : { kind: 'later', from: row.from };
}
