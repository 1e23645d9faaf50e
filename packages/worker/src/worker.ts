/**
 * A worker: takes jobs, delivers batches, expands executions, sweeps.
 *
 * The rule: one retry owner, and it is the ledger. Neither the queue nor the SMTP library retries anything.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type KeyRing, type Log, type Meter, UNMETERED, type WakeUpJob } from '@adieu/core';
import { openSigning } from '@adieu/mail';
import { type Database, databaseTime } from '@adieu/store';
import { openClock } from './clock.ts';
import { openComposers } from './composers.ts';
import { type DeliveryDeps, deliverBatch } from './delivery.ts';
import { expandExecution } from './expansion.ts';
import { measureWorker } from './gauges.ts';
import { openLedger } from './ledger.ts';
import { startConsumer, startQueue } from './queue.ts';
import { openRelay, type RelayStats } from './relay.ts';
import { startRetention } from './retention.ts';
import { startSweep } from './sweep.ts';
import { type Counted, openTally } from './tally.ts';
import { RFC_TIMEOUTS, type SmtpTimeouts } from './transaction.ts';
import { openTurnstile } from './turnstile.ts';

/** How a worker runs. */
export interface WorkerOptions {
  readonly database: Database;
  /** Default: the database's URL. */
  readonly queueUrl?: string | undefined;
  readonly queuePrefix?: string | undefined;
  readonly ring: KeyRing;
  /** A nodemailer SMTP URL. */
  readonly relayUrl: string;
  /** Names the worker in leases; must differ between workers. Default: random. */
  readonly owner?: string | undefined;
  readonly leaseSeconds: number;
  readonly retryFirstSeconds?: number | undefined;
  /** Somebody listens at the mailto addresses. */
  readonly inbound: boolean;
  /** While it answers false nothing is claimed and no intent made: the database is not known to be the same. Default: true. */
  readonly sound?: (() => boolean) | undefined;
  readonly log: Log;
  readonly meter?: Meter | undefined;
  /** Batches at once. Default: 4. */
  readonly concurrency?: number | undefined;
  /** Connections to the relay. Default: `maxConnections` of the URL, or 10. */
  readonly connections?: number | undefined;
  readonly now?: (() => Date) | undefined;
  /** Default: 1. */
  readonly sweepSeconds?: number | undefined;
  /** Months of messages of which every day is older are dropped. Default: they are kept. */
  readonly retentionDays?: number | undefined;
  /** Default: those of RFC 5321. */
  readonly smtpTimeouts?: SmtpTimeouts | undefined;
}

/** Numbers for metrics. */
export interface WorkerStats {
  /** Messages since the start, by what became of them. */
  readonly messages: Readonly<Record<Counted, number>>;
  readonly relay: RelayStats;
  /** Batches under way. */
  readonly batches: number;
  /** Outcomes that could not be written yet. */
  readonly repliesHeld: number;
}

/** A running worker. */
export interface Worker {
  /** Null when it works, else why not. */
  ready(): string | null;
  stats(): WorkerStats;
  /**
   * Takes nothing new, lets what is with the relay finish, writes it down, gives the leases back. Within 28 s; what the
   * relay has not answered after 20 s becomes unknown.
   */
  close(): Promise<void>;
}

const RELAY_GRACE_MS = 20_000;
const LEDGER_GRACE_MS = 5000;

/** Starts a worker. Resolves when it takes jobs. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { database, log, leaseSeconds } = options;
  const { db } = database;
  const timeouts = options.smtpTimeouts ?? RFC_TIMEOUTS;
  const queueAddress = { databaseUrl: database.url, queueUrl: options.queueUrl, prefix: options.queuePrefix };
  const clock = openClock(() => databaseTime(db));
  const now = options.now ?? clock.now;
  // Its first look; without one it shows the machine's time until the sweep has looked.
  await clock.set().catch((error: unknown) => log.debug({ error: String(error) }, 'clock not set'));
  const relay = openRelay({
    url: options.relayUrl,
    log,
    timeouts,
    now,
    ...(options.connections === undefined ? {} : { connections: options.connections }),
  });
  const ledger = openLedger(db, log, options.sound);
  const signing = openSigning();
  const { meter = UNMETERED } = options;
  const tally = openTally(meter);
  let stopping = false;
  let batches = 0;
  const deps: DeliveryDeps = {
    db,
    relay,
    ledger,
    composers: openComposers({ ...options, makeSignature: signing.sign }),
    tally,
    log,
    owner: options.owner ?? randomUUID(),
    leaseSeconds,
    turnstile: openTurnstile(),
    retryFirstSeconds: options.retryFirstSeconds,
    now,
    random: Math.random,
    stopping: () => stopping,
  };

  const queue = await startQueue({ ...queueAddress, log });

  async function run(job: WakeUpJob): Promise<void> {
    if (job.kind === 'expand') return expandExecution(job.executionId, { ...deps, queue });
    batches++;
    try {
      await deliverBatch(job, deps);
    } finally {
      batches--;
    }
  }

  const consumer = await startConsumer({
    ...queueAddress,
    concurrency: options.concurrency ?? 4,
    leaseSeconds,
    log,
    run,
  });
  const sweep = startSweep({
    db,
    queue,
    clock,
    log,
    everySeconds: options.sweepSeconds ?? 1,
    dataTimeoutSeconds: Math.ceil(timeouts.final / 1000),
  });

  const { retentionDays: days } = options;
  const retention = days === undefined ? null : startRetention({ db, log, days });

  async function close(): Promise<void> {
    stopping = true;
    const swept = Promise.all([sweep.close(), retention?.close()]);
    const consumed = consumer.close();
    await relay.close(RELAY_GRACE_MS);
    // Batches end with the release of their lease; with the database away they would not end at all.
    const ended = await within(LEDGER_GRACE_MS, Promise.all([swept, consumed]));
    const left = ledger.close();
    if (left > 0) log.error({ entries: left }, 'worker closed with entries the database did not take');
    await Promise.all([ended ? null : consumer.abandon(), queue.close(), signing.close()]);
  }

  const stats = (): WorkerStats => ({
    messages: tally.read(),
    relay: relay.stats(),
    batches,
    repliesHeld: ledger.held(),
  });
  measureWorker(meter, { stats, away: ledger.away });

  let closing: Promise<void> | null = null;
  return {
    ready() {
      if (stopping) return 'The worker is stopping.';
      return ledger.away() ? 'The worker cannot write its ledger.' : null;
    },
    stats,
    close: () => {
      closing ??= close();
      return closing;
    },
  };
}

/** Waits for a promise, but not longer than that; answers whether it came. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const came = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return came;
}
