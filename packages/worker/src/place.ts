/**
 * A place for one connection to the relay: open, being opened, or paused after trouble.
 *
 * The rule: pauses double from trouble to trouble up to the longest, jitter only lengthens them, and one message that
 * the relay takes ends the row. Times are milliseconds since 1970.
 *
 * @module
 */
import type { Session } from './session.ts';

/** One of the fixed connections, open or not. */
export interface Place {
  line: Line | null;
  opening: boolean;
  /** Troubles in a row. */
  troubles: number;
  pausedUntil: number;
}

/** An open connection in its place. */
export interface Line {
  readonly session: Session;
  readonly since: number;
  /** Slots that are taken. */
  taken: number;
  /** Messages that the relay has answered. */
  carried: number;
  /** No more slots: QUIT when those that are taken are released. */
  leaving: boolean;
  idle: NodeJS.Timeout | null;
}

/** How long to pause, in milliseconds. */
export interface PauseRule {
  readonly first: number;
  readonly longest: number;
}

/** Messages per connection: one on the wire, one chained. */
export const DEPTH = 2;

const JITTER = 0.25;

/** Places without connections. */
export function vacantPlaces(count: number): Place[] {
  return Array.from({ length: count }, () => ({ line: null, opening: false, troubles: 0, pausedUntil: 0 }));
}

/** A connection that was just opened. */
export function newLine(session: Session): Line {
  return { session, since: Date.now(), taken: 0, carried: 0, leaving: false, idle: null };
}

/** Leaves a connection: at once when none of its slots is taken, else with the last. */
export function leave(line: Line): void {
  line.leaving = true;
  if (line.idle !== null) clearTimeout(line.idle);
  if (line.taken === 0) line.session.retire();
}

/** Slots of a place that are free now, counting at most `depth` messages for its connection. */
export function freeSlots(place: Place, depth = DEPTH): number {
  const { line } = place;
  if (line === null || line.leaving || isPaused(place)) return 0;
  return Math.max(0, Math.min(depth, line.session.depth()) - line.taken);
}

/** Pauses a place after trouble; answers for how long. */
export function pausePlace(place: Place, { first, longest }: PauseRule, random: number): number {
  const delay = Math.min(longest, first * 2 ** Math.min(place.troubles, 16)) * (1 + JITTER * random);
  place.troubles++;
  place.pausedUntil = Date.now() + delay;
  return delay;
}

/** Shares a pause: one outage of the relay is not one for each connection. */
export function followPause(place: Place, other: Place): void {
  place.troubles = Math.max(place.troubles, other.troubles);
  place.pausedUntil = Math.max(place.pausedUntil, other.pausedUntil);
}

/** Tells whether a place is to be left alone. */
export function isPaused(place: Place): boolean {
  return place.pausedUntil > Date.now();
}

/** Tells whether a slot may come free here without waiting for a pause to end. */
export function isHopeful(place: Place): boolean {
  return place.opening || (place.line !== null && !isPaused(place));
}
