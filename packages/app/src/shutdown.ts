/**
 * How a process ends: in stages, each with a deadline, and always within half a minute.
 *
 * First nothing new is taken, then what is in flight is finished, then the pools close, then the embedded server.
 * A stage that takes too long is left behind and said so: what it held is in the database, and the next process
 * takes it up. A second signal changes nothing, since hurrying is what loses things.
 *
 * @module
 */
import type { Log } from '@adieu/core';

/** One step of the way down. */
export interface Stage {
  readonly name: string;
  readonly close: () => Promise<void>;
  /** Milliseconds. */
  readonly patience: number;
}

/** Runs the stages in order; answers the names of those that were not done in time or failed. */
export async function closeStages(stages: readonly Stage[], log: Log): Promise<readonly string[]> {
  const unfinished: string[] = [];
  for (const { name, close, patience } of stages) {
    try {
      if (await finishes(close, patience)) continue;
      log.warn({ stage: name, milliseconds: patience }, 'a part did not close in time and is left behind');
    } catch (error) {
      log.error({ stage: name, err: error }, 'a part did not close cleanly');
    }
    unfinished.push(name);
  }
  return unfinished;
}

/** Resolves with the first SIGTERM or SIGINT. Later ones are swallowed: the way down is under way. */
export function untilSignal(log: Log): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    let first = true;
    const take = (signal: NodeJS.Signals): void => {
      log.info({ signal }, first ? 'stopping' : 'stopping already');
      first = false;
      resolve(signal);
    };
    process.on('SIGTERM', take);
    process.on('SIGINT', take);
  });
}

/** An error nobody caught is logged once, and the process ends with 1: its state is not known any more. */
export function failOnUncaught(log: Log): void {
  let failing = false;
  const fail = (error: unknown): void => {
    if (failing) return;
    failing = true;
    log.error({ err: error }, 'an error nobody expected; the process ends');
    process.exit(1);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
}

async function finishes(close: () => Promise<void>, patience: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), patience);
  });
  try {
    const closing = close();
    // Left behind or not, its failure must not become an unhandled one.
    closing.catch(() => undefined);
    return await Promise.race([closing.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
