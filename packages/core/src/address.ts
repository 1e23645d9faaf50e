/**
 * Addresses: one addr-spec in, one spelling for the wire and one key for comparing out.
 *
 * The rule: what is accepted here is exactly one mailbox for every parser that may read it later. Lists, display
 * names, comments, source routes, quoted local parts, address literals and every character that another
 * reader could take for a separator are refused, never repaired (OH-16; RFC 5321 section 4.1.2, RFC 6531).
 *
 * @module
 */
import { domainToASCII } from 'node:url';

/** One mailbox. */
export interface Address {
  /** Goes on the wire: the local part as given, the domain as lower-case A-labels. */
  readonly spelling: string;
  /** For comparing: the local part in NFC and lower case, the domain as A-labels (X5, IN-16). */
  readonly key: string;
  /** As given. */
  readonly localPart: string;
  /** Lower-case A-labels. */
  readonly domain: string;
  /** False when the local part needs SMTPUTF8 (OH-19). */
  readonly ascii: boolean;
}

/** An address, or why it is none. */
export type ParsedAddress =
  | { readonly ok: true; readonly address: Address }
  | { readonly ok: false; readonly reason: string };

/** Octets (RFC 5321 section 4.5.3.1.1 to 3); the path counts its angle brackets. */
const LOCAL_PART_LIMIT = 64;
const DOMAIN_LIMIT = 255;
const PATH_LIMIT = 256;
const LABEL_LIMIT = 63;

/** ASCII that a dot-atom may hold (RFC 5322 section 3.2.3), and anything beyond ASCII. */
const DOT_ATOM =
  /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u{80}-\u{10ffff}-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u{80}-\u{10ffff}-]+)*$/u;
const LABEL = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
/** Controls, format characters (bidi, zero width), unassigned, private use, lone surrogates, separators. */
const INVISIBLE = /[\p{C}\p{Z}]/u;
const BEYOND_ASCII = /[^\0-\x7f]/;
const EACH_BEYOND_ASCII = /[^\0-\x7f]/gu;

/**
 * Reads a single addr-spec. Never throws, whatever is passed; the input is not trimmed, since the address must
 * equal what was given.
 */
export function parseAddress(input: string): ParsedAddress {
  if (typeof input !== 'string') return refuse('not a text');
  if (input === '') return refuse('empty');
  // Four octets a character at most: nothing longer can be valid, so nothing longer is looked at.
  if (input.length > PATH_LIMIT) return refuse('longer than 254 octets');
  if (INVISIBLE.test(input)) return refuse('white space, a control or an invisible character');
  const at = input.lastIndexOf('@');
  if (at < 0) return refuse('no @');
  const localPart = input.slice(0, at);
  const refusal = localPartFault(localPart);
  if (refusal !== null) return refuse(refusal);
  const domain = parseDomain(input.slice(at + 1));
  if (domain === null) return refuse('the domain is not a fully qualified host name');
  const spelling = `${localPart}@${domain}`;
  if (Buffer.byteLength(spelling) + 2 > PATH_LIMIT) return refuse('longer than 254 octets');
  const key = `${foldLocalPart(localPart)}@${domain}`;
  return { ok: true, address: { spelling, key, localPart, domain, ascii: !BEYOND_ASCII.test(localPart) } };
}

/**
 * A domain as lower-case A-labels, or null when it is not a fully qualified host name: one label, an address
 * literal, a trailing dot, a label over 63 octets.
 */
export function parseDomain(input: string): string | null {
  if (typeof input !== 'string' || input === '' || input.length > DOMAIN_LIMIT) return null;
  if (INVISIBLE.test(input) || foldsToPunctuation(input)) return null;
  // UTS 46 would percent-decode and map; only letters, digits and hyphens are left for it to see.
  if (/[^A-Za-z0-9.\u{80}-\u{10ffff}-]/u.test(input)) return null;
  const domain = toALabels(input);
  const labels = domain.split('.');
  if (domain.length > DOMAIN_LIMIT || labels.length < 2) return null;
  if (!labels.every((label) => label.length <= LABEL_LIMIT && LABEL.test(label))) return null;
  // The last label of a host name is never a number: this is where `127.1` and `0x7f.1` would hide.
  return /^(?:\d+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '') ? null : domain;
}

/**
 * The key under which an id of a namespace is kept: emails by their comparison key, so that no spelling escapes
 * an opt-out; every other id trimmed. An email that is malformed is folded as far as it goes.
 */
export function identityKey(namespace: string, id: string): string {
  const trimmed = id.trim();
  if (namespaceKey(namespace) !== EMAIL_NAMESPACE_KEY) return trimmed;
  const parsed = parseAddress(trimmed);
  return parsed.ok ? parsed.address.key : foldLocalPart(trimmed);
}

/** The key of a namespace: namespaces compare case-insensitively. */
export function namespaceKey(namespace: string): string {
  return namespace.trim().toLowerCase();
}

/** The namespace of email addresses, in its canonical spelling. */
export const EMAIL_NAMESPACE = 'Email';
const EMAIL_NAMESPACE_KEY = 'email';

/** An address that a page may show: `j•••@e•••.com` (LP-4). */
export function maskAddress(address: string): string {
  const at = address.lastIndexOf('@');
  const dot = address.lastIndexOf('.');
  if (at < 1) return '•••';
  const top = dot > at ? address.slice(dot) : '';
  return `${firstCharacter(address)}•••@${firstCharacter(address.slice(at + 1))}•••${top}`;
}

/** UTS 46 is asked only where it has something to say: most domains are plain. */
function toALabels(input: string): string {
  return BEYOND_ASCII.test(input) || /xn--/i.test(input) ? domainToASCII(input) : input.toLowerCase();
}

function localPartFault(localPart: string): string | null {
  if (localPart === '') return 'no local part';
  if (Buffer.byteLength(localPart) > LOCAL_PART_LIMIT) return 'the local part is over 64 octets';
  if (!DOT_ATOM.test(localPart)) return 'the local part is not a dot-atom';
  if (foldsToPunctuation(localPart)) return 'a character of the local part reads as another';
  return null;
}

/**
 * Finds characters that compatibility folding turns into ASCII punctuation: the full-width `＠`, the ideographic
 * full stop, the one dot leader. A later reader may take them for a separator.
 */
function foldsToPunctuation(text: string): boolean {
  for (const [character] of text.matchAll(EACH_BEYOND_ASCII)) {
    if (character === '\u3002' || character === '\uff61') return true;
    if (/[\0-/:-@[-`{-\x7f]/.test(character.normalize('NFKC'))) return true;
  }
  return false;
}

function foldLocalPart(localPart: string): string {
  return localPart.normalize('NFC').toLowerCase().normalize('NFC');
}

function firstCharacter(text: string): string {
  return Array.from(text)[0] ?? '';
}

function refuse(reason: string): ParsedAddress {
  return { ok: false, reason };
}
