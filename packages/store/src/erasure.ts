/**
 * Erasure: one call forgets a person in every table, and remembers only that they are to be left alone (X13, LG-6).
 *
 * One rule: first the person is opted out, by the function that every door uses, and what is on the wire is waited for;
 * then one transaction takes away everything and writes the tombstones. Killed before its commit, it is asked again and
 * begins anew; asked after, it answers with the receipt of the first time.
 *
 * @module
 */
import type { PersonName, RecordOptOut, SuppressionReason } from '@adieu/core';
import { EMAIL_NAMESPACE, identityKey, namespaceKey } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { eraseFromExecutions } from './erased-executions.ts';
import { eraseMessages } from './erased-messages.ts';
import { lockIdentities, nameOf } from './identity.ts';
import { withPartitions } from './partition.ts';
import { findProfile } from './profile.ts';
import type { Scope } from './scope.ts';
import { prepared, run } from './statement.ts';
import type { ForgottenName } from './tombstone.ts';
import { findTombstones, hashOfName, numberName, writeTombstones } from './tombstone.ts';

/** Whom to erase, and who asks. */
export interface ErasureRequest {
  readonly namespace: string;
  readonly id: string;
  readonly apiKeyId: string;
  readonly recordOptOut: RecordOptOut;
}

/** How much was taken away. */
export interface ErasureCounts {
  readonly identities: number;
  /** Addresses that only this person used; those that others use stay theirs. */
  readonly addresses: number;
  readonly sharedAddresses: number;
  /** Messages that are counted still, and are nobody's. */
  readonly messages: number;
  /** Those among them that were to be sent. */
  readonly stopped: number;
  readonly executions: number;
  readonly listEntries: number;
}

/** That it is done. */
export interface ErasureReceipt {
  readonly receiptId: number;
  readonly erasedAt: Date;
  readonly counts: ErasureCounts;
}

interface IdentityRow extends PersonName {
  readonly spelling: string;
  readonly shared: boolean;
}

interface AddressRow {
  readonly id: number;
  readonly namespaceKey: string;
  readonly key: string;
  readonly spelling: string;
  readonly shared: boolean;
  readonly suppressed: SuppressionReason | null;
}

const EMAIL_KEY = namespaceKey(EMAIL_NAMESPACE);

const LOCK_PROFILE = prepared<PersonName & { readonly id: number }>(
  'lock_erased_profile',
  `SELECT id, lower(namespace) AS "namespaceKey", identity AS value FROM profile WHERE id = $1 FOR UPDATE`,
);

/** What the Email of an address says of others: they use it, whatever they are known by. */
const ADDRESSES = prepared<AddressRow>(
  'lock_erased_addresses',
  `SELECT a.id, a.namespace_key AS "namespaceKey", a.key, a.spelling,
     EXISTS (SELECT FROM profile_address o WHERE o.address_id = a.id AND o.profile_id <> $1) AS shared,
     CASE a.namespace_key WHEN $2 THEN (SELECT reason FROM delivery_list
       WHERE sandbox_id = a.sandbox_id AND list = 'suppressed' AND kind = 'email' AND key = a.key) END AS suppressed
   FROM address a WHERE a.id IN (SELECT address_id FROM profile_address WHERE profile_id = $1)
   ORDER BY a.id FOR UPDATE OF a`,
);

const IDENTITIES = prepared<IdentityRow>(
  'erased_identities',
  `SELECT i.namespace_key AS "namespaceKey", i.value, i.spelling,
     EXISTS (SELECT FROM identity o WHERE o.sandbox_id = i.sandbox_id AND o.namespace_key = i.namespace_key
       AND o.value = i.value AND o.profile_id <> $1) AS shared
   FROM identity i WHERE (i.profile_id = $1 AND i.current) OR (i.profile_id = $1 AND NOT i.current)`,
);

/** The evidence stays, and says nothing but numbers. */
const FORGET_PROOF = prepared<never>(
  'forget_proof',
  `UPDATE consent_history SET reference = NULL, fingerprint = NULL, message_id = NULL
   WHERE profile_id = $1 OR (scope = 'identity' AND address_id = ANY ($2::bigint[]))`,
);

const FORGET_ENTRIES = prepared<{ readonly n: number }>(
  'forget_entries',
  `WITH gone AS (DELETE FROM delivery_list WHERE sandbox_id = $1 AND list IN ('suppressed', 'allowed') AND kind = 'email'
     AND key = ANY ($2::text[]) RETURNING 1)
   SELECT count(*) AS n FROM gone`,
);

/** Whatever names the person, whoever wrote it: what somebody has to read is read soon, or not at all. */
const FORGET_REVIEWS = prepared<never>(
  'forget_reviews',
  `DELETE FROM review_mail r WHERE r.sandbox_id = $1 AND (r.mentions && $2::text[]
     OR EXISTS (SELECT FROM unnest($2::text[]) AS n (name) WHERE strpos(lower(concat_ws(' ', r.sender, r.subject, r.source)), n.name) > 0))`,
);

const DELETE_PERSON = prepared<never>(
  'delete_person',
  `WITH identities AS (DELETE FROM identity WHERE (profile_id = $1 AND current) OR (profile_id = $1 AND NOT current)),
     usages AS (DELETE FROM profile_address WHERE profile_id = $1),
     bounces AS (DELETE FROM soft_bounce WHERE address_id = ANY ($2::bigint[])),
     addresses AS (DELETE FROM address WHERE id = ANY ($2::bigint[]))
   DELETE FROM profile WHERE id = $1`,
);

const NOTE = prepared<never>(
  'note_erasure',
  `INSERT INTO event (month, sandbox_id, type) VALUES (date_trunc('month', now() AT TIME ZONE 'UTC')::date, $1, 'erased')`,
);

/** Erases a person and answers the receipt; null where nobody of that identity is or was known. */
export async function eraseProfile(
  db: Db,
  scope: Scope,
  request: ErasureRequest,
): Promise<ErasureReceipt | null> {
  const { namespace, id, recordOptOut } = request;
  // In this order: whoever is gone by now has a receipt by then.
  const profile = await findProfile(db, scope, namespace, id);
  const earlier = await findReceipt(db, scope, request);
  // Asked again by an Email that others use: who has it still was there before, and is somebody else.
  if (profile === null || (earlier !== null && !(await cameAfter(db, profile.id, earlier.erasedAt))))
    return earlier;
  await recordOptOut({
    organisation: scope.organisation,
    sandbox: scope.sandbox,
    who: { by: 'number', profile: profile.id, address: profile.address?.id ?? 0 },
    scope: 'channel',
    source: 'admin',
    fingerprint: '',
    at: new Date(),
  });
  const receipt = await withPartitions(db, () =>
    retrying(() =>
      db
        .transaction()
        .execute((transaction) =>
          forget(transaction, scope.sandboxId, { ...request, profileId: profile.id }),
        ),
    ),
  );
  return receipt ?? findReceipt(db, scope, request);
}

async function forget(
  db: Db,
  sandboxId: number,
  { profileId, apiKeyId }: ErasureRequest & { readonly profileId: number },
): Promise<ErasureReceipt | null> {
  await sql`SET LOCAL adieu.erasure = 'on'`.execute(db);
  // Expansions first, then who creates people, then the rows of the person, as everywhere.
  await sql`SELECT pg_advisory_xact_lock(hashtext('adieu erasure'), ${sandboxId})`.execute(db);
  await lockIdentities(db, sandboxId);
  const [profile] = await run(db, LOCK_PROFILE, [profileId]);
  if (profile === undefined) return null;
  const addresses = await run(db, ADDRESSES, [profileId, EMAIL_KEY]);
  const identities = await run(db, IDENTITIES, [profileId]);
  const own = addresses.filter(({ shared }) => !shared);
  const ownIds = own.map((address) => address.id);
  const shared = new Set(addresses.filter((address) => address.shared).map((address) => address.key));
  const named = [
    ...identities.filter(
      (identity) => !identity.shared && !(identity.namespaceKey === EMAIL_KEY && shared.has(identity.value)),
    ),
    ...own.map(({ namespaceKey: namespace, key, spelling }) => ({
      namespaceKey: namespace,
      value: key,
      spelling,
    })),
  ];
  const ids = new Set(named.flatMap(({ value, spelling }) => [value.toLowerCase(), spelling.toLowerCase()]));
  const executions = await eraseFromExecutions(db, sandboxId, { names: new Set(named.map(nameOf)), ids });
  const messages = await eraseMessages(db, { profileId, sandboxId, ids: [...ids] });
  const keys = named.filter((name) => name.namespaceKey === EMAIL_KEY).map((name) => name.value);
  const [entries] = await run(db, FORGET_ENTRIES, [sandboxId, keys]);
  const emails = [
    ...addresses.map(({ key }) => key),
    ...addresses.map(({ spelling }) => spelling.toLowerCase()),
  ];
  const former = identities.filter((name) => name.namespaceKey === EMAIL_KEY).map(({ value }) => value);
  await run(db, FORGET_REVIEWS, [sandboxId, [...new Set([...emails, ...former])]]);
  await run(db, FORGET_PROOF, [profileId, ownIds]);
  await run(db, DELETE_PERSON, [profileId, ownIds]);
  const counts: ErasureCounts = {
    identities: identities.length,
    addresses: own.length,
    sharedAddresses: shared.size,
    ...messages,
    executions,
    listEntries: entries?.n ?? 0,
  };
  const receipt = await writeReceipt(db, sandboxId, {
    name: { ...profile, value: identityKey(profile.namespaceKey, profile.value) },
    apiKeyId,
    counts,
  });
  const names: ForgottenName[] = [
    ...identities.map((identity) => ({ ...identity, suppressed: null })),
    ...own.map(({ namespaceKey: namespace, key, suppressed }) => ({
      namespaceKey: namespace,
      value: key,
      suppressed,
    })),
    ...[numberName('profile', profileId), ...ownIds.map((id) => numberName('address', id))].map((name) => ({
      ...name,
      suppressed: null,
    })),
  ];
  await writeTombstones(db, sandboxId, { names: onceEach(names), auditId: receipt.receiptId });
  await run(db, NOTE, [sandboxId]);
  return receipt;
}

/** An Email stands there as an identity and as an address. */
function onceEach(names: readonly ForgottenName[]): ForgottenName[] {
  const once = new Map<string, ForgottenName>();
  for (const name of names) {
    const suppressed = name.suppressed ?? once.get(nameOf(name))?.suppressed ?? null;
    once.set(nameOf(name), { ...name, suppressed });
  }
  return [...once.values()];
}

async function writeReceipt(
  db: Db,
  sandboxId: number,
  {
    name,
    apiKeyId,
    counts,
  }: { readonly name: PersonName; readonly apiKeyId: string; readonly counts: ErasureCounts },
): Promise<ErasureReceipt> {
  const row = await db
    .insertInto('privacy_audit')
    .values({
      sandbox_id: sandboxId,
      act: 'erasure',
      subject: hashOfName(db, sandboxId, name),
      api_key_id: apiKeyId,
      counts: JSON.stringify(counts),
    })
    .returning(['id', 'at'])
    .executeTakeFirstOrThrow();
  return { receiptId: row.id, erasedAt: row.at, counts };
}

async function findReceipt(
  db: Db,
  { sandboxId }: Scope,
  { namespace, id }: Pick<ErasureRequest, 'namespace' | 'id'>,
): Promise<ErasureReceipt | null> {
  const name = { namespaceKey: namespaceKey(namespace), value: identityKey(namespace, id) };
  const tombstone = (await findTombstones(db, sandboxId, [name]))(name);
  if (tombstone === null) return null;
  const row = await db
    .selectFrom('privacy_audit')
    .select(['at', 'counts'])
    .where('id', '=', tombstone.auditId)
    .executeTakeFirstOrThrow();
  return { receiptId: tombstone.auditId, erasedAt: row.at, counts: row.counts as unknown as ErasureCounts };
}

async function cameAfter(db: Db, profileId: number, instant: Date): Promise<boolean> {
  const row = await db
    .selectFrom('profile')
    .select('created_at')
    .where('id', '=', profileId)
    .executeTakeFirst();
  return row !== undefined && row.created_at > instant;
}
