/**
 * Executions that still have something to send, of every sandbox: what goes out, or would once sending is resumed.
 *
 * One rule: it is asked by a person in an emergency, at a database of any size, so only executions with open batches or
 * without an expansion are looked at.
 *
 * @module
 */
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** An execution with messages left, or with people who have not become messages yet. */
export interface OpenExecution {
  readonly executionId: number;
  readonly requestId: string;
  readonly organisation: string;
  readonly sandbox: string;
  readonly configuration: string;
  readonly createdAt: Date;
  readonly control: 'running' | 'paused';
  /** Everybody it goes to has a message. */
  readonly expanded: boolean;
  readonly queued: number;
  readonly sending: number;
  readonly deferred: number;
}

const OPEN = prepared<OpenExecution>(
  'open_executions',
  `SELECT e.id AS "executionId", e.request_id AS "requestId", o.name AS organisation, s.name AS sandbox,
     e.configuration_name AS configuration, e.created_at AS "createdAt", e.control,
     e.expanded_at IS NOT NULL AS expanded, m.queued, m.sending, m.deferred
   FROM (SELECT id FROM execution WHERE expanded_at IS NULL
     UNION SELECT execution_id FROM batch WHERE due_at IS NOT NULL
     UNION SELECT execution_id FROM batch WHERE ends_at IS NOT NULL
     UNION SELECT execution_id FROM batch WHERE lease_until IS NOT NULL) open
   JOIN execution e ON e.id = open.id JOIN sandbox s ON s.id = e.sandbox_id
   JOIN organisation o ON o.id = s.organisation_id
   CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE state = 'queued') AS queued,
       count(*) FILTER (WHERE state = 'sending') AS sending, count(*) FILTER (WHERE state = 'deferred') AS deferred
     FROM message WHERE month = e.month AND execution_id = e.id) m
   WHERE NOT e.dry_run AND e.control <> 'cancelled'
     AND (e.expanded_at IS NULL OR m.queued + m.sending + m.deferred > 0)
   ORDER BY e.id`,
);

/** Oldest first; without the cancelled ones, of which nothing goes out any more. */
export function openExecutions(db: Db): Promise<OpenExecution[]> {
  return run(db, OPEN, []);
}
