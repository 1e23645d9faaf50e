/**
 * The state that imports and acts change: locked, read, and written back where it changed.
 *
 * One rule: standing versions grow exactly where consents changed; attributes may change without anybody noticing.
 *
 * @module
 */
import type { Consents, IdentityConsents } from '@adieu/core';
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** What an import may change of a profile. */
export interface ProfileState {
  readonly addressId: number | null;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Without `idSpecific`. */
  readonly consents: Consents;
}

/** What an import may change of an address. */
export interface AddressState {
  readonly consents: IdentityConsents;
}

/** States by number. */
export interface ImportStates {
  readonly profiles: Map<number, ProfileState>;
  readonly addresses: Map<number, AddressState>;
}

const LOCK_PROFILES = prepared<ProfileState & { readonly id: number }>(
  'lock_profiles',
  `SELECT id, address_id AS "addressId", attributes, consents FROM profile WHERE id = ANY ($1::bigint[])
   ORDER BY id FOR NO KEY UPDATE`,
);

const LOCK_ADDRESSES = prepared<AddressState & { readonly id: number }>(
  'lock_addresses',
  `SELECT id, consents FROM address WHERE id = ANY ($1::bigint[]) ORDER BY id FOR NO KEY UPDATE`,
);

const WRITE_PROFILES = prepared<never>(
  'write_profiles',
  `UPDATE profile p SET address_id = n.address_id, attributes = n.attributes, consents = n.consents,
     standing_version = p.standing_version + CASE WHEN p.consents IS DISTINCT FROM n.consents THEN 1 ELSE 0 END
   FROM unnest($1::bigint[], $2::bigint[], $3::jsonb[], $4::jsonb[]) AS n (id, address_id, attributes, consents)
   WHERE p.id = n.id AND (p.address_id IS DISTINCT FROM n.address_id OR p.attributes IS DISTINCT FROM n.attributes
     OR p.consents IS DISTINCT FROM n.consents)`,
);

const WRITE_ADDRESSES = prepared<never>(
  'write_addresses',
  `UPDATE address a SET consents = n.consents, standing_version = a.standing_version + 1
   FROM unnest($1::bigint[], $2::jsonb[]) AS n (id, consents)
   WHERE a.id = n.id AND a.consents IS DISTINCT FROM n.consents`,
);

const WRITE_CONSENTS = prepared<never>(
  'write_consents',
  `UPDATE profile SET consents = $2::jsonb, standing_version = standing_version + 1 WHERE id = $1`,
);

/** Locks and reads rows that exist. */
export async function loadStates(
  db: Db,
  numbers: { readonly profiles: readonly number[]; readonly addresses: readonly number[] },
): Promise<ImportStates> {
  const profiles = new Map<number, ProfileState>();
  const addresses = new Map<number, AddressState>();
  if (numbers.profiles.length > 0) {
    for (const { id, ...state } of await run(db, LOCK_PROFILES, [[...numbers.profiles]])) {
      profiles.set(id, state);
    }
  }
  if (numbers.addresses.length > 0) {
    for (const { id, consents } of await run(db, LOCK_ADDRESSES, [[...numbers.addresses]])) {
      addresses.set(id, { consents });
    }
  }
  return { profiles, addresses };
}

/** Writes what a person has said, and nothing else of the profile. */
export async function writeConsents(db: Db, profileId: number, consents: Consents): Promise<void> {
  await run(db, WRITE_CONSENTS, [profileId, JSON.stringify(consents)]);
}

/** Writes back what differs. */
export async function writeStates(db: Db, states: ImportStates): Promise<void> {
  const profiles = [...states.profiles];
  if (profiles.length > 0) {
    await run(db, WRITE_PROFILES, [
      profiles.map(([id]) => id),
      profiles.map(([, state]) => state.addressId),
      profiles.map(([, state]) => JSON.stringify(state.attributes)),
      profiles.map(([, state]) => JSON.stringify(state.consents)),
    ]);
  }
  const addresses = [...states.addresses];
  if (addresses.length > 0) {
    await run(db, WRITE_ADDRESSES, [
      addresses.map(([id]) => id),
      addresses.map(([, state]) => JSON.stringify(state.consents)),
    ]);
  }
}
