/**
 * A job of the queue: its id, and what it has to look like to be one.
 *
 * The rule: a queue is a place where others may write. What comes out of it is read like any input, and does no more
 * than name a batch or an execution; the database says whether there is such a thing and whether it is due.
 *
 * @module
 */
import type { WakeUpJob } from '@adieu/core';

/** The largest number of PostgreSQL's `integer`. */
const MOST = 2 ** 31 - 1;

/** The id of a job; the queue holds one at a time. */
export function jobId(job: WakeUpJob): string {
  return job.kind === 'expand' ? `expand-${job.executionId}` : `${job.executionId}-${job.batch}-${job.fence}`;
}

/** Reads what a job carries; null when it is none of ours. */
export function readJob(data: unknown): WakeUpJob | null {
  if (typeof data !== 'object' || data === null) return null;
  const { kind, executionId, batch, fence } = data as Readonly<Record<string, unknown>>;
  if (!isNumber(executionId, Number.MAX_SAFE_INTEGER)) return null;
  if (kind === 'expand') return { kind, executionId };
  if (kind !== 'batch' || !isNumber(batch, MOST) || !isNumber(fence, MOST)) return null;
  return { kind, executionId, batch, fence };
}

function isNumber(value: unknown, most: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most;
}
