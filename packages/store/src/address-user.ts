/**
 * Who uses an Email address: for somebody who writes from it and carries no token (MT-9).
 *
 * One rule: nobody is made. Who is not known here is for a person to look at.
 *
 * @module
 */
import { EMAIL_NAMESPACE, namespaceKey } from '@adieu/core';
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** A profile that uses the address. */
export interface AddressUser {
  readonly profileId: number;
  /** Null where nothing was ever sent there. */
  readonly addressId: number | null;
  /** When they themselves last said yes to email, to everything or to this address, or took such a no back; null: never. */
  readonly cameBackAt: Date | null;
}

/** Users of a page. */
const LIMIT = 100;

const FIND = prepared<AddressUser>(
  'find_address_users',
  `WITH place AS (
     SELECT s.id FROM organisation o JOIN sandbox s ON s.organisation_id = o.id AND s.name = $2 WHERE o.name = $1
   ), known AS (
     SELECT a.id FROM address a JOIN place ON a.sandbox_id = place.id WHERE a.namespace_key = $3 AND a.key = $4
   )
   SELECT u.profile_id AS "profileId", (SELECT id FROM known) AS "addressId", (SELECT max(h.at) FROM consent_history h
       WHERE h.profile_id = u.profile_id AND h.to_value NOT IN ('n', 'dn') AND h.source <> 'import'
         AND (h.scope = 'channel' AND h.channel IN ('email', 'any')
           OR h.scope = 'identity' AND h.channel = 'email' AND h.address_id = (SELECT id FROM known))) AS "cameBackAt"
   FROM (
     SELECT profile_id FROM profile_address WHERE address_id = (SELECT id FROM known)
     UNION SELECT i.profile_id FROM identity i JOIN place ON i.sandbox_id = place.id
     WHERE i.namespace_key = $3 AND i.value = $4
   ) u WHERE u.profile_id > $5 ORDER BY 1 LIMIT ${LIMIT}`,
);

/** The profiles that use an address, by its comparison key, a page at a time: a household as a rule, and everybody where it is more. */
export async function* findAddressUsers(
  db: Db,
  { organisation, sandbox }: { readonly organisation: string; readonly sandbox: string },
  key: string,
): AsyncGenerator<readonly AddressUser[]> {
  for (let after = 0; ; ) {
    const users = await run(db, FIND, [organisation, sandbox, namespaceKey(EMAIL_NAMESPACE), key, after]);
    const last = users.at(-1);
    if (last === undefined) return;
    yield users;
    after = last.profileId;
  }
}
