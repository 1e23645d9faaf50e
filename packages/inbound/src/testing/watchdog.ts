/**
 * Notices a process that has stopped turning: a thread that waits for a beat, and ends everything when none comes.
 *
 * A loop without end stops every timer of its thread, so the deadline of an input is of no use against it. The rule: the last words
 * name the inputs that were in hand.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';

/** A dog that watches. */
export interface Watchdog {
  /** The input that a place has in hand; negative for none. Is a beat itself, for whoever does not turn between inputs. */
  hold(place: number, seed: number): void;
  /** What is in hand. */
  seeds(): readonly number[];
  close(): Promise<void>;
}

export interface WatchdogOptions {
  /** Inputs at a time. */
  readonly places: number;
  /** How long one turn may take; 60,000 unless told otherwise. */
  readonly patienceMs?: number;
  /** A file for the last words, which go to standard error in any case. */
  readonly lastWords?: string | undefined;
}

const PROGRAM = `
const { workerData: { shared, places, patienceMs, lastWords } } = require('node:worker_threads');
const { writeFileSync, writeSync } = require('node:fs');
const cells = new Int32Array(shared);
let beat = -1;
let since = Date.now();
setInterval(() => {
  const now = Atomics.load(cells, places);
  if (now !== beat) { beat = now; since = Date.now(); return; }
  if (Date.now() - since < patienceMs) return;
  const seeds = [...cells.subarray(0, places)].filter((seed) => seed >= 0);
  const words = 'hang: nothing has turned for ' + patienceMs + ' ms; in hand were the seeds ' + seeds.join(' ');
  if (lastWords !== undefined) writeFileSync(lastWords, words);
  writeSync(2, words + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, Math.min(500, patienceMs));
`;

/** Sets a dog over so many inputs at a time. */
export function watch({ places, patienceMs = 60_000, lastWords }: WatchdogOptions): Watchdog {
  const shared = new SharedArrayBuffer(4 * (places + 1));
  const cells = new Int32Array(shared).fill(-1);
  const workerData = { shared, places, patienceMs, lastWords };
  // Whatever the process was started with is no business of the dog's: a loader would only keep it from starting.
  const dog = new Worker(PROGRAM, { eval: true, workerData, execArgv: [] });
  const beat = () => Atomics.add(cells, places, 1);
  const pulse = setInterval(beat, 250);
  return {
    hold: (place, seed) => {
      cells[place] = seed;
      beat();
    },
    seeds: () => [...cells.subarray(0, places)].filter((seed) => seed >= 0),
    async close() {
      clearInterval(pulse);
      await dog.terminate();
    },
  };
}
