/**
 * Notices a process that has stopped turning: a thread that waits for a beat, and ends everything when none comes.
 *
 * A loop without end stops every timer of its thread, so the deadline of an input is of no use against it.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';

/** A dog that watches. */
export interface Watchdog {
  /** The input that a place has in hand; negative for none. */
  hold(place: number, seed: number): void;
  close(): Promise<void>;
}

const PROGRAM = `
const { workerData: { shared, places, patienceMs } } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const cells = new Int32Array(shared);
let beat = -1;
let since = Date.now();
setInterval(() => {
  const now = Atomics.load(cells, places);
  if (now !== beat) { beat = now; since = Date.now(); return; }
  if (Date.now() - since < patienceMs) return;
  const seeds = [...cells.subarray(0, places)].filter((seed) => seed >= 0);
  writeSync(2, 'hang: nothing has turned for ' + patienceMs + ' ms; in hand were the seeds ' + seeds.join(' ') + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 500);
`;

/** Sets a dog over so many inputs at a time. `patienceMs`: how long one turn may take. */
export function watch(places: number, patienceMs = 60_000): Watchdog {
  const shared = new SharedArrayBuffer(4 * (places + 1));
  const cells = new Int32Array(shared).fill(-1);
  const dog = new Worker(PROGRAM, { eval: true, workerData: { shared, places, patienceMs } });
  const pulse = setInterval(() => Atomics.add(cells, places, 1), 250);
  return {
    hold: (place, seed) => {
      cells[place] = seed;
    },
    async close() {
      clearInterval(pulse);
      await dog.terminate();
    },
  };
}
