/**
 * The expansion of an execution: its messages are written step by step, and each new batch is woken as it appears.
 *
 * The rule: the cursor stands in the database and moves with the messages, so this may stop anywhere and be begun again
 * by anybody.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import { type Db, expandStep } from '@adieu/store';
import type { Queue } from './queue.ts';

/** What expansions of one worker share. */
export interface ExpansionDeps {
  readonly db: Db;
  readonly queue: Queue;
  readonly log: Log;
  readonly stopping: () => boolean;
}

/** Expands an execution until it is done or the worker stops. Rejects never; the sweep wakes it again. */
export async function expandExecution(executionId: number, deps: ExpansionDeps): Promise<void> {
  const { db, queue, log, stopping } = deps;
  try {
    while (!stopping()) {
      const { done, batches } = await expandStep(db, executionId);
      await queue.wakeAll(batches.map((batch) => ({ kind: 'batch', executionId, ...batch })));
      if (done) return;
    }
  } catch (error) {
    log.warn({ executionId, error: String(error) }, 'expansion interrupted');
  }
}
