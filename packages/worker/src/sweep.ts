/**
 * The sweep, once a second: what the queue lost, what a dead worker left and what has become due is woken.
 *
 * The rule: the database says what is due; the queue drops what it already has, since the job's id carries the fence.
 *
 * @module
 */
import type { Log, WakeUpJob } from '@adieu/core';
import { type Db, sweep } from '@adieu/store';
import { jobId, type Queue } from './queue.ts';

/** What the sweep needs. */
export interface SweepOptions {
  readonly db: Db;
  readonly queue: Queue;
  readonly log: Log;
  readonly everySeconds: number;
  /** How long a relay may take to answer content: only then is a message without an outcome unknown. */
  readonly dataTimeoutSeconds: number;
}

/** A running sweep. */
export interface Sweep {
  /** Resolves when the round under way is over. */
  close(): Promise<void>;
}

/** A job that was added is not added again so soon; a large execution has thousands that wait their turn. */
const AGAIN_MS = 5000;

/** Starts to sweep. */
export function startSweep(options: SweepOptions): Sweep {
  const { db, queue, log, everySeconds, dataTimeoutSeconds } = options;
  const added = new Map<string, number>();
  let round: Promise<void> = Promise.resolve();
  let busy = false;

  async function sweepOnce(): Promise<void> {
    busy = true;
    try {
      const { unknown, due, expand } = await sweep(db, { dataTimeoutSeconds });
      if (unknown > 0) log.warn({ messages: unknown }, 'messages of a lost worker have no known outcome');
      const jobs: WakeUpJob[] = [
        ...expand.map((executionId) => ({ kind: 'expand', executionId }) as const),
        ...due.map((batch) => ({ kind: 'batch', ...batch }) as const),
      ];
      const fresh = jobs.filter((job) => isFresh(jobId(job)));
      if (fresh.length > 0) await queue.wakeAll(fresh);
    } catch (error) {
      log.debug({ error: String(error) }, 'sweep failed, the next one repairs it');
    } finally {
      busy = false;
    }
  }

  function isFresh(id: string): boolean {
    const now = performance.now();
    for (const [old, at] of added) {
      if (now - at < AGAIN_MS) break;
      added.delete(old);
    }
    if (added.has(id)) return false;
    added.set(id, now);
    return true;
  }

  // A little apart from other workers, so that they do not all ask at once.
  const timer = setInterval(
    () => {
      if (!busy) round = sweepOnce();
    },
    everySeconds * 1000 * (0.9 + 0.2 * Math.random()),
  );

  return {
    async close() {
      clearInterval(timer);
      await round;
    },
  };
}
