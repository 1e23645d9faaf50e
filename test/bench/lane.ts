/**
 * A lane: somebody who is measured, round by round.
 *
 * One rule: a round begins when the work is handed over and ends when the sink has read the last final dot; what was delivered is
 * verified before it counts.
 *
 * @module
 */
import { cpuOf } from './cpu.ts';
import type { Ground } from './ground.ts';
import { monotonic } from './sink-line.ts';
import type { Verifier } from './verification.ts';

/** What a round showed. */
export interface Round {
  readonly perSecond: number;
  /** CPU milliseconds for each message, of all processes but the sink; null where nobody counts it. */
  readonly cpuMs: number | null;
  /** The part of it that PostgreSQL used; absent where nobody asks. */
  readonly databaseCpuMs?: number;
  /** Of a message on the wire; null where nothing is sent. */
  readonly octets: number | null;
  /** How long answers took; absent where nobody is answered. */
  readonly latencyMs?: { readonly p50: number; readonly p99: number };
}

/** Somebody who is measured. */
export interface Lane {
  readonly name: string;
  warmUp(): Promise<unknown>;
  round(): Promise<Round>;
  close(): Promise<void>;
}

/** Somebody who delivers the newsletter. */
export interface Pipeline {
  readonly name: string;
  readonly pid: number;
  /** Delivers to the recipients 0 to `count - 1`; resolves when it takes all as delivered. */
  deliver(count: number): Promise<void>;
  close(): Promise<void>;
}

/** How much of a round is looked at. */
const KEPT = 8;
const WARM_UP = 0.25;

/** A pipeline as a lane; a round has `size` messages. */
export function pipelineLane(
  pipeline: Pipeline,
  size: number,
  { ground, verifier }: { readonly ground: Ground; readonly verifier: Verifier },
): Lane {
  const { sink, servers } = ground;
  const processes = (): readonly number[] => [pipeline.pid, ...servers];

  async function run(count: number): Promise<Round> {
    await sink.begin(Math.max(1, Math.floor(count / KEPT)));
    const before = cpuOf(processes());
    const since = monotonic();
    await pipeline.deliver(count);
    const after = cpuOf(processes());
    const summary = await sink.summary();
    await verifier.check(summary, count).catch((error: unknown) => {
      throw new Error(`${pipeline.name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    const until = Math.max(...summary.arrivals.map(({ at }) => at));
    return {
      perSecond: count / ((until - since) / 1000),
      cpuMs: before === null || after === null ? null : (after - before) / count,
      octets: summary.octets / count,
    };
  }

  return {
    name: pipeline.name,
    warmUp: () => run(Math.max(1, Math.ceil(size * WARM_UP))),
    round: () => run(size),
    close: pipeline.close,
  };
}

/** Runs the lanes by turns, so that what else the machine does meets all alike. Answers the rounds of each. */
export async function race(
  lanes: readonly Lane[],
  rounds: number,
  say: (line: string) => void,
): Promise<ReadonlyMap<string, readonly Round[]>> {
  for (const lane of lanes) {
    say(`${lane.name} warms up`);
    await lane.warmUp();
  }
  const results = new Map<string, Round[]>(lanes.map((lane) => [lane.name, []]));
  for (let number = 1; number <= rounds; number++) {
    for (const lane of lanes) {
      const round = await lane.round();
      say(`${lane.name}, round ${number} of ${rounds}: ${round.perSecond.toFixed(1)} a second`);
      results.get(lane.name)?.push(round);
    }
  }
  return results;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? Number.NaN) + (sorted[Math.floor(middle)] ?? Number.NaN)) / 2;
}
