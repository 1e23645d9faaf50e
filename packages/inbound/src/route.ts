/**
 * Where a recipient address leads: the whole decision of the RCPT command.
 *
 * Pure. The envelope alone decides (never a `To:` field), and the token in the local part alone says who
 * leaves what, or whose message came back: not the sender, not the subject, not the body. What cannot be known now is never refused for
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
import { CANARY_AUDIENCE, CANARY_DOMAIN } from './canary.ts';

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

/** Addresses of a domain that people and providers write to without a token (RFC 2142, RFC 5321 §4.5.1). */
export const ROLES = ['postmaster', 'abuse', 'fbl', 'unsubscribe'] as const;
export type Role = (typeof ROLES)[number];

/** The answer to RCPT: what the mail is for, or the reason for a refusal. */
export type Route =
  | {
      /** `opt-out`: leaving. `report`: what came back about a message. */
      readonly kind: 'opt-out' | 'report';
      readonly audience: MailAudience;
      readonly claims: MailClaims;
      readonly fingerprint: string;
    }
  | { readonly kind: 'role'; readonly role: Role; readonly audience: MailAudience }
  /** Our own, to see whether mail comes in. */
  | { readonly kind: 'canary'; readonly claims: MailClaims }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'foreign' }
  | { readonly kind: 'later' };

/** What the route depends on besides the address. */
export interface RouteContext {
  readonly domain: DomainStanding;
  readonly ring: KeyRing;
  /** Characters that may stand between prefix and token; `+` unless a relay mangles it. */
  readonly separators: readonly string[];
}

const PURPOSES = [
  ['opt-out', 'mailto'],
  ['report', 'verp'],
] as const;
/** Whose mail the postmaster of no domain reads: the operator's own (RFC 5321 §4.5.1). */
const HOME: MailAudience = { organisation: 'default', sandbox: 'prod' };

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
 * 1. `postmaster` without a domain: the operator's.
 * 2. The domain of canaries, with a token of one: ours. It asks no database, which its content will.
 * 3. A domain nobody can vouch for now: later (451), never a permanent refusal.
 * 4. A domain that is not ours: foreign (550 5.7.1), we relay for nobody.
 * 5. `unsubscribe+<token>` or `bounce+<token>` with a token of this purpose, organisation and sandbox: an opt-out, a report.
 * 6. A role address, in any case.
 * 7. Anything else at our domains: unknown (550 5.1.1).
 */
export function route(recipient: Recipient, context: RouteContext): Route {
  const lower = recipient.localPart.toLowerCase();
  if (recipient.domain === null) {
    return lower === 'postmaster'
      ? { kind: 'role', role: 'postmaster', audience: HOME }
      : { kind: 'unknown' };
  }
  if (recipient.domain === CANARY_DOMAIN) {
    const token = detail(lower, MAIL_TOKEN_PREFIX.canary, context.separators);
    const claims = token === null ? null : openMailToken(context.ring, 'canary', CANARY_AUDIENCE, token);
    return claims === null ? { kind: 'foreign' } : { kind: 'canary', claims };
  }
  if (context.domain.kind === 'unavailable') return { kind: 'later' };
  if (context.domain.kind === 'foreign') return { kind: 'foreign' };
  const { audience } = context.domain;
  for (const [kind, purpose] of PURPOSES) {
    const token = detail(lower, MAIL_TOKEN_PREFIX[purpose], context.separators);
    const claims = token === null ? null : openMailToken(context.ring, purpose, audience, token);
    if (token === null || claims === null) continue;
    return { kind, audience, claims, fingerprint: tokenFingerprint(token) };
  }
  const role = ROLES.find((name) => name === lower);
  return role === undefined ? { kind: 'unknown' } : { kind: 'role', role, audience };
}

/**
 * The detail after the first separator, of a local part in lower case because relays change it.
 * It may hold the separator again (RFC 5233 §4); such a detail is then simply no token of ours.
 */
function detail(lower: string, prefix: string, separators: readonly string[]): string | null {
  if (!lower.startsWith(prefix)) return null;
  return separators.includes(lower.charAt(prefix.length)) ? lower.slice(prefix.length + 1) : null;
}

/** `"a\b"` and `ab` name the same mailbox (RFC 5321 §4.1.2); some relays quote every local part with a `+`. */
function unquote(localPart: string): string {
  if (localPart.length < 2 || !localPart.startsWith('"') || !localPart.endsWith('"')) return localPart;
  return localPart.slice(1, -1).replace(/\\(.)/g, '$1');
}
