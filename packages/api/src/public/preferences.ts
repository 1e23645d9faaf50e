/**
 * What a preference centre shows as on or off, and what a person changed between what was shown and what was sent.
 *
 * Only the difference counts. What was changed elsewhere meanwhile is never turned back, what was not shown is never
 * touched, and a no is lifted by nothing but a tick that was set here. Pure.
 *
 * @module
 */
import { createHash } from 'node:crypto';
import {
  allowsSending,
  CHOICE_SUBJECTS,
  type Change,
  type ConsentValue,
  isEnded,
  isNo,
  type Subscription,
} from '@adieu/core';
import type { PersonChoices, ShownList } from '@adieu/store';
import type { OfferedChannel } from './brand.ts';

/** What one tick is about. `address`: mail to the link's own address, where that was refused. */
export type Subject =
  | { readonly kind: 'channel'; readonly channel: OfferedChannel }
  | { readonly kind: 'address' }
  /** `known`: nobody joins a list that is not there, but everybody leaves one. */
  | { readonly kind: 'list'; readonly list: ShownList; readonly known: boolean }
  | { readonly kind: 'personalize' };

/** One tick. */
export interface Preference {
  /** Name of its field. */
  readonly key: string;
  readonly subject: Subject;
  readonly on: boolean;
}

/** Everything a person can choose. */
export interface Preferences {
  /** The person has stopped all marketing: every channel is off, whatever was said of it. */
  readonly leftAll: boolean;
  /** What was said of everything; `u` for nothing. */
  readonly everything: ConsentValue;
  readonly items: readonly Preference[];
}

/** States by key, as they were shown. */
export type Shown = ReadonlyMap<string, boolean>;

/** The key of "all marketing" among what was shown. */
export const EVERYTHING = 'any';

/** The longest honest one: 1,000 lists and some channels. */
const SHOWN_LIMIT = 16_384;
const SHOWN = /^[A-Za-z0-9]{1,20}-[01]$/;

/** What a person can choose, and how it stands. */
export function preferencesOf(choices: PersonChoices, offered: readonly OfferedChannel[]): Preferences {
  const everything = choices.consents.marketing?.any?.val ?? 'u';
  const leftAll = isNo(everything);
  const channels = [...new Set<OfferedChannel>(['email', ...offered])];
  const refused = isNo(choices.address.email?.val);
  return {
    leftAll,
    everything,
    items: [
      ...channels.map((channel) => ({
        key: channel,
        subject: { kind: 'channel', channel } as const,
        on: !leftAll && isChannelOn(choices, channel),
      })),
      ...(refused ? [{ key: 'address', subject: { kind: 'address' } as const, on: false }] : []),
      ...listsOf(choices),
      {
        key: 'personalize',
        subject: { kind: 'personalize' },
        on: !isNo(choices.consents.personalize?.content?.val),
      },
    ],
  };
}

/** Whether marketing email to the link's address is stopped by a choice other than of a list. */
export function isStopped({ choices }: { readonly choices: PersonChoices | null }): boolean {
  const marketing = choices?.consents.marketing;
  return [marketing?.any?.val, marketing?.email?.val, choices?.address.email?.val].some(isNo);
}

/** What was shown, as a hidden field says it. */
export function writeShown(leftAll: boolean, items: readonly Preference[]): string {
  return [{ key: EVERYTHING, on: !leftAll }, ...items].map(({ key, on }) => `${key}-${on ? 1 : 0}`).join('.');
}

/** Reads the hidden field; null when it is not what {@link writeShown} writes. */
export function readShown(text: string | undefined): Shown | null {
  if (text === undefined || text.length > SHOWN_LIMIT) return null;
  const words = text.split('.');
  if (!words.every((word) => SHOWN.test(word))) return null;
  const shown = new Map(words.map((word) => [word.slice(0, -2), word.endsWith('1')]));
  return shown.size === words.length && shown.has(EVERYTHING) ? shown : null;
}

/** What the person turned: the difference between what was shown and what was ticked. */
export function turned(
  shown: Shown,
  isTicked: (key: string) => boolean,
  items: readonly Preference[],
): readonly Preference[] {
  return items
    .filter(({ key }) => shown.has(key) && shown.get(key) !== isTicked(key))
    .map((item) => ({ ...item, on: isTicked(item.key) }));
}

/**
 * What is to be recorded. Who has stopped everything, saw so and turns one channel on lifts "everything", which alone kept
 * the other channels quiet: so each of them gets a no of its own.
 */
export function changesOf(shown: Shown, leftAll: boolean, items: readonly Preference[]): Change[] {
  const changes = items.map(changeOf);
  const turnedOn = new Set(
    items.flatMap(({ subject, on }) => (on && subject.kind === 'channel' ? [subject.channel as string] : [])),
  );
  if (!leftAll || shown.get(EVERYTHING) !== false || turnedOn.size === 0) return changes;
  // Another word for email in XDM.
  if (turnedOn.has('email')) turnedOn.add('commercialEmail');
  const others = CHOICE_SUBJECTS.filter(
    (subject) => subject !== 'any' && subject !== 'personalize' && !turnedOn.has(subject),
  );
  return [
    changeOfEverything('y'),
    ...changes,
    ...others.map((channel): Change => ({ scope: 'channel', channel, to: 'n' })),
  ];
}

/** What is to be recorded of everything at once: `n` leaves it, what was said before takes that back. */
export function changeOfEverything(to: ConsentValue): Change {
  return { scope: 'channel', channel: EVERYTHING, to };
}

/** Whether two changes are about the same thing. */
export function isAbout(change: Change, item: Preference): boolean {
  const wanted = changeOf(item);
  return change.scope === wanted.scope && change.channel === wanted.channel && change.list === wanted.list;
}

function changeOf({ subject, on }: Preference): Change {
  const to: ConsentValue = on ? 'y' : 'n';
  switch (subject.kind) {
    case 'channel':
      return { scope: 'channel', channel: subject.channel, to };
    case 'address':
      return { scope: 'identity', channel: 'email', to };
    case 'list':
      return { scope: 'subscription', channel: 'email', list: subject.list.name, to };
    case 'personalize':
      return { scope: 'channel', channel: 'personalize', to };
  }
}

/** The gate's order: the channel's own word, else that for everything, else the sandbox. */
function isChannelOn({ consents, strict, meanings }: PersonChoices, channel: OfferedChannel): boolean {
  const marketing = consents.marketing;
  for (const value of [marketing?.[channel]?.val, marketing?.any?.val]) {
    if (value !== undefined && value !== 'u') return allowsSending(value, meanings);
  }
  return !strict;
}

/** Lists that are open, and those that the person is or was on; of those that nobody described, what still runs. */
function listsOf(choices: PersonChoices): Preference[] {
  const subscriptions = choices.consents.marketing?.email?.subscriptions ?? {};
  const shown = choices.lists.filter(
    ({ name, body }) => body.open === true || Object.hasOwn(subscriptions, name),
  );
  const names = new Set(choices.lists.map(({ name }) => name));
  const undescribed = Object.keys(subscriptions).filter((name) => !names.has(name));
  const preference = (list: ShownList, known: boolean): Preference => ({
    key: listKey(list.name),
    subject: { kind: 'list', list, known },
    on: isSubscribed(Object.hasOwn(subscriptions, list.name) ? subscriptions[list.name] : undefined, choices),
  });
  return [
    ...shown.map((list) => preference(list, true)),
    ...undescribed
      .map((name) => preference({ name, title: name, body: {} }, false))
      .filter((item) => item.on),
  ];
}

function isSubscribed(subscription: Subscription | undefined, { meanings }: PersonChoices): boolean {
  if (subscription === undefined || isEnded(subscription)) return false;
  const { val } = subscription;
  return val === undefined || val === 'u' || allowsSending(val, meanings);
}

/** A short name without the list's own characters; 64 bits, so that no two lists of a sandbox meet. */
function listKey(name: string): string {
  return `l${createHash('sha256').update(name).digest('hex').slice(0, 16)}`;
}
