/**
 * Fields that are there: an optional field that was not given is absent, never `undefined`.
 *
 * @module
 */

/** `T` without the `undefined` that optional fields of a schema carry. */
export type Present<T> = { [Key in keyof T]: Exclude<T[Key], undefined> };

/** The object without fields that are `undefined`. */
export function present<T extends object>(object: T): Present<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Present<T>;
}
