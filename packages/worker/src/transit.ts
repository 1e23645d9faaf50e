/**
 * A message on its way through a session.
 *
 * The rule: its outcome is told once, and the first thing known stands; what happens on the connection after that is
 * tidying up.
 *
 * @module
 */
import type { Outcome, Outgoing } from './transaction.ts';

/** A message that a session has taken. */
export interface Transit {
  readonly outgoing: Outgoing;
  readonly resolve: (outcome: Outcome) => void;
  /** `performance.now()`; moves when a new intent is had. */
  startBy: number;
  /** The outcome is told. */
  settled: boolean;
  /** At least one command of its envelope is on the wire. */
  announced: boolean;
  /** A RSET stands before the envelope. */
  reset: boolean;
  /** Its content is being written. */
  started: boolean;
  /** The kernel has the final dot. */
  handedOver: boolean;
  timer: NodeJS.Timeout | null;
}

/** A message that was just taken. `onStale` runs when its intent is too old and it still stands here. */
export function newTransit(
  outgoing: Outgoing,
  resolve: (outcome: Outcome) => void,
  onStale: (transit: Transit) => void,
): Transit {
  const flags = { settled: false, announced: false, reset: false, started: false, handedOver: false };
  const transit: Transit = { outgoing, resolve, startBy: outgoing.startBy, ...flags, timer: null };
  transit.timer = setTimeout(() => onStale(transit), Math.max(0, outgoing.startBy - performance.now()));
  return transit;
}

/** Tells the outcome. */
export function settle(transit: Transit, outcome: Outcome): void {
  if (transit.settled) return;
  transit.settled = true;
  if (transit.timer !== null) clearTimeout(transit.timer);
  transit.resolve(outcome);
}

/** Why the content must not start now; null when it may. */
export function staleness(outgoing: Outgoing, startBy = outgoing.startBy): 'stale' | 'lease-lost' | null {
  if (!outgoing.leased()) return 'lease-lost';
  return performance.now() > startBy ? 'stale' : null;
}
