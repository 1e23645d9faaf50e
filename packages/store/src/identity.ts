/**
 * Identities, and the register that tells which profile they mean.
 *
 * One rule: a person is found by identities other than Email, in order; else by Email, if the profile that has it
 * has no other id in the same namespaces. Two identities of one person never lead to two profiles: that is a
 * conflict, and nothing is written. The register lives in one transaction, under the sandbox's identity lock, so
 * that no two transactions create the same person.
 *
 * @module
 */
import type { PersonName } from '@adieu/core';
import { EMAIL_NAMESPACE, identityKey, namespaceKey } from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** One name of a person. */
export interface NamedIdentity {
  readonly namespace: string;
  readonly namespaceKey: string;
  /** Comparison key. */
  readonly value: string;
  /** As given. */
  readonly spelling: string;
}

/** A person as named by a caller: at most one identity per namespace, in order. */
export interface Person {
  readonly identities: readonly NamedIdentity[];
}

/** A profile in the register. `id` is 0 until a new one is written. */
export interface RegisteredProfile {
  id: number;
  /** The identity it was, or will be, created with. */
  readonly primary: NamedIdentity;
  readonly isNew: boolean;
  readonly identities: Map<string, NamedIdentity>;
  /** Identities that are not written yet. */
  readonly added: NamedIdentity[];
}

/** Identities of a transaction: those known, and those about to be written. */
export interface IdentityRegister {
  find(person: Person): RegisteredProfile | 'conflict' | null;
  create(person: Person): RegisteredProfile;
  /** Gives a profile an identity; an Email replaces the former one. */
  adopt(profile: RegisteredProfile, identity: NamedIdentity): void;
}

const EMAIL_KEY = namespaceKey(EMAIL_NAMESPACE);

interface Row {
  readonly profileId: number;
  readonly namespace: string;
  readonly namespaceKey: string;
  readonly value: string;
  readonly spelling: string;
  readonly primaryNamespace: string;
  readonly primaryIdentity: string;
}

const KNOWN = prepared<Row>(
  'known_identities',
  `SELECT i.profile_id AS "profileId", i.namespace, i.namespace_key AS "namespaceKey", i.value, i.spelling,
     p.namespace AS "primaryNamespace", p.identity AS "primaryIdentity"
   FROM (SELECT DISTINCT k.profile_id FROM unnest($2::text[], $3::text[]) AS w (namespace_key, value)
     CROSS JOIN LATERAL (SELECT profile_id FROM identity
       WHERE sandbox_id = $1 AND namespace_key = w.namespace_key AND value = w.value AND current OFFSET 0) k) f
   CROSS JOIN LATERAL (SELECT * FROM identity WHERE profile_id = f.profile_id AND current OFFSET 0) i
   CROSS JOIN LATERAL (SELECT namespace, identity FROM profile WHERE id = f.profile_id OFFSET 0) p
   ORDER BY i.profile_id`,
);

/** An identity under its comparison keys. */
export function nameIdentity(namespace: string, id: string): NamedIdentity {
  const key = namespaceKey(namespace);
  return {
    namespace: key === EMAIL_KEY ? EMAIL_NAMESPACE : namespace.trim(),
    namespaceKey: key,
    value: identityKey(namespace, id),
    spelling: id.trim(),
  };
}

/** Tells an Email from every other identity. */
export function isEmail(identity: NamedIdentity): boolean {
  return identity.namespaceKey === EMAIL_KEY;
}

/** Takes the sandbox's identity lock until the transaction ends: whoever creates people or addresses holds it. */
export async function lockIdentities(transaction: Db, sandboxId: number): Promise<void> {
  await sql`SELECT pg_advisory_xact_lock(hashtext('adieu identities'), ${sandboxId})`.execute(transaction);
}

/** Takes the sandbox's identity lock until the transaction ends and loads what is known of these persons. */
export async function openRegister(
  transaction: Db,
  sandboxId: number,
  persons: readonly Person[],
): Promise<IdentityRegister> {
  await lockIdentities(transaction, sandboxId);
  const named = persons.flatMap((person) => person.identities);
  const rows = await run(transaction, KNOWN, [
    sandboxId,
    named.map((identity) => identity.namespaceKey),
    named.map((identity) => identity.value),
  ]);
  return makeRegister(rows);
}

function makeRegister(rows: readonly Row[]): IdentityRegister {
  /** Each identity but Email names one profile. */
  const unique = new Map<string, RegisteredProfile>();
  /** An Email may name several, oldest first. */
  const emails = new Map<string, RegisteredProfile[]>();

  const enter = (profile: RegisteredProfile, identity: NamedIdentity) => {
    profile.identities.set(identity.namespaceKey, identity);
    if (!isEmail(identity)) unique.set(nameOf(identity), profile);
    else emails.set(identity.value, [...(emails.get(identity.value) ?? []), profile]);
  };

  const loaded = new Map<number, RegisteredProfile>();
  for (const row of rows) {
    const primary = nameIdentity(row.primaryNamespace, row.primaryIdentity);
    const profile = loaded.get(row.profileId) ?? {
      id: row.profileId,
      primary,
      isNew: false,
      identities: new Map(),
      added: [],
    };
    loaded.set(row.profileId, profile);
    enter(profile, row);
  }

  return {
    find: (person) => {
      const own = person.identities.filter((identity) => !isEmail(identity));
      const found = new Set(own.flatMap((identity) => unique.get(nameOf(identity)) ?? []));
      if (found.size > 1) return 'conflict';
      const [profile] = found;
      if (profile !== undefined)
        return own.some((identity) => contradicts(profile, identity)) ? 'conflict' : profile;
      const email = person.identities.find(isEmail);
      const sharing = email === undefined ? [] : (emails.get(email.value) ?? []);
      const free = sharing.filter((candidate) =>
        own.every((identity) => !candidate.identities.has(identity.namespaceKey)),
      );
      return free.find((candidate) => isEmail(candidate.primary)) ?? free[0] ?? null;
    },
    create: (person) => {
      const primary = person.identities.find((identity) => !isEmail(identity)) ?? person.identities[0];
      if (primary === undefined) throw new Error('a person without an identity');
      const profile = { id: 0, primary, isNew: true, identities: new Map(), added: [...person.identities] };
      for (const identity of person.identities) enter(profile, identity);
      return profile;
    },
    adopt: (profile, identity) => {
      const former = profile.identities.get(identity.namespaceKey);
      if (former?.value === identity.value) return;
      if (former !== undefined && isEmail(former)) {
        emails.set(
          former.value,
          (emails.get(former.value) ?? []).filter((candidate) => candidate !== profile),
        );
      }
      enter(profile, identity);
      profile.added.push(identity);
    },
  };
}

function contradicts(profile: RegisteredProfile, identity: NamedIdentity): boolean {
  const known = profile.identities.get(identity.namespaceKey);
  return known !== undefined && known.value !== identity.value;
}

/** A name as one text: neither part holds a NUL. */
export function nameOf(identity: PersonName): string {
  return `${identity.namespaceKey}\0${identity.value}`;
}
