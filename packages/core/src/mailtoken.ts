/**
 * Mail tokens: what a mailto or VERP local part carries, in 45 characters that survive case folding.
 *
 * 28 bytes: version 1, key id 1, one AES-256 block over (profile number 5, address number 5, list 3, scope and day
 * 3), MAC 10, in lower-case base32 (RFC 4648 section 6). They need no message row. A single AES block is
 * deterministic: the same claims give the same token. The day is among the claims, so what an observer learns
 * from two equal tokens is that they were made for the same person on the same day, which the address they were
 * sent to told before.
 *
 * @module
 */
import {
  type Cipher,
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { decodeBase32, encodeBase32 } from './base32.ts';
import type { OptOutScope } from './consent.ts';
import { OPT_OUT_SCOPES } from './consent.ts';
import { Failure } from './failure.ts';
import type { KeyRing } from './keyring.ts';
import { bindTexts } from './packing.ts';

/** What a local part is for: leaving, telling us of a bounce, or proving to ourselves that mail comes in. */
export type MailPurpose = 'mailto' | 'verp' | 'canary';

/** What a mail token says. Numbers are the store's. */
export interface MailClaims {
  /** Below 2^40. */
  readonly profile: number;
  /** Below 2^40. */
  readonly address: number;
  /** Below 2^24; 0 for none. */
  readonly list: number;
  readonly scope: OptOutScope;
  /** Days since 1970-01-01, below 2^22. */
  readonly day: number;
}

/** For whom a mail token is: it opens for no other organisation or sandbox. */
export interface MailAudience {
  readonly organisation: string;
  readonly sandbox: string;
}

/** The length of a mail token in characters. */
export const MAIL_TOKEN_LENGTH = 45;

const VERSION = 1;
const BLOCK_BYTES = 16;
const MAC_BYTES = 10;
const CLEAR_BYTES = 2 + BLOCK_BYTES;
const TOKEN_BYTES = CLEAR_BYTES + MAC_BYTES;
const DAY_BITS = 22;

/** Before the `+` of a local part that carries a token. With the token both stay under 64 octets (MT-2). */
export const MAIL_TOKEN_PREFIX: Readonly<Record<MailPurpose, string>> = {
  mailto: 'unsubscribe',
  verp: 'bounce',
  canary: 'canary',
};

/** Seals a token of 45 characters. Throws `mail_token_range` for a number that does not fit. */
export function sealMailToken(
  ring: KeyRing,
  purpose: MailPurpose,
  audience: MailAudience,
  claims: MailClaims,
): string {
  const blockKey = ring.subkey(ring.primary, encryption(purpose));
  const macKey = ring.subkey(ring.primary, authentication(purpose));
  if (blockKey === null || macKey === null) {
    throw new Failure('keyring_invalid', 'The key ring lacks its primary key.');
  }
  const block = blockCipher(blockKey).update(packClaims(claims));
  const clear = Buffer.concat([Buffer.from([VERSION, ring.primary]), block]);
  return encodeBase32(Buffer.concat([clear, mac(macKey, purpose, audience, clear)]));
}

/** Opens a token in whatever case it comes; null when anything about it is wrong, whatever it is. */
export function openMailToken(
  ring: KeyRing,
  purpose: MailPurpose,
  audience: MailAudience,
  token: string,
): MailClaims | null {
  const bytes = decode(token);
  const clear = bytes.subarray(0, CLEAR_BYTES);
  const id = clear.readUInt8(1);
  const macKey = ring.subkey(id, authentication(purpose));
  const blockKey = ring.subkey(id, encryption(purpose));
  const expected = mac(macKey ?? NO_KEY, purpose, audience, clear);
  const authentic = timingSafeEqual(bytes.subarray(CLEAR_BYTES), expected);
  const decipher = createDecipheriv('aes-256-ecb', blockKey ?? NO_KEY, null).setAutoPadding(false);
  const plain = Buffer.concat([decipher.update(clear.subarray(2)), decipher.final()]);
  if (!authentic || macKey === null || clear.readUInt8(0) !== VERSION) return null;
  return unpackClaims(plain);
}

/** The address that carries a token: `unsubscribe+…@` or `bounce+…@` the subdomain. */
export function mailTokenAddress(purpose: MailPurpose, token: string, domain: string): string {
  return `${MAIL_TOKEN_PREFIX[purpose]}+${token}@${domain}`;
}

/**
 * The token of a local part, split at its first `+` (RFC 5233) and read in either case; null for a local part
 * that carries none. The token itself is not looked at.
 */
export function readMailLocalPart(
  localPart: string,
): { readonly purpose: MailPurpose; readonly token: string } | null {
  const plus = localPart.indexOf('+');
  if (plus < 0) return null;
  const prefix = localPart.slice(0, plus).toLowerCase();
  const token = localPart.slice(plus + 1).toLowerCase();
  if (prefix === MAIL_TOKEN_PREFIX.mailto) return { purpose: 'mailto', token };
  if (prefix === MAIL_TOKEN_PREFIX.verp) return { purpose: 'verp', token };
  return null;
}

/** Stands in for a key that the ring does not have; what it opens is never answered. */
const NO_KEY = createSecretKey(randomBytes(32));
/** Stands in for a token that does not decode. */
const NO_TOKEN = Buffer.alloc(TOKEN_BYTES);

const blockCiphers = new WeakMap<KeyObject, Cipher>();

/** Kept open: a block of ECB does not depend on the one before, and opening a cipher costs more than the block. */
function blockCipher(key: KeyObject): Cipher {
  const known = blockCiphers.get(key);
  if (known !== undefined) return known;
  const cipher = createCipheriv('aes-256-ecb', key, null).setAutoPadding(false);
  blockCiphers.set(key, cipher);
  return cipher;
}

function decode(token: string): Buffer {
  const bytes = typeof token === 'string' && token.length === MAIL_TOKEN_LENGTH ? decodeBase32(token) : null;
  return bytes !== null && bytes.length === TOKEN_BYTES ? bytes : NO_TOKEN;
}

function packClaims({ profile, address, list, scope, day }: MailClaims): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  const scopeIndex = OPT_OUT_SCOPES.indexOf(scope);
  if (!fits(profile, 40) || !fits(address, 40) || !fits(list, 24) || !fits(day, DAY_BITS) || scopeIndex < 0) {
    throw new Failure('mail_token_range', 'A number is too large for a mail token.');
  }
  block.writeUIntBE(profile, 0, 5);
  block.writeUIntBE(address, 5, 5);
  block.writeUIntBE(list, 10, 3);
  block.writeUIntBE(scopeIndex * 2 ** DAY_BITS + day, 13, 3);
  return block;
}

function unpackClaims(block: Buffer): MailClaims | null {
  const scopeAndDay = block.readUIntBE(13, 3);
  const scope = OPT_OUT_SCOPES[Math.floor(scopeAndDay / 2 ** DAY_BITS)];
  if (scope === undefined) return null;
  return {
    profile: block.readUIntBE(0, 5),
    address: block.readUIntBE(5, 5),
    list: block.readUIntBE(10, 3),
    scope,
    day: scopeAndDay % 2 ** DAY_BITS,
  };
}

function fits(value: number, bits: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** bits;
}

function mac(
  key: Parameters<typeof createHmac>[1],
  purpose: MailPurpose,
  audience: MailAudience,
  clear: Buffer,
): Buffer {
  const bound = bindTexts([purpose, audience.organisation, audience.sandbox]);
  return createHmac('sha256', key).update(bound).update(clear).digest().subarray(0, MAC_BYTES);
}

function encryption(purpose: MailPurpose): string {
  return `token/${purpose}`;
}

function authentication(purpose: MailPurpose): string {
  return `token/${purpose}/mac`;
}
