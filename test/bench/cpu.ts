/**
 * CPU time of processes, read from `/proc`: what a message costs, whoever else uses the machine.
 *
 * One rule: a process counts with all its descendants, also those that have ended and were waited for.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';

/** A hundredth of a second on every Linux there is. */
const TICK_MS = 10;

interface Stat {
  readonly parent: number;
  readonly own: number;
  /** Of children that have ended and were waited for. */
  readonly ended: number;
}

/** CPU milliseconds that processes and their descendants have used; null where there is no `/proc`. */
export function cpuOf(pids: readonly number[]): number | null {
  const stats = new Map<number, Stat>();
  for (const name of processes()) {
    const stat = readStat(`/proc/${name}/stat`);
    if (stat !== null) stats.set(Number(name), stat);
  }
  if (stats.size === 0) return null;
  const counted = new Set(pids);
  // Parents may have higher numbers than their children, so once is not enough.
  for (let before = -1; before !== counted.size; ) {
    before = counted.size;
    for (const [pid, { parent }] of stats) if (counted.has(parent)) counted.add(pid);
  }
  let sum = 0;
  for (const pid of counted) sum += (stats.get(pid)?.own ?? 0) + (stats.get(pid)?.ended ?? 0);
  return sum;
}

/** CPU milliseconds of the first thread of a process, which runs its JavaScript. */
export function cpuOfMainThread(pid: number): number | null {
  return readStat(`/proc/${pid}/task/${pid}/stat`)?.own ?? null;
}

/** The parent of a process; null where there is no `/proc`. */
export function parentOf(pid: number): number | null {
  return readStat(`/proc/${pid}/stat`)?.parent ?? null;
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
}

/** proc(5); the name in brackets may hold anything, so fields are counted from behind it. */
function readStat(path: string): Stat | null {
  try {
    const text = readFileSync(path, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const milliseconds = (from: number): number =>
      (Number(fields[from]) + Number(fields[from + 1])) * TICK_MS;
    return { parent: Number(fields[1]), own: milliseconds(11), ended: milliseconds(13) };
  } catch {
    return null;
  }
}
