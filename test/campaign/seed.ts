/**
 * Chance that can be repeated: the same seed draws the same numbers in the same order.
 *
 * @module
 */

/** A source of numbers. */
export interface Chance {
  /** From `from` up to, not including, `to`. */
  whole(from: number, to: number): number;
  one<T>(choices: readonly T[]): T;
  /** True in that share of all cases. */
  often(share: number): boolean;
}

/** Opens a source: mulberry32, 32 bits of state, which is plenty for drawing faults. */
export function openChance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from));
  return {
    whole,
    one: (choices) => {
      if (choices.length === 0) throw new Error('there is nothing to choose from');
      return choices[whole(0, choices.length)] as (typeof choices)[number];
    },
    often: (share) => next() < share,
  };
}
