/**
 * One record of an import: reading what was given.
 *
 * One rule: a record is read whole before anything is written, so that a bad one is rejected with its line and a
 * stable code, and the others never notice.
 *
 * @module
 */
import type { Address, Consents, IdSpecificConsents } from '@adieu/core';
import { parseAddress, parseConsents } from '@adieu/core';
import type { NamedIdentity, Person } from './identity.ts';
import { isEmail, nameIdentity } from './identity.ts';
import { isStorable, storableText } from './storable.ts';

/** A record as given, with its line in the input. */
export interface ProfileRecord {
  readonly line: number;
  readonly identities?: unknown;
  readonly attributes?: unknown;
  readonly consents?: unknown;
}

/** Why a record was not taken. */
export interface RejectedRecord {
  readonly line: number;
  /** `identities_required`, `identity_invalid`, `address_malformed`, `attributes_invalid`, `consents_invalid`, `identity_conflict`. */
  readonly code: string;
  readonly detail: string;
}

/** A record after reading. */
export interface ReadRecord {
  readonly line: number;
  readonly person: Person;
  readonly email: Address | null;
  /** JSON of the attributes to merge; `{}` when none were given. */
  readonly attributes: Readonly<Record<string, unknown>>;
  /** What was said by the profile as a whole. */
  readonly consents: Consents;
  /** What was said about single addresses. */
  readonly idSpecific: IdSpecificConsents;
}

const IDENTITY_LIMIT = 50;
const TEXT_LIMIT = 512;
const ATTRIBUTES_LIMIT = 1_048_576;

/** Reads one record, or says why not. Never throws. */
export function readRecord(record: ProfileRecord): ReadRecord | RejectedRecord {
  const { line } = record;
  const reject = (code: string, detail: string): RejectedRecord => ({ line, code, detail });
  const given = record.identities;
  if (!isObject(given) || Object.keys(given).length === 0) {
    return reject('identities_required', 'A record needs at least one identity.');
  }
  const person = readIdentities(given);
  if (typeof person === 'string') return reject('identity_invalid', person);
  const email = person.identities.find(isEmail);
  const parsed = email === undefined ? null : parseAddress(email.spelling);
  if (parsed?.ok === false) return reject('address_malformed', `The Email is no address: ${parsed.reason}.`);
  const attributes = record.attributes ?? {};
  const fault = attributesFault(attributes);
  if (fault !== null) return reject('attributes_invalid', fault);
  const consents = parseConsents(record.consents ?? {});
  if (!consents.ok) return reject('consents_invalid', `${consents.path}: ${consents.reason}`);
  const { idSpecific = {}, ...own } = consents.consents;
  return {
    line,
    person,
    email: parsed?.address ?? null,
    attributes: attributes as Readonly<Record<string, unknown>>,
    consents: own,
    idSpecific,
  };
}

/** Tells a record that was read from one that was rejected. */
export function isRejected(record: ReadRecord | RejectedRecord): record is RejectedRecord {
  return 'code' in record;
}

function readIdentities(given: Readonly<Record<string, unknown>>): Person | string {
  const entries = Object.entries(given);
  if (entries.length > IDENTITY_LIMIT) return `At most ${IDENTITY_LIMIT} identities.`;
  const identities = new Map<string, NamedIdentity>();
  for (const [namespace, id] of entries) {
    if (typeof id !== 'string') return 'An identity is a text.';
    if (!isUsable(namespace.trim()) || !isUsable(id.trim())) {
      return `A namespace and its id have 1 to ${TEXT_LIMIT} characters.`;
    }
    const identity = nameIdentity(namespace, id);
    const earlier = identities.get(identity.namespaceKey);
    if (earlier !== undefined && earlier.value !== identity.value) return 'A namespace stands twice.';
    identities.set(identity.namespaceKey, earlier ?? identity);
  }
  return { identities: [...identities.values()] };
}

function attributesFault(attributes: unknown): string | null {
  if (!isObject(attributes)) return 'Attributes are an object.';
  const json = JSON.stringify(attributes);
  if (json.length > ATTRIBUTES_LIMIT) return 'Attributes are too large: at most 1 MiB.';
  return isStorable(json) ? null : 'Attributes hold a NUL or half a surrogate pair.';
}

function isUsable(text: string): boolean {
  return text !== '' && text.length <= TEXT_LIMIT && storableText(text) === text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
