/**
 * What a person has chosen so far, as the pages show it to the person: consents, lists, language.
 *
 * One rule: the person and the address are found exactly as the opt-out statement finds them, or a page would show the
 * choices of one and record those of another.
 *
 * @module
 */
import type { AddressConsents, Consents, ValueMeanings } from '@adieu/core';
import { EMAIL_NAMESPACE, identityKey, namespaceKey } from '@adieu/core';
import type { Db } from './database.ts';
import { findMonthOf } from './partition.ts';
import type { Scope } from './scope.ts';
import { prepared, run } from './statement.ts';
import { storableText } from './storable.ts';
import { MAILED_BY, MAILED_COLUMNS, SUBJECT_OF } from './subject.ts';

/** A person as a link names them. */
export interface LinkedPerson {
  readonly profileNamespace: string;
  readonly profileId: string;
  readonly profileNumber?: number;
  readonly addressNamespace: string;
  readonly address: string;
  /** Where several share an address, the message tells who was meant, and the number once it is forgotten. */
  readonly messageId: string;
  /** The list that the link is about. */
  readonly list?: string;
}

/** A list as people see it. */
export interface ShownList {
  readonly name: string;
  readonly title: string;
  /** `{titles?, description?, descriptions?, topic?, topics?, open?}`; plural: by language. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** What is known of a person's choices; of somebody unknown: nothing, and what everybody is offered. */
export interface PersonChoices {
  readonly consents: Consents;
  /** Of the link's address, whoever said it. */
  readonly address: AddressConsents;
  /** Mail to the address was reported as spam. */
  readonly complained: boolean;
  /** XDM's `preferredLanguage`, as it was given. */
  readonly language: string | null;
  /** Lists that are open to all, that the person has been on, and the link's own. At most 1,000, by title. */
  readonly lists: readonly ShownList[];
  /** The sandbox takes silence for a no. */
  readonly strict: boolean;
  readonly meanings: ValueMeanings;
}

const READ = prepared<PersonChoices>(
  'person_choices',
  `WITH linked AS (
     SELECT $1::integer AS sandbox_id, NULL::bigint AS profile, $2::text AS namespace_key, $3::text AS identity,
       NULL::bigint AS address, $4::text AS address_namespace_key, $5::text AS address_key, $6::date AS month,
       $7::uuid AS message_id, $10::bigint AS meant
   ), named AS (SELECT l.*, ${MAILED_COLUMNS} FROM linked l ${MAILED_BY('l')}
   ), subject AS (SELECT n.sandbox_id, ${SUBJECT_OF('n')} FROM named n)
   SELECT s.strict, s.value_meanings AS meanings, coalesce(p.consents, '{}') AS consents,
     CASE jsonb_typeof(p.attributes -> 'preferredLanguage') WHEN 'string' THEN p.attributes ->> 'preferredLanguage' END AS language,
     coalesce(a.consents -> 'marketing', '{}') AS address,
     EXISTS (SELECT FROM delivery_list d WHERE d.sandbox_id = s.id AND d.list = 'suppressed' AND d.kind = 'email'
       AND a.namespace_key = $9 AND d.key = a.key AND d.reason = 'complaint') AS complained,
     (SELECT coalesce(jsonb_agg(jsonb_build_object('name', name, 'title', title, 'body', body) ORDER BY title, name), '[]')
       FROM (SELECT name, title, body FROM list WHERE sandbox_id = s.id AND (body -> 'open' = 'true' OR name = $8
         OR coalesce(p.consents #> '{marketing,email,subscriptions}' ? name, false)) ORDER BY title, name LIMIT 1000) l) AS lists
   FROM subject JOIN sandbox s ON s.id = subject.sandbox_id
   LEFT JOIN profile p ON p.id = subject.profile_id LEFT JOIN address a ON a.id = subject.address_id`,
  // A person waits for the page.
  { patience: 9_000 },
);

/** Reads the choices of whoever a link names. */
export async function readChoices(db: Db, scope: Scope, who: LinkedPerson): Promise<PersonChoices> {
  const month = findMonthOf(who.messageId);
  const [row] = await run(db, READ, [
    scope.sandboxId,
    storableText(namespaceKey(who.profileNamespace)),
    storableText(identityKey(who.profileNamespace, who.profileId)),
    storableText(namespaceKey(who.addressNamespace)),
    storableText(identityKey(who.addressNamespace, who.address)),
    month,
    month === null ? null : who.messageId,
    storableText(who.list ?? ''),
    namespaceKey(EMAIL_NAMESPACE),
    who.profileNumber ?? null,
  ]);
  if (row === undefined) throw new Error('a sandbox vanished');
  return row;
}
