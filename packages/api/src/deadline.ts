/**
 * A promise that must settle within a time; the work itself goes on.
 *
 * @module
 */

/** Resolves or rejects as `promise` does, or rejects with `late()` after `milliseconds`. */
export function within<T>(milliseconds: number, promise: Promise<T>, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds);
    promise.then(
      (value) => {
        clearTimeout(timer);
        resolve(value);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
