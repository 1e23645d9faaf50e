/**
 * One message with an intent and a slot: sent, judged, written down.
 *
 * The rule: the slot is free when the outcome stands in the ledger, not before. What this process can lose when it is
 * killed is therefore bounded by its slots.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type Log, retryPolicy } from '@adieu/core';
import {
  type Attempt,
  type ClaimedMessage,
  commitIntent,
  type Db,
  type Delivery,
  INTENT_LIFE_SECONDS,
} from '@adieu/store';
import type { KeptLease } from './lease.ts';
import type { Ledger } from './ledger.ts';
import type { Prepared } from './preparation.ts';
import type { Slot } from './relay.ts';
import type { Tally } from './tally.ts';
import { judge } from './verdict.ts';

/** A message that is `sending`. */
export interface Flight {
  readonly prepared: Prepared;
  readonly slot: Slot;
  readonly attemptId: string;
  /** `performance.now()` after which its content must not start. */
  readonly startBy: number;
}

/** What flights of one claim share. */
export interface FlightDeps {
  readonly db: Db;
  readonly ledger: Ledger;
  readonly tally: Tally;
  readonly log: Log;
  readonly lease: KeptLease;
  readonly delivery: Delivery;
  /** The first retry, where it is not the email type's own. */
  readonly retryFirstSeconds: number | undefined;
  readonly now: () => Date;
  readonly random: () => number;
  readonly stopping: () => boolean;
}

/** An intent, and when it grows old. */
export interface CommittedIntent {
  readonly attemptId: string;
  readonly startBy: number;
  /** Messages that are `sending` now. */
  readonly admitted: ReadonlySet<string>;
}

/** Commits the intent to send. Rejects when the database is away; then nothing of it stands. */
export async function intend(chosen: readonly Prepared[], deps: FlightDeps): Promise<CommittedIntent> {
  const attemptId = randomUUID();
  // Counted from before the question: the commit cannot be older than this.
  const startBy = performance.now() + INTENT_LIFE_SECONDS * 1000;
  const messages = chosen.map((prepared) => prepared.message);
  try {
    const admitted = await commitIntent(deps.db, deps.lease.lease, { attemptId, messages });
    deps.tally.intent(messages.length, admitted.size);
    return { attemptId, startBy, admitted };
  } catch (error) {
    // It may have been committed and only the answer lost. Nothing was written to a connection: it is ours to undo.
    void deps.ledger.disown(messages.map(({ messageId }) => ({ messageId, attemptId })));
    throw error;
  }
}

/** Sends a message and writes down what became of it. Answers false when it was given back. */
export async function fly({ prepared, slot, ...intent }: Flight, deps: FlightDeps): Promise<boolean> {
  const { ledger, lease, tally } = deps;
  const { message, composed } = prepared;
  const { envelope, content, size, smtputf8 } = composed;
  let attempt: Attempt = { messageId: message.messageId, attemptId: intent.attemptId };

  /** The relay was slow to ask for the content. The old intent is taken back first: the new one is a new question. */
  async function renew(): Promise<number | null> {
    await ledger.giveBack([attempt]);
    if (deps.stopping() || !lease.held() || ledger.away()) return null;
    const renewed = await intend([prepared], deps).catch(() => null);
    if (renewed === null || !renewed.admitted.has(message.messageId)) return null;
    attempt = { messageId: message.messageId, attemptId: renewed.attemptId };
    return renewed.startBy;
  }

  const { startBy } = intent;
  let renewal: Promise<number | null> | null = null;
  const outcome = await slot.send({
    ...envelope,
    ...{ content, size, smtputf8, startBy },
    renew: () => {
      renewal = renew();
      return renewal;
    },
    leased: lease.held,
  });
  // The connection may be gone while a new intent is being had: the outcome is that of the last one.
  await renewal;
  const verdict = judge(outcome, attemptState(message, deps));
  if (verdict.kind === 'give-back') {
    await ledger.giveBack([attempt]);
    tally.count('givenBack', 1);
    return false;
  }
  const { kind: _, ...written } = verdict;
  await ledger.settle({ ...attempt, ...written });
  tally.count(verdict.state, 1);
  return true;
}

function attemptState(message: ClaimedMessage, { delivery, retryFirstSeconds, ...deps }: FlightDeps) {
  const { emailType, retryMinutes } = delivery.configuration;
  const now = deps.now();
  return {
    policy: retryPolicy(emailType, retryMinutes, retryFirstSeconds),
    attempts: message.attempts + 1,
    firstAttemptAt: message.firstAttemptAt ?? now,
    now,
    random: deps.random(),
  };
}
