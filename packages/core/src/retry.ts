/**
 * When a deferred message is tried again (S7).
 *
 * The delay doubles with every attempt, and jitter only lengthens it, so that a first retry is never earlier
 * than the policy says (RFC 5321 section 4.5.4.1 asks for 30 minutes). The last attempt falls on the end of the
 * retry period; after it the message is given up.
 *
 * @module
 */
import type { EmailType } from './channel-configuration.ts';

/** How long and how often to retry. */
export interface RetryPolicy {
  /** Before the first retry; then growing. */
  readonly firstSeconds: number;
  /** The retry period, counted from the first attempt. */
  readonly retryMinutes: number;
}

/** Where a message stands with its attempts. */
export interface AttemptHistory {
  /** Attempts made so far, at least 1. */
  readonly attempts: number;
  readonly firstAttemptAt: Date;
  readonly now: Date;
  /** From 0 (no jitter) to 1. */
  readonly random: number;
}

/** 84 hours: the default and the most. */
export const MAXIMUM_RETRY_MINUTES = 84 * 60;

/** The least: 6 hours for marketing, 10 minutes for transactional. */
export const MINIMUM_RETRY_MINUTES: Readonly<Record<EmailType, number>> = {
  marketing: 360,
  transactional: 10,
};

/** 30 minutes for marketing, 1 minute for transactional. */
export const FIRST_RETRY_SECONDS: Readonly<Record<EmailType, number>> = {
  marketing: 1800,
  transactional: 60,
};

const LONGEST_DELAY_SECONDS = 4 * 3600;
const JITTER = 0.25;

/**
 * The policy of an email type. A retry period outside the limits is clamped to them; `firstSeconds` overrides
 * the first delay where it is a positive number.
 */
export function retryPolicy(
  emailType: EmailType,
  retryMinutes: number | undefined,
  firstSeconds?: number,
): RetryPolicy {
  const minutes =
    retryMinutes === undefined || !Number.isFinite(retryMinutes) ? MAXIMUM_RETRY_MINUTES : retryMinutes;
  const overridden = firstSeconds !== undefined && Number.isFinite(firstSeconds) && firstSeconds > 0;
  return {
    firstSeconds: overridden ? firstSeconds : FIRST_RETRY_SECONDS[emailType],
    retryMinutes: Math.min(Math.max(minutes, MINIMUM_RETRY_MINUTES[emailType]), MAXIMUM_RETRY_MINUTES),
  };
}

/** The time of the next attempt; null when the retry period is over. */
export function nextAttempt(policy: RetryPolicy, history: AttemptHistory): Date | null {
  const now = history.now.getTime();
  const end = history.firstAttemptAt.getTime() + policy.retryMinutes * 60_000;
  const earliest = now + policy.firstSeconds * 1000;
  if (earliest > end) return null;
  // The exponent is bounded before the power: a row with a thousand attempts must not overflow.
  const doublings = Math.min(Math.max(history.attempts - 1, 0), 30);
  const longest = Math.max(LONGEST_DELAY_SECONDS, policy.firstSeconds);
  const seconds = Math.min(policy.firstSeconds * 2 ** doublings, longest);
  const jittered = seconds * (1 + JITTER * Math.min(Math.max(history.random, 0), 1));
  return new Date(Math.min(now + Math.round(jittered * 1000), end));
}
