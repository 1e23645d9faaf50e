/**
 * Tombstones: what is left of who was erased, so that nobody comes back by an import (LG-6).
 *
 * One rule: whoever creates profiles or addresses asks here, under the sandbox's identity lock, and what comes back
 * starts opted out. The key ring is not in the database: it is handed to a pool once, when a process starts, and without it
 * nothing is created in a sandbox that has erased somebody.
 *
 * @module
 */
import type { AddressConsents, Consents, KeyRing, PersonName, SuppressionReason } from '@adieu/core';
import { Failure, hashName } from '@adieu/core';
import type { Db } from './database.ts';
import { nameOf } from './identity.ts';
import { prepared, run } from './statement.ts';

/** What is known of a name that was erased. */
export interface Tombstone {
  readonly erasedAt: Date;
  /** Why its address was on the suppression list; null when it was not. */
  readonly suppressed: SuppressionReason | null;
  /** The erasure, as `privacy_audit` numbers it. */
  readonly auditId: number;
}

/** Finds the tombstone of a name among those that were asked for. */
export type Tombstones = (name: PersonName) => Tombstone | null;

/** A name that is to be forgotten. */
export interface ForgottenName extends PersonName {
  readonly suppressed: SuppressionReason | null;
}

/** The `reason` of a no that comes from an erasure. */
export const ERASED = 'erased';

const rings = new WeakMap<object, KeyRing>();

/** The keys that have made tombstones; one look into the primary key for each. */
const KEYS = prepared<{ readonly keyId: number }>(
  'tombstone_keys',
  `WITH RECURSIVE used AS (
     (SELECT key_id FROM tombstone WHERE sandbox_id = $1 ORDER BY key_id LIMIT 1)
     UNION ALL SELECT (SELECT t.key_id FROM tombstone t WHERE t.sandbox_id = $1 AND t.key_id > u.key_id
       ORDER BY t.key_id LIMIT 1) FROM used u WHERE u.key_id IS NOT NULL
   )
   SELECT key_id AS "keyId" FROM used WHERE key_id IS NOT NULL`,
);

const FIND = prepared<Tombstone & { readonly place: number }>(
  'find_tombstones',
  `SELECT h.place, t.erased_at AS "erasedAt", t.suppressed, t.audit_id AS "auditId"
   FROM unnest($2::smallint[], $3::bytea[]) WITH ORDINALITY AS h (key_id, hash, place)
   CROSS JOIN LATERAL (SELECT * FROM tombstone WHERE sandbox_id = $1 AND key_id = h.key_id AND hash = h.hash OFFSET 0) t
   ORDER BY t.erased_at`,
);

/** The address of somebody erased twice keeps the reason it was suppressed for. */
const WRITE = prepared<never>(
  'write_tombstones',
  `INSERT INTO tombstone (sandbox_id, key_id, hash, suppressed, audit_id)
   SELECT $1::integer, $2::smallint, h.hash, h.suppressed, $5::bigint FROM unnest($3::bytea[], $4::text[]) AS h (hash, suppressed)
   ON CONFLICT (sandbox_id, key_id, hash) DO UPDATE SET erased_at = EXCLUDED.erased_at, audit_id = EXCLUDED.audit_id,
     suppressed = coalesce(EXCLUDED.suppressed, tombstone.suppressed)`,
);

/** Hands the key ring to a pool: every statement and transaction on it knows who was erased. */
export function attachKeyRing(db: Db, ring: KeyRing): void {
  rings.set(poolOf(db), ring);
}

/** For the start of a process: throws `keyring_cannot_open` when a tombstone was made by a key that the ring lacks. */
export async function checkTombstoneKeys(db: Db, ring: KeyRing): Promise<void> {
  const rows = await db.selectFrom('tombstone').select('key_id').distinct().orderBy('key_id').execute();
  const missing = rows.find(({ key_id: id }) => !ring.ids.includes(id));
  if (missing !== undefined) throw cannotTell(missing.key_id);
}

/**
 * Finds the tombstones of names. One statement where nobody was ever erased, else two, whatever the number of names.
 * Throws `keyring_cannot_open` rather than let somebody back in whom this process cannot recognise.
 */
export async function findTombstones(
  db: Db,
  sandboxId: number,
  names: readonly PersonName[],
): Promise<Tombstones> {
  const none: Tombstones = () => null;
  if (names.length === 0) return none;
  const keys = await run(db, KEYS, [sandboxId]);
  if (keys.length === 0) return none;
  const different = [...new Map(names.map((name) => [nameOf(name), name])).values()];
  const ids: number[] = [];
  const hashes: Buffer[] = [];
  for (const { keyId } of keys) {
    for (const name of different) {
      ids.push(keyId);
      hashes.push(hash(db, keyId, { ...name, sandbox: sandboxId }));
    }
  }
  const found = new Map<string, Tombstone>();
  for (const { place, ...tombstone } of await run(db, FIND, [sandboxId, ids, hashes])) {
    const name = different[(place - 1) % different.length];
    if (name === undefined) continue;
    const suppressed = tombstone.suppressed ?? found.get(nameOf(name))?.suppressed ?? null;
    found.set(nameOf(name), { ...tombstone, suppressed });
  }
  return (name) => found.get(nameOf(name)) ?? null;
}

/** Writes the tombstones of one erasure. */
export async function writeTombstones(
  db: Db,
  sandboxId: number,
  { names, auditId }: { readonly names: readonly ForgottenName[]; readonly auditId: number },
): Promise<void> {
  const keyId = ringOf(db).primary;
  const hashes = names.map((name) => hash(db, keyId, { ...name, sandbox: sandboxId }));
  await run(db, WRITE, [sandboxId, keyId, hashes, names.map(({ suppressed }) => suppressed), auditId]);
}

/** The keyed hash of a name, under the key that seals now. */
export function hashOfName(db: Db, sandboxId: number, name: PersonName): Buffer {
  return hash(db, ringOf(db).primary, { ...name, sandbox: sandboxId });
}

/** The name under which the number of a profile or an address is forgotten; nobody else has an empty namespace. */
export function numberName(of: 'profile' | 'address', id: number): PersonName {
  return { namespaceKey: '', value: `${of} ${id}` };
}

/** A profile's consents with the no that an erasure left. What the person says later is newer. */
export function outSince(consents: Consents, { erasedAt }: Tombstone): Consents {
  const { marketing } = consents;
  return { ...consents, marketing: { ...marketing, email: { ...marketing?.email, ...no(erasedAt) } } };
}

/** What is said about an address that was erased. */
export function addressOutSince({ erasedAt }: Tombstone): AddressConsents {
  return { email: no(erasedAt) };
}

function no(at: Date) {
  return { val: 'n', time: at.toISOString(), reason: ERASED } as const;
}

function hash(db: Db, keyId: number, name: PersonName & { readonly sandbox: number }): Buffer {
  const made = hashName(ringOf(db), keyId, name);
  if (made === null) throw cannotTell(keyId);
  return made;
}

function ringOf(db: Db): KeyRing {
  const ring = rings.get(poolOf(db));
  if (ring === undefined)
    throw new Failure('keyring_cannot_open', 'This process has no key ring to tell who was erased.');
  return ring;
}

/** What all transactions of a pool have in common. */
function poolOf(db: Db): object {
  return db.getExecutor().adapter;
}

function cannotTell(keyId: number): Failure {
  const detail = `The key ring lacks the key k${keyId}, by which people who were erased are known; it is not the ring that erased them.`;
  return new Failure('keyring_cannot_open', detail);
}
