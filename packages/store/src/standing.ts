/**
 * The standing of a message: what profile, address and lists say about it, in the shape the gate asks for.
 *
 * One rule: whoever puts a message before the gate reads its standing here, in one statement with the versions that the
 * intent compares. An entry of a list and the version it raised are written together, so they are read together.
 *
 * @module
 */
import type {
  Address,
  AddressConsents,
  Consents,
  IdentityConsents,
  Listings,
  SandboxRules,
  Standing,
} from '@adieu/core';
import { EMAIL_NAMESPACE, namespaceKey } from '@adieu/core';
import type { Db } from './database.ts';
import type { Scope } from './scope.ts';
import { prepared, run } from './statement.ts';
import { addressOutSince, findTombstones } from './tombstone.ts';

/** What a standing is read as. */
export interface StandingRow extends Listings {
  readonly profileVersion: number;
  readonly addressVersion: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly consents: Consents;
  readonly addressConsents: AddressConsents;
}

/** One look into the primary key. As a scalar it is never turned into a hash of the whole list. */
const entry = (
  column: string,
  list: string,
  [sandbox, kind, key]: readonly [string, string, string],
): string =>
  `(SELECT ${column} FROM delivery_list WHERE sandbox_id = ${sandbox} AND list = '${list}' AND kind = '${kind}' AND key = ${key})`;

/** The columns of {@link Listings} for an address under its key. */
function listings(sandbox: string, key: string): string {
  const address = [sandbox, 'email', key] as const;
  const domain = [sandbox, 'domain', `split_part(${key}, '@', -1)`] as const;
  return `${entry('reason', 'suppressed', address)} AS suppressed,
     ${entry('true', 'suppressed', domain)} IS NOT NULL AS "domainSuppressed",
     coalesce(${entry('true', 'allowed', address)}, ${entry('true', 'allowed', domain)}, false) AS allowed`;
}

/** The columns of a {@link StandingRow}, beside {@link standingOfEach}. */
export const STANDING = `p.standing_version AS "profileVersion", a.standing_version AS "addressVersion", p.attributes, p.consents,
     coalesce(a.consents -> 'marketing', '{}') AS "addressConsents", ${listings('a.sandbox_id', 'a.key')}`;

/** Joins profile `p` and address `a` to rows that have `profile_id` and `address_id`. */
export const standingOfEach = (rows: string): string => `
   CROSS JOIN LATERAL (SELECT attributes, consents, standing_version FROM profile
     WHERE id = ${rows}.profile_id OFFSET 0) p
   CROSS JOIN LATERAL (SELECT sandbox_id, key, spelling, consents, standing_version FROM address
     WHERE id = ${rows}.address_id OFFSET 0) a`;

/** The first entry of a kind. In the order of the key, or a long list would be read from its beginning for it. */
const anyAllowed = (kind: string): string =>
  `(SELECT true FROM delivery_list WHERE sandbox_id = s.id AND list = 'allowed' AND kind = '${kind}' ORDER BY key LIMIT 1)`;

/** The columns of {@link SandboxRules} of sandbox `s`. */
export const SANDBOX_RULES = `s.strict, s.value_meanings AS meanings,
     coalesce((SELECT jsonb_agg(body || jsonb_build_object('id', id) ORDER BY id) FROM policy WHERE sandbox_id = s.id), '[]')
       AS policies, CASE WHEN NOT s.allowed_list_active THEN 'off'
     WHEN ${anyAllowed('email')} IS NULL AND ${anyAllowed('domain')} THEN 'domains' ELSE 'on' END AS "allowedList"`;

const RULES = prepared<SandboxRules>(
  'sandbox_rules',
  `SELECT ${SANDBOX_RULES} FROM sandbox s WHERE s.id = $1`,
);

const OF_ADDRESS = prepared<Listings & { readonly consents: IdentityConsents | null }>(
  'address_standing',
  `SELECT (SELECT consents FROM address WHERE sandbox_id = $1 AND namespace_key = $2 AND key = $3) AS consents, ${listings('$1', '$3')}`,
);

/** The gate's standing of what was read. */
export function standingOf(row: StandingRow, defaults: SandboxRules): Standing {
  const { consents, attributes, addressConsents, suppressed, domainSuppressed, allowed } = row;
  return {
    profile: consents,
    attributes,
    address: addressConsents,
    listings: { suppressed, domainSuppressed, allowed },
    defaults,
  };
}

/** What a sandbox makes of values that do not decide by themselves, and of addresses that are not on its allowed list. */
export async function sandboxRules(db: Db, scope: Scope): Promise<SandboxRules> {
  const [row] = await run(db, RULES, [scope.sandboxId]);
  if (row === undefined) throw new Error('a sandbox vanished');
  return row;
}

/** What was said about an Email address, by whomever, and what the lists say; also of one that nobody uses, or that was erased. */
export async function addressStanding(
  db: Db,
  scope: Scope,
  { key }: Address,
): Promise<Pick<Standing, 'address' | 'listings'>> {
  const name = { namespaceKey: namespaceKey(EMAIL_NAMESPACE), value: key };
  const [row] = await run(db, OF_ADDRESS, [scope.sandboxId, name.namespaceKey, key]);
  if (row === undefined) throw new Error('no answer');
  const { consents, ...listings } = row;
  if (consents !== null) return { address: consents.marketing ?? {}, listings };
  const tombstone = (await findTombstones(db, scope.sandboxId, [name]))(name);
  if (tombstone === null) return { address: {}, listings };
  // As it would stand there if it came back now.
  const suppressed = listings.suppressed ?? tombstone.suppressed;
  return { address: addressOutSince(tombstone), listings: { ...listings, suppressed } };
}
