/**
 * The suppression list and the allowed list of a sandbox, as they are written (X10, X11).
 *
 * One rule: an entry of an address and the standing version of that address change in one statement, so that an intent
 * to send either sees the entry or finds another version. Domains, and whether the allowed list is active, count from
 * the next claim. Writers hold the sandbox's identity lock, since the row of the address may have to be made.
 *
 * @module
 */
import type { DeliveryList, ListedKind, ListedValue, SuppressionReason } from '@adieu/core';
import { EMAIL_NAMESPACE, namespaceKey } from '@adieu/core';
import { type AddressNumbers, ensureAddresses, type NamedAddress } from './address.ts';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { lockIdentities } from './identity.ts';
import { withPartitions } from './partition.ts';
import type { Scope } from './scope.ts';
import { prepared, run } from './statement.ts';
import { keepStatistics } from './statistics.ts';
import { storableText } from './storable.ts';

/** An entry on its way in. */
export interface ListEntry extends ListedValue {
  readonly kind: ListedKind;
  readonly reason: SuppressionReason;
  readonly comment: string | null;
  /** Who says so, as the caller put it. */
  readonly author: string | null;
}

/** Entries for one list, and whether they come one by one or from another system. */
export interface ListWrite {
  readonly list: DeliveryList;
  readonly source: 'admin' | 'import';
  readonly entries: readonly ListEntry[];
}

interface Known {
  readonly kind: ListedKind;
  readonly key: string;
  readonly reason: SuppressionReason;
}

const EMAIL_KEY = namespaceKey(EMAIL_NAMESPACE);

const KNOWN = prepared<Known>(
  'known_entries',
  `SELECT l.kind, l.key, l.reason FROM unnest($3::text[], $4::text[]) AS g (kind, key)
   CROSS JOIN LATERAL (SELECT * FROM delivery_list
     WHERE sandbox_id = $1 AND list = $2 AND kind = g.kind AND key = g.key OFFSET 0) l`,
);

/**
 * Addresses are locked by id, as an opt-out and the intent do it, and every lock is held before anything is written.
 * The event is about people: an address that nobody is known to use has none.
 */
const WRITE = prepared<never>(
  'write_entries',
  `WITH addresses AS MATERIALIZED (
     SELECT a.id FROM address a WHERE a.id = ANY ($9::bigint[]) ORDER BY a.id FOR NO KEY UPDATE
   ), raised AS (
     UPDATE address a SET standing_version = a.standing_version + 1 FROM addresses l WHERE a.id = l.id
   ), written AS (
     INSERT INTO delivery_list (sandbox_id, list, kind, key, spelling, reason, comment, author)
     SELECT $1::integer, $2, g.* FROM unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
       AS g (kind, key, spelling, reason, comment, author)
     WHERE (SELECT count(*) FROM addresses) >= 0
     ON CONFLICT (sandbox_id, list, kind, key) DO UPDATE SET reason = EXCLUDED.reason, comment = EXCLUDED.comment,
       author = EXCLUDED.author
   )
   INSERT INTO event (month, sandbox_id, type, profile_id, source, code)
   SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date, $1::integer, 'suppressed', u.profile_id, $11, '050102'
   FROM unnest($10::bigint[]) AS n (address_id) JOIN profile_address u ON u.address_id = n.address_id`,
);

const REMOVE = prepared<{ readonly key: string }>(
  'remove_entry',
  `WITH removed AS (
     DELETE FROM delivery_list WHERE sandbox_id = $1 AND list = $2 AND kind = $3 AND key = $4 RETURNING kind, key
   ), raised AS (
     UPDATE address a SET standing_version = a.standing_version + 1 FROM removed r
     WHERE r.kind = 'email' AND a.sandbox_id = $1 AND a.namespace_key = $5 AND a.key = r.key
   )
   SELECT key FROM removed`,
);

/**
 * Puts entries (at most some thousands) on a list and answers for each, in order, whether it is new there. Repeating
 * changes nothing. A complaint gives way to any other reason, because it alone may be passed over; else the first stays.
 */
export async function putEntries(
  db: Db,
  scope: Scope,
  { list, source, entries }: ListWrite,
): Promise<boolean[]> {
  if (entries.length === 0) return [];
  const isNew = await withPartitions(db, () =>
    retrying(() =>
      db.transaction().execute(async (transaction) => {
        await lockIdentities(transaction, scope.sandboxId);
        // First the addresses: one that was erased brings its own entry back.
        const emails = entries.filter(({ kind }) => kind === 'email').map(addressOf);
        const number = await ensureAddresses(transaction, scope.sandboxId, emails);
        const { added, changed } = await compare(transaction, scope, { list, entries });
        await write(transaction, scope, { list, source, added, changed, number });
        return entries.map((entry) => added.has(entry));
      }),
    ),
  );
  await keepStatistics(db, ['delivery_list', 'address']);
  return isNew;
}

/** Tells what {@link putEntries} would answer, and writes nothing. */
export async function compareEntries(
  db: Db,
  scope: Scope,
  { list, entries }: Pick<ListWrite, 'list' | 'entries'>,
): Promise<boolean[]> {
  const { added } = await compare(db, scope, { list, entries });
  return entries.map((entry) => added.has(entry));
}

/** Takes an entry off a list; false when it was not on it. */
export async function removeEntry(
  db: Db,
  scope: Scope,
  { list, kind, key }: { readonly list: DeliveryList; readonly kind: ListedKind; readonly key: string },
): Promise<boolean> {
  const removed = await retrying(() =>
    db.transaction().execute(async (transaction) => {
      await lockIdentities(transaction, scope.sandboxId);
      return run(transaction, REMOVE, [scope.sandboxId, list, kind, key, EMAIL_KEY]);
    }),
  );
  return removed.length > 0;
}

interface Comparison {
  /** Not on the list yet; of those alike the first. */
  readonly added: ReadonlySet<ListEntry>;
  /** There because of a complaint, and now for a reason that nothing passes over. */
  readonly changed: ReadonlySet<ListEntry>;
}

async function compare(
  db: Db,
  scope: Scope,
  { list, entries }: Pick<ListWrite, 'list' | 'entries'>,
): Promise<Comparison> {
  const kinds = entries.map((entry) => entry.kind);
  const keys = entries.map((entry) => entry.key);
  const known = new Map<string, SuppressionReason>();
  for (const entry of await run(db, KNOWN, [scope.sandboxId, list, kinds, keys])) {
    known.set(nameOf(entry), entry.reason);
  }
  const added = new Map<string, ListEntry>();
  const changed = new Map<string, ListEntry>();
  for (const entry of entries) {
    const name = nameOf(entry);
    const reason = known.get(name);
    if (reason === undefined) {
      added.set(name, entry);
      known.set(name, entry.reason);
    } else if (reason === 'complaint' && entry.reason !== 'complaint') {
      changed.set(name, entry);
      known.set(name, entry.reason);
    }
  }
  return { added: new Set(added.values()), changed: new Set(changed.values()) };
}

async function write(
  db: Db,
  scope: Scope,
  {
    list,
    source,
    added,
    changed,
    number,
  }: Comparison & Pick<ListWrite, 'list' | 'source'> & { readonly number: AddressNumbers },
): Promise<void> {
  // One that was added and changed within this group is written once, as changed.
  const rows = [...new Map([...added, ...changed].map((entry) => [nameOf(entry), entry])).values()];
  if (rows.length === 0) return;
  const emails = rows.filter(({ kind }) => kind === 'email');
  const news = list === 'suppressed' ? [...added].filter(({ kind }) => kind === 'email') : [];
  await run(db, WRITE, [
    scope.sandboxId,
    list,
    rows.map((row) => row.kind),
    rows.map((row) => row.key),
    rows.map((row) => row.spelling),
    rows.map((row) => row.reason),
    rows.map((row) => (row.comment === null ? null : storableText(row.comment))),
    rows.map((row) => (row.author === null ? null : storableText(row.author))),
    emails.map((row) => number(addressOf(row))),
    news.map((row) => number(addressOf(row))),
    source,
  ]);
}

function addressOf({ key, spelling }: ListedValue): NamedAddress {
  return { namespace: EMAIL_NAMESPACE, namespaceKey: EMAIL_KEY, key, spelling };
}

function nameOf({ kind, key }: Pick<ListEntry, 'kind' | 'key'>): string {
  return `${kind} ${key}`;
}
