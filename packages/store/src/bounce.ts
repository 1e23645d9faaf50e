/**
 * What bounces do to an address: hard ones suppress it at once, soft ones when there were too many in a row (X10).
 *
 * One rule: whoever counts has locked the address, since the entry and its standing version change together. What a relay took
 * may still come back, so a soft count begins anew only where a message was taken before the one that bounces and has not come
 * back itself.
 *
 * @module
 */
import type { SuppressionReason } from '@adieu/core';
import { EMAIL_NAMESPACE, namespaceKey } from '@adieu/core';
import type { Db } from './database.ts';
import { prepared, preparedMonthly, run } from './statement.ts';

/** Where a message went. */
export interface MessageRecipient {
  readonly addressId: number;
  readonly executionId: number | null;
}

/** One message that came back. */
export interface Bounce extends MessageRecipient {
  /** Null when it is not known any more. */
  readonly messageId: string | null;
  readonly kind: 'hard' | 'soft';
  /** Enhanced status code. */
  readonly status: string | null;
}

const EMAIL_KEY = namespaceKey(EMAIL_NAMESPACE);

const LOCK = preparedMonthly<MessageRecipient & { readonly id: string }>(
  'lock_recipients',
  (messages) => `WITH own AS MATERIALIZED (
     SELECT id, address_id, execution_id FROM ${messages} WHERE id = ANY ($1::uuid[]) AND address_id IS NOT NULL
   ), locked AS MATERIALIZED (
     SELECT a.id FROM address a WHERE a.id = ANY (ARRAY(SELECT address_id FROM own)) ORDER BY a.id FOR NO KEY UPDATE
   )
   SELECT o.id, o.address_id AS "addressId", o.execution_id AS "executionId" FROM own o JOIN locked l ON l.id = o.address_id`,
);

/** A complaint gives way to whatever nothing passes over; else the first reason stays. */
const SUPPRESS = prepared<{ readonly id: number }>(
  'suppress_addresses',
  `WITH given AS MATERIALIZED (
     SELECT DISTINCT ON (g.address_id) g.*, a.sandbox_id, a.key, a.spelling
     FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::bigint[], $5::text[])
       AS g (address_id, reason, message_id, execution_id, comment)
     JOIN address a ON a.id = g.address_id AND a.namespace_key = $6 ORDER BY g.address_id
   ), entry AS (
     INSERT INTO delivery_list (sandbox_id, list, kind, key, spelling, reason, comment)
     SELECT sandbox_id, 'suppressed', 'email', key, spelling, reason, comment FROM given ORDER BY sandbox_id, key
     ON CONFLICT (sandbox_id, list, kind, key) DO UPDATE SET reason = EXCLUDED.reason, comment = EXCLUDED.comment
       WHERE delivery_list.reason = 'complaint' AND EXCLUDED.reason <> 'complaint'
     RETURNING sandbox_id, key, xmax = 0 AS fresh
   ), raised AS (
     UPDATE address a SET standing_version = a.standing_version + 1
     FROM entry e JOIN given g ON g.sandbox_id = e.sandbox_id AND g.key = e.key WHERE a.id = g.address_id
   ), forgotten AS (
     DELETE FROM soft_bounce WHERE address_id = ANY ($1::bigint[])
   ), noted AS (
     INSERT INTO event (month, sandbox_id, type, message_id, execution_id, profile_id, source, code)
     SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date, g.sandbox_id, 'suppressed', g.message_id, g.execution_id,
       u.profile_id, CASE g.reason WHEN 'complaint' THEN 'complaint' END, '050102'
     FROM entry e JOIN given g ON g.sandbox_id = e.sandbox_id AND g.key = e.key
     JOIN profile_address u ON u.address_id = g.address_id WHERE e.fresh
   )
   SELECT address_id AS id FROM given`,
);

/** Of several messages of one address in a group, each is counted by itself. */
const COUNT = prepared<{ readonly full: boolean }>(
  'count_soft_bounce',
  `INSERT INTO soft_bounce AS b (address_id, count) SELECT $1::bigint, 1
   ON CONFLICT (address_id) DO UPDATE SET updated_at = now(),
     count = CASE WHEN coalesce(array_position(b.accepted, $2::uuid) > 1, cardinality(b.accepted) > 0) THEN 1
       ELSE b.count + 1 END,
     accepted = coalesce(b.accepted[array_position(b.accepted, $2::uuid) + 1:], '{}')
   RETURNING count >= (SELECT s.soft_bounce_threshold FROM address a JOIN sandbox s ON s.id = a.sandbox_id WHERE a.id = $1)
     AS full`,
);

/** Whom messages of one month (`YYYY-MM-01`) went to, with those addresses locked by id, as opt-outs and intents lock them. */
export async function lockRecipients(
  transaction: Db,
  month: string,
  messageIds: readonly string[],
): Promise<ReadonlyMap<string, MessageRecipient>> {
  const rows = await run(transaction, LOCK(month), [[...messageIds]]);
  return new Map(rows.map(({ id, ...recipient }) => [id, recipient]));
}

/** Counts bounces of addresses that the transaction has locked; answers the addresses that are suppressed because of them. */
export async function countBounces(
  transaction: Db,
  bounces: readonly Bounce[],
): Promise<ReadonlySet<number>> {
  const full: (Bounce & { readonly reason: SuppressionReason })[] = [];
  for (const bounce of bounces) {
    if (bounce.kind === 'hard') full.push({ ...bounce, reason: 'hard' });
  }
  for (const bounce of bounces) {
    if (bounce.kind === 'hard' || full.some(({ addressId }) => addressId === bounce.addressId)) continue;
    const [row] = await run(transaction, COUNT, [bounce.addressId, bounce.messageId]);
    if (row?.full === true) full.push({ ...bounce, reason: 'soft' });
  }
  return suppressAddresses(transaction, full);
}

/** What is put on the suppression list, and by which message. */
export interface Suppression extends MessageRecipient {
  readonly messageId: string | null;
  readonly reason: SuppressionReason;
  readonly status: string | null;
}

/** Puts locked addresses on the suppression list of their sandbox, and answers them. */
export async function suppressAddresses(
  transaction: Db,
  entries: readonly Suppression[],
): Promise<ReadonlySet<number>> {
  if (entries.length === 0) return new Set();
  const rows = await run(transaction, SUPPRESS, [
    entries.map(({ addressId }) => addressId),
    entries.map(({ reason }) => reason),
    entries.map(({ messageId }) => messageId),
    entries.map(({ executionId }) => executionId),
    entries.map(({ status }) => status),
    EMAIL_KEY,
  ]);
  return new Set(rows.map(({ id }) => id));
}
