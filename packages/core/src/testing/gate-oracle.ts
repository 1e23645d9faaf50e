/**
 * Who may be written to, told a second time, from the words of the product alone. It holds the gate to account, so it
 * shares nothing with it: no code, no type, no order of questions.
 *
 * - A transactional message is owed: consent, defaults and policies have nothing to say about it.
 * - For anything else: `n` or `dn` said about any channel, the email channel, the address, or the message's list ends
 *   it. Nothing lifts that: no yes elsewhere, no policy, no setting of the sandbox.
 * - If the message belongs to a list there must be a subscription, and no end of it. What its value means the sandbox
 *   says; without a value, or with `u`, being subscribed is enough.
 * - Of address, email channel and any channel, in this order, the first that is neither empty nor `u` decides by what
 *   its value means. `p` means stop and every other value means go, unless the sandbox says otherwise of this value.
 * - If there is no such value, the sandbox decides: strict means stop, otherwise silence means go.
 * - Then every policy that is enabled and is about one of the message's marketing actions must hold. A policy that is
 *   disabled or about other actions changes nothing.
 *
 * @module
 */

/** A situation in plain words. */
export interface Situation {
  readonly owed: boolean;
  /** A consent value, or 'empty'. */
  readonly any: string;
  readonly channel: string;
  readonly address: string;
  readonly list: 'no list' | 'never subscribed' | 'ended' | `subscribed ${string}`;
  readonly strict: boolean;
  /** Values of which the sandbox says what they mean. */
  readonly goes: readonly string[];
  readonly stops: readonly string[];
  readonly policies: readonly PolicyInWords[];
}

/** What is known of one policy. */
export interface PolicyInWords {
  readonly enabled: boolean;
  readonly sharesAnAction: boolean;
  readonly holds: boolean;
}

/** Whether the message goes. */
export function goes(situation: Situation): boolean {
  if (situation.owed) return true;
  const { any, channel, address, list, strict, policies } = situation;
  const subscribedAs = list.startsWith('subscribed ') ? list.slice('subscribed '.length) : null;

  const refused = new Set([any, channel, address, subscribedAs]);
  const nobodyRefused = !refused.has('n') && !refused.has('dn');

  const silent = (value: string) => value === 'empty' || value === 'u';
  const listIsFine =
    list === 'no list' || (subscribedAs !== null && (silent(subscribedAs) || means(subscribedAs, situation)));

  let wanted = !strict;
  if (!silent(any)) wanted = means(any, situation);
  if (!silent(channel)) wanted = means(channel, situation);
  if (!silent(address)) wanted = means(address, situation);

  const inTheWay = policies.filter((policy) => policy.enabled && policy.sharesAnAction && !policy.holds);
  return nobodyRefused && listIsFine && wanted && inTheWay.length === 0;
}

/** What a value that is neither silence nor a no says. */
function means(value: string, { goes, stops }: Situation): boolean {
  if (goes.includes(value)) return true;
  if (stops.includes(value)) return false;
  return value !== 'p';
}
