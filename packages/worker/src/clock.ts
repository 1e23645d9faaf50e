/**
 * The database's clock, as a worker knows it.
 *
 * The rule: whatever is written down with a time, or judged by one that was, goes by the database's clock. A worker whose
 * own clock is wrong would try again too early and too often, or give up too soon. Between two looks the machine's
 * monotonic clock goes on.
 *
 * @module
 */

/** A clock that was set by the database. */
export interface Clock {
  now(): Date;
  /** Looks at the database's clock again. Rejects when the database is away; the clock then runs on. */
  set(): Promise<void>;
}

/** Looks that took longer say too little. Milliseconds. */
const LONGEST_LOOK = 1000;

/** Opens a clock that shows the machine's own time until it is set by what `look` sees. */
export function openClock(look: () => Promise<Date>): Clock {
  let offset = performance.timeOrigin;
  let isSet = false;
  return {
    now: () => new Date(offset + performance.now()),
    async set() {
      const before = performance.now();
      const time = await look();
      const after = performance.now();
      if (isSet && after - before > LONGEST_LOOK) return;
      offset = time.getTime() - (before + after) / 2;
      isSet = true;
    },
  };
}
