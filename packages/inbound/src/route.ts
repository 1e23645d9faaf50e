/**
 * Where a recipient address leads: the whole decision of the RCPT command.
 *
 * Pure. The envelope alone decides (never a `To:` field), and the token in the local part alone says who
 * leaves what: not the sender, not the subject, not the body. What cannot be known now is never refused for
 * good, because a bounced opt-out is a lost one. RFC 5321 §3.6.2, RFC 5233 §4 (subaddresses).
 *
 * @module
 */
import {
  type KeyRing,
  MAIL_TOKEN_PREFIX,
  type MailAudience,
  type MailClaims,
  openMailToken,
  parseDomain,
  tokenFingerprint,
} from '@adieu/core';

/** A recipient as the envelope gives it: local part as spelled, domain as lower-case A-label (`null`: none given). */
export interface Recipient {
  readonly localPart: string;
  readonly domain: string | null;
}

/** What is known about a recipient's domain. `unavailable`: nobody could say just now. */
export type DomainStanding =
  | { readonly kind: 'ours'; readonly audience: MailAudience }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'unavailable' };

/** The answer to RCPT: an opt-out to record, or the reason for a refusal. */
export type Route =
  | {
      readonly kind: 'opt-out';
      readonly audience: MailAudience;
      readonly claims: MailClaims;
      readonly fingerprint: string;
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'later' };

/** What the route depends on besides the address. */
export interface RouteContext {
  readonly domain: DomainStanding;
  readonly ring: KeyRing;
  /** Characters that may stand between `unsubscribe` and the token; `+` unless a relay mangles it. */
  readonly separators: readonly string[];
}

const UNSUBSCRIBE = MAIL_TOKEN_PREFIX.mailto;

/**
 * Splits an envelope address. `null` when what follows the `@` is no host name (an address literal, say), which
 * is never ours.
 *
 * The SMTP server hands domains over as U-labels; ours are stored as A-labels, hence the parsing.
 */
export function readRecipient(path: string): Recipient | null {
  const at = path.lastIndexOf('@');
  if (at < 0) return { localPart: unquote(path), domain: null };
  const domain = parseDomain(path.slice(at + 1));
  return domain === null ? null : { localPart: unquote(path.slice(0, at)), domain };
}

/**
 * Decides one recipient:
 *
 * 1. A domain nobody can vouch for now: later (451), never a permanent refusal.
 * 2. A domain that is not ours: foreign (550 5.7.1), we relay for nobody.
 * 3. `unsubscribe+<token>` with a token of this domain's organisation and sandbox: an opt-out.
 * 4. Anything else at our domains: unknown (550 5.1.1).
 */
export function route(recipient: Recipient, context: RouteContext): Route {
  if (recipient.domain === null) return { kind: 'unknown' };
  if (context.domain.kind === 'unavailable') return { kind: 'later' };
  if (context.domain.kind === 'foreign') return { kind: 'foreign' };
  const token = unsubscribeDetail(recipient.localPart, context.separators);
  if (token === null) return { kind: 'unknown' };
  const { audience } = context.domain;
  const claims = openMailToken(context.ring, 'mailto', audience, token);
  if (claims === null) return { kind: 'unknown' };
  return { kind: 'opt-out', audience, claims, fingerprint: tokenFingerprint(token) };
}

/**
 * The detail after the first separator, lower-cased because relays change the case of local parts.
 * It may hold the separator again (RFC 5233 §4); such a detail is then simply no token of ours.
 */
function unsubscribeDetail(localPart: string, separators: readonly string[]): string | null {
  const lower = localPart.toLowerCase();
  if (!lower.startsWith(UNSUBSCRIBE)) return null;
  const separator = lower.charAt(UNSUBSCRIBE.length);
  if (!separators.includes(separator)) return null;
  return lower.slice(UNSUBSCRIBE.length + 1);
}

/** `"a\b"` and `ab` name the same mailbox (RFC 5321 §4.1.2); some relays quote every local part with a `+`. */
function unquote(localPart: string): string {
  if (localPart.length < 2 || !localPart.startsWith('"') || !localPart.endsWith('"')) return localPart;
  return localPart.slice(1, -1).replace(/\\(.)/g, '$1');
}
