/**
 * A queue in which callers take turns, so that nobody waits for all that another has brought.
 *
 * The rule: what one caller brought is served in its order, and whoever was served goes behind everybody who waits.
 *
 * @module
 */

export interface Turns<Item> {
  add(caller: string, item: Item): void;
  /** Takes out the item whose turn it is. */
  next(): Item | undefined;
  /** Takes out an item that waits no longer. */
  remove(caller: string, item: Item): void;
  size(): number;
}

/** Opens an empty queue. */
export function openTurns<Item>(): Turns<Item> {
  /** In the order of their turns; nobody without an item. */
  const callers = new Map<string, Item[]>();
  let size = 0;

  return {
    add(caller, item) {
      callers.set(caller, [...(callers.get(caller) ?? []), item]);
      size += 1;
    },
    next() {
      const [first] = callers;
      if (first === undefined) return undefined;
      const [caller, [item, ...others]] = first;
      callers.delete(caller);
      if (others.length > 0) callers.set(caller, others);
      size -= 1;
      return item;
    },
    remove(caller, item) {
      const items = callers.get(caller) ?? [];
      const others = items.filter((one) => one !== item);
      if (others.length === 0) callers.delete(caller);
      else callers.set(caller, others);
      size -= items.length - others.length;
    },
    size: () => size,
  };
}
