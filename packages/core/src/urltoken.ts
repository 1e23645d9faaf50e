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
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Failure } from './failure.ts';
import type { KeyRing } from './keyring.ts';
import { bindTexts } from './packing.ts';
import {
  batchKey,
  decodeText,
  NO_KEY,
  openTextSealer,
  readHead,
  TOKEN_LIMIT,
  unsealText,
} from './sealedtext.ts';
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

const SIG_BYTES = 16;

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
  const { head, seal } = openTextSealer(purposeKey, ring.primary);
  const paramsAad = additionalData(head, { purpose, organisation }, 'params');
  const pidAad = additionalData(head, { purpose, organisation }, 'pid');
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
  const { claims, sigKey } = openHalves(ring, audience, { params, pid });
  const signed = timingSafeEqual(decodeSig(sig), sign(sigKey ?? NO_KEY, audience.purpose, params, pid));
  return signed ? claims : null;
}

/**
 * Opens a token without its `sig`, as a customer's URL and the consent API carry it: the halves alone say what was sealed, by
 * whom and that they belong together. Where a `sig` came with it, {@link openUrlToken} is the one to ask.
 */
export function openUnsignedUrlToken(
  ring: KeyRing,
  audience: UrlAudience,
  token: Pick<UrlToken, 'params' | 'pid'>,
): UrlClaims | null {
  const { params, pid } = texts(token);
  return openHalves(ring, audience, { params, pid }).claims;
}

/**
 * A short hash of a token, 16 hexadecimal digits: evidence without the token. Mail tokens are read in either
 * case; put them in lower case first.
 */
export function tokenFingerprint(token: string): string {
  return createHash('sha256').update(token).digest('hex').slice(0, 16);
}

/** Every step is taken before the verdict, so that no failure is quicker than another. */
function openHalves(
  ring: KeyRing,
  audience: UrlAudience,
  { params, pid }: Pick<UrlToken, 'params' | 'pid'>,
): { readonly claims: UrlClaims | null; readonly sigKey: KeyObject | null } {
  const sealedParams = decodeText(params);
  const sealedPid = decodeText(pid);
  const { head, id, isKnownVersion } = readHead(sealedParams);
  const purposeKey = ring.subkey(id, encryption(audience.purpose));
  const sigKey = ring.subkey(id, signature(audience.purpose));
  const key = batchKey(purposeKey ?? NO_KEY, head);
  const paramsPlain = unsealText(key, sealedParams, additionalData(head, audience, 'params'));
  const pidAad = Buffer.concat([additionalData(head, audience, 'pid'), Buffer.from(params)]);
  const pidPlain = unsealText(key, sealedPid, pidAad);
  const oneSealer = timingSafeEqual(head, readHead(sealedPid).head);
  const known = purposeKey !== null && sigKey !== null && isKnownVersion;
  if (paramsPlain === null || pidPlain === null || !known || !oneSealer) return { claims: null, sigKey };
  const claims = unpackClaims(paramsPlain, pidPlain);
  const isMeant = audience.sandbox === undefined || audience.sandbox === claims?.sandbox;
  return { claims: isMeant ? claims : null, sigKey };
}

function texts(token: Partial<UrlToken>): UrlToken {
  const given: Partial<Record<keyof UrlToken, unknown>> = Object(token);
  const text = (value: unknown) => (typeof value === 'string' && value.length <= TOKEN_LIMIT ? value : '');
  return { params: text(given.params), pid: text(given.pid), sig: text(given.sig) };
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
