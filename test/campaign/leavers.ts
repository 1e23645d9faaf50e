/**
 * Those who leave during a round: aimed at people who are being mailed at this moment or are about to be.
 *
 * One rule: what is recorded is what a client saw, when it saw it. What the server thinks of it is the checker's business.
 *
 * @module
 */
import type { OptOutFact } from './checker.ts';
import { askOnce, type Door, type Doors, isAnswer } from './leaver.ts';
import type { Chance } from './seed.ts';

/** Everybody who left so far, over all rounds. */
export interface Departures {
  readonly facts: readonly OptOutFact[];
  /** Attempts that got no answer, by what came instead: `503`, `451`, `none`, … */
  readonly refusals: ReadonlyMap<string, number>;
  has(person: string): boolean;
  /** Begins to leave, and goes on until answered or given up. */
  leave(person: string, door: Door): void;
  /** Asks once more for somebody who left already: the answer stays yes, and nothing is written. */
  repeat(door: Door): void;
  /** How many are waiting for an answer. */
  waiting(): number;
  /** No more attempts after this. */
  giveUp(): void;
}

const AGAIN_MS = [200, 1_000] as const;

/** Milliseconds of the monotonic clock that the sink uses too. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Opens the list. */
export function openDepartures(doors: Doors, chance: Chance): Departures {
  const known = new Map<string, { -readonly [K in keyof OptOutFact]: OptOutFact[K] }>();
  const refusals = new Map<string, number>();
  let waiting = 0;
  let over = false;

  async function insist(person: string, door: Door): Promise<void> {
    const fact = { person, askedAt: monotonic(), answeredAt: null as number | null };
    known.set(person, fact);
    waiting++;
    while (!over) {
      const code = await askOnce(door, doors);
      if (isAnswer(door, code)) {
        fact.answeredAt = monotonic();
        break;
      }
      const name = code === 0 ? 'none' : String(code);
      refusals.set(name, (refusals.get(name) ?? 0) + 1);
      await new Promise((resolve) => setTimeout(resolve, chance.whole(...AGAIN_MS)));
    }
    waiting--;
  }

  return {
    get facts() {
      return [...known.values()];
    },
    refusals,
    has: (person) => known.has(person),
    leave: (person, door) => void insist(person, door),
    repeat: (door) => void askOnce(door, doors),
    waiting: () => waiting,
    giveUp: () => {
      over = true;
    },
  };
}
