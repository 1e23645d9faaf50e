/**
 * What an import changed in somebody's consents, as rows of the history.
 *
 * One rule: evidence is about values. A new time or reason beside the same value is no change; what was never said
 * is `u`.
 *
 * @module
 */
import type { AddressConsents, Consents, ConsentValue, OptOutScope, Subscription } from '@adieu/core';
import { isEnded, isNo } from '@adieu/core';
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
export interface ImportedTransition extends ConsentTransition {
  readonly profileId: number;
  readonly addressId: number | null;
}

const CHANNELS = [
  'any',
  'email',
  'sms',
  'push',
  'whatsApp',
  'call',
  'fax',
  'commercialEmail',
  'postalMail',
] as const;
const WITH_LISTS = ['email', 'sms', 'push', 'whatsApp'] as const;

const APPEND = prepared<never>(
  'append_import_history',
  `WITH change AS MATERIALIZED (
     SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::boolean[])
       WITH ORDINALITY AS c (profile_id, address_id, scope, channel, list, from_value, to_value, opted_out, place)
   ), noted AS (
     INSERT INTO event (month, sandbox_id, type, profile_id, source)
     SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date, $1::integer, 'opted_out', profile_id, 'import'
     FROM change WHERE opted_out ORDER BY place
   )
   INSERT INTO consent_history (sandbox_id, profile_id, address_id, at, scope, channel, list, from_value, to_value, source)
   SELECT $1::integer, profile_id, address_id, now(), scope, channel, list, from_value, to_value, 'import'
   FROM change ORDER BY place`,
);

/** What changed in a profile's own consents. */
export function profileTransitions(before: Consents, after: Consents): ConsentTransition[] {
  const said = CHANNELS.flatMap((channel) =>
    transition('channel', channel, before.marketing?.[channel]?.val, after.marketing?.[channel]?.val),
  );
  return [...said, ...WITH_LISTS.flatMap((channel) => subscriptionTransitions(channel, before, after))];
}

/** What changed in the consents of one address. */
export function addressTransitions(before: AddressConsents, after: AddressConsents): ConsentTransition[] {
  return WITH_LISTS.flatMap((channel) =>
    transition('identity', channel, before[channel]?.val, after[channel]?.val),
  );
}

/** Appends transitions to the history, with events for those that stop email. */
export async function appendTransitions(
  db: Db,
  sandboxId: number,
  transitions: readonly ImportedTransition[],
): Promise<void> {
  if (transitions.length === 0) return;
  const parameters = [
    sandboxId,
    transitions.map((change) => change.profileId),
    transitions.map((change) => change.addressId),
    transitions.map((change) => change.scope),
    transitions.map((change) => change.channel),
    transitions.map((change) => change.list),
    transitions.map((change) => change.from),
    transitions.map((change) => change.to),
    transitions.map((change) => stopsEmail(change)),
  ];
  await run(db, APPEND, parameters);
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

function subscriptionValue(subscription: Subscription | undefined): ConsentValue | undefined {
  if (subscription === undefined) return undefined;
  return isEnded(subscription) ? 'n' : (subscription.val ?? 'y');
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

function stopsEmail({ channel, from, to }: ConsentTransition): boolean {
  return (channel === 'email' || channel === 'any') && isNo(to) && !isNo(from);
}
