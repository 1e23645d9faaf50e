/**
 * From what became of a transaction to what stands in the ledger.
 *
 * Pure. The rule: only what the relay said about this recipient or this message counts as an attempt; everything that
 * happened to the connection gives the message back, as if it had never been tried.
 *
 * @module
 */
import {
  classifyReply,
  formatReply,
  nextAttempt,
  type Reply,
  type ReplyStage,
  type RetryPolicy,
} from '@adieu/core';
import type { NotSent, Outcome } from './transaction.ts';

/** Where a message stands with its attempts, this one included. */
export interface AttemptState {
  readonly policy: RetryPolicy;
  readonly attempts: number;
  readonly firstAttemptAt: Date;
  readonly now: Date;
  /** From 0 to 1. */
  readonly random: number;
}

/** Settle as a state, or give the attempt back. */
export type Verdict =
  | { readonly kind: 'give-back' }
  | {
      readonly kind: 'settle';
      readonly state: 'sent' | 'deferred' | 'bounced' | 'failed' | 'unknown';
      /** Enhanced status code (RFC 3463). */
      readonly code?: string;
      /** The relay's words. */
      readonly reply?: string;
      /** When to try again. */
      readonly notBefore?: Date;
      /** For `bounced`: whether the address is to blame for good (X10). */
      readonly bounce?: 'hard' | 'soft';
    };

/** "Message expired" (RFC 3463 section 3.5): what a retry period ends with. */
const EXPIRED = '4.4.7';

/** What this relay will never take, whoever asks again. */
const IMPOSSIBLE: Partial<Record<NotSent, { readonly code: string; readonly reply: string }>> = {
  'too-large': { code: '5.3.4', reply: 'The message is larger than the relay takes.' },
  'no-smtputf8': { code: '5.6.7', reply: 'The address needs SMTPUTF8, which the relay does not offer.' },
  'bad-address': { code: '5.1.3', reply: 'The address is not one argument of one command.' },
};

/** Judges an outcome. */
export function judge(outcome: Outcome, attempt: AttemptState): Verdict {
  if (outcome.kind === 'replied') return judgeReply(outcome.stage, outcome.reply, attempt);
  if (outcome.kind === 'not-sent') {
    const impossible = IMPOSSIBLE[outcome.why];
    return impossible === undefined
      ? { kind: 'give-back' }
      : { kind: 'settle', state: 'failed', ...impossible };
  }
  // Kept as it is, or resent from then on where the configuration says so (S9).
  const next = nextAttempt(attempt.policy, attempt);
  return { kind: 'settle', state: 'unknown', ...(next === null ? {} : { notBefore: next }) };
}

function judgeReply(stage: ReplyStage, reply: Reply, attempt: AttemptState): Verdict {
  const { kind, status, permanent } = classifyReply(stage, reply);
  const told = { kind: 'settle', code: status, reply: formatReply(reply) } as const;
  if (kind === 'throttled') return { kind: 'give-back' };
  if (kind === 'accepted') return { ...told, state: 'sent' };
  if (kind === 'sender') return { ...told, state: 'failed' };
  if (permanent) return { ...told, state: 'bounced', bounce: kind };
  const next = nextAttempt(attempt.policy, attempt);
  return next === null
    ? { ...told, state: 'bounced', code: EXPIRED, bounce: 'soft' }
    : { ...told, state: 'deferred', notBefore: next };
}
