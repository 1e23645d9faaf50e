/**
 * Writes that must not be lost: outcomes, attempts given back, leases released.
 *
 * The rule: what a relay has said is kept until PostgreSQL has it. Writes are gathered while one is under way and go
 * out as one (group commit); while the database is away they wait here and are tried again, and nobody claims or
 * intends anything new, so that what waits stays as little as the connections can hold.
 *
 * @module
 */
import { isFailure, type Log } from '@adieu/core';
import {
  type Attempt,
  type Db,
  giveBack,
  type Lease,
  type Outcome,
  type Release,
  releaseBatch,
  settle,
} from '@adieu/store';

/** The ledger's pen. Promises resolve when the write is committed, however long that takes. */
export interface Ledger {
  settle(outcome: Outcome): Promise<void>;
  /** For attempts that are known not to have been sent. */
  giveBack(attempts: readonly Attempt[]): Promise<void>;
  /**
   * For an intent whose COMMIT was not answered. It may still be on its way through the server, and a row that is not
   * committed yet cannot be given back, so this is repeated for half a minute. Resolves with the first time.
   */
  disown(attempts: readonly Attempt[]): Promise<void>;
  release(lease: Lease, how: Release): Promise<void>;
  /** The last write failed, or the database is not known to be the same: nothing new must be begun. */
  away(): boolean;
  /** Outcomes that are not written yet. */
  held(): number;
  /** Gives up what is not written, and answers how much that is. */
  close(): number;
}

type Entry =
  | { readonly kind: 'settle'; readonly outcome: Outcome; readonly done: () => void }
  | { readonly kind: 'give-back'; readonly attempts: readonly Attempt[]; readonly done: () => void }
  | {
      readonly kind: 'release';
      readonly lease: Lease;
      readonly how: Release;
      readonly done: () => void;
    };

/** Entries in one round. */
const GROUP = 500;
/** Before a round, for others to join it: milliseconds. */
const GATHER_MS = 1;
/** Milliseconds between rounds while the database is away. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2000;
/** Seconds after which a disowned attempt is given back again. */
const DISOWN_AGAIN = [1, 5, 30];

/** Opens the ledger. What has been sent is written also where the database is not sound. */
export function openLedger(db: Db, log: Log, sound: () => boolean = () => true): Ledger {
  let entries: Entry[] = [];
  let writing = false;
  let pause = 0;
  let closed = false;
  const timers = new Set<NodeJS.Timeout>();

  function add(entry: Entry): void {
    entries.push(entry);
    if (!writing) void write();
  }

  async function write(): Promise<void> {
    writing = true;
    while (entries.length > 0 && !closed) {
      await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
      const group = entries.slice(0, GROUP);
      try {
        await commit(db, group);
        finish(group);
      } catch (error) {
        if (isAway(error)) await wait(error);
        else await oneByOne(group);
      }
    }
    writing = false;
  }

  function finish(group: readonly Entry[]): void {
    entries = entries.slice(group.length);
    pause = 0;
    for (const entry of group) entry.done();
  }

  async function wait(error: unknown): Promise<void> {
    if (pause === 0) log.warn({ held: entries.length, error: String(error) }, 'ledger cannot be written');
    pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, pause * 2));
    await new Promise((resolve) => setTimeout(resolve, pause));
  }

  /** A group that fails for one entry's sake: the others must not wait for it. */
  async function oneByOne(group: readonly Entry[]): Promise<void> {
    for (const entry of group) {
      try {
        await commit(db, [entry]);
      } catch (error) {
        if (isAway(error)) return wait(error);
        // Tried again it would fail again. The sweep will call the message unknown, which is then the truth.
        log.error({ kind: entry.kind, error: String(error) }, 'ledger refused an entry');
      }
      finish([entry]);
    }
  }

  const later = <T extends object>(make: (done: () => void) => T & Entry): Promise<void> =>
    new Promise((resolve) => add(make(resolve)));
  const back = (attempts: readonly Attempt[]): Promise<void> =>
    later((done) => ({ kind: 'give-back', attempts, done }));

  return {
    settle: (outcome) => later((done) => ({ kind: 'settle', outcome, done })),
    giveBack: back,
    release: (lease, how) => later((done) => ({ kind: 'release', lease, how, done })),
    disown(attempts) {
      for (const seconds of DISOWN_AGAIN) {
        const timer = setTimeout(() => {
          timers.delete(timer);
          void back(attempts);
        }, seconds * 1000);
        timers.add(timer);
      }
      return back(attempts);
    },
    away: () => pause > 0 || !sound(),
    held: () => entries.filter((entry) => entry.kind === 'settle').length,
    close() {
      for (const timer of timers) clearTimeout(timer);
      closed = true;
      return entries.length;
    },
  };
}

/** Outcomes first, then what is given back, then the leases: a batch is released after its own outcomes. */
async function commit(db: Db, group: readonly Entry[]): Promise<void> {
  const outcomes = group.flatMap((entry) => (entry.kind === 'settle' ? [entry.outcome] : []));
  const attempts = group.flatMap((entry) => (entry.kind === 'give-back' ? entry.attempts : []));
  // Written twice when a later step fails: an outcome only meets the attempt that is still open.
  if (outcomes.length > 0) await settle(db, outcomes);
  if (attempts.length > 0) await giveBack(db, attempts);
  for (const entry of group) {
    if (entry.kind !== 'release') continue;
    await releaseBatch(db, entry.lease, entry.how);
  }
}

function isAway(error: unknown): boolean {
  return isFailure(error) && error.temporary;
}
