/**
 * The lists of a sandbox that decide before anybody's consent is asked: suppressed, and allowed (X10, X11).
 *
 * One rule: an entry is one address or one domain, exactly. A domain does not cover its subdomains, and an unsubscribe
 * is no entry: it is consent.
 *
 * @module
 */
import { parseAddress, parseDomain } from './address.ts';

/** Why an address is suppressed: by an operator, or by what came back from it. */
export const SUPPRESSION_REASONS = ['manual', 'hard', 'soft', 'complaint'] as const;
export type SuppressionReason = (typeof SUPPRESSION_REASONS)[number];

/** The two lists. */
export type DeliveryList = 'suppressed' | 'allowed';

/** What an entry is about. */
export type ListedKind = 'email' | 'domain';

/** What the lists say about one address. */
export interface Listings {
  /** Null when the address is not suppressed. */
  readonly suppressed: SuppressionReason | null;
  readonly domainSuppressed: boolean;
  /** The address or its domain is on the allowed list. */
  readonly allowed: boolean;
}

/**
 * The allowed list of a sandbox: not active; active and not of domains alone (it may be empty); or active and holding
 * domains only, in which case whoever is not on it is refused for the domain.
 */
export type AllowedList = 'off' | 'on' | 'domains';

/** Nobody is on any list. */
export const UNLISTED: Listings = { suppressed: null, domainSuppressed: false, allowed: false };

/** A value as an entry has it. */
export interface ListedValue {
  /** Compares as addresses and domains do (X5). */
  readonly key: string;
  readonly spelling: string;
}

/** The value of an entry, or why it is none. */
export type ParsedListedValue =
  | { readonly ok: true; readonly value: ListedValue }
  | { readonly ok: false; readonly code: 'address_invalid' | 'domain_invalid'; readonly detail: string };

/** Reads the value of an entry. The input is not trimmed. */
export function parseListedValue(kind: ListedKind, input: string): ParsedListedValue {
  if (kind === 'domain') {
    const domain = parseDomain(input);
    if (domain !== null) return { ok: true, value: { key: domain, spelling: domain } };
    return { ok: false, code: 'domain_invalid', detail: 'not a fully qualified domain name' };
  }
  const parsed = parseAddress(input);
  if (!parsed.ok) return { ok: false, code: 'address_invalid', detail: `not an address: ${parsed.reason}` };
  const { key, spelling } = parsed.address;
  return { ok: true, value: { key, spelling } };
}
