/**
 * A barrier between a relay's content and its reply: mails stand on the wire until it is opened.
 *
 * One rule: it shuts by number, not by time, so that something is under way when a test kills, cuts, pauses or cancels,
 * however fast the machine is and however late the test looks.
 *
 * @module
 */
import { latch } from './held-rows.ts';
import type { RelayScript } from './scripted-relay.ts';

/** Open at first. */
export interface Barrier {
  /** For the relay's script. */
  readonly answer: NonNullable<RelayScript['answer']>;
  /** Lets so many more mails through, and then none. */
  shutAfter(mails: number): void;
  open(): void;
}

/** Opens a barrier of a relay of its own. */
export function openBarrier(): Barrier {
  let left = Number.POSITIVE_INFINITY;
  let opening = latch();
  return {
    answer: ({ stage }) => {
      if (stage !== 'content') return undefined;
      left -= 1;
      return left >= 0 ? undefined : opening.opened.then(() => undefined);
    },
    shutAfter(mails) {
      left = mails;
    },
    open() {
      left = Number.POSITIVE_INFINITY;
      opening.open();
      opening = latch();
    },
  };
}
