/**
 * One SMTP transaction: what goes in, what comes out, and its envelope as commands.
 *
 * The rule: an outcome says what is known, not what is likely. "Not sent" is a proof, "unknown" admits that there
 * is none (RFC 5321 section 4.2 for replies, RFC 1870 for SIZE, RFC 6531 for SMTPUTF8).
 *
 * @module
 */
import type { Reply, ReplyStage } from '@adieu/core';
import type { Extensions } from './connection.ts';
import { mailOptions, recipientOptions } from './notification-options.ts';

/** A message that a batch has put into `sending`. */
export interface Outgoing {
  readonly from: string;
  readonly to: string;
  /** The message or its addresses need RFC 6531. */
  readonly smtputf8: boolean;
  /** In a row: complete, with CRLF, not dot-stuffed. */
  readonly content: readonly Buffer[];
  /** Octets of the content. */
  readonly size: number;
  /** `performance.now()` after which the content must not start any more under this intent. */
  readonly startBy: number;
  /**
   * Asks for a new intent when a relay was slower to ask for the content than the first one lives. Resolves with its
   * `startBy`, or null when there is none to be had. Without it the message is given back.
   */
  readonly renew?: () => Promise<number | null>;
  /** False once the lease on the message's batch is lost. */
  readonly leased: () => boolean;
}

/** Why a message is known not to have left. */
export type NotSent =
  /** The connection broke, or the relay said nothing in time. */
  | 'lost'
  /** The relay closes the channel (421). */
  | 'closing'
  /** The relay wants a slower pace (`454 Throttling`). */
  | 'throttled'
  /** The intent became too old before the content could start. */
  | 'stale'
  /** The lease was lost before the content could start. */
  | 'lease-lost'
  /** Over the relay's SIZE: permanent, 5.3.4. */
  | 'too-large'
  /** Needs SMTPUTF8, which the relay does not offer: permanent, 5.6.7 (OH-19). */
  | 'no-smtputf8'
  /** An address that would not stay one argument of one command: permanent, 5.1.3 (OH-16). */
  | 'bad-address';

/** What became of a message. */
export type Outcome =
  | { readonly kind: 'replied'; readonly stage: ReplyStage; readonly reply: Reply }
  | { readonly kind: 'not-sent'; readonly why: NotSent }
  | { readonly kind: 'unknown' };

/** How long to wait for a reply or a write, in milliseconds. */
export interface SmtpTimeouts {
  readonly mail: number;
  readonly rcpt: number;
  readonly data: number;
  /** For each write of content. */
  readonly block: number;
  /** For the reply to the final dot. */
  readonly final: number;
}

/** RFC 5321 section 4.5.3.2. */
export const RFC_TIMEOUTS: SmtpTimeouts = {
  mail: 5 * 60_000,
  rcpt: 5 * 60_000,
  data: 2 * 60_000,
  block: 3 * 60_000,
  final: 10 * 60_000,
};

/** The same, none of them longer than that many milliseconds. */
export function shortened(longest: number): SmtpTimeouts {
  const limit = (milliseconds: number): number => Math.min(milliseconds, longest);
  const { mail, rcpt, data, block, final } = RFC_TIMEOUTS;
  return {
    mail: limit(mail),
    rcpt: limit(rcpt),
    data: limit(data),
    block: limit(block),
    final: limit(final),
  };
}

/** The commands of an envelope, each with its CRLF. */
export interface EnvelopeCommands {
  readonly mail: Buffer;
  readonly rcpt: Buffer;
  readonly data: Buffer;
}

const DATA = Buffer.from('DATA\r\n');
/** No valid address holds one: core takes dot-atoms only. Whatever gets here otherwise must not become a command. */
const BREAKS_OUT = /[\0-\x20<>\x7f]/;
const BEYOND_ASCII = /[^\0-\x7f]/;
const UNREADABLE = new Set([455, 500, 501, 504, 555]);

/** Why this relay cannot get this message at all; null when it can. */
export function unsendable(outgoing: Outgoing, extensions: Extensions): NotSent | null {
  if (outgoing.to === '' || BREAKS_OUT.test(outgoing.to) || BREAKS_OUT.test(outgoing.from))
    return 'bad-address';
  if (needsUtf8(outgoing) && !extensions.smtputf8) return 'no-smtputf8';
  const limit = extensions.size ?? 0;
  return limit > 0 && outgoing.size > limit ? 'too-large' : null;
}

/** The envelope of one recipient, with the parameters that the relay understands and the message needs. */
export function envelopeCommands(outgoing: Outgoing, extensions: Extensions): EnvelopeCommands {
  let mail = `MAIL FROM:<${outgoing.from}>`;
  if (extensions.size !== null) mail += ` SIZE=${outgoing.size}`;
  if (needsUtf8(outgoing)) {
    // RFC 6531 section 3.1: whoever offers SMTPUTF8 offers 8BITMIME, but only what was offered is used.
    if (extensions.eightBitMime) mail += ' BODY=8BITMIME';
    mail += ' SMTPUTF8';
  }
  let rcpt = `RCPT TO:<${outgoing.to}>`;
  if (extensions.dsn) {
    mail += mailOptions(outgoing.from);
    rcpt += recipientOptions(outgoing.to);
  }
  return { mail: Buffer.from(`${mail}\r\n`), rcpt: Buffer.from(`${rcpt}\r\n`), data: DATA };
}

/** About how a command is written, not about whom it names (RFC 5321 section 4.2.2, RFC 3463 section 3.6). */
export function refusesParameters({ code, enhanced = '' }: Reply): boolean {
  return UNREADABLE.has(code) || /^[45]\.5\.[24]$/.test(enhanced);
}

function needsUtf8(outgoing: Outgoing): boolean {
  return outgoing.smtputf8 || BEYOND_ASCII.test(outgoing.to) || BEYOND_ASCII.test(outgoing.from);
}
