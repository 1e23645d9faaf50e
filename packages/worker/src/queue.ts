/**
 * The queue: BullMQ on PostgreSQL or on Redis, as a wake-up and nothing more.
 *
 * The rule: a job says where to look, PostgreSQL says what to do; losing the queue loses nothing, because the sweep
 * finds everything again. Job ids carry the fence of the batch, so one claim is woken once; a job is tried once and
 * leaves nothing behind, because a finished job under its id would stop the sweep from adding it again.
 *
 * @module
 */
import { type Log, SILENT, type WakeUp, type WakeUpJob } from '@adieu/core';
import { type BulkJobOptions, Queue as BullQueue, Worker as BullWorker, createPostgresBackend } from 'bullmq';

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
/** How long a caller waits for the queue to take a wake-up or a goodbye. */
const WAKE_MS = 2000;
const JOB_OPTIONS = { attempts: 1, removeOnComplete: true, removeOnFail: true } as const;
/** A job that stalls twice would fail, and keep its id, at BullMQ's default of 1. */
const PRACTICALLY_UNLIMITED = 1_000_000_000;

/** The id of a job; the queue holds one at a time. */
export function jobId(job: WakeUpJob): string {
  return job.kind === 'expand' ? `expand-${job.executionId}` : `${job.executionId}-${job.batch}-${job.fence}`;
}

/** Creates or updates BullMQ's own tables; nothing to do on Redis. Several processes may at once. */
export async function migrateQueue(url: string): Promise<void> {
  if (isRedis(url)) return;
  const queue = new BullQueue(NAME, { connection: postgres(url, 1) }, createPostgresBackend);
  queue.on('error', () => {});
  try {
    await queue.waitUntilReady();
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
  const complain = quietly(log, 'queue error');
  queue.on('error', complain);
  await queue.waitUntilReady();

  async function wakeAll(jobs: readonly WakeUpJob[]): Promise<void> {
    try {
      for (let start = 0; start < jobs.length; start += CHUNK) {
        await within(WAKE_MS, queue.addBulk(jobs.slice(start, start + CHUNK).map(entry)));
      }
    } catch (error) {
      log.warn({ jobs: jobs.length, error: String(error) }, 'wake-up lost, the sweep repairs it');
    }
  }

  return {
    wake: (job) => wakeAll([job]),
    wakeAll,
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
  const work = async ({ data }: { data: WakeUpJob }): Promise<void> => options.run(data);
  const rules = {
    concurrency,
    lockDuration: leaseSeconds * 1000,
    stalledInterval: leaseSeconds * 500,
    maxStalledCount: PRACTICALLY_UNLIMITED,
    // After the database was away. BullMQ's default of 15 s would be too long to be back.
    runRetryDelay: 1000,
  };
  const life = { over: false };
  const worker = isRedis(url)
    ? new BullWorker(NAME, work, { ...rules, connection: redis(url, life), prefix: hashTag(options.prefix) })
    : new BullWorker(NAME, work, { ...rules, connection: postgres(url, 4) }, createPostgresBackend);
  worker.on('error', quietly(log, 'queue error'));
  await worker.waitUntilReady();
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
    // A client that was closed while its server was away would go on trying for ever.
    retryStrategy: (times: number): number | null =>
      life.over ? null : Math.min(50 * 2 ** Math.min(times, 10), 2000),
  };
}

/** In braces, so that all keys of the queue share a slot of a Redis Cluster. */
function hashTag(prefix = 'adieu'): string {
  return `{${prefix}}`;
}

/** While the queue is away it errs many times a second: one line for ten seconds is enough. */
function quietly(log: Log, message: string): (error: Error) => void {
  let until = 0;
  return (error) => {
    if (performance.now() < until) return;
    until = performance.now() + 10_000;
    log.warn({ error: error.message }, message);
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
