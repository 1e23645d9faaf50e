/**
 * Pause, resume, cancel: what is said about an execution as a whole.
 *
 * One rule: nothing is done to messages here. A control is a word on the execution's row, which claim, intent and lease
 * renewal read; a cancelled execution's batches are handed to the sweep, and workers end them one by one.
 *
 * @module
 */
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { controlNow, type ExecutionControl } from './execution.ts';
import type { Scope } from './scope.ts';
import { prepared, preparedMonthly, run } from './statement.ts';

/** What a caller wants. Saying it twice is as saying it once. */
export type ControlAction = 'pause' | 'resume' | 'cancel';

/** What came of it: how the execution stands now, or why it cannot be had. */
export type ControlOutcome =
  | { readonly kind: 'done'; readonly control: ExecutionControl }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly because: 'cancelled' | 'finished' };

const WANTED = { pause: 'paused', resume: 'running', cancel: 'cancelled' } as const;

interface Row {
  readonly control: ExecutionControl;
  readonly expanded: boolean;
  readonly month: string;
}

/** Waits for a step of the expansion that is under way, and no other begins before this is committed. */
const LOCK = prepared<Row>(
  'lock_execution_control',
  `SELECT control, expanded_at IS NOT NULL AS expanded, month FROM execution
   WHERE sandbox_id = $1 AND id = $2 FOR NO KEY UPDATE`,
);

/** A batch with a message that is open is due, has to end, or is leased; one with none may still look so. */
const LIVE = '(due_at IS NOT NULL OR ends_at IS NOT NULL OR lease_until IS NOT NULL)';

/** Only the messages of such batches are looked at, one batch after the other: an execution may have a million. */
const OPEN = preparedMonthly<{ readonly open: boolean }>(
  'has_open_messages',
  (messages) => `SELECT EXISTS (SELECT FROM batch b CROSS JOIN LATERAL (SELECT FROM ${messages}
       WHERE execution_id = b.execution_id AND batch_no = b.no AND state IN ('queued', 'sending', 'deferred') LIMIT 1) m
     WHERE b.execution_id = $1 AND ${LIVE}) AS open`,
);

/** What was not expanded until a cancellation never will be. */
const CONTROL = prepared<never>(
  'control_execution',
  `UPDATE execution SET control = $2,
     expanded_at = CASE WHEN $2 = 'cancelled' THEN coalesce(expanded_at, clock_timestamp()) ELSE expanded_at END,
     recipients = CASE WHEN $2 = 'cancelled' AND recipients IS NOT NULL THEN '[]'::json ELSE recipients END,
     audience = CASE WHEN $2 = 'cancelled' AND audience IS NOT NULL THEN '{}'::jsonb ELSE audience END
   WHERE id = $1`,
);

/** One row for 200 messages. Batches in order, as everywhere. */
const END_BATCHES = prepared<never>(
  'end_batches',
  `WITH open AS MATERIALIZED (
     SELECT no FROM batch WHERE execution_id = $1 AND ${LIVE} ORDER BY no FOR NO KEY UPDATE
   )
   UPDATE batch b SET ends_at = clock_timestamp() FROM open WHERE b.execution_id = $1 AND b.no = open.no`,
);

/**
 * Pauses, resumes or cancels an execution. What is on the wire settles in any case. A pause holds from the next intent, or
 * when the lease would have been prolonged; a cancellation ends every message that is queued or deferred, soon after.
 */
export async function controlExecution(
  db: Db,
  scope: Scope,
  { executionId, action }: { readonly executionId: number; readonly action: ControlAction },
): Promise<ControlOutcome> {
  if (!Number.isSafeInteger(executionId)) return { kind: 'unknown' };
  const wanted = WANTED[action];
  return retrying(() =>
    db.transaction().execute(async (transaction): Promise<ControlOutcome> => {
      const [row] = await run(transaction, LOCK, [scope.sandboxId, executionId]);
      if (row === undefined) return { kind: 'unknown' };
      if (row.control === 'cancelled' && wanted !== 'cancelled')
        return { kind: 'refused', because: 'cancelled' };
      const [found] = await run(transaction, OPEN(row.month), [executionId]);
      const finished = row.expanded && found?.open === false;
      if (controlNow(row.control, finished) === wanted) return { kind: 'done', control: wanted };
      if (finished) return { kind: 'refused', because: 'finished' };
      await run(transaction, CONTROL, [executionId, wanted]);
      if (wanted === 'cancelled') await run(transaction, END_BATCHES, [executionId]);
      return { kind: 'done', control: wanted };
    }),
  );
}
