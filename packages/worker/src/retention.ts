/**
 * Retention, once an hour and at the start: the store drops what is old, and this says what it could not.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import { type Db, dropOldMonths } from '@adieu/store';

/** What it needs. */
export interface RetentionOptions {
  readonly db: Db;
  readonly log: Log;
  /** Months of which every day is older are dropped. */
  readonly days: number;
}

/** Running rounds. */
export interface Retention {
  /** Resolves when the round under way is over. */
  close(): Promise<void>;
}

const ROUND_MS = 3_600_000;
/** What was in somebody's way is tried again so soon. */
const BUSY_MS = 60_000;
const SAID_MS = 24 * ROUND_MS;

/** Starts the rounds. */
export function startRetention({ db, log, days }: RetentionOptions): Retention {
  const said = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  /** The trouble that was told last; null when there is none. */
  let told: string | null = null;

  async function round(): Promise<number> {
    try {
      const { dropped, open, busy } = await dropOldMonths(db, days);
      told = null;
      for (const month of dropped) log.info({ month, days }, 'a month of messages and events was dropped');
      for (const month of open) sayOnceADay(month);
      return busy.length > 0 ? BUSY_MS : ROUND_MS;
    } catch (error) {
      // Once, while it is the same trouble again.
      const level = told === String(error) ? 'debug' : 'warn';
      told = String(error);
      log[level]({ error: told }, 'retention failed; it is tried again in a minute');
      return BUSY_MS;
    }
  }

  function sayOnceADay(month: string): void {
    const now = performance.now();
    if (now - (said.get(month) ?? Number.NEGATIVE_INFINITY) < SAID_MS) return;
    said.set(month, now);
    log.warn({ month, days }, 'a month is old enough to be dropped, but something in it may still be sent');
  }

  async function run(): Promise<void> {
    const pause = await round();
    if (closed) return;
    timer = setTimeout(() => {
      running = run();
    }, pause);
  }

  let running = run();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await running;
    },
  };
}
