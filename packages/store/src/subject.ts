/**
 * Whose choice it is: from the names or the numbers of a token to the rows of a person and an address.
 *
 * One rule: every door finds its person by the same words, and who has no row gets one: a link that names a person
 * without a row (a database restored from before the mail) is as valid as any.
 *
 * @module
 */
import type { OptOutSubject } from '@adieu/core';
import { identityKey, namespaceKey } from '@adieu/core';
import { ensureAddresses } from './address.ts';
import type { Db } from './database.ts';
import { lockIdentities } from './identity.ts';
import { planRecipients } from './recipient-plan.ts';
import { storableText } from './storable.ts';

/** Declares the columns of {@link subjectColumns}, for `jsonb_to_recordset`. */
export const SUBJECT_COLUMNS = `profile bigint, namespace_key text, identity text, address bigint,
       address_namespace_key text, address_key text`;

/**
 * `profile_id` and `address_id` of a row with {@link SUBJECT_COLUMNS}, `sandbox_id` and `mailed_profile_id`. A former Email
 * finds its person last. Where several share an Email, the message tells who was meant.
 */
export const SUBJECT_OF = (row: string): string => `CASE WHEN ${row}.profile IS NULL THEN (
         SELECT i.profile_id FROM identity i JOIN profile p ON p.id = i.profile_id
         WHERE i.sandbox_id = ${row}.sandbox_id AND i.namespace_key = ${row}.namespace_key AND i.value = ${row}.identity
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
    address_namespace_key: namespaceKey(who.addressNamespace),
    address_key: identityKey(who.addressNamespace, who.address),
  };
}

/** Creates the rows that a subject lacks. False where nobody can be created: numbers that mean nobody, or no address. */
export async function createSubject(
  db: Db,
  who: OptOutSubject,
  found: { readonly sandboxId: number; readonly profileId: number | null },
): Promise<boolean> {
  if (who.by !== 'identity' || who.address.trim() === '') return false;
  const { sandboxId, profileId } = found;
  const address = {
    namespace: storableText(who.addressNamespace.trim()),
    namespaceKey: storableText(namespaceKey(who.addressNamespace)),
    key: storableText(identityKey(who.addressNamespace, who.address)),
    spelling: storableText(who.address.trim()),
  };
  await db.transaction().execute(async (transaction) => {
    await lockIdentities(transaction, sandboxId);
    await ensureAddresses(transaction, sandboxId, [address]);
    if (profileId === null) {
      const { namespace, id } = who;
      await planRecipients(transaction, sandboxId, [{ namespace, id, address: who.address.trim() }]);
    }
  });
  return true;
}
