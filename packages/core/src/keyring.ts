/**
 * The key ring: the keys that links and sealed secrets live by.
 *
 * `{"primary":"k2","keys":{"k1":"<base64, 32 bytes>","k2":"…"}}`. The primary seals, all open. Every purpose has
 * subkeys of its own by HKDF (RFC 5869), so that a token of one purpose means nothing to another. A link works
 * for as long as its key is kept: rotate, never replace.
 *
 * @module
 */
import type { KeyObject } from 'node:crypto';
import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { Failure } from './failure.ts';

/** Keys by id. Their bytes stay inside: a ring that is logged or serialised shows ids only. */
export interface KeyRing {
  /** The id that seals, as the byte that stands on the wire. */
  readonly primary: number;
  /** Every id that opens, ascending. */
  readonly ids: readonly number[];
  /** The 32-byte subkey of a purpose, or null when the ring has no such key. */
  readonly subkey: (id: number, purpose: string) => KeyObject | null;
}

interface KeyRingDocument {
  readonly primary: string;
  readonly keys: Readonly<Record<string, string>>;
}

const KEY_BYTES = 32;
const HIGHEST_ID = 255;
const SECRET_VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 2;

/** Reads a key ring. Throws `keyring_invalid`, whose text never quotes the document. */
export function parseKeyRing(json: string): KeyRing {
  const document = parseDocument(json);
  const keys = new Map(
    Object.entries(document.keys).map(([id, key]) => [idByte(id), Buffer.from(key, 'base64')]),
  );
  const subkeys = new Map<string, KeyObject>();
  return {
    primary: idByte(document.primary),
    ids: [...keys.keys()].sort((a, b) => a - b),
    subkey: (id, purpose) => {
      const name = `${id}/${purpose}`;
      const known = subkeys.get(name);
      if (known !== undefined) return known;
      const key = keys.get(id);
      if (key === undefined) return null;
      const derived = hkdfSync('sha256', key, '', `adieu/${purpose}`, KEY_BYTES);
      const subkey = createSecretKey(Buffer.from(derived));
      subkeys.set(name, subkey);
      return subkey;
    },
  };
}

/** A new key ring with one key, as JSON. */
export function generateKeyRing(): string {
  return print({ primary: 'k1', keys: { k1: freshKey() } });
}

/** The same ring with one key more, which seals from now on; every key it had still opens. */
export function rotateKeyRing(json: string): string {
  const document = parseDocument(json);
  const taken = new Set(Object.keys(document.keys).map(idByte));
  const next = nextId(taken);
  if (next === null) throw new Failure('keyring_full', 'The key ring holds every id from k0 to k255.');
  return print({ primary: `k${next}`, keys: { ...document.keys, [`k${next}`]: freshKey() } });
}

/** What may be shown of a key ring. */
export function describeKeyRing(ring: KeyRing): {
  readonly primary: string;
  readonly ids: readonly string[];
} {
  return { primary: `k${ring.primary}`, ids: ring.ids.map((id) => `k${id}`) };
}

/**
 * Seals a secret that rests in the database (AES-256-GCM): version, key id, nonce, ciphertext, tag. Version, key
 * id and purpose are bound.
 */
export function sealSecret(ring: KeyRing, purpose: string, plain: Buffer): Buffer {
  const key = ring.subkey(ring.primary, secretPurpose(purpose));
  if (key === null) throw new Failure('keyring_invalid', 'The key ring lacks its primary key.');
  const head = Buffer.from([SECRET_VERSION, ring.primary]);
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.concat([head, Buffer.from(purpose)]));
  return Buffer.concat([head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
}

/** Opens a sealed secret; null when it is damaged, of another purpose, or its key is not in the ring. */
export function openSecret(ring: KeyRing, purpose: string, sealed: Buffer): Buffer | null {
  if (!Buffer.isBuffer(sealed) || sealed.length < HEAD_BYTES + NONCE_BYTES + TAG_BYTES) return null;
  const key = ring.subkey(sealed.readUInt8(1), secretPurpose(purpose));
  if (key === null || sealed.readUInt8(0) !== SECRET_VERSION) return null;
  const body = HEAD_BYTES + NONCE_BYTES;
  const nonce = sealed.subarray(HEAD_BYTES, body);
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.concat([sealed.subarray(0, HEAD_BYTES), Buffer.from(purpose)]));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  try {
    return Buffer.concat([
      decipher.update(sealed.subarray(body, sealed.length - TAG_BYTES)),
      decipher.final(),
    ]);
  } catch {
    return null;
  }
}

function secretPurpose(purpose: string): string {
  return `secret/${purpose}`;
}

function parseDocument(json: string): KeyRingDocument {
  const value = parseJson(json);
  if (!isRecord(value)) throw invalid('It is not a JSON object.');
  const { primary, keys } = value;
  if (typeof primary !== 'string' || !isRecord(keys)) throw invalid('It needs "primary" and "keys".');
  const checked: Record<string, string> = {};
  for (const [id, key] of Object.entries(keys)) {
    if (!isKeyId(id)) throw invalid('A key id is k0 to k255, without leading zeros.');
    if (typeof key !== 'string' || !isKey(key)) throw invalid(`Key ${id} is not the base64 of 32 bytes.`);
    checked[id] = key;
  }
  if (!Object.hasOwn(checked, primary)) throw invalid('The primary key is not among the keys.');
  return { primary, keys: checked };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's message quotes the text, and the text is keys.
    throw invalid('It is not JSON.');
  }
}

function isKeyId(id: string): boolean {
  return /^k(?:0|[1-9][0-9]{0,2})$/.test(id) && idByte(id) <= HIGHEST_ID;
}

function isKey(key: string): boolean {
  const bytes = Buffer.from(key, 'base64');
  return bytes.length === KEY_BYTES && bytes.toString('base64') === key;
}

function idByte(id: string): number {
  return Number(id.slice(1));
}

function nextId(taken: ReadonlySet<number>): number | null {
  const above = Math.max(...taken) + 1;
  if (above <= HIGHEST_ID) return above;
  for (let id = 0; id <= HIGHEST_ID; id += 1) if (!taken.has(id)) return id;
  return null;
}

function freshKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

function print(document: KeyRingDocument): string {
  return JSON.stringify(document, null, 2);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(detail: string): Failure {
  return new Failure('keyring_invalid', `The key ring cannot be read. ${detail}`);
}
