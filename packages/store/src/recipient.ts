/**
 * Recipients of an execution: reading what was given.
 *
 * One rule: a bad recipient never fails the call. What is wrong with it becomes its exclusion: `050025` no id,
 * `050024` a malformed address, `050020` no address at all (S5, X12). One that was erased meanwhile is counted as `050101`.
 *
 * @module
 */
import type { Address, ExclusionCode } from '@adieu/core';
import { EMAIL_NAMESPACE, Failure, namespaceKey, parseAddress } from '@adieu/core';
import type { ExecutionRequest, Recipient } from './execution.ts';
import type { Person } from './identity.ts';
import { nameIdentity } from './identity.ts';
import { isStorable, storableJson, storableText } from './storable.ts';

/** A recipient after reading. */
export interface ReadRecipient {
  /** As given, for the ledger. */
  readonly namespace: string;
  readonly identity: string;
  /** JSON. */
  readonly context: string | null;
  /** Who it is; null when nobody can be named. */
  readonly person: Person | null;
  /** Where to; null means the profile's own address. */
  readonly address: Address | null;
  /** Set when it cannot be sent, whatever the profile says. */
  readonly code: ExclusionCode | null;
}

/** What stands in the place of a recipient who was erased before the expansion. No caller can send it. */
export const ERASED_RECIPIENT = { erased: true } as const;

const RECIPIENT_LIMIT = 10_000;
const ID_LIMIT = 512;
const EMAIL_KEY = namespaceKey(EMAIL_NAMESPACE);

/** Reads one recipient. Never throws. */
export function readRecipient(recipient: Recipient | null): ReadRecipient {
  const namespace = typeof recipient?.namespace === 'string' ? recipient.namespace.trim() : '';
  const id = typeof recipient?.id === 'string' ? recipient.id.trim() : '';
  const context = recipient?.context;
  const read = {
    namespace: storableText(namespace),
    identity: storableText(id),
    context: typeof context === 'object' && context !== null ? storableJson(context) : null,
  };
  if (recipient !== null && 'erased' in recipient)
    return { ...read, person: null, address: null, code: '050101' };
  if (!isUsable(namespace) || !isUsable(id)) return { ...read, person: null, address: null, code: '050025' };
  const byEmail = namespaceKey(namespace) === EMAIL_KEY;
  const given = recipient?.address ?? null;
  const parsed = given === null || given === '' ? null : parseAddress(given);
  const own = byEmail ? parseAddress(id) : null;
  if (own?.ok === false) return { ...read, person: null, address: null, code: '050024' };
  const person = { identities: [nameIdentity(namespace, id)] };
  if (parsed?.ok === false) return { ...read, person, address: null, code: '050024' };
  const address = parsed?.address ?? own?.address ?? null;
  if (byEmail || address === null) return { ...read, person, address, code: null };
  const email = nameIdentity(EMAIL_NAMESPACE, address.spelling);
  return { ...read, person: { identities: [...person.identities, email] }, address, code: null };
}

/** A recipient who cannot be sent, whatever is known of them. */
export interface BadRecipient {
  /** Place in what was given, from 0. */
  readonly recipient: number;
  readonly code: ExclusionCode;
  /** For people. */
  readonly detail: string;
}

/** Who will be excluded for what was given, so that a caller hears at once which of them and why. */
export function findBadRecipients(recipients: readonly Recipient[]): BadRecipient[] {
  return recipients.flatMap((given, recipient) => {
    const { code } = readRecipient(given);
    return code === null ? [] : [{ recipient, code, detail: faultOf(given, code) }];
  });
}

function faultOf({ namespace = '', id = '', address = '' }: Recipient, code: ExclusionCode): string {
  const [named, known] = [namespace.trim() !== '', id.trim() !== ''];
  if (code === '050024') {
    const parsed = parseAddress(address === '' ? id : address);
    return parsed.ok ? 'The id is no address.' : `The address is malformed: ${parsed.reason}.`;
  }
  if (named && known) return `A namespace and an id have 1 to ${ID_LIMIT} characters, and no NUL.`;
  if (named || known) return `There is no ${named ? 'id' : 'namespace'}.`;
  return 'There is no namespace and no id. Somebody known by an address alone has the namespace "Email" and the address as id.';
}

/** The text under which recipients are kept until they are expanded: as given. */
export function storableRecipients(recipients: readonly Recipient[]): string {
  return JSON.stringify(recipients);
}

/** Throws `recipients_invalid` or `audience_invalid` unless exactly one of the two says who is meant. */
export function checkAudience({ recipients, audience }: ExecutionRequest): void {
  if ((recipients === undefined) === (audience === undefined)) {
    throw new Failure('recipients_invalid', 'Give either recipients or an audience.', {
      field: 'recipients',
    });
  }
  if (recipients !== undefined) {
    if (recipients.length >= 1 && recipients.length <= RECIPIENT_LIMIT) return;
    throw new Failure('recipients_invalid', `Give 1 to ${RECIPIENT_LIMIT} recipients.`, {
      field: 'recipients',
    });
  }
  const { all, attributes, consents, ...rest } = audience as Readonly<Record<string, unknown>>;
  const filtered = attributes !== undefined || consents !== undefined;
  const fits =
    Object.keys(rest).length === 0 &&
    (all === true ? !filtered : all === undefined && filtered) &&
    isFilter(attributes) &&
    isFilter(consents) &&
    // Identities' own consents live on addresses, where a filter over profiles does not look.
    !(consents !== undefined && Object.hasOwn(consents as object, 'idSpecific'));
  if (fits) return;
  throw new Failure(
    'audience_invalid',
    'An audience is {"all":true}, or attributes and consents to contain.',
    {
      field: 'audience',
    },
  );
}

function isFilter(value: unknown): boolean {
  if (value === undefined) return true;
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && isStorable(JSON.stringify(value))
  );
}

function isUsable(text: string): boolean {
  return text !== '' && text.length <= ID_LIMIT && storableText(text) === text;
}
