/**
 * What a mail reports: bounces, delays and deliveries of each recipient, a complaint, an automatic answer, or nothing.
 *
 * The rule: a report is read by its structure where it has one (RFC 6522), by the habits of its system where it has
 * none, and the returned mail inside it is never taken for what the report says (BC-13). Nothing here acts: whom a
 * report concerns is decided by the token in the address it came to, never by the addresses it names (BC-1, BC-6).
 *
 * @module
 */
import type { RawField } from '../inspect/field-reader.ts';

/**
 * `hard`, `soft`, `sender`: as for a reply in session. `complaint`: the person said so. `delivered`: went on without
 * failure. `none`: nothing to act upon.
 */
export type ReportKind = 'hard' | 'soft' | 'sender' | 'complaint' | 'auto-reply' | 'delivered' | 'none';

/** What became of the message (RFC 3464 section 2.3.3). Only what `failed` counts as a bounce (BC-2). */
export type ReportAction = 'failed' | 'delayed' | 'delivered' | 'relayed' | 'expanded';

/** One recipient of the message that is reported on. */
export interface ReportedRecipient {
  /** As the report names it; may be redacted, rewritten, or not there. */
  readonly address?: string;
  /** Enhanced status code (RFC 3463). */
  readonly status?: string;
  readonly kind: ReportKind;
  /** One line: the cited reply, or what the report says. */
  readonly reason: string;
  /** Set for delivery reports. A delay is `soft` and `delayed`: it is being tried again, and never counted. */
  readonly action?: ReportAction;
}

/** What a mail reports. */
export interface Report {
  /** Never empty. */
  readonly recipients: readonly ReportedRecipient[];
  /** `Feedback-Type` of a complaint, lower case (RFC 5965 section 7.3); `opt-out` where somebody only wants to leave. */
  readonly feedbackType?: string;
  /** What we gave as ENVID, decoded (RFC 3461 section 4.4). */
  readonly envelopeId?: string;
  /** Fields of a feedback report (RFC 5965); none for anything else. */
  readonly feedback: readonly RawField[];
  /** Header fields of the message that is reported on, as far as it came back. */
  readonly original: readonly RawField[];
  /** What was left out for its size, or is against the format. */
  readonly faults: readonly string[];
}

/** What one reader made of a mail. */
export type Reading = Omit<Report, 'feedback' | 'original' | 'faults'> & {
  readonly faults?: readonly string[];
};
