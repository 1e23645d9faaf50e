/**
 * Addresses: finding their numbers, and creating the ones that are new.
 *
 * One rule: an address is one row per sandbox, namespace and comparison key, whoever uses it. Callers hold the
 * sandbox's identity lock. One that was erased comes back as it went: opted out, and suppressed if it was.
 *
 * @module
 */
import type { Address } from '@adieu/core';
import { EMAIL_NAMESPACE, namespaceKey } from '@adieu/core';
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';
import { addressOutSince, findTombstones } from './tombstone.ts';

/** An address on its way in. */
export interface NamedAddress {
  readonly namespace: string;
  readonly namespaceKey: string;
  readonly key: string;
  readonly spelling: string;
}

interface NewAddress {
  readonly id: number;
  readonly namespaceKey: string;
  readonly key: string;
  readonly spelling: string;
}

/** Numbers of addresses. Throws when asked for one that was not ensured. */
export type AddressNumbers = (address: NamedAddress) => number;

/** The first spelling of a key stays. */
const INSERT = prepared<NewAddress>(
  'insert_addresses',
  `INSERT INTO address (sandbox_id, namespace, namespace_key, key, spelling)
   SELECT DISTINCT ON (w.namespace_key, w.key) $1::integer, w.namespace, w.namespace_key, w.key, w.spelling
   FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
     AS w (namespace, namespace_key, key, spelling, place)
   WHERE NOT EXISTS (SELECT FROM address a
     WHERE a.sandbox_id = $1 AND a.namespace_key = w.namespace_key AND a.key = w.key)
   ORDER BY w.namespace_key, w.key, w.place ON CONFLICT DO NOTHING
   RETURNING id, namespace_key AS "namespaceKey", key, spelling`,
);

/** Nobody else sees these rows yet. */
const KEEP_OUT = prepared<never>(
  'keep_addresses_out',
  `WITH returned AS MATERIALIZED (
     SELECT * FROM unnest($2::bigint[], $3::jsonb[], $4::text[], $5::text[], $6::text[])
       AS r (id, consents, key, spelling, suppressed)
   ), listed AS (
     INSERT INTO delivery_list (sandbox_id, list, kind, key, spelling, reason)
     SELECT $1::integer, 'suppressed', 'email', key, spelling, suppressed FROM returned WHERE suppressed IS NOT NULL
     ON CONFLICT DO NOTHING
   )
   UPDATE address a SET consents = r.consents, standing_version = a.standing_version + 1
   FROM returned r WHERE a.id = r.id`,
);

const NUMBERS = prepared<{ readonly id: number; readonly namespaceKey: string; readonly key: string }>(
  'address_numbers',
  `SELECT a.id, a.namespace_key AS "namespaceKey", a.key
   FROM unnest($2::text[], $3::text[]) AS w (namespace_key, key)
   CROSS JOIN LATERAL (SELECT * FROM address
     WHERE sandbox_id = $1 AND namespace_key = w.namespace_key AND key = w.key OFFSET 0) a`,
);

/** An email address under its keys. */
export function nameAddress(address: Address): NamedAddress {
  return {
    namespace: EMAIL_NAMESPACE,
    namespaceKey: namespaceKey(EMAIL_NAMESPACE),
    key: address.key,
    spelling: address.spelling,
  };
}

/** Creates what is missing and answers the numbers of all. */
export async function ensureAddresses(
  db: Db,
  sandboxId: number,
  addresses: readonly NamedAddress[],
): Promise<AddressNumbers> {
  const namespaceKeys = addresses.map((address) => address.namespaceKey);
  const keys = addresses.map((address) => address.key);
  const numbers = new Map<string, number>();
  if (addresses.length > 0) {
    const created = await run(db, INSERT, [
      sandboxId,
      addresses.map((address) => address.namespace),
      namespaceKeys,
      keys,
      addresses.map((address) => address.spelling),
    ]);
    await keepOut(db, sandboxId, created);
    for (const row of await run(db, NUMBERS, [sandboxId, namespaceKeys, keys]))
      numbers.set(nameOf(row), row.id);
  }
  return (address) => {
    const number = numbers.get(nameOf(address));
    if (number === undefined) throw new Error('an address without a number');
    return number;
  };
}

async function keepOut(db: Db, sandboxId: number, created: readonly NewAddress[]): Promise<void> {
  const nameOfPerson = ({ namespaceKey, key }: NewAddress) => ({ namespaceKey, value: key });
  const tombstones = await findTombstones(db, sandboxId, created.map(nameOfPerson));
  const returned = created.flatMap((address) => {
    const tombstone = tombstones(nameOfPerson(address));
    return tombstone === null ? [] : [{ ...address, tombstone }];
  });
  if (returned.length === 0) return;
  await run(db, KEEP_OUT, [
    sandboxId,
    returned.map(({ id }) => id),
    returned.map(({ tombstone }) => JSON.stringify({ marketing: addressOutSince(tombstone) })),
    returned.map(({ key }) => key),
    returned.map(({ spelling }) => spelling),
    returned.map(({ tombstone }) => tombstone.suppressed),
  ]);
}

function nameOf({ namespaceKey: namespace, key }: Pick<NamedAddress, 'namespaceKey' | 'key'>): string {
  return `${namespace}\0${key}`;
}
