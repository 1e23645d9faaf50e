/**
 * Whose choice it is: from the names or the numbers of a token to the rows of a person and an address.
 *
 * One rule: every door finds its person by the same words, and who has no row gets one: a link that names a person
 * without a row (a database restored from before the mail) is as valid as any. Only who was erased stays without, and nobody
 * who shares an Email with them is taken for them.
 *
 * @module
 */
import type { OptOutSubject, PersonName } from '@adieu/core';
import { identityKey, namespaceKey } from '@adieu/core';
import { ensureAddresses } from './address.ts';
import type { Db } from './database.ts';
import { lockIdentities } from './identity.ts';
import { planRecipients } from './recipient-plan.ts';
import { prepared, run } from './statement.ts';
import { storableText } from './storable.ts';
import { findTombstones, numberName } from './tombstone.ts';

/** Declares the columns of {@link subjectColumns}, for `jsonb_to_recordset`. */
export const SUBJECT_COLUMNS = `profile bigint, namespace_key text, identity text, meant bigint, address bigint,
       address_namespace_key text, address_key text`;

/** Joins to a row with `month` and `message_id` the columns of {@link MAILED_COLUMNS}, as `m`. */
export const MAILED_BY = (row: string): string => `LEFT JOIN LATERAL (
       SELECT execution_id, profile_id AS mailed_profile_id, identity = '' AS mailed_to_erased FROM message
       WHERE month = ${row}.month AND id = ${row}.message_id OFFSET 0) m ON true`;

/**
 * What the message of a link tells, while it is kept: its execution, whom it went to, and whether they were erased since. Where it is
 * forgotten, the number in the link tells (`meant`).
 */
export const MAILED_COLUMNS = `m.execution_id, coalesce(m.mailed_profile_id, meant) AS mailed_profile_id,
       coalesce(m.mailed_to_erased, meant IS NOT NULL AND (SELECT id FROM profile WHERE id = meant) IS NULL) AS mailed_to_erased`;

/**
 * `profile_id` and `address_id` of a row with {@link SUBJECT_COLUMNS}, `sandbox_id` and {@link MAILED_COLUMNS}. A former Email
 * finds its person last. Where several share an Email, the message tells who was meant; if that one was erased, it is none
 * of the others.
 */
export const SUBJECT_OF = (row: string): string => `CASE WHEN ${row}.profile IS NULL THEN (
         SELECT i.profile_id FROM identity i JOIN profile p ON p.id = i.profile_id
         WHERE i.sandbox_id = ${row}.sandbox_id AND i.namespace_key = ${row}.namespace_key AND i.value = ${row}.identity
           AND ${row}.mailed_to_erased IS NOT TRUE
         ORDER BY i.profile_id IS NOT DISTINCT FROM ${row}.mailed_profile_id DESC, i.current DESC,
           lower(p.namespace) = i.namespace_key DESC, i.profile_id LIMIT 1)
       ELSE (SELECT p.id FROM profile p WHERE p.id = ${row}.profile AND p.sandbox_id = ${row}.sandbox_id) END AS profile_id,
       CASE WHEN ${row}.address IS NULL THEN (
         SELECT a.id FROM address a WHERE a.sandbox_id = ${row}.sandbox_id
           AND a.namespace_key = ${row}.address_namespace_key AND a.key = ${row}.address_key)
       ELSE (SELECT a.id FROM address a WHERE a.id = ${row}.address AND a.sandbox_id = ${row}.sandbox_id) END AS address_id`;

/** What the statements look for. */
export function subjectColumns(who: OptOutSubject): object {
  if (who.by === 'number') return { profile: who.profile, address: who.address };
  return {
    namespace_key: namespaceKey(who.namespace),
    identity: identityKey(who.namespace, who.id),
    meant: who.number,
    address_namespace_key: namespaceKey(who.addressNamespace),
    address_key: identityKey(who.addressNamespace, who.address),
  };
}

/**
 * Whether a subject that lacks rows has them now. Of who was erased none are made: they are out already. `returned` is the
 * profile that came after the erasure under the name of the link, for whom it then speaks. `renumbered`: the number in the link is
 * nobody's and was never erased, as after the restore of a backup; what it says counts without it.
 */
export type SubjectRows =
  | { readonly kind: 'created' | 'nobody' }
  | { readonly kind: 'renumbered'; readonly who: OptOutSubject }
  | { readonly kind: 'erased'; readonly returned: number | null };

const CAME_AFTER = prepared<{ readonly id: number }>(
  'came_after',
  `SELECT p.id FROM identity i JOIN profile p ON p.id = i.profile_id
   WHERE i.sandbox_id = $1 AND i.namespace_key = $2 AND i.value = $3 AND p.created_at > $4
   ORDER BY i.current DESC, p.id LIMIT 1`,
);

/** Creates the rows that a subject lacks. `nobody` can be created from numbers that mean nobody, or without an address. */
export async function createSubject(
  db: Db,
  who: OptOutSubject,
  { sandboxId, profileId, addressId }: FoundSubject,
): Promise<SubjectRows> {
  return db.transaction().execute(async (transaction) => {
    const named = namesOf(who);
    const { number, ...unnumbered } = who.by === 'identity' ? who : { ...who, number: undefined };
    const meant = number === undefined ? named.profile : numberName('profile', number);
    const names = [named.profile, named.address, meant];
    const tombstones = await findTombstones(transaction, sandboxId, names);
    if (profileId === null && number !== undefined && tombstones(meant) === null)
      return { kind: 'renumbered', who: unnumbered };
    const erased = profileId === null ? tombstones(named.profile) : null;
    if (erased !== null) {
      const { namespaceKey: namespace, value } = named.profile;
      const [after] = await run(transaction, CAME_AFTER, [sandboxId, namespace, value, erased.erasedAt]);
      return { kind: 'erased', returned: after?.id ?? null };
    }
    if (addressId === null && tombstones(named.address) !== null)
      return { kind: 'erased', returned: profileId };
    if (who.by !== 'identity' || who.address.trim() === '') return { kind: 'nobody' };
    await lockIdentities(transaction, sandboxId);
    const address = {
      namespace: storableText(who.addressNamespace.trim()),
      namespaceKey: named.address.namespaceKey,
      key: named.address.value,
      spelling: storableText(who.address.trim()),
    };
    await ensureAddresses(transaction, sandboxId, [address]);
    if (profileId === null) {
      const { namespace, id } = who;
      await planRecipients(transaction, sandboxId, [{ namespace, id, address: who.address.trim() }]);
    }
    return { kind: 'created' };
  });
}

/** What was found of a subject. */
export interface FoundSubject {
  readonly sandboxId: number;
  readonly profileId: number | null;
  readonly addressId: number | null;
}

function namesOf(who: OptOutSubject): { readonly profile: PersonName; readonly address: PersonName } {
  if (who.by === 'number') {
    return { profile: numberName('profile', who.profile), address: numberName('address', who.address) };
  }
  const name = (namespace: string, id: string) => ({
    namespaceKey: storableText(namespaceKey(namespace)),
    value: storableText(identityKey(namespace, id)),
  });
  return { profile: name(who.namespace, who.id), address: name(who.addressNamespace, who.address) };
}
