/**
 * What an import or an act changed in somebody's consents, as rows of the history.
 *
 * One rule: evidence is about values, and core says of which (`consent-evidence.ts`). A new time or reason beside the same value
 * is no change; what was never said is `u`.
 *
 * @module
 */
import type { AddressConsents, Consents, ConsentValue, OptOutScope, OptOutSource } from '@adieu/core';
import { eventOfChoice, MARKETING_CHANNELS, subscriptionValue } from '@adieu/core';
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** One value that changed. */
export interface ConsentTransition {
  readonly scope: OptOutScope;
  readonly channel: string;
  readonly list: string | null;
  readonly from: ConsentValue;
  readonly to: ConsentValue;
}

/** A transition and whose it is. */
export interface OwnedTransition extends ConsentTransition {
  readonly profileId: number | null;
  readonly addressId: number | null;
}

/** How a change came about. */
export interface Evidence {
  readonly sandboxId: number;
  readonly source: OptOutSource;
  /** Default: now, by the database's clock. */
  readonly at?: Date | undefined;
  readonly messageId?: string | undefined;
  readonly executionId?: number | undefined;
  /** Of the message's events, as `YYYY-MM-01`; default: this month. */
  readonly month?: string | undefined;
  readonly fingerprint?: string | undefined;
  readonly reference?: string | undefined;
}

const WITH_LISTS = ['email', 'sms', 'push', 'whatsApp'] as const;

const APPEND = prepared<never>(
  'append_history',
  `WITH change AS MATERIALIZED (
     SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
       WITH ORDINALITY AS c (profile_id, address_id, scope, channel, list, from_value, to_value, event, place)
   ), noted AS (
     INSERT INTO event (month, sandbox_id, type, at, message_id, execution_id, profile_id, source)
     SELECT coalesce($14::date, date_trunc('month', now() AT TIME ZONE 'UTC')::date), $1::integer, event,
       coalesce($11::timestamptz, now()), $12::uuid, $13::bigint, profile_id, $10::text
     FROM change WHERE event IS NOT NULL ORDER BY place
   )
   INSERT INTO consent_history (sandbox_id, profile_id, address_id, at, scope, channel, list, from_value, to_value, source,
     message_id, execution_id, fingerprint, reference)
   SELECT $1::integer, profile_id, address_id, coalesce($11::timestamptz, now()), scope, channel, list, from_value, to_value,
     $10::text, $12::uuid, $13::bigint, $15::text, $16::text
   FROM change ORDER BY place`,
);

/** What changed in a profile's own consents. */
export function profileTransitions(before: Consents, after: Consents): ConsentTransition[] {
  const said = MARKETING_CHANNELS.flatMap((channel) =>
    transition('channel', channel, before.marketing?.[channel]?.val, after.marketing?.[channel]?.val),
  );
  const content = transition(
    'channel',
    'personalize',
    before.personalize?.content?.val,
    after.personalize?.content?.val,
  );
  const lists = WITH_LISTS.flatMap((channel) => subscriptionTransitions(channel, before, after));
  return [...said, ...lists, ...content];
}

/** What changed in the consents of one address. */
export function addressTransitions(before: AddressConsents, after: AddressConsents): ConsentTransition[] {
  return WITH_LISTS.flatMap((channel) =>
    transition('identity', channel, before[channel]?.val, after[channel]?.val),
  );
}

/** Appends transitions to the history, with events for those that stop email or allow it. */
export async function appendTransitions(
  db: Db,
  transitions: readonly OwnedTransition[],
  evidence: Evidence,
): Promise<void> {
  if (transitions.length === 0) return;
  const { sandboxId, source, at, messageId, executionId, month, fingerprint, reference } = evidence;
  await run(db, APPEND, [
    sandboxId,
    transitions.map((change) => change.profileId),
    transitions.map((change) => change.addressId),
    transitions.map((change) => change.scope),
    transitions.map((change) => change.channel),
    transitions.map((change) => change.list),
    transitions.map((change) => change.from),
    transitions.map((change) => change.to),
    transitions.map((change) => eventOf(change, source)),
    source,
    at?.toISOString() ?? null,
    messageId ?? null,
    executionId ?? null,
    month ?? null,
    fingerprint ?? null,
    reference ?? null,
  ]);
}

function subscriptionTransitions(
  channel: (typeof WITH_LISTS)[number],
  before: Consents,
  after: Consents,
): ConsentTransition[] {
  const lists = after.marketing?.[channel]?.subscriptions ?? {};
  const former = before.marketing?.[channel]?.subscriptions ?? {};
  return Object.entries(lists).flatMap(([list, state]) => {
    const was = Object.hasOwn(former, list) ? former[list] : undefined;
    return transition('subscription', channel, subscriptionValue(was), subscriptionValue(state), list);
  });
}

function transition(
  scope: OptOutScope,
  channel: string,
  before: ConsentValue | undefined,
  after: ConsentValue | undefined,
  list: string | null = null,
): ConsentTransition[] {
  const [from, to] = [before ?? 'u', after ?? 'u'];
  return from === to ? [] : [{ scope, channel, list, from, to }];
}

/** Events are about email. */
function eventOf(
  { channel, from, to }: ConsentTransition,
  source: OptOutSource,
): 'opted_out' | 'opted_in' | null {
  return channel === 'email' || channel === 'any' ? eventOfChoice({ from, to, source }) : null;
}
