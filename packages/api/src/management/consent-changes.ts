/**
 * A consents document as the changes that it asks for.
 *
 * The rule: what an act cannot say is refused by its path, since a choice that is left out silently is a lost choice.
 *
 * @module
 */
import type { Change, ChannelConsent, ConsentField, Consents, IdSpecificConsents } from '@adieu/core';
import { EMAIL_NAMESPACE, MARKETING_CHANNELS, parseConsents, subscriptionValue } from '@adieu/core';
import { Problem } from '../problem.ts';

/** What a document asks for; `address` is the key of the one address it speaks about. */
export interface ConsentChanges {
  readonly changes: readonly Change[];
  readonly address: string | null;
}

/** Reads a document. Throws 400 `consents_invalid`, `not_a_choice` or `choice_required` with the field. */
export function readChanges(document: unknown): ConsentChanges {
  const parsed = parseConsents(document);
  if (!parsed.ok) throw refused('consents_invalid', parsed.path, parsed.reason);
  const { marketing = {}, personalize = {}, idSpecific = {}, ...others }: Consents = parsed.consents;
  const other =
    Object.keys(others)[0] ?? (marketing.preferred === undefined ? undefined : 'marketing.preferred');
  if (other !== undefined)
    throw refused('not_a_choice', other, 'nothing that a person says yes or no to here');
  const changes: Change[] = [];
  const choose = (field: ConsentField | undefined, change: Omit<Change, 'to'>, path: string): void => {
    if (field === undefined) return;
    const extra = (['time', 'reason'] as const).find((name) => field[name] !== undefined);
    if (extra !== undefined)
      throw refused('not_a_choice', `${path}.${extra}`, 'the evidence says when and how');
    changes.push({ ...change, to: field.val });
  };
  for (const channel of MARKETING_CHANNELS) {
    const path = `marketing.${channel}`;
    const { subscriptions, ...field }: ChannelConsent = marketing[channel] ?? {};
    const { val } = field;
    choose(val === undefined ? undefined : { ...field, val }, { scope: 'channel', channel }, path);
    if (subscriptions !== undefined && channel !== 'email') {
      throw refused('not_a_choice', `${path}.subscriptions`, 'lists are of email');
    }
    for (const [list, said] of Object.entries(subscriptions ?? {})) {
      const to = subscriptionValue(said);
      if (to !== undefined) changes.push({ scope: 'subscription', channel, list, to });
    }
  }
  choose(personalize.content, { scope: 'channel', channel: 'personalize' }, 'personalize.content');
  const address = readAddress(idSpecific, choose);
  if (changes.length > 0) return { changes, address };
  throw new Problem(400, 'choice_required', { detail: 'The document says nothing.' });
}

function readAddress(
  idSpecific: IdSpecificConsents,
  choose: (field: ConsentField | undefined, change: Omit<Change, 'to'>, path: string) => void,
): string | null {
  const { [EMAIL_NAMESPACE]: emails = {}, ...others } = idSpecific;
  const [entry, second] = Object.entries(emails);
  if (Object.keys(others).length > 0 || second !== undefined) {
    throw refused('not_a_choice', 'idSpecific', 'one address of the namespace Email at a time');
  }
  if (entry === undefined) return null;
  const [key, { marketing = {}, ...rest }] = entry;
  const { email, ...channels } = marketing;
  if (Object.keys(rest).length + Object.keys(channels).length > 0) {
    throw refused('not_a_choice', 'idSpecific', 'only marketing.email of an address');
  }
  choose(email, { scope: 'identity', channel: 'email' }, 'idSpecific.Email.marketing.email');
  return key;
}

function refused(code: string, field: string, why: string): Problem {
  return new Problem(400, code, { detail: `${field}: ${why}.`, field });
}
