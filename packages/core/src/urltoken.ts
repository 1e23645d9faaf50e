/**
 * URL tokens: what a link of ours carries, sealed per recipient.
 *
 * `params` (message, campaign, journey, sandbox, scope, list, page) and `pid` (profile, address) are each
 * AES-256-GCM over packed binary; `pid` is bound to its `params`, so that two halves of different mails never open;
 * `sig` is an HMAC over both. Opening needs no database, never throws, and fails in one way only.
 *
 * On the wire, before base64url: version 1, key id 1, salt 8, nonce 12, ciphertext, tag 16 bytes.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { Failure } from './failure.ts';
import type { KeyRing } from './keyring.ts';
import { bindTexts } from './packing.ts';
import type { UrlClaims } from './urlclaims.ts';
import { packParams, packPid, unpackClaims } from './urlclaims.ts';

/** What a link is for. A token of one purpose opens for no other. */
export type UrlPurpose = 'one-click' | 'landing' | 'preferences' | 'mirror' | 'customer';

/** The three values of a link's query. */
export interface UrlToken {
  readonly params: string;
  readonly pid: string;
  readonly sig: string;
}

/** Seals links of one purpose and organisation. */
export interface UrlSealer {
  /** Throws `token_too_long` when a value would pass 512 characters: nobody could open it again. */
  readonly seal: (claims: UrlClaims) => UrlToken;
}

/** What a token has to be to open. A sandbox that is given must be the token's. */
export interface UrlAudience {
  readonly purpose: UrlPurpose;
  readonly organisation: string;
  readonly sandbox?: string;
}

/** Characters of one value; checked before anything is decoded (TK-9). */
export const TOKEN_LIMIT = 512;

const VERSION = 1;
const SALT_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const SIG_BYTES = 16;
const HEAD_BYTES = 2 + SALT_BYTES;
const BODY_AT = HEAD_BYTES + NONCE_BYTES;
const LARGEST_TOKEN = (TOKEN_LIMIT / 4) * 3;
const NONCES_AT_ONCE = 256;

/**
 * Opens a sealer with a salt of its own: the AEAD key is HMAC(purpose key, salt), so that no key ever seals 2^32
 * tokens under random nonces. Make one per batch.
 */
export function openUrlSealer(ring: KeyRing, purpose: UrlPurpose, organisation: string): UrlSealer {
  const purposeKey = ring.subkey(ring.primary, encryption(purpose));
  const sigKey = ring.subkey(ring.primary, signature(purpose));
  if (purposeKey === null || sigKey === null) {
    throw new Failure('keyring_invalid', 'The key ring lacks its primary key.');
  }
  const head = Buffer.concat([Buffer.from([VERSION, ring.primary]), randomBytes(SALT_BYTES)]);
  const key = createSecretKey(batchKey(purposeKey, head.subarray(2)));
  const nonces = openNonces();
  const paramsAad = additionalData(head, { purpose, organisation }, 'params');
  const pidAad = additionalData(head, { purpose, organisation }, 'pid');
  // Reused: a sealer is synchronous, and what leaves it is text.
  const sealed = Buffer.alloc(LARGEST_TOKEN);
  head.copy(sealed);
  const seal = (aad: Buffer, plain: Buffer): string => {
    const tagAt = BODY_AT + plain.length;
    if (tagAt + TAG_BYTES > LARGEST_TOKEN) {
      throw new Failure('token_too_long', `A link value would pass ${TOKEN_LIMIT} characters.`);
    }
    const nonce = nonces();
    const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    nonce.copy(sealed, HEAD_BYTES);
    cipher.setAAD(aad);
    cipher.update(plain).copy(sealed, BODY_AT);
    cipher.final();
    cipher.getAuthTag().copy(sealed, tagAt);
    return sealed.toString('base64url', 0, tagAt + TAG_BYTES);
  };
  return {
    seal: (claims) => {
      const params = seal(paramsAad, packParams(claims));
      const pid = seal(Buffer.concat([pidAad, Buffer.from(params)]), packPid(claims));
      return { params, pid, sig: sign(sigKey, purpose, params, pid).toString('base64url') };
    },
  };
}

/** Opens a token; null when anything about it is wrong, whatever it is. */
export function openUrlToken(ring: KeyRing, audience: UrlAudience, token: UrlToken): UrlClaims | null {
  const { params, pid, sig } = texts(token);
  const sealedParams = decode(params);
  const sealedPid = decode(pid);
  const head = sealedParams.subarray(0, HEAD_BYTES);
  const id = head.readUInt8(1);
  const purposeKey = ring.subkey(id, encryption(audience.purpose));
  const sigKey = ring.subkey(id, signature(audience.purpose));
  const known = purposeKey !== null && sigKey !== null && head.readUInt8(0) === VERSION;
  // Every step is taken before the verdict, so that no failure is quicker than another.
  const key = batchKey(purposeKey ?? NO_KEY, head.subarray(2));
  const paramsPlain = unseal(key, sealedParams, additionalData(head, audience, 'params'));
  const pidAad = Buffer.concat([additionalData(head, audience, 'pid'), Buffer.from(params)]);
  const pidPlain = unseal(key, sealedPid, pidAad);
  const oneSealer = timingSafeEqual(head, sealedPid.subarray(0, HEAD_BYTES));
  const signed = timingSafeEqual(decodeSig(sig), sign(sigKey ?? NO_KEY, audience.purpose, params, pid));
  if (paramsPlain === null || pidPlain === null || !known || !oneSealer || !signed) return null;
  const claims = unpackClaims(paramsPlain, pidPlain);
  if (claims === null) return null;
  return audience.sandbox === undefined || audience.sandbox === claims.sandbox ? claims : null;
}

/**
 * A short hash of a token, 16 hexadecimal digits: evidence without the token. Mail tokens are read in either
 * case; put them in lower case first.
 */
export function tokenFingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16);
}

/** Stands in for a key that the ring does not have; what it opens is never answered. */
const NO_KEY = createSecretKey(randomBytes(32));
/** Stands in for a value that does not decode: a head, a nonce and a tag that open nothing. */
const NO_TOKEN = Buffer.alloc(BODY_AT + TAG_BYTES);

function unseal(key: Buffer, sealed: Buffer, aad: Buffer): Buffer | null {
  const nonce = sealed.subarray(HEAD_BYTES, BODY_AT);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(BODY_AT, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    return null;
  }
}

function texts(token: UrlToken): UrlToken {
  const given: Partial<Record<keyof UrlToken, unknown>> = Object(token);
  const text = (value: unknown) => (typeof value === 'string' && value.length <= TOKEN_LIMIT ? value : '');
  return { params: text(given.params), pid: text(given.pid), sig: text(given.sig) };
}

/** Canonical base64url only: one value has one spelling (TK-2; RFC 4648 section 3.5). */
function decode(value: string): Buffer {
  const bytes = Buffer.from(value, 'base64url');
  return bytes.length >= NO_TOKEN.length && bytes.toString('base64url') === value ? bytes : NO_TOKEN;
}

function decodeSig(value: string): Buffer {
  const bytes = Buffer.from(value, 'base64url');
  return bytes.length === SIG_BYTES && bytes.toString('base64url') === value
    ? bytes
    : Buffer.alloc(SIG_BYTES);
}

/** Version and key id are in clear and bound; so are purpose, organisation and which half this is. */
function additionalData(head: Buffer, audience: UrlAudience, half: 'params' | 'pid'): Buffer {
  return Buffer.concat([head.subarray(0, 2), bindTexts([audience.purpose, audience.organisation, half])]);
}

function batchKey(purposeKey: KeyObject, salt: Buffer): Buffer {
  return createHmac('sha256', purposeKey).update(salt).digest();
}

/** A full stop parts what is signed: it stands in no purpose and in no value that decodes. */
function sign(key: KeyObject, purpose: UrlPurpose, params: string, pid: string): Buffer {
  return createHmac('sha256', key).update(`${purpose}.${params}.${pid}`).digest().subarray(0, SIG_BYTES);
}

function encryption(purpose: UrlPurpose): string {
  return `token/${purpose}`;
}

function signature(purpose: UrlPurpose): string {
  return `token/${purpose}/sig`;
}

/** Random nonces, drawn in bulk: a draw costs as much as a seal. */
function openNonces(): () => Buffer {
  let drawn = Buffer.alloc(0);
  let next = 0;
  return () => {
    if (next >= drawn.length) {
      drawn = randomBytes(NONCE_BYTES * NONCES_AT_ONCE);
      next = 0;
    }
    next += NONCE_BYTES;
    return drawn.subarray(next - NONCE_BYTES, next);
  };
}
