/**
 * A turnstile: one at a time, in the order of coming.
 *
 * The rule: of all messages under suspicion a process touches one at a time. When it dies, exactly one of them was
 * marked, and no innocent one is blamed for dying beside it.
 *
 * @module
 */

/** Does the work when everybody who came before is through, and answers what it answers. */
export type Turnstile = <T>(work: () => Promise<T>) => Promise<T>;

/** Opens a turnstile. */
export function openTurnstile(): Turnstile {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work);
    last = mine.catch(() => {});
    return mine;
  };
}
