/**
 * How a worker stands at this moment, for metrics.
 *
 * @module
 */
import type { Meter } from '@adieu/core';
import type { WorkerStats } from './worker.ts';

/** What is looked at. */
export interface Measured {
  readonly stats: () => WorkerStats;
  /** Its outcomes cannot be written. */
  readonly away: () => boolean;
}

/** Opens the gauges of one worker. */
export function measureWorker(meter: Meter, { stats, away }: Measured): void {
  const gauge = (name: string, meaning: string, read: () => number): void =>
    meter.gauge({ name, meaning, labels: {} }, (mark) => mark({}, read()));
  meter.gauge(
    {
      name: 'adieu_relay_connections',
      meaning: 'Connections to the relay; "paused" is not tried for a while, after trouble.',
      labels: { state: ['open', 'opening', 'paused'] },
    },
    (mark) => {
      const { open, opening, paused } = stats().relay;
      mark({ state: 'open' }, open);
      mark({ state: 'opening' }, opening);
      mark({ state: 'paused' }, paused);
    },
  );
  gauge('adieu_relay_slots_busy', 'Messages that are with a connection.', () => stats().relay.busy);
  gauge('adieu_worker_batches', 'Batches that this worker has claimed.', () => stats().batches);
  gauge(
    'adieu_worker_outcomes_held',
    'Replies of the relay that the database has not taken yet.',
    () => stats().repliesHeld,
  );
  gauge('adieu_worker_ledger_away', '1 while nothing is begun, because outcomes cannot be written.', () =>
    away() ? 1 : 0,
  );
}
