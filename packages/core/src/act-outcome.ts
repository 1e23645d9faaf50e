/**
 * What an act makes of what was known about a person. Pure: the caller has locked what it hands in.
 *
 * The rule: a no always counts. Whatever is not a no lifts an older no of exactly its scope, but never a complaint, never an
 * erasure, and never a no that is newer than the act (C9), or than what the act takes back. A no that is said again is as new as its newest time.
 *
 * @module
 */
import type { ActReceipt, Change, Kept } from './act.ts';
import type { ConsentField, Consents, ConsentValue, IdentityConsents, Subscription } from './consent.ts';
import { isNo, saidAt, subscriptionValue } from './consent.ts';
import type { OptOutSource } from './optout.ts';

/** What was said by the person, and about the address that an act names. */
export interface ActState {
  /** Without `idSpecific`. */
  readonly consents: Consents;
  readonly address: IdentityConsents;
}

/** How the no that stands came about. */
export interface LastNo {
  readonly source: OptOutSource;
  readonly at: Date;
}

/** What keeps a no from being lifted. */
export interface Bars {
  /** The person was erased, and only their no is kept. */
  readonly erased: boolean;
  /** The address is on the suppression list because of a complaint. */
  readonly complained: boolean;
  /** The newest no about the same thing in the history; null when there is none. */
  readonly lastNo: (change: Change) => LastNo | null;
}

/** The state afterwards, and what became of each change. */
export interface ActOutcome extends Omit<ActReceipt, 'known'> {
  readonly state: ActState;
}

/** A choice as it stands, wherever it is kept. */
interface Stated {
  readonly value: ConsentValue;
  /** ISO 8601: since when. */
  readonly time: string | undefined;
  readonly reason: string | undefined;
}

/** When an act was said, what it takes back, what keeps it from lifting a no, and what time it is. */
interface Hearing {
  readonly at: Date;
  readonly undoes?: Date | undefined;
  readonly bars: Bars;
  readonly now: Date;
}

/** Applies changes in order. Nothing that is given is changed. */
export function applyAct(state: ActState, changes: readonly Change[], hearing: Hearing): ActOutcome {
  const time = hearing.at.toISOString();
  const changed: Change[] = [];
  const kept: (Change & { readonly why: Kept })[] = [];
  let now = state;
  for (const change of changes) {
    const stated = read(now, change);
    if (says(stated.value, change.to)) {
      // Everything about it stays, its reason too: it is only newer.
      if (isNo(change.to) && isLater(hearing, stated)) now = write(now, change, { ...stated, time });
      continue;
    }
    const why = isNo(stated.value) && !isNo(change.to) ? barOf(change, stated, hearing) : null;
    if (why !== null) {
      kept.push({ ...change, why });
      continue;
    }
    now = write(now, change, { value: change.to, time, reason: undefined });
    changed.push(change);
  }
  return { state: now, changed, kept };
}

/** Whether a value says already what is to be said: a no by default adds nothing to a no. */
function says(value: ConsentValue, to: ConsentValue): boolean {
  return value === to || (value === 'n' && to === 'dn');
}

function barOf(change: Change, stated: Stated, { at, undoes, bars, now }: Hearing): Kept | null {
  if (bars.erased) return 'erasure';
  const last = bars.lastNo(change);
  const byMail = change.scope !== 'channel' || change.channel === 'email';
  if (last?.source === 'complaint' || (byMail && bars.complained)) return 'complaint';
  // Where its time tells nothing, what was recorded counts.
  const said = saidAt(stated.time, now) ?? last?.at.getTime() ?? Date.parse(stated.time ?? '');
  const isUndone = undoes === undefined || !(said > undoes.getTime());
  return said >= at.getTime() || !isUndone ? 'newer' : null;
}

/** Whether a no is newer than the one that stands. */
function isLater({ at, now }: Hearing, { time }: Stated): boolean {
  return at.getTime() > (saidAt(time, now) ?? Number.NEGATIVE_INFINITY);
}

function read({ consents, address }: ActState, change: Change): Stated {
  const { scope, channel, list } = change;
  if (scope === 'subscription') {
    const found = subscriptionOf(consents, list ?? '');
    return { value: subscriptionValue(found) ?? 'u', time: found?.end ?? found?.time, reason: found?.reason };
  }
  const field = scope === 'identity' ? address.marketing?.email : fieldOf(consents, channel);
  return { value: field?.val ?? 'u', time: field?.time, reason: field?.reason };
}

function fieldOf(consents: Consents, channel: Change['channel']): Partial<ConsentField> | undefined {
  return channel === 'personalize' ? consents.personalize?.content : consents.marketing?.[channel];
}

/** Own properties only: a list may be called `constructor`. */
function subscriptionOf(consents: Consents, list: string): Subscription | undefined {
  const lists = consents.marketing?.email?.subscriptions;
  return lists !== undefined && Object.hasOwn(lists, list) ? lists[list] : undefined;
}

function write(
  { consents, address }: ActState,
  change: Change,
  said: Stated & { readonly time: string },
): ActState {
  const { scope, channel, list = '' } = change;
  const { value, time, reason } = said;
  const choice: ConsentField = { val: value, time, ...(reason === undefined ? {} : { reason }) };
  if (scope === 'identity') {
    return { consents, address: { ...address, marketing: { ...address.marketing, email: choice } } };
  }
  if (channel === 'personalize') {
    return { consents: { ...consents, personalize: { ...consents.personalize, content: choice } }, address };
  }
  const { marketing = {} } = consents;
  const { email = {} } = marketing;
  if (scope === 'subscription') {
    const subscription = subscribed(subscriptionOf(consents, list) ?? {}, value, time);
    const subscriptions = { ...email.subscriptions, [list]: subscription };
    return {
      consents: { ...consents, marketing: { ...marketing, email: { ...email, subscriptions } } },
      address,
    };
  }
  const { reason: _, ...rest }: Partial<ConsentField> = marketing[channel] ?? {};
  return {
    consents: { ...consents, marketing: { ...marketing, [channel]: { ...rest, ...choice } } },
    address,
  };
}

/** Who leaves keeps the traces of having been there; who joins starts anew. */
function subscribed(known: Subscription, to: ConsentValue, time: string): Subscription {
  if (isNo(to)) return { ...known, end: time };
  const { end: _, val: __, time: ___, reason: ____, ...rest } = known;
  return { ...rest, start: time, ...(to === 'y' ? {} : { val: to, time }) };
}
