/**
 * Queue and delivery: claim, gate, compose, intent, send, settle.
 *
 * @module
 */
export type { Queue, QueueAddress } from './queue.ts';
export { migrateQueue, startQueue } from './queue.ts';
export type { RelayStats } from './relay.ts';
export type { Counted } from './tally.ts';
export type { SmtpTimeouts } from './transaction.ts';
export { RFC_TIMEOUTS, shortened } from './transaction.ts';
export type { Worker, WorkerOptions, WorkerStats } from './worker.ts';
export { startWorker } from './worker.ts';
