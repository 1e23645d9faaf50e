/**
 * What a worker has done since it started, counted for metrics.
 *
 * @module
 */

/** What is counted: final and passing states of messages, and attempts that were given back. */
export type Counted = 'sent' | 'deferred' | 'excluded' | 'bounced' | 'failed' | 'unknown' | 'givenBack';

/** Counts. */
export interface Tally {
  count(what: Counted, by: number): void;
  read(): Readonly<Record<Counted, number>>;
}

/** Starts at zero. */
export function openTally(): Tally {
  const counts = { sent: 0, deferred: 0, excluded: 0, bounced: 0, failed: 0, unknown: 0, givenBack: 0 };
  return {
    count(what, by) {
      counts[what] += by;
    },
    read: () => ({ ...counts }),
  };
}
