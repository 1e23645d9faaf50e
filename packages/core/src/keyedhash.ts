/**
 * The keyed hash by which an erased person is known again: HMAC-SHA-256 of a name, under a key of the ring (LG-6).
 *
 * One rule: it is bound to one sandbox, and nobody reads a name from it or tries names on it without the ring.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import type { KeyRing } from './keyring.ts';

/** A name of a person: a namespace and an id, both as comparison keys. */
export interface PersonName {
  readonly namespaceKey: string;
  readonly value: string;
}

const PURPOSE = 'erasure';

/** The 32-byte hash of a name in a sandbox, or null when the ring has no such key. */
export function hashName(
  ring: KeyRing,
  keyId: number,
  name: PersonName & { readonly sandbox: number },
): Buffer | null {
  const key = ring.subkey(keyId, PURPOSE);
  if (key === null) return null;
  // As JSON, no two different names are the same text.
  const text = JSON.stringify([name.sandbox, name.namespaceKey, name.value]);
  return createHmac('sha256', key).update(text).digest();
}
