/**
 * Messages of a batch on their way to a connection: gated, composed, ready.
 *
 * The rule: only a few are composed ahead of the connections, whatever the size of the batch, so that memory stays
 * flat; and nothing composed is ever used for another recipient.
 *
 * @module
 */
import {
  decide,
  type ExclusionCode,
  type GateMessage,
  isFailure,
  type Log,
  refusesPersonalization,
} from '@adieu/core';
import type { Composed, ComposeInput, Composer } from '@adieu/mail';
import { type Claim, type ClaimedMessage, standingOf } from '@adieu/store';

/** A message that may leave, and its content. */
export interface Prepared {
  readonly message: ClaimedMessage;
  readonly composed: Extract<Composed, { ok: true }>;
  /** How often it came back from a connection or from the intent. */
  readonly returns: number;
}

/** A message that will not leave. */
export interface Exclusion {
  readonly messageId: string;
  readonly code: ExclusionCode;
}

/** The messages of one claim. */
export interface Preparation {
  /** Puts messages through the gate; with the standing they were just read with. */
  add(messages: readonly ClaimedMessage[], returns: number): void;
  /** Allows so many more messages to be composed. What comes back needs no second permission. */
  grant(count: number): void;
  /** Messages that passed the gate and wait for permission to be composed. */
  waiting(): number;
  /** The one of them that is composed next. */
  next(): ClaimedMessage | undefined;
  /** Takes back what was composed and not sent; its intent will ask for the standing again. */
  putBack(prepared: Prepared): void;
  /** Resolves when at least one message is ready, or nothing is left to prepare; answers how many are ready. */
  ready(): Promise<number>;
  take(count: number): Prepared[];
  /** Exclusions found since the last call. */
  exclusions(): Exclusion[];
  /** Messages that could not be signed: held, to be tried at a later claim. */
  held(): number;
}

/** What the gate and the composer ask about a batch. */
export interface PreparationOptions {
  readonly gate: GateMessage;
  readonly defaults: Claim['defaults'];
  readonly composer: Composer;
  readonly now: () => Date;
  readonly log: Log;
  /** Composed at most so many ahead. */
  readonly ahead: number;
}

/** Opens the preparation of one claim. */
export function openPreparation(options: PreparationOptions): Preparation {
  const { gate, defaults, composer, now, log, ahead } = options;
  const waiting: { readonly message: ClaimedMessage; readonly returns: number }[] = [];
  const finished: Prepared[] = [];
  let excluded: Exclusion[] = [];
  let granted = 0;
  let composing = 0;
  let held = 0;
  let wake: (() => void) | null = null;

  function fill(): void {
    while (granted > 0 && composing + finished.length < ahead) {
      const next = waiting.shift();
      if (next === undefined) return;
      granted--;
      composing++;
      void composeOne(next.message, next.returns).finally(() => {
        composing--;
        wake?.();
      });
    }
  }

  async function composeOne(message: ClaimedMessage, returns: number): Promise<void> {
    try {
      const composed = await composer.compose({
        messageId: message.messageId,
        date: now(),
        profile: { namespace: message.namespace, id: message.identity, number: message.profileId },
        personal: personalOf(message),
        address: { spelling: message.spelling, number: message.addressId, namespace: 'Email' },
        context: message.context,
      });
      if (composed.ok) finished.push({ message, composed, returns });
      else {
        // The detail may quote the author's template, and a template may quote the recipient.
        log.info({ messageId: message.messageId, code: composed.code }, 'message could not be rendered');
        excluded.push({ messageId: message.messageId, code: composed.code });
      }
    } catch (error) {
      // Never unsigned: it stays where it is and is tried again later (U9, DK-8).
      held++;
      const reason = isFailure(error) ? error.code : String(error);
      log.error({ messageId: message.messageId, reason }, 'message held: it cannot be composed');
    }
  }

  return {
    add(messages, returns) {
      for (const message of messages) {
        const decision = decide(gate, standingOf(message, defaults));
        if (decision.kind === 'send' && returns > 0) {
          granted++;
          waiting.unshift({ message, returns });
        } else if (decision.kind === 'send') waiting.push({ message, returns });
        else excluded.push({ messageId: message.messageId, code: decision.code });
      }
    },
    grant(count) {
      granted += count;
    },
    waiting: () => waiting.length,
    next: () => waiting[0]?.message,
    putBack: (prepared) => void finished.push({ ...prepared, returns: prepared.returns + 1 }),
    async ready() {
      for (;;) {
        fill();
        if (finished.length > 0 || composing === 0) return finished.length;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    take(count) {
      const taken = finished.splice(0, count);
      fill();
      return taken;
    },
    exclusions() {
      const found = excluded;
      excluded = [];
      return found;
    },
    held: () => held,
  };
}

/** The only place where a profile is handed on to be rendered: not of a person who said no to that (O3). */
function personalOf({ attributes, consents }: ClaimedMessage): ComposeInput['personal'] {
  return refusesPersonalization(consents) ? null : { attributes, consents };
}
