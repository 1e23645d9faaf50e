/**
 * DKIM keys: RSA-2048 always, Ed25519 as a second signature (RFC 8301, RFC 8463).
 *
 * A key that cannot sign is refused when it is given, not when the first message waits for it.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { Failure } from './failure.ts';

/** Signature algorithms of DKIM that are in use. */
export type DkimAlgorithm = 'rsa-sha256' | 'ed25519-sha256';

/** A signing key and the name under which its public half is published. */
export interface DkimKey {
  /** The label or labels before `._domainkey`. */
  readonly selector: string;
  readonly algorithm: DkimAlgorithm;
  /** PEM. */
  readonly privateKey: string;
}

const RSA_BITS = 2048;
/** The suffix `-ed` must still fit into a label of 63 octets. */
const SELECTOR = /^[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,58}[a-z0-9])?)*$/;

/** Makes a pair of keys: RSA-2048 under the selector, Ed25519 under the selector with `-ed`. */
export function generateDkimKeys(selector: string): DkimKey[] {
  checkSelector(selector);
  return [
    {
      selector,
      algorithm: 'rsa-sha256',
      privateKey: pem(generateKeyPairSync('rsa', { modulusLength: RSA_BITS })),
    },
    ed25519Key(`${selector}-ed`),
  ];
}

/** An Ed25519 key under this selector, for a subdomain whose RSA key was brought along. */
export function ed25519Key(selector: string): DkimKey {
  return { selector, algorithm: 'ed25519-sha256', privateKey: pem(generateKeyPairSync('ed25519')) };
}

/** Throws `dkim_selector_invalid` for what is no selector (RFC 6376 section 3.1). */
export function checkSelector(selector: string): void {
  if (typeof selector === 'string' && selector.length <= 200 && SELECTOR.test(selector)) return;
  const detail = 'A selector is made of lower-case letters, digits and hyphens, in labels separated by dots.';
  throw new Failure('dkim_selector_invalid', detail, { field: 'dkim.selector' });
}

/**
 * Throws `dkim_key_invalid` for a key that is unreadable, of another type than its slot, or RSA below 2048 bits
 * (RFC 8301 section 3.2). The text never quotes the key.
 */
export function checkDkimKey(privateKey: string, algorithm: DkimAlgorithm): void {
  readDkimKey(privateKey, algorithm);
}

/** The key ready for signing; throws as {@link checkDkimKey}. Parse once: it costs more than a signature. */
export function readDkimKey(privateKey: string, algorithm: DkimAlgorithm): KeyObject {
  const key = readPem(privateKey);
  if (algorithm === 'ed25519-sha256') {
    if (key.asymmetricKeyType !== 'ed25519') throw invalid('The key in the Ed25519 slot is not Ed25519.');
    return key;
  }
  if (key.asymmetricKeyType !== 'rsa') throw invalid('The key in the RSA slot is not RSA.');
  const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
  if (bits < RSA_BITS) throw invalid(`The RSA key has ${bits} bits; at least ${RSA_BITS} are needed.`);
  return key;
}

function readPem(privateKey: string): KeyObject {
  try {
    return createPrivateKey({ key: privateKey, format: 'pem' });
  } catch {
    // OpenSSL's own message stays here: it may speak of what it read.
    throw invalid('The key cannot be read: an unencrypted private key in PEM is needed.');
  }
}

function pem(pair: { readonly privateKey: KeyObject }): string {
  return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function invalid(detail: string): Failure {
  return new Failure('dkim_key_invalid', detail, { field: 'dkim.privateKey' });
}
