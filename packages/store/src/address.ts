/**
 * Addresses: finding their numbers, and creating the ones that are new.
 *
 * One rule: an address is one row per sandbox, namespace and comparison key, whoever uses it. Callers hold the
 * sandbox's identity lock.
 *
 * @module
 */
import type { Address } from '@adieu/core';
import { EMAIL_NAMESPACE, namespaceKey } from '@adieu/core';
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** An address on its way in. */
export interface NamedAddress {
  readonly namespace: string;
  readonly namespaceKey: string;
  readonly key: string;
  readonly spelling: string;
}

/** Numbers of addresses. Throws when asked for one that was not ensured. */
export type AddressNumbers = (address: NamedAddress) => number;

/** The first spelling of a key stays. */
const INSERT = prepared<never>(
  'insert_addresses',
  `INSERT INTO address (sandbox_id, namespace, namespace_key, key, spelling)
   SELECT DISTINCT ON (w.namespace_key, w.key) $1::integer, w.namespace, w.namespace_key, w.key, w.spelling
   FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY
     AS w (namespace, namespace_key, key, spelling, place)
   WHERE NOT EXISTS (SELECT FROM address a
     WHERE a.sandbox_id = $1 AND a.namespace_key = w.namespace_key AND a.key = w.key)
   ORDER BY w.namespace_key, w.key, w.place ON CONFLICT DO NOTHING`,
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
    await run(db, INSERT, [
      sandboxId,
      addresses.map((address) => address.namespace),
      namespaceKeys,
      keys,
      addresses.map((address) => address.spelling),
    ]);
    for (const row of await run(db, NUMBERS, [sandboxId, namespaceKeys, keys]))
      numbers.set(nameOf(row), row.id);
  }
  return (address) => {
    const number = numbers.get(nameOf(address));
    if (number === undefined) throw new Error('an address without a number');
    return number;
  };
}

function nameOf({ namespaceKey: namespace, key }: Pick<NamedAddress, 'namespaceKey' | 'key'>): string {
  return `${namespace}\0${key}`;
}
