/**
 * The sweep, once a second: what the queue lost, what a dead worker left and what has become due is woken.
 *
 * The rule: the database says what is due; the queue drops what it already has, since the job's id carries the fence.
 * What stays due all the same may have been dropped for something under its id that nobody will ever run, so then the
 * queue is looked through.
 *
 * @module
 */
import type { Log, WakeUpJob } from '@adieu/core';
import { type Db, sweep } from '@adieu/store';
import type { Clock } from './clock.ts';
import { jobId } from './job.ts';
import type { Queue } from './queue.ts';

/** What the sweep needs. */
export interface SweepOptions {
  readonly db: Db;
  readonly queue: Queue;
  /** Set with every round. */
  readonly clock: Clock;
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

/** How long a job may be due after it was added before the queue is asked what became of it. */
const AGAIN_MS = 5000;

/** Starts to sweep. */
export function startSweep(options: SweepOptions): Sweep {
  const { db, queue, clock, log, everySeconds, dataTimeoutSeconds } = options;
  let added: ReadonlyMap<string, number> = new Map();
  let round: Promise<void> = Promise.resolve();
  let busy = false;

  async function sweepOnce(): Promise<void> {
    busy = true;
    try {
      await clock.set();
      const { unknown, due, expand } = await sweep(db, { dataTimeoutSeconds });
      if (unknown > 0) log.warn({ messages: unknown }, 'messages of a lost worker have no known outcome');
      const jobs: WakeUpJob[] = [
        ...expand.map((executionId) => ({ kind: 'expand', executionId }) as const),
        ...due.map((batch) => ({ kind: 'batch', ...batch }) as const),
      ];
      const { fresh, waited } = sort(jobs);
      if (fresh.length > 0) await queue.wakeAll(fresh);
      if (waited.length > 0) await queue.mend(waited);
    } catch (error) {
      log.debug({ error: String(error) }, 'sweep failed, the next one repairs it');
    } finally {
      busy = false;
    }
  }

  /** What is due for the first time, and what still is although it was added a while ago. */
  function sort(jobs: readonly WakeUpJob[]): { readonly fresh: WakeUpJob[]; readonly waited: WakeUpJob[] } {
    const now = performance.now();
    const before = added;
    added = new Map(jobs.map((job) => [jobId(job), before.get(jobId(job)) ?? now]));
    const waited = jobs.filter((job) => now - (added.get(jobId(job)) ?? now) >= AGAIN_MS);
    added = new Map([...added, ...waited.map((job) => [jobId(job), now] as const)]);
    return { fresh: jobs.filter((job) => !before.has(jobId(job))), waited };
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
