/**
 * Reads a consents document: whatever an import or an API call brought, into the shape the gate reads.
 *
 * Strict, because a misspelt no that is silently dropped is a lost opt-out: an unknown field or value refuses the
 * whole document and says where. An empty value counts as not said (X1, X2).
 *
 * @module
 */
import { EMAIL_NAMESPACE, namespaceKey, parseAddress } from './address.ts';
import type {
  AddressConsents,
  ChannelConsent,
  ConsentField,
  Consents,
  ConsentValue,
  IdentityConsents,
  IdSpecificConsents,
  MarketingConsents,
  PreferredChannel,
  Subscriber,
  Subscription,
} from './consent.ts';
import { isConsentValue } from './consent.ts';
import { hasControlCharacter } from './control-character.ts';
import { foldIdentities } from './identity-consents.ts';

/** Consents, or what is wrong with them and where. The path is dotted, as `marketing.email.val`. */
export type ParsedConsents =
  | { readonly ok: true; readonly consents: Consents }
  | { readonly ok: false; readonly reason: string; readonly path: string };

/** Where the reading stands, and how to refuse what is there. The first refusal is the one that is told. */
interface Place {
  readonly path: string;
  readonly refuse: (reason: string, path: string) => undefined;
}

/** Reads one value; undefined when nothing is said there, or when it was refused. */
type Reader<T> = (value: unknown, place: Place) => T | undefined;

type Fields<T> = { readonly [K in keyof T]-?: Reader<NonNullable<T[K]>> };

const REASON_LIMIT = 255;
const NAME_LIMIT = 320;
const ISO_TIME =
  /^(?!0000)(\d{4}-\d{2}-\d{2})(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-](?:0\d|1[0-4]):?[0-5]\d))?$/;
/** PostgreSQL stores neither in JSON. */
const UNSTORABLE = /\0|\p{Cs}/u;

/** Reads a consents document. Never throws. */
export function parseConsents(value: unknown): ParsedConsents {
  const refusals: { readonly reason: string; readonly path: string }[] = [];
  const refuse = (reason: string, path: string): undefined => {
    refusals.push({ reason, path });
  };
  const consents = readObject(value, { path: '', refuse }, CONSENTS) ?? {};
  const first = refusals[0];
  return first === undefined ? { ok: true, consents } : { ok: false, ...first };
}

const readValue: Reader<ConsentValue> = (value, place) => {
  if (isEmpty(value)) return undefined;
  return isConsentValue(value) ? value : place.refuse('not a consent value', place.path);
};

const readTime: Reader<string> = (value, place) => {
  if (isEmpty(value)) return undefined;
  if (typeof value === 'string' && isTime(value)) return value;
  return place.refuse('not an ISO 8601 time', place.path);
};

const readReason: Reader<string> = (value, place) => {
  if (isEmpty(value)) return undefined;
  if (typeof value !== 'string' || UNSTORABLE.test(value)) return place.refuse('not a text', place.path);
  return value.length <= REASON_LIMIT ? value : place.refuse('over 255 characters', place.path);
};

const readWord: Reader<string> = (value, place) => {
  if (isEmpty(value)) return undefined;
  if (typeof value === 'string' && value.length <= REASON_LIMIT && isName(value)) return value;
  return place.refuse('not a short text', place.path);
};

const CHOICE: Fields<ConsentField> = { val: readValue, time: readTime, reason: readReason };

/** A field without a value says nothing, whatever time and reason stand beside it. */
const readChoice: Reader<ConsentField> = (value, place) => {
  const { val, ...rest } = readObject(value, place, CHOICE) ?? {};
  return val === undefined ? undefined : { val, ...rest };
};

const SUBSCRIBER: Fields<Subscriber> = { time: readTime, source: readWord };

const SUBSCRIPTION: Fields<Subscription> = {
  ...CHOICE,
  start: readTime,
  end: readTime,
  type: readWord,
  subscribers: (value, place) =>
    readMap(value, place, (entry, at) => readObject(entry, at, SUBSCRIBER) ?? {}),
};

/** Being on a list is a statement in itself: an empty object is a running subscription. */
const readSubscription: Reader<Subscription> = (value, place) =>
  isEmpty(value) ? undefined : (readObject(value, place, SUBSCRIPTION) ?? {});

const CHANNEL: Fields<ChannelConsent> = {
  ...CHOICE,
  subscriptions: (value, place) => readMap(value, place, readSubscription),
};

const readChannel: Reader<ChannelConsent> = (value, place) => {
  const { val, subscriptions, ...rest } = readObject(value, place, CHANNEL) ?? {};
  const lists = subscriptions === undefined ? {} : { subscriptions };
  if (val !== undefined) return { val, ...rest, ...lists };
  return subscriptions === undefined ? undefined : lists;
};

/** XDM writes the name of a channel; a field with `val` is taken as well. */
const readPreferred: Reader<PreferredChannel> = (value, place) => {
  const given = typeof value === 'string' && value !== '' ? { val: value } : value;
  const { val, ...rest } = readObject(given, place, { ...CHOICE, val: readWord }) ?? {};
  return val === undefined ? undefined : { val, ...rest };
};

const MARKETING: Fields<MarketingConsents> = {
  any: readChoice,
  preferred: readPreferred,
  email: readChannel,
  sms: readChannel,
  push: readChannel,
  whatsApp: readChannel,
  call: readChoice,
  fax: readChoice,
  commercialEmail: readChoice,
  postalMail: readChoice,
};

const ADDRESS: Fields<AddressConsents> = {
  email: readChoice,
  push: readChoice,
  sms: readChoice,
  whatsApp: readChoice,
};

const IDENTITY: Fields<IdentityConsents> = {
  marketing: (value, place) => readObject(value, place, ADDRESS),
  adID: readChoice,
  collect: readChoice,
  share: readChoice,
};

/** A no for an address that nobody can read would be a no that is never found. */
const readIdSpecific: Reader<IdSpecificConsents> = (value, place) => {
  const read = readMap(value, place, (identities, namespacePlace) =>
    readMap(identities, namespacePlace, (identity, idPlace) => readObject(identity, idPlace, IDENTITY)),
  );
  if (read === undefined) return undefined;
  for (const [namespace, identities] of Object.entries(read)) {
    if (namespaceKey(namespace) !== namespaceKey(EMAIL_NAMESPACE)) continue;
    for (const address of Object.keys(identities)) {
      const parsed = parseAddress(address.trim());
      if (!parsed.ok) place.refuse(`not an address: ${parsed.reason}`, `${place.path}.${namespace}`);
    }
  }
  return foldIdentities(read);
};

const CONSENTS: Fields<Consents> = {
  marketing: (value, place) => readObject(value, place, MARKETING),
  idSpecific: readIdSpecific,
  collect: readChoice,
  share: readChoice,
  personalize: (value, place) => readObject(value, place, { content: readChoice }),
  adID: readChoice,
  metadata: (value, place) => readObject(value, place, { time: readTime }),
};

/** Reads the fields that are known and refuses every other. Undefined when none says anything. */
function readObject<T extends object>(
  value: unknown,
  place: Place,
  fields: Fields<T>,
): Partial<T> | undefined {
  if (isEmpty(value)) return undefined;
  if (!isRecord(value)) return place.refuse('not an object', place.path);
  const found: Partial<T> = {};
  for (const [name, inner] of Object.entries(value)) {
    const at = beneath(place, name);
    if (!isField(fields, name)) {
      place.refuse('unknown field', at.path);
      continue;
    }
    const read = fields[name](inner, at);
    if (read !== undefined) found[name] = read;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

/** Reads entries under names that the document chooses. */
function readMap<T>(value: unknown, place: Place, read: Reader<T>): Record<string, T> | undefined {
  if (isEmpty(value)) return undefined;
  if (!isRecord(value)) return place.refuse('not an object', place.path);
  const found: Record<string, T> = {};
  for (const [name, inner] of Object.entries(value)) {
    if (!isName(name) || name.trim() === '' || name.length > NAME_LIMIT || name === '__proto__') {
      place.refuse('not a name', place.path);
      continue;
    }
    const entry = read(inner, beneath(place, name));
    if (entry !== undefined) found[name] = entry;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

function beneath(place: Place, name: string): Place {
  return { ...place, path: place.path === '' ? name : `${place.path}.${name}` };
}

function isField<T>(fields: Fields<T>, name: string): name is keyof T & string {
  return Object.hasOwn(fields, name);
}

/** A day that the calendar lacks would be moved by one reader and refused by another. */
function isTime(text: string): boolean {
  const day = ISO_TIME.exec(text)?.[1];
  if (day === undefined || Number.isNaN(Date.parse(text))) return false;
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}

function isName(text: string): boolean {
  return !hasControlCharacter(text) && !UNSTORABLE.test(text);
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || value === '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
