/**
 * What a listener has done since it started, for its owner and for metrics.
 *
 * One rule: canaries are none of it, except that somebody had to connect: they are our own.
 *
 * @module
 */
import { type Meter, WAITING_SECONDS } from '@adieu/core';

/** What happened since the start, each outcome counted once. */
export interface InboundStats {
  /** Opt-outs recorded (one per recipient), also repeated ones. */
  readonly recorded: number;
  /** Messages taken and ignored because a machine answered. */
  readonly autoReplies: number;
  /** Delivery reports that were recorded, one per recipient. */
  readonly bounces: number;
  /** Complaints that were recorded. */
  readonly complaints: number;
  /** Mails kept for a person to read. */
  readonly reviewed: number;
  /** Reports that ask for nothing: of a delay, a delivery, no spam; repeated; about nobody that is known. */
  readonly noted: number;
  /** Recipients refused as unknown (5.1.1) or foreign (5.7.1). */
  readonly refusedRecipients: number;
  /** Messages refused for their content or size. */
  readonly refusedMessages: number;
  /** Recipients and messages answered 451. */
  readonly deferred: number;
  /** Messages answered 450: their caller had its share. */
  readonly throttled: number;
  /** Connections answered 421 at once. */
  readonly turnedAway: number;
}

/** Names of the outcomes. */
export type Counted = Exclude<keyof InboundStats, 'deferred'> | 'deferredRecipients' | 'deferredMessages';

/** Counts of one listener. */
export interface Tally {
  count(what: Counted, by?: number): void;
  /** A mail that was not a canary is answered 250, after so many seconds since its final dot. */
  answered(seconds: number): void;
  /** When that was last; null before the first. */
  lastMailAt(): Date | null;
  stats(): InboundStats;
}

/** What becomes of a mail, as metrics and the log name it. */
export const OUTCOMES = {
  recorded: 'opted_out',
  autoReplies: 'auto_reply',
  bounces: 'bounced',
  complaints: 'complained',
  reviewed: 'review',
  noted: 'noted',
} as const;
const REFUSALS = {
  refusedRecipients: { stage: 'recipient', reply: '5xx' },
  refusedMessages: { stage: 'content', reply: '5xx' },
  deferredRecipients: { stage: 'recipient', reply: '4xx' },
  deferredMessages: { stage: 'content', reply: '4xx' },
  throttled: { stage: 'sender', reply: '4xx' },
  turnedAway: { stage: 'connection', reply: '4xx' },
} as const;

/** Starts at zero. */
export function openTally(meter: Meter): Tally {
  const counts = Object.fromEntries(
    [...Object.keys(OUTCOMES), ...Object.keys(REFUSALS)].map((key) => [key, 0]),
  ) as Record<Counted, number>;
  let lastMailAt: Date | null = null;
  const mails = meter.counter({
    name: 'adieu_inbound_mails_total',
    meaning: 'Mails that were taken, by what became of them; one for each recipient.',
    labels: { outcome: Object.values(OUTCOMES) },
  });
  const refusals = meter.counter({
    name: 'adieu_inbound_refusals_total',
    meaning: 'Refused connections, senders, recipients and contents.',
    labels: { stage: ['connection', 'sender', 'recipient', 'content'], reply: ['4xx', '5xx'] },
  });
  const duration = meter.histogram({
    name: 'adieu_inbound_commit_seconds',
    meaning: 'From the final dot of a mail until it was stored and answered 250.',
    labels: {},
    buckets: WAITING_SECONDS,
  });
  meter.gauge(
    {
      name: 'adieu_inbound_last_mail_timestamp_seconds',
      meaning: 'When this process last answered a mail with 250, canaries aside; absent before the first.',
      labels: {},
    },
    (mark) => {
      if (lastMailAt !== null) mark({}, lastMailAt.getTime() / 1000);
    },
  );

  return {
    count(what, by = 1) {
      counts[what] += by;
      if (what in OUTCOMES) mails({ outcome: OUTCOMES[what as keyof typeof OUTCOMES] }, by);
      else refusals(REFUSALS[what as keyof typeof REFUSALS], by);
    },
    answered(seconds) {
      duration({}, seconds);
      lastMailAt = new Date();
    },
    lastMailAt: () => lastMailAt,
    stats: () => {
      const { deferredRecipients, deferredMessages, ...others } = counts;
      return { ...others, deferred: deferredRecipients + deferredMessages };
    },
  };
}
