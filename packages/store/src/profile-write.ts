/**
 * Writing profiles and their identities, many at a time.
 *
 * One rule: whatever the number of profiles, the number of statements is the same. Numbers are drawn before the
 * insert, so that everything that refers to a new profile can be written beside it.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { NamedIdentity, RegisteredProfile } from './identity.ts';
import { prepared, run } from './statement.ts';

/** A new profile; attributes and consents as JSON texts. */
export interface NewProfile {
  readonly profile: RegisteredProfile;
  readonly addressId: number | null;
  readonly attributes: string;
  readonly consents: string;
}

/** A profile's address, as used or spoken about. */
export interface Usage {
  readonly profileId: number;
  readonly addressId: number;
}

const INSERT_PROFILES = prepared<never>(
  'insert_profiles',
  `INSERT INTO profile (sandbox_id, id, namespace, identity, address_id, attributes, consents)
   SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::jsonb[], $7::jsonb[])`,
);

/** An Email that is replaced becomes a former identity: links mailed under it still find the person. */
const RETIRE_EMAILS = prepared<never>(
  'retire_emails',
  `UPDATE identity i SET current = false FROM unnest($1::bigint[], $2::text[], $3::text[]) AS n (profile_id, namespace_key, value)
   WHERE i.profile_id = n.profile_id AND i.namespace_key = n.namespace_key AND i.current AND i.value <> n.value`,
);

const INSERT_IDENTITIES = prepared<never>(
  'insert_identities',
  `INSERT INTO identity (sandbox_id, profile_id, namespace, namespace_key, value, spelling)
   SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[])
   ON CONFLICT (sandbox_id, namespace_key, value, sharer)
   DO UPDATE SET current = true, spelling = excluded.spelling WHERE identity.profile_id = excluded.profile_id`,
);

const INSERT_USAGES = prepared<never>(
  'insert_usages',
  `INSERT INTO profile_address (profile_id, address_id)
   SELECT DISTINCT * FROM unnest($1::bigint[], $2::bigint[]) AS u (profile_id, address_id)
   WHERE NOT EXISTS (SELECT FROM profile_address k WHERE k.profile_id = u.profile_id AND k.address_id = u.address_id)
   ON CONFLICT DO NOTHING`,
);

/** Gives new profiles their numbers. */
export async function numberProfiles(db: Db, profiles: readonly RegisteredProfile[]): Promise<void> {
  if (profiles.length === 0) return;
  const { rows } = await sql<{ id: number }>`SELECT nextval(pg_get_serial_sequence('profile', 'id')) AS id
    FROM generate_series(1, ${profiles.length})`.execute(db);
  profiles.forEach((profile, index) => {
    profile.id = rows[index]?.id ?? 0;
  });
}

/** Inserts numbered profiles. */
export async function insertProfiles(
  db: Db,
  sandboxId: number,
  profiles: readonly NewProfile[],
): Promise<void> {
  if (profiles.length === 0) return;
  await run(db, INSERT_PROFILES, [
    sandboxId,
    profiles.map(({ profile }) => profile.id),
    profiles.map(({ profile }) => profile.primary.namespace),
    profiles.map(({ profile }) => profile.primary.spelling),
    profiles.map(({ addressId }) => addressId),
    profiles.map(({ attributes }) => attributes),
    profiles.map(({ consents }) => consents),
  ]);
}

/** Writes the identities that were added to profiles, which all have their rows. */
export async function writeIdentities(
  db: Db,
  sandboxId: number,
  profiles: readonly RegisteredProfile[],
): Promise<void> {
  // The last of a namespace stands: an Email may have been replaced twice within one call.
  const added = profiles.flatMap((profile) =>
    [...latest(profile.added)].map((identity) => ({ profile, identity })),
  );
  if (added.length === 0) return;
  const ids = added.map(({ profile }) => profile.id);
  const namespaceKeys = added.map(({ identity }) => identity.namespaceKey);
  const values = added.map(({ identity }) => identity.value);
  await run(db, RETIRE_EMAILS, [ids, namespaceKeys, values]);
  const namespaces = added.map(({ identity }) => identity.namespace);
  const spellings = added.map(({ identity }) => identity.spelling);
  await run(db, INSERT_IDENTITIES, [sandboxId, ids, namespaces, namespaceKeys, values, spellings]);
}

/** Notes which addresses profiles use. */
export async function writeUsages(db: Db, usages: readonly Usage[]): Promise<void> {
  if (usages.length === 0) return;
  await run(db, INSERT_USAGES, [
    usages.map((usage) => usage.profileId),
    usages.map((usage) => usage.addressId),
  ]);
}

function latest(added: readonly NamedIdentity[]): Iterable<NamedIdentity> {
  return new Map(added.map((identity) => [identity.namespaceKey, identity])).values();
}
