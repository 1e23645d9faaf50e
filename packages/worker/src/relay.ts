/**
 * The relay: a fixed number of connections, and the free slots on them.
 *
 * The rule: trouble with a connection pauses the connection, never a message. A slot is handed out only on a
 * connection that is open, so that the time an intent may wait is not spent on a TLS handshake. When no connection
 * can be had at all the answer is "down, come back then": nobody sleeps here.
 *
 * @module
 */
import { classifyReply, isFailure, type Log } from '@adieu/core';
import { openConnection } from './connection.ts';
import {
  DEPTH,
  followPause,
  freeSlots,
  isHopeful,
  isPaused,
  type Line,
  leave,
  newLine,
  type PauseRule,
  type Place,
  pausePlace,
  vacantPlaces,
} from './place.ts';
import { readRelayUrl } from './relay-url.ts';
import { openSession, type SessionEnd } from './session.ts';
import { type Outcome, type Outgoing, RFC_TIMEOUTS, type SmtpTimeouts } from './transaction.ts';

/** How a relay is used. Times in milliseconds. */
export interface RelayOptions {
  readonly url: string;
  readonly log: Log;
  /** Connections at once. Default: `maxConnections` of the URL, or 10. */
  readonly connections?: number;
  readonly timeouts?: SmtpTimeouts;
  /** The first pause after trouble and the longest. Default: 1 s and 60 s. */
  readonly pause?: PauseRule;
  /** QUIT after so long without a message. Default: 30 s. */
  readonly idle?: number;
  /** QUIT after so many messages or so long. Default: `maxMessages` of the URL or 1,000; 10 minutes. */
  readonly reuse?: { readonly messages: number; readonly age: number };
  /** The clock of `retryAt`. Default: the machine's. */
  readonly now?: () => Date;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

/**
 * Room for one message on an open connection. It is taken until it is released: whoever sends writes down the outcome
 * first, so that no more messages than there are slots can be lost with this process.
 */
export interface Slot {
  /** At most once. */
  send(outgoing: Outgoing): Promise<Outcome>;
  /** Once, in any case. */
  release(): void;
}

/** Free slots, at least one; or none before `retryAt`. */
export type Reservation =
  | { readonly kind: 'slots'; readonly slots: readonly Slot[] }
  | { readonly kind: 'down'; readonly retryAt: Date };

/** Numbers for metrics. */
export interface RelayStats {
  readonly open: number;
  readonly opening: number;
  readonly paused: number;
  /** Slots that are taken. */
  readonly busy: number;
}

/** The connections to one relay. */
export interface Relay {
  /** Resolves when at least one slot is free, with at most `max`; first come, first served. */
  reserve(max: number): Promise<Reservation>;
  /** Until when every connection is paused, for who has not begun anything; null when one can be tried. */
  down(): Date | null;
  /** Slots when every connection is open. */
  readonly capacity: number;
  stats(): RelayStats;
  /** Takes no more, lets what is under way finish, says QUIT; cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

interface Waiter {
  readonly max: number;
  readonly resolve: (reservation: Reservation) => void;
}

/** How long free slots wait for others to come free, so that their messages share a commit. Milliseconds. */
const GATHER_MS = 2;

/**
 * Opens the pool; connections are opened when they are needed.
 *
 * @throws Failure `relay_url_invalid`
 */
export function openRelay(options: RelayOptions): Relay {
  const { log } = options;
  const address = readRelayUrl(options.url);
  const timeouts = options.timeouts ?? RFC_TIMEOUTS;
  const pause = options.pause ?? { first: 1000, longest: 60_000 };
  const idleMs = options.idle ?? 30_000;
  const reuse = options.reuse ?? { messages: address.maxMessages ?? 1000, age: 600_000 };
  const random = options.random ?? Math.random;
  const now = options.now ?? (() => new Date());
  const count = options.connections ?? address.maxConnections ?? 10;
  const places = vacantPlaces(count);
  const enough = Math.ceil((count * DEPTH) / 2);
  const waiters: Waiter[] = [];
  let gathering = false;
  let closed = false;
  /** The trouble that was told last; null when there is none. */
  let told: string | null = null;

  /** Serves those who wait, first come, first served. */
  function pump(gathered = false): void {
    for (let waiter = waiters[0]; waiter !== undefined; waiter = waiters[0]) {
      if (!closed && !gathered && gather(waiter)) return;
      const slots = closed ? [] : takeSlots(waiter.max);
      if (!closed) openMore(waiter.max - slots.length);
      if (slots.length === 0 && !closed && places.some(isHopeful)) return;
      waiters.shift();
      waiter.resolve(slots.length > 0 ? { kind: 'slots', slots } : { kind: 'down', retryAt: earliest() });
    }
  }

  /** A few slots are free and others soon will be: waits for them, since an intent of ten costs little more than one. */
  function gather(waiter: Waiter): boolean {
    const free = places.reduce((sum, place) => sum + freeSlots(place), 0);
    if (free === 0 || free >= Math.min(waiter.max, enough) || stats().busy === 0) return false;
    if (!gathering) {
      gathering = true;
      setTimeout(() => {
        gathering = false;
        pump(true);
      }, GATHER_MS);
    }
    return true;
  }

  /** Free slots: on idle connections first, chained ones after. */
  function takeSlots(max: number): Slot[] {
    const slots: Slot[] = [];
    for (let depth = 1; depth <= DEPTH; depth++) {
      for (const place of places) {
        if (slots.length === max) return slots;
        if (place.line !== null && freeSlots(place, depth) > 0) slots.push(takeSlot(place, place.line));
      }
    }
    return slots;
  }

  function takeSlot(place: Place, line: Line): Slot {
    line.taken++;
    if (line.idle !== null) clearTimeout(line.idle);
    return {
      send: async (outgoing) => judge(place, line, await line.session.send(outgoing)),
      release: () => giveSlot(line),
    };
  }

  function giveSlot(line: Line): void {
    line.taken--;
    const worn = line.carried >= reuse.messages || Date.now() - line.since > reuse.age;
    if (worn || line.leaving) leave(line);
    else if (line.taken === 0) rest(line);
    pump();
  }

  function rest(line: Line): void {
    line.idle = setTimeout(() => leave(line), idleMs).unref();
  }

  /** What an outcome says about the connection. */
  function judge(place: Place, line: Line, outcome: Outcome): Outcome {
    if (outcome.kind !== 'replied') return outcome;
    line.carried++;
    const { kind } = classifyReply(outcome.stage, outcome.reply);
    if (kind === 'throttled') {
      trouble(place, 'The relay asks for a slower pace.');
      return { kind: 'not-sent', why: 'throttled' };
    }
    recover(place);
    return outcome;
  }

  /** Opens closed places, as many as are wanted. */
  function openMore(wanted: number): void {
    let left = wanted - places.filter((place) => place.opening).length;
    for (const place of places) {
      if (left <= 0) return;
      if (place.line !== null || place.opening || isPaused(place)) continue;
      void open(place);
      left--;
    }
  }

  async function open(place: Place): Promise<void> {
    const { troubles } = place;
    place.opening = true;
    try {
      const session = openSession(await openConnection(address), timeouts);
      const line = newLine(session);
      place.line = line;
      void session.end.then((end) => ended(place, line, end));
      if (closed) leave(line);
      else rest(line);
    } catch (error) {
      // Others that began with this one and failed before it have spoken for it: one outage doubles one pause.
      if (place.troubles > troubles) return;
      trouble(place, isFailure(error) ? error.detail : String(error));
      if (places.every((other) => other.line === null)) for (const other of places) followPause(other, place);
    } finally {
      place.opening = false;
      pump();
    }
  }

  function ended(place: Place, line: Line, end: SessionEnd): void {
    if (line.idle !== null) clearTimeout(line.idle);
    if (place.line === line) place.line = null;
    if (end === 'relay') trouble(place, 'The relay ended a connection in use.');
    pump();
  }

  function trouble(place: Place, reason: string): void {
    const delay = pausePlace(place, pause, random());
    // Once, while it is the same trouble again.
    const level = told === reason ? 'debug' : 'warn';
    log[level]({ relay: address.shown, reason, pauseMs: Math.round(delay) }, 'relay connection paused');
    told = reason;
    setTimeout(() => pump(), delay + 1).unref();
  }

  function recover(place: Place): void {
    place.troubles = 0;
    if (told !== null && !places.some(isPaused)) {
      told = null;
      log.info({ relay: address.shown }, 'relay takes messages again');
    }
  }

  function earliest(): Date {
    const until = Math.min(...places.map((place) => place.pausedUntil));
    return new Date(now().getTime() + Math.max(until - Date.now(), pause.first));
  }

  function stats(): RelayStats {
    return {
      open: places.filter((place) => place.line !== null).length,
      opening: places.filter((place) => place.opening).length,
      paused: places.filter(isPaused).length,
      busy: places.reduce((sum, place) => sum + (place.line?.taken ?? 0), 0),
    };
  }

  return {
    capacity: count * DEPTH,
    down: () => (places.every((place) => isPaused(place) && !place.opening) ? earliest() : null),
    reserve(max) {
      return new Promise((resolve) => {
        waiters.push({ max, resolve });
        pump();
      });
    },
    stats,
    async close(graceMs) {
      closed = true;
      pump();
      const lines = places.flatMap((place) => (place.line === null ? [] : [place.line]));
      for (const line of lines) leave(line);
      const timer = setTimeout(() => {
        for (const line of lines) line.session.cut();
      }, graceMs);
      await Promise.all(lines.map((line) => line.session.end));
      clearTimeout(timer);
    },
  };
}
