/**
 * What waits to be sent, for metrics: a worker that is dead, stuck or too slow shows here first.
 *
 * @module
 */
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** Work that is due and that nobody has taken. */
export interface Backlog {
  /** Batches; counted no further than {@link BACKLOG_LIMIT}. */
  readonly batches: number;
  /** Since the first of them was due; 0 without any. */
  readonly oldestSeconds: number;
  /** Executions that are not fully expanded; counted as far. */
  readonly expanding: number;
}

/** Counted at most, so that asking costs the same whatever waits. */
export const BACKLOG_LIMIT = 10_000;

const READ = prepared<Backlog>(
  'read_backlog',
  `SELECT due.batches, due."oldestSeconds", (SELECT count(*) FROM
     (SELECT FROM execution WHERE expanded_at IS NULL LIMIT ${BACKLOG_LIMIT}) e)::integer AS expanding
   FROM (SELECT count(*)::integer AS batches,
       coalesce(extract(epoch FROM clock_timestamp() - min(d.due_at)), 0)::double precision AS "oldestSeconds"
     FROM (SELECT b.due_at FROM batch b JOIN sendable() AS id ON id = b.execution_id
       WHERE b.due_at <= now() AND (b.lease_until IS NULL OR b.lease_until < now())
       ORDER BY b.due_at LIMIT ${BACKLOG_LIMIT}) d) due`,
);

/** Reads it. What is paused does not wait for a worker, and is left out. */
export async function readBacklog(db: Db): Promise<Backlog> {
  const [row] = await run(db, READ, []);
  return row ?? { batches: 0, oldestSeconds: 0, expanding: 0 };
}
