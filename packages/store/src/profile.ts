/**
 * Profiles as they are read: a person's identities, attributes and consents.
 *
 * One rule: `idSpecific` consents live on addresses, because they bind every profile that uses the address; here
 * they are put together with the profile's own into one XDM document.
 *
 * @module
 */
import type { AddressConsents, Consents, IdentityConsents } from '@adieu/core';
import { identityKey, namespaceKey } from '@adieu/core';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { prepared, run } from './statement.ts';

/** An address with what was said about it. */
export interface StoredAddress {
  readonly id: number;
  readonly namespace: string;
  /** Comparison key. */
  readonly key: string;
  /** What goes on the wire. */
  readonly spelling: string;
  /** What decides about messages to it. */
  readonly consents: AddressConsents;
  /** All that was said about it. */
  readonly identityConsents: IdentityConsents;
  readonly standingVersion: number;
}

/** A profile as it is kept. */
export interface StoredProfile {
  /** The number that mail tokens carry. */
  readonly id: number;
  /** The identity it was created with. */
  readonly namespace: string;
  readonly identity: string;
  /** Namespace to id, as given. */
  readonly identities: Readonly<Record<string, string>>;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Without `idSpecific`; see {@link profileConsents}. */
  readonly consents: Consents;
  readonly standingVersion: number;
  /** Where its mail goes when an execution names no address. */
  readonly address: StoredAddress | null;
  /** Every address it is known to use. */
  readonly addresses: readonly StoredAddress[];
}

type Row = Omit<StoredProfile, 'address'> & { readonly addressId: number | null };

/** An Email may name several profiles; the one created by it comes first, then the oldest. */
const FIND_PROFILE = prepared<Row>(
  'find_profile',
  `SELECT p.id, p.namespace, p.identity, p.attributes, p.consents, p.standing_version AS "standingVersion",
     p.address_id AS "addressId",
     (SELECT jsonb_object_agg(namespace, spelling) FROM identity WHERE profile_id = p.id AND current) AS identities,
     coalesce((SELECT jsonb_agg(jsonb_build_object('id', a.id, 'namespace', a.namespace, 'key', a.key,
         'spelling', a.spelling, 'consents', coalesce(a.consents -> 'marketing', '{}'), 'identityConsents', a.consents,
         'standingVersion', a.standing_version) ORDER BY a.id)
       FROM profile_address u JOIN address a ON a.id = u.address_id WHERE u.profile_id = p.id), '[]') AS addresses
   FROM identity i JOIN profile p ON p.id = i.profile_id
   WHERE i.sandbox_id = $1 AND i.namespace_key = $2 AND i.value = $3 AND i.current
   ORDER BY lower(p.namespace) = i.namespace_key DESC, p.id LIMIT 1`,
);

/** The profile of an identity, or null. Namespaces and emails compare as X5 says. */
export async function findProfile(
  db: Db,
  scope: Scope,
  namespace: string,
  id: string,
): Promise<StoredProfile | null> {
  if (/\0/.test(namespace + id)) return null;
  const rows = await run(db, FIND_PROFILE, [
    scope.sandboxId,
    namespaceKey(namespace),
    identityKey(namespace, id),
  ]);
  const row = rows[0];
  if (row === undefined) return null;
  const { addressId, ...profile } = row;
  return {
    ...profile,
    identities: profile.identities ?? {},
    address: profile.addresses.find((address) => address.id === addressId) ?? null,
  };
}

/** Everything the person said, as one XDM document; identities under their comparison keys. */
export function profileConsents(profile: StoredProfile): Consents {
  const idSpecific: Record<string, Record<string, IdentityConsents>> = {};
  for (const { namespace, key, identityConsents } of profile.addresses) {
    if (Object.keys(identityConsents).length === 0) continue;
    idSpecific[namespace] = { ...idSpecific[namespace], [key]: identityConsents };
  }
  return Object.keys(idSpecific).length === 0 ? profile.consents : { ...profile.consents, idSpecific };
}
