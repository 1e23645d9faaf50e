/**
 * The queue: BullMQ on PostgreSQL or on Redis, as a wake-up and nothing more.
 *
 * The rule: a job says where to look, PostgreSQL says what to do; losing the queue loses nothing, because the sweep
 * finds everything again. Job ids carry the fence of the batch, so one claim is woken once; a job is tried once and
 * leaves nothing behind, because a finished job under its id would stop the sweep from adding it again. What stands
 * under an id and does not wait its turn all the same is taken away by {@link Queue.mend}.
 *
 * @module
 */
import { Failure, type Log, SILENT, type WakeUp, type WakeUpJob } from '@adieu/core';
import { type BulkJobOptions, Queue as BullQueue, Worker as BullWorker, createPostgresBackend } from 'bullmq';
import { jobId, readJob } from './job.ts';

/** Where the queue lives. */
export interface QueueAddress {
  /** PostgreSQL, used when `queueUrl` is not given. */
  readonly databaseUrl: string;
  /** `postgres://…` or `redis://…`, `rediss://…`. */
  readonly queueUrl?: string | undefined;
  /** Tells installations apart that share one Redis. Default: `adieu`. */
  readonly prefix?: string | undefined;
}

/** The producer's side. */
export interface Queue {
  /** Adds one job; resolves also when it could not be added, which is logged. */
  readonly wake: WakeUp;
  /** The same for many. */
  wakeAll(jobs: readonly WakeUpJob[]): Promise<void>;
  /**
   * For jobs that were added a while ago and of which nothing came: those that wait their turn are left alone, the others
   * are added once more, in place of whatever keeps their id taken. A job that a live worker holds is not touched.
   * Resolves also when the queue does not answer.
   */
  mend(jobs: readonly WakeUpJob[]): Promise<void>;
  close(): Promise<void>;
}

/** The worker's side. */
export interface Consumer {
  /** Takes no more jobs; resolves when those under way are done. */
  close(): Promise<void>;
  /** Lets the connection go, for when closing does not come to an end. */
  abandon(): Promise<void>;
}

/** How jobs are consumed. */
export interface ConsumerOptions extends QueueAddress {
  readonly concurrency: number;
  readonly leaseSeconds: number;
  readonly log: Log;
  /** Does one job. Must not reject: nobody retries it. */
  readonly run: (job: WakeUpJob) => Promise<void>;
}

const NAME = 'delivery';
/** Jobs in one command (BullMQ asks for no more than this). */
const CHUNK = 1000;
/** Commands at once that there is no bulk form of. */
const FEW = 100;
/** How long a caller waits for the queue to take a wake-up or a goodbye. */
const WAKE_MS = 2000;
/** Redis has answered by then, or its connection has gone silent. Longer than BullMQ's longest wait for a job. */
const SILENCE_MS = 30_000;
const JOB_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
/** A job that stalls twice would fail, and keep its id, at BullMQ's default of 1. */
const PRACTICALLY_UNLIMITED = 1_000_000_000;

/**
 * Creates or updates BullMQ's own tables; nothing to do on Redis. Several processes may at once. Throws
 * `queue_behind_pooler` where a pooler takes no settings at the start of a connection: BullMQ names its schema there.
 */
export async function migrateQueue(url: string): Promise<void> {
  if (isRedis(url)) return;
  const queue = new BullQueue(NAME, { connection: postgres(url, 1) }, createPostgresBackend);
  queue.on('error', () => {});
  try {
    await queue.waitUntilReady();
  } catch (error) {
    if (!/unsupported startup parameter/i.test(String(error))) throw error;
    const detail =
      'The queue cannot reach PostgreSQL through this pooler. Set QUEUE_URL to PostgreSQL itself, or to Redis.';
    throw new Failure('queue_behind_pooler', detail, { cause: error, field: 'QUEUE_URL' });
  } finally {
    await queue.close();
  }
}

/** Opens the producer's side. */
export async function startQueue(options: QueueAddress & { readonly log?: Log }): Promise<Queue> {
  const log = options.log ?? SILENT;
  const url = options.queueUrl ?? options.databaseUrl;
  const life = { over: false };
  const queue = isRedis(url)
    ? new BullQueue(NAME, { connection: redis(url, life), prefix: hashTag(options.prefix) })
    : new BullQueue(NAME, { connection: postgres(url, 2) }, createPostgresBackend);
  queue.on('error', quietly(log, 'queue error'));
  await ready(queue, { url, log });
  const paused = quietly(log, 'somebody has paused the queue: nothing is delivered until it is resumed');
  let unanswered = 0;

  /** A server that is away answers nothing, and its client keeps every question: one is enough. */
  async function ask<T>(question: () => Promise<T>): Promise<T> {
    if (unanswered > 0) throw new Error('The queue does not answer.');
    let answered = false;
    const answer = question().finally(() => {
      answered = true;
    });
    try {
      return await within(WAKE_MS, answer);
    } finally {
      if (!answered) {
        unanswered++;
        answer.catch(() => {}).finally(() => unanswered--);
      }
    }
  }

  async function wakeAll(jobs: readonly WakeUpJob[]): Promise<void> {
    try {
      for (let start = 0; start < jobs.length; start += CHUNK) {
        await ask(() => queue.addBulk(jobs.slice(start, start + CHUNK).map(entry)));
      }
    } catch (error) {
      log.warn({ jobs: jobs.length, error: String(error) }, 'wake-up lost, the sweep repairs it');
    }
  }

  async function mend(jobs: readonly WakeUpJob[]): Promise<void> {
    try {
      const waiting = new Set(await ask(() => queue.getRanges(['waiting'], 0, -1)));
      const astray = jobs.filter((job) => !waiting.has(jobId(job)));
      if (astray.length === 0) {
        if (await ask(() => queue.isPaused())) paused();
        return;
      }
      for (let start = 0; start < astray.length; start += FEW) {
        const few = astray.slice(start, start + FEW).map(jobId);
        await ask(() => Promise.all(few.map((id) => queue.remove(id, { removeChildren: false }))));
      }
      log.debug({ jobs: astray.length }, 'jobs added again');
      await wakeAll(astray);
    } catch (error) {
      log.debug({ error: String(error) }, 'queue not looked through, the next sweep does');
    }
  }

  return {
    wake: (job) => wakeAll([job]),
    wakeAll,
    mend,
    async close() {
      life.over = true;
      // Closing says goodbye, which a server that is away never answers.
      await within(WAKE_MS, queue.close()).catch(() => abandon(queue));
    },
  };
}

/** Opens the worker's side and begins to take jobs. */
export async function startConsumer(options: ConsumerOptions): Promise<Consumer> {
  const { leaseSeconds, concurrency, log } = options;
  const url = options.queueUrl ?? options.databaseUrl;
  const dropped = quietly(log, 'a job that is none of ours is dropped');
  const work = async ({ data }: { data: unknown }): Promise<void> => {
    const job = readJob(data);
    if (job === null) return dropped();
    await options.run(job);
  };
  const rules = {
    concurrency,
    lockDuration: leaseSeconds * 1000,
    stalledInterval: leaseSeconds * 500,
    maxStalledCount: PRACTICALLY_UNLIMITED,
    // For jobs that others added, or an older version did.
    removeOnComplete: { count: 0 },
    removeOnFail: { count: 0 },
    // After the database was away. BullMQ's default of 15 s would be too long to be back.
    runRetryDelay: 1000,
  };
  const life = { over: false };
  const worker = isRedis(url)
    ? new BullWorker(NAME, work, { ...rules, connection: redis(url, life), prefix: hashTag(options.prefix) })
    : new BullWorker(NAME, work, { ...rules, connection: postgres(url, 4) }, createPostgresBackend);
  worker.on('error', quietly(log, 'queue error'));
  await ready(worker, { url, log });
  return {
    close() {
      life.over = true;
      return worker.close();
    },
    abandon: () => abandon(worker),
  };
}

function entry(job: WakeUpJob): { name: string; data: WakeUpJob; opts: BulkJobOptions } {
  return { name: job.kind, data: job, opts: { ...JOB_OPTIONS, jobId: jobId(job) } };
}

function isRedis(url: string): boolean {
  return /^rediss?:/i.test(url);
}

function postgres(connectionString: string, max: number) {
  // A connection that has gone silent is given up, or nobody would ever ask for jobs on it again.
  const limits = { connectionTimeoutMillis: 5000, query_timeout: 30_000, keepAlive: true };
  return { connectionString, migrate: true, max, ...limits };
}

function redis(url: string, life: { readonly over: boolean }) {
  return {
    url,
    // Workers wait for a Redis that is away instead of failing; BullMQ insists.
    maxRetriesPerRequest: null,
    socketTimeout: SILENCE_MS,
    // A client that was closed while its server was away would go on trying for ever.
    retryStrategy: (times: number): number | null =>
      life.over ? null : Math.min(50 * 2 ** Math.min(times, 10), 2000),
  };
}

/** In braces, so that all keys of the queue share a slot of a Redis Cluster. */
function hashTag(prefix = 'adieu'): string {
  return `{${prefix}}`;
}

/**
 * Waits until the queue can be used. A Redis that is away is waited for with the doors open: opt-outs need no queue.
 * PostgreSQL has just been migrated, so it is there.
 */
async function ready(
  connection: { waitUntilReady(): Promise<unknown> },
  { url, log }: { readonly url: string; readonly log: Log },
): Promise<void> {
  const come = connection.waitUntilReady();
  if (!isRedis(url)) return void (await come);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(resolve, WAKE_MS, 'late');
  });
  try {
    if ((await Promise.race([come, late])) !== 'late') return;
    log.warn({}, 'the queue is away; everything else goes on without it');
  } finally {
    clearTimeout(timer);
  }
}

/** While the queue is away it errs many times a second: one line for ten seconds is enough. */
function quietly(log: Log, message: string): (error?: Error) => void {
  let until = 0;
  return (error) => {
    if (performance.now() < until) return;
    until = performance.now() + 10_000;
    log.warn(error === undefined ? {} : { error: error.message }, message);
  };
}

async function abandon(connection: { disconnect(): Promise<void> }): Promise<void> {
  await within(WAKE_MS, connection.disconnect()).catch(() => {});
}

async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The queue does not answer.')), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
