/**
 * What a worker has done since it started, counted for metrics.
 *
 * @module
 */
import { type Meter, UNMETERED } from '@adieu/core';

/** What is counted: final and passing states of messages, and attempts that were given back. */
export type Counted = 'sent' | 'deferred' | 'excluded' | 'bounced' | 'failed' | 'unknown' | 'givenBack';

const OUTCOMES = {
  sent: 'sent',
  deferred: 'deferred',
  excluded: 'excluded',
  bounced: 'bounced',
  failed: 'failed',
  unknown: 'unknown',
  givenBack: 'given_back',
} as const satisfies Record<Counted, string>;

/** Counts. */
export interface Tally {
  count(what: Counted, by: number): void;
  /** A batch was claimed, its lease was lost, or what is due in it can be sent by nobody now. */
  batch(what: 'claimed' | 'lost' | 'held'): void;
  /** Of so many messages put to an intent, so many were admitted. */
  intent(asked: number, admitted: number): void;
  /** Messages that could not be signed or composed, and stay. */
  unsigned(by: number): void;
  read(): Readonly<Record<Counted, number>>;
}

/** Starts at zero. */
export function openTally(meter: Meter = UNMETERED): Tally {
  const messages = meter.counter({
    name: 'adieu_messages_total',
    meaning: 'Messages that came to an outcome in this process; "given_back" was not sent and goes on.',
    labels: { outcome: Object.values(OUTCOMES) },
  });
  const batches = meter.counter({
    name: 'adieu_worker_batches_total',
    meaning:
      'Batches claimed, leases lost before their end, batches put off because nothing of them could leave.',
    labels: { event: ['claimed', 'lost', 'held'] },
  });
  const intents = meter.counter({
    name: 'adieu_intents_total',
    meaning:
      'Messages put to an intent; "refused" goes back to the gate, since its person or lease has changed.',
    labels: { outcome: ['admitted', 'refused'] },
  });
  const held = meter.counter({
    name: 'adieu_messages_held_total',
    meaning: 'Messages held because they could not be signed or composed; each time they were tried.',
    labels: {},
  });
  const counts = { sent: 0, deferred: 0, excluded: 0, bounced: 0, failed: 0, unknown: 0, givenBack: 0 };
  return {
    count(what, by) {
      counts[what] += by;
      messages({ outcome: OUTCOMES[what] }, by);
    },
    batch: (event) => batches({ event }, 1),
    intent(asked, admitted) {
      intents({ outcome: 'admitted' }, admitted);
      intents({ outcome: 'refused' }, asked - admitted);
    },
    unsigned: (by) => held({}, by),
    read: () => ({ ...counts }),
  };
}
