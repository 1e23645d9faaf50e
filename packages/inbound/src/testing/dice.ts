/**
 * Chance that can be repeated: the same seed gives the same numbers, whatever the machine.
 *
 * @module
 */

/** A number below 1, another at every call; the same row of them for the same seed. */
export type Dice = () => number;

/** Mulberry32. */
export function openDice(seed: number): Dice {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A whole number from 0 up to, not including, the limit. */
export function below(dice: Dice, limit: number): number {
  return Math.floor(dice() * limit);
}

/** One of several things. */
export function oneOf<T>(dice: Dice, things: readonly T[]): T {
  const thing = things[below(dice, things.length)];
  if (thing === undefined) throw new Error('nothing to choose from');
  return thing;
}
