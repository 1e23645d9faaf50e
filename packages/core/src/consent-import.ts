/**
 * The sticky opt-out: what an import may change of what is known (X7).
 *
 * The rule: an import never turns a no into anything else and never reopens a list that was left. It may bring a
 * no, the time of one that was said again, and what nobody had said. What it was refused is listed, so that whoever imports can see it.
 *
 * @module
 */
import { namespaceKey } from './address.ts';
import type { ChannelConsent, ConsentField, Consents, IdSpecificConsents, Subscription } from './consent.ts';
import { isEnded, isNo, saidAt } from './consent.ts';
import { foldIdentities } from './identity-consents.ts';

/** What an import left. */
export interface ImportedConsents {
  readonly consents: Consents;
  /** Dotted paths at which the person's no was kept against the import. */
  readonly kept: string[];
}

/** Merges two values that are both there. */
type Merge<T> = (known: T, given: T, path: string) => T;

/**
 * Merges what an import brings into what is known. Neither is changed; what the import does not name stays. `now`: times that
 * are still to come move nothing.
 */
export function mergeImport(current: Consents, incoming: Consents, now = new Date()): ImportedConsents {
  const kept: string[] = [];
  const isLater = (given: string | undefined, known: string | undefined): boolean =>
    (saidAt(given, now) ?? Number.NEGATIVE_INFINITY) > (saidAt(known, now) ?? Number.NEGATIVE_INFINITY);

  const choice: Merge<Partial<ConsentField>> = (known, given, path) => {
    if (given.val === undefined) return known;
    if (!isNo(known.val)) return given;
    if (!isNo(given.val)) kept.push(path);
    else if (given.time !== undefined && isLater(given.time, known.time))
      return { ...known, time: given.time };
    return known;
  };
  const subscription: Merge<Subscription> = (known, given, path) => {
    if (!isEnded(known)) return { ...known, ...given };
    const end = given.end ?? given.time;
    if (!isEnded(given)) kept.push(path);
    else if (end !== undefined && isLater(end, known.end ?? known.time)) return { ...known, end };
    return known;
  };
  const channel: Merge<ChannelConsent> = ({ subscriptions: lists, ...known }, given, path) => {
    const { subscriptions: brought, ...says } = given;
    const subscriptions = mergeEach(lists, brought, `${path}.subscriptions`, subscription);
    return { ...choice(known, says, path), ...(subscriptions === undefined ? {} : { subscriptions }) };
  };
  const choices: Merge<object> = (known, given, path) => mergeEach(known, given, path, choice) ?? known;
  const channels: Merge<object> = (known, given, path) => mergeEach(known, given, path, channel) ?? known;
  /** Of one identity: `marketing` holds choices, every other field is one. */
  const identity: Merge<object> = (known, given, path) =>
    mergeEach<object>(known, given, path, (a, b, at) =>
      (at.endsWith('.marketing') ? choices : choice)(a, b, at),
    ) ?? known;
  const identities: Merge<object> = (known, given, path) => mergeEach(known, given, path, identity) ?? known;

  const idSpecific = mergeEach(...sameSpelling(current, incoming), 'idSpecific', identities);
  const top = mergeEach<object>(without(current), without(incoming), '', (known, given, name) => {
    if (name === 'marketing') return channels(known, given, name);
    if (name === 'personalize') return choices(known, given, name);
    return name === 'metadata' ? { ...known, ...given } : choice(known, given, name);
  });
  const consents: Consents = { ...top, ...(idSpecific === undefined ? {} : { idSpecific }) };
  return { consents, kept };
}

/**
 * Merges entry by entry: what only one side has is taken as it is. The one place where fields of a known shape and
 * entries of a map are treated alike.
 */
function mergeEach<V extends object, T extends object = object>(
  known: T | undefined,
  given: T | undefined,
  path: string,
  merge: Merge<V>,
): T | undefined {
  if (known === undefined || given === undefined) return given ?? known;
  const merged = { ...known } as Record<string, V>;
  for (const [name, value] of Object.entries(given) as [string, V][]) {
    const before = Object.hasOwn(merged, name) ? merged[name] : undefined;
    const at = path === '' ? name : `${path}.${name}`;
    merged[name] = before === undefined ? value : merge(before, value, at);
  }
  return merged as T;
}

function without({ idSpecific: _, ...rest }: Consents): Omit<Consents, 'idSpecific'> {
  return rest;
}

/** Both sides folded, and the incoming one under the namespace spellings of the current one. */
function sameSpelling(
  current: Consents,
  incoming: Consents,
): [IdSpecificConsents | undefined, IdSpecificConsents | undefined] {
  const known = current.idSpecific === undefined ? undefined : foldIdentities(current.idSpecific);
  const given = incoming.idSpecific === undefined ? undefined : foldIdentities(incoming.idSpecific);
  if (known === undefined || given === undefined) return [known, given];
  const spellings = new Map(Object.keys(known).map((namespace) => [namespaceKey(namespace), namespace]));
  const respelt = Object.entries(given).map(
    ([namespace, identities]) => [spellings.get(namespaceKey(namespace)) ?? namespace, identities] as const,
  );
  return [known, Object.fromEntries(respelt)];
}
