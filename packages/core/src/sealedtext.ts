/**
 * Sealed texts: what every token that stands in a link or a subject is made of.
 *
 * AES-256-GCM under a random nonce and a key of the sealer's own: HMAC(purpose key, salt), so that no key ever seals 2^32
 * texts. One text has one spelling (TK-2), and unsealing takes the same steps whatever it is given.
 *
 * On the wire, before base64url: version 1, key id 1, salt 8, nonce 12, ciphertext, tag 16 bytes.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv, createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { Failure } from './failure.ts';

/** Seals texts with one salt. Make one per batch. */
export interface TextSealer {
  /** Version, key id and salt, as every text of it begins. */
  readonly head: Buffer;
  /** Throws `token_too_long` when the text would pass 512 characters: nobody could open it again. */
  readonly seal: (additionalData: Buffer, plain: Buffer) => string;
}

/** Characters of one value; checked before anything is decoded (TK-9). */
export const TOKEN_LIMIT = 512;

const VERSION = 1;
const SALT_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 2 + SALT_BYTES;
const BODY_AT = HEAD_BYTES + NONCE_BYTES;
const LARGEST_TEXT = (TOKEN_LIMIT / 4) * 3;
const NONCES_AT_ONCE = 256;

/** Stands in for a key that the ring does not have; what it opens is never answered. */
export const NO_KEY = createSecretKey(randomBytes(32));
/** Stands in for a value that does not decode: a head, a nonce and a tag that open nothing. */
const NO_TEXT = Buffer.alloc(BODY_AT + TAG_BYTES);

/** Opens a sealer with a salt of its own under the key of a purpose. */
export function openTextSealer(purposeKey: KeyObject, keyId: number): TextSealer {
  const head = Buffer.concat([Buffer.from([VERSION, keyId]), randomBytes(SALT_BYTES)]);
  const key = createSecretKey(batchKey(purposeKey, head));
  const nonces = openNonces();
  // Reused: a sealer is synchronous, and what leaves it is text.
  const sealed = Buffer.alloc(LARGEST_TEXT);
  head.copy(sealed);
  return {
    head,
    seal: (additionalData, plain) => {
      const tagAt = BODY_AT + plain.length;
      if (tagAt + TAG_BYTES > LARGEST_TEXT) {
        throw new Failure('token_too_long', `A link value would pass ${TOKEN_LIMIT} characters.`);
      }
      const nonce = nonces();
      const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
      nonce.copy(sealed, HEAD_BYTES);
      cipher.setAAD(additionalData);
      cipher.update(plain).copy(sealed, BODY_AT);
      cipher.final();
      cipher.getAuthTag().copy(sealed, tagAt);
      return sealed.toString('base64url', 0, tagAt + TAG_BYTES);
    },
  };
}

/** Canonical base64url only (RFC 4648 section 3.5); anything else becomes a text that opens nothing. */
export function decodeText(value: string): Buffer {
  const bytes = Buffer.from(value, 'base64url');
  return bytes.length >= NO_TEXT.length && bytes.toString('base64url') === value ? bytes : NO_TEXT;
}

/** The head of a decoded text, and what it says in clear. */
export function readHead(sealed: Buffer): {
  readonly head: Buffer;
  readonly id: number;
  readonly isKnownVersion: boolean;
} {
  const head = sealed.subarray(0, HEAD_BYTES);
  return { head, id: head.readUInt8(1), isKnownVersion: head.readUInt8(0) === VERSION };
}

/** The key of the sealer whose head it is. */
export function batchKey(purposeKey: KeyObject, head: Buffer): Buffer {
  return createHmac('sha256', purposeKey).update(head.subarray(2)).digest();
}

/** The plain bytes of a decoded text, or null. */
export function unsealText(key: Buffer, sealed: Buffer, additionalData: Buffer): Buffer | null {
  const nonce = sealed.subarray(HEAD_BYTES, BODY_AT);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(additionalData);
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  const plain = decipher.update(sealed.subarray(BODY_AT, sealed.length - TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    return null;
  }
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
