/**
 * One signature: RSA-2048 over SHA-256 (RFC 6376 section 3.3.1), or Ed25519 over the digest (RFC 8463 section 3).
 *
 * @module
 */
import { createHash, type KeyObject, sign } from 'node:crypto';
import type { DkimAlgorithm } from '@adieu/core';

/** A private key that signs. */
export interface SigningKey {
  readonly algorithm: DkimAlgorithm;
  readonly key: KeyObject;
}

/** Makes the base64 of a signature over text, which is read as UTF-8. Rejects when the key cannot sign. */
export type MakeSignature = (text: string, key: SigningKey) => Promise<string>;

/** Signs, in the thread that asks. Throws when the key cannot sign. */
export function signText(text: string, { algorithm, key }: SigningKey): string {
  const data = Buffer.from(text);
  const signature =
    algorithm === 'rsa-sha256'
      ? sign('sha256', data, key)
      : sign(null, createHash('sha256').update(data).digest(), key);
  return signature.toString('base64');
}
