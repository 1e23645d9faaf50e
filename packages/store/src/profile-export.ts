/**
 * Everything that is held about a person, as one JSON document (X13).
 *
 * One rule: it comes in pieces, and no statement reads more than a page, so that neither memory nor a long ledger keeps
 * anybody from their data. Of whoever shares an address it holds nothing but what was said of the address. Who asked is written
 * down before the first piece.
 *
 * @module
 */
import { identityKey, namespaceKey } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { isMeant } from './erased-executions.ts';
import { everyMonth } from './erased-messages.ts';
import type { Recipient } from './execution.ts';
import { nameOf } from './identity.ts';
import type { StoredProfile } from './profile.ts';
import { profileConsents } from './profile.ts';
import type { Scope } from './scope.ts';
import { prepared, preparedMonthly, run } from './statement.ts';
import { hashOfName } from './tombstone.ts';

/** Whose data, and who asks. */
export interface ExportRequest {
  readonly profile: StoredProfile;
  readonly apiKeyId: string;
}

interface JsonRow {
  readonly item: unknown;
}

interface EventPage {
  readonly found: readonly unknown[] | null;
  readonly txid: string | null;
  readonly id: number | null;
}

/** Events are in the order of time, not of people. */
const EVENT_PAGE = 200_000;

const iso = (column: string): string =>
  `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

interface IdentityRow extends JsonRow {
  readonly namespaceKey: string;
  readonly value: string;
  /** What it names is not this person alone. */
  readonly shared: boolean;
}

const IDENTITIES = prepared<IdentityRow>(
  'export_identities',
  `SELECT i.namespace_key AS "namespaceKey", i.value,
     EXISTS (SELECT FROM identity o WHERE o.sandbox_id = i.sandbox_id AND o.namespace_key = i.namespace_key
       AND o.value = i.value AND o.profile_id <> $1)
     OR EXISTS (SELECT FROM address a JOIN profile_address o ON o.address_id = a.id AND o.profile_id <> $1
       WHERE a.sandbox_id = i.sandbox_id AND a.namespace_key = i.namespace_key AND a.key = i.value) AS shared,
     jsonb_build_object('namespace', i.namespace, 'id', i.spelling, 'current', i.current) AS item
   FROM identity i WHERE (i.profile_id = $1 AND i.current) OR (i.profile_id = $1 AND NOT i.current)
   ORDER BY i.namespace_key, i.current DESC`,
);

const ADDRESSES = prepared<JsonRow>(
  'export_addresses',
  `SELECT jsonb_build_object('namespace', a.namespace, 'address', a.spelling, 'consents', a.consents, 'alsoUsedByOthers',
     EXISTS (SELECT FROM profile_address o WHERE o.address_id = a.id AND o.profile_id <> $1)) AS item
   FROM profile_address u JOIN address a ON a.id = u.address_id WHERE u.profile_id = $1 ORDER BY a.id`,
);

const ENTRIES = prepared<JsonRow>(
  'export_entries',
  `SELECT jsonb_strip_nulls(jsonb_build_object('list', l.list, 'address', l.spelling, 'reason', l.reason, 'comment', l.comment,
     'author', l.author, 'since', ${iso('l.created_at')})) AS item
   FROM profile_address u JOIN address a ON a.id = u.address_id
   JOIN delivery_list l ON l.sandbox_id = a.sandbox_id AND l.list IN ('suppressed', 'allowed') AND l.kind = 'email' AND l.key = a.key
   WHERE u.profile_id = $1 AND a.namespace_key = 'email' ORDER BY l.list, l.key`,
);

const SOFT_BOUNCES = prepared<JsonRow>(
  'export_soft_bounces',
  `SELECT jsonb_build_object('address', a.spelling, 'count', b.count, 'since', ${iso('b.updated_at')}) AS item
   FROM profile_address u JOIN address a ON a.id = u.address_id JOIN soft_bounce b ON b.address_id = a.id
   WHERE u.profile_id = $1 ORDER BY a.id`,
);

/** What the person wrote; mails of others that name them are others' words. */
const REVIEWS = prepared<JsonRow>(
  'export_reviews',
  `SELECT jsonb_strip_nulls(jsonb_build_object('receivedAt', ${iso('r.received_at')}, 'recipient', r.recipient, 'from', r.sender,
     'subject', r.subject, 'source', r.source)) AS item
   FROM review_mail r WHERE r.sandbox_id = (SELECT sandbox_id FROM profile WHERE id = $1) AND EXISTS (
     SELECT FROM profile_address u JOIN address a ON a.id = u.address_id
     WHERE u.profile_id = $1 AND a.namespace_key = 'email' AND strpos(lower(r.sender), a.key) > 0) ORDER BY r.id`,
);

const SUBSCRIPTIONS = prepared<JsonRow>(
  'export_lists',
  `SELECT jsonb_strip_nulls(jsonb_build_object('channel', c.key, 'list', s.key, 'title', l.title, 'state', s.value)) AS item
   FROM profile p CROSS JOIN LATERAL jsonb_each(coalesce(p.consents -> 'marketing', '{}')) c
   CROSS JOIN LATERAL jsonb_each(coalesce(c.value -> 'subscriptions', '{}')) s
   LEFT JOIN list l ON l.sandbox_id = p.sandbox_id AND l.name = s.key WHERE p.id = $1 ORDER BY c.key, s.key`,
);

const HISTORY = prepared<JsonRow>(
  'export_history',
  `SELECT jsonb_strip_nulls(jsonb_build_object('at', ${iso('h.at')}, 'recordedAt', ${iso('h.recorded_at')}, 'scope', h.scope,
     'channel', h.channel, 'address', a.spelling, 'list', h.list, 'from', h.from_value, 'to', h.to_value, 'source', h.source,
     'messageId', o.message_id, 'executionId', o.execution_id::text, 'reference', o.reference)) AS item
   FROM consent_history h LEFT JOIN LATERAL (SELECT h.message_id, h.execution_id, h.reference WHERE h.profile_id = $1) o ON true LEFT JOIN address a ON a.id = h.address_id
   WHERE h.profile_id = $1 OR (h.scope = 'identity'
     AND h.address_id IN (SELECT address_id FROM profile_address WHERE profile_id = $1)) ORDER BY h.id`,
);

const WAITING = prepared<{
  readonly id: number;
  readonly requestId: string;
  readonly recipients: readonly (Recipient | null)[];
}>(
  'export_waiting',
  `SELECT id, request_id AS "requestId", recipients FROM execution
   WHERE sandbox_id = $1 AND expanded_at IS NULL AND recipients IS NOT NULL ORDER BY id`,
);

/** Finds them as an erasure does. */
const MESSAGES = preparedMonthly<JsonRow>(
  'export_messages',
  (messages) => `WITH RECURSIVE execution_of AS (
     (SELECT execution_id AS id FROM ${messages} ORDER BY execution_id LIMIT 1)
     UNION ALL SELECT (SELECT m.execution_id FROM ${messages} m WHERE m.execution_id > e.id ORDER BY m.execution_id LIMIT 1)
     FROM execution_of e WHERE e.id IS NOT NULL
   )
   SELECT jsonb_strip_nulls(jsonb_build_object('messageId', m.id, 'executionId', m.execution_id::text, 'requestId', x.request_id,
     'campaignId', x.campaign_id, 'template', x.template_id, 'channelConfiguration', x.configuration_name, 'namespace', m.namespace,
     'id', m.identity, 'address', a.spelling, 'context', m.context, 'state', m.state, 'code', m.code, 'attempts', m.attempts,
     'reply', m.reply, 'firstAttemptAt', ${iso('m.first_attempt_at')}, 'updatedAt', ${iso('m.updated_at')})) AS item
   FROM execution_of e CROSS JOIN LATERAL (SELECT * FROM ${messages} WHERE execution_id = e.id AND profile_id = $1 OFFSET 0) m
   LEFT JOIN execution x ON x.id = m.execution_id LEFT JOIN address a ON a.id = m.address_id ORDER BY m.id`,
);

const EVENTS = preparedMonthly<EventPage>(
  'export_events',
  (_, events) => `WITH page AS MATERIALIZED (
     SELECT txid, id, type, at, message_id, execution_id, profile_id, source, code FROM ${events}
     WHERE (txid, id) > ($2::text::xid8, $3::bigint) ORDER BY txid, id LIMIT ${EVENT_PAGE}
   ), last AS (SELECT txid, id FROM page ORDER BY txid DESC, id DESC LIMIT 1)
   SELECT (SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('type', type, 'at', ${iso('at')}, 'messageId', message_id,
       'executionId', execution_id::text, 'source', source, 'code', code)) ORDER BY txid, id) FROM page WHERE profile_id = $1) AS found,
     (SELECT txid::text FROM last) AS txid, (SELECT id FROM last) AS id`,
);

/** Writes the export down and answers the document in pieces. */
export async function exportProfile(
  db: Db,
  scope: Scope,
  { profile, apiKeyId }: ExportRequest,
): Promise<AsyncGenerator<string>> {
  const identities = await run(db, IDENTITIES, [profile.id]);
  const { namespace, identity } = profile;
  const name = { namespaceKey: namespaceKey(namespace), value: identityKey(namespace, identity) };
  await db
    .insertInto('privacy_audit')
    .values({
      sandbox_id: scope.sandboxId,
      act: 'export',
      subject: hashOfName(db, scope.sandboxId, name),
      api_key_id: apiKeyId,
    })
    .execute();
  return pieces(db, scope, { profile, identities });
}

async function* pieces(
  db: Db,
  scope: Scope,
  {
    profile,
    identities,
  }: {
    readonly profile: StoredProfile;
    readonly identities: readonly IdentityRow[];
  },
): AsyncGenerator<string> {
  const { organisation, sandbox, sandboxId } = scope;
  const head = {
    exportedAt: new Date().toISOString(),
    organisation,
    sandbox,
    attributes: profile.attributes,
    consents: profileConsents(profile),
    identities: identities.map(({ item }) => item),
  };
  yield JSON.stringify(head).slice(0, -1);
  for (const [name, statement] of [
    ['addresses', ADDRESSES],
    ['listEntries', ENTRIES],
    ['softBounces', SOFT_BOUNCES],
    ['inboundMail', REVIEWS],
    ['lists', SUBSCRIPTIONS],
    ['history', HISTORY],
  ] as const) {
    const rows = await run(db, statement, [profile.id]);
    yield `,"${name}":${JSON.stringify(rows.map(({ item }) => item))}`;
  }
  const names = new Set(identities.filter(({ shared }) => !shared).map(nameOf));
  const waiting = (await run(db, WAITING, [sandboxId])).flatMap(({ id, requestId, recipients }) => {
    const own = recipients.filter((recipient) => isMeant(recipient, { names, ids: new Set() }));
    return own.length === 0 ? [] : [{ executionId: String(id), requestId, recipients: own }];
  });
  yield `,"waiting":${JSON.stringify(waiting)}`;
  const months = await everyMonth(db);
  yield* array('messages', messages(db, profile.id, months));
  yield* array('events', events(db, profile.id, months));
  yield '}\n';
}

async function* messages(db: Db, profileId: number, months: readonly string[]): AsyncGenerator<unknown> {
  for (const month of months) for (const { item } of await run(db, MESSAGES(month), [profileId])) yield item;
}

async function* events(db: Db, profileId: number, months: readonly string[]): AsyncGenerator<unknown> {
  for (const month of months) {
    if (!(await hasEvents(db, month))) continue;
    let after: Pick<EventPage, 'txid' | 'id'> = { txid: '0', id: 0 };
    while (after.txid !== null) {
      const [page] = await run(db, EVENTS(month), [profileId, after.txid, after.id]);
      yield* page?.found ?? [];
      after = { txid: page?.txid ?? null, id: page?.id ?? null };
    }
  }
}

async function hasEvents(db: Db, month: string): Promise<boolean> {
  const name = `event_${month.slice(0, 7).replace('-', '_')}`;
  const { rows } = await sql<{ there: boolean }>`SELECT to_regclass(${name}) IS NOT NULL AS there`.execute(
    db,
  );
  return rows[0]?.there ?? false;
}

async function* array(name: string, items: AsyncIterable<unknown>): AsyncGenerator<string> {
  yield `,"${name}":[`;
  let between = '';
  for await (const item of items) {
    yield `${between}${JSON.stringify(item)}`;
    between = ',\n';
  }
  yield ']';
}
