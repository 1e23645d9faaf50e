/**
 * Recording an act: one transaction, whatever a person says at once and however many rows it is about.
 *
 * One rule: rows are locked before anything about them is read, profiles and then addresses, so that no opt-out and no
 * import that commits meanwhile is written over. What may be changed is core's to say.
 *
 * @module
 */
import type { Act, ActReceipt, ActState, Bars, Change, LastNo } from '@adieu/core';
import { applyAct, EMAIL_NAMESPACE, Failure, isNo, namespaceKey } from '@adieu/core';
import type { OwnedTransition } from './consent-change.ts';
import { addressTransitions, appendTransitions, profileTransitions } from './consent-change.ts';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { type Recorded, recordOptOuts } from './opt-out.ts';
import { findMonthOf, withPartitions } from './partition.ts';
import { loadStates, writeConsents, writeStates } from './profile-state.ts';
import { prepared, run } from './statement.ts';
import { storableJson, storableText } from './storable.ts';
import {
  createSubject,
  MAILED_BY,
  MAILED_COLUMNS,
  SUBJECT_COLUMNS,
  SUBJECT_OF,
  subjectColumns,
} from './subject.ts';
import { ERASED } from './tombstone.ts';

/** What an act did, and the scopes it narrowed: what is on the wire there is waited for. */
export interface RecordedAct {
  readonly receipt: ActReceipt;
  readonly narrowed: readonly Recorded[];
}

/** Whom an act is about. */
interface Subject {
  readonly sandboxId: number;
  readonly profileId: number | null;
  readonly addressId: number | null;
  readonly executionId: number | null;
}

interface StoredNo extends LastNo {
  readonly scope: string;
  readonly channel: string;
  readonly list: string | null;
}

type Numbers = ReadonlyMap<string, number>;

const FIND = prepared<Subject>(
  'find_subject',
  `WITH given AS MATERIALIZED (
     SELECT g.*, s.id AS sandbox_id, ${MAILED_COLUMNS}
     FROM jsonb_to_record($1::jsonb) AS g (organisation text, sandbox text, month date, message_id uuid, ${SUBJECT_COLUMNS})
     JOIN organisation o ON o.name = g.organisation
     JOIN sandbox s ON s.organisation_id = o.id AND s.name = g.sandbox
     ${MAILED_BY('g')}
   ), named AS (SELECT g.sandbox_id, g.execution_id, ${SUBJECT_OF('g')} FROM given g)
   SELECT sandbox_id AS "sandboxId", profile_id AS "profileId", address_id AS "addressId", execution_id AS "executionId"
   FROM named`,
);

const LISTS = prepared<{ readonly name: string; readonly number: number }>(
  'numbers_of_lists',
  `SELECT name, number FROM list WHERE sandbox_id = $1 AND name = ANY ($2::text[])`,
);

/** Of each thing the newest no, whoever of those that share the address said it there. */
const LAST_NOES = prepared<StoredNo>(
  'last_noes',
  `SELECT DISTINCT ON (scope, channel, list) scope, channel, list, source, at FROM consent_history
   WHERE to_value IN ('n', 'dn') AND id IN (
     SELECT id FROM consent_history WHERE profile_id = $1 AND scope <> 'identity'
     UNION ALL SELECT id FROM consent_history WHERE address_id = $2 AND scope = 'identity')
   ORDER BY scope, channel, list, id DESC`,
);

const COMPLAINED = prepared<{ readonly complained: boolean }>(
  'has_complained',
  `SELECT EXISTS (SELECT FROM address a JOIN delivery_list d ON d.sandbox_id = a.sandbox_id AND d.key = a.key
     WHERE a.id = $1 AND a.namespace_key = $2 AND d.list = 'suppressed' AND d.kind = 'email' AND d.reason = 'complaint')
   AS complained`,
);

/** Throws the permanent {@link Failure} of an act that does not say what it is about. */
export function checkAct({ changes, at }: Act): void {
  for (const { scope, channel, list } of changes) {
    if (scope === 'subscription' && (list === undefined || list === '')) {
      throw new Failure('list_required', 'A choice about a list must name the list.', { field: 'list' });
    }
    if (scope !== 'channel' && channel !== 'email') {
      throw new Failure('scope_invalid', 'Only email has choices for one address or one list.', {
        field: 'scope',
      });
    }
  }
  if (Number.isNaN(at.getTime()))
    throw new Failure('time_invalid', 'An act needs its time.', { field: 'at' });
}

/**
 * Records an act. Who has no row yet gets one, as for an opt-out. Throws `unknown_list` where somebody is to join a list
 * that is not there; leaving one that is gone is recorded like every no.
 */
export async function recordAct(db: Db, act: Act): Promise<RecordedAct> {
  const clean = { ...act, changes: act.changes.map(storableChange) };
  let subject = await findSubject(db, clean);
  if (subject === null) return UNKNOWN;
  if (lacks(subject, clean)) {
    const made = await createSubject(db, clean.who, subject);
    if (made.kind === 'renumbered') return recordAct(db, { ...clean, who: made.who });
    if (made.kind === 'erased') return recordErased(db, clean, { ...subject, profileId: made.returned });
    subject = (await findSubject(db, clean)) ?? subject;
  }
  if (lacks(subject, clean)) return UNKNOWN;
  const found = subject;
  const lists = await numbersOfLists(db, found.sandboxId, clean.changes);
  return withPartitions(db, () =>
    retrying(() => db.transaction().execute((transaction) => write(transaction, clean, { ...found, lists }))),
  );
}

const UNKNOWN: RecordedAct = { receipt: { known: false, changed: [], kept: [] }, narrowed: [] };

/**
 * Of who was erased: they are out, and nobody is there who could be let in. Only an address that others use still can be
 * stopped. Where the address alone was erased, it is out, and the person says the rest; who came back says everything.
 */
async function recordErased(db: Db, act: Act, { profileId, addressId }: Subject): Promise<RecordedAct> {
  const who = { by: 'number', profile: profileId ?? 0, address: addressId ?? 0 } as const;
  if (profileId !== null && addressId !== null) return recordAct(db, { ...act, who });
  const ofErased = act.changes.filter(({ scope }) => profileId === null || scope === 'identity');
  const kept = ofErased
    .filter(({ to }) => !isNo(to))
    .map((change) => ({ ...change, why: 'erasure' as const }));
  if (profileId !== null) {
    const rest = await recordAct(db, {
      ...act,
      who,
      changes: act.changes.filter((one) => !ofErased.includes(one)),
    });
    return { ...rest, receipt: { ...rest.receipt, kept: [...rest.receipt.kept, ...kept] } };
  }
  const stops = ofErased.filter(({ scope, to }) => scope === 'identity' && isNo(to)).slice(0, 1);
  const optOuts = stops.map(() => ({
    ...act,
    scope: 'identity' as const,
    fingerprint: act.fingerprint ?? '',
  }));
  const narrowed = await recordOptOuts(db, optOuts);
  const changed = narrowed.some((recorded) => recorded.changed) ? stops : [];
  return { receipt: { known: true, changed, kept }, narrowed };
}

async function findSubject(db: Db, { organisation, sandbox, who, messageId }: Act): Promise<Subject | null> {
  const month = messageId === undefined ? null : findMonthOf(messageId);
  const message = month === null ? {} : { month, message_id: messageId };
  const [row] = await run(db, FIND, [
    storableJson({ organisation, sandbox, ...message, ...subjectColumns(who) }),
  ]);
  return row ?? null;
}

function lacks({ profileId, addressId }: Subject, { changes }: Act): boolean {
  return profileId === null || (addressId === null && changes.some(({ scope }) => scope === 'identity'));
}

async function numbersOfLists(db: Db, sandboxId: number, changes: readonly Change[]): Promise<Numbers> {
  const names = changes.flatMap(({ list }) => (list === undefined ? [] : [list]));
  if (names.length === 0) return new Map();
  const rows = await run(db, LISTS, [sandboxId, names]);
  const numbers = new Map(rows.map(({ name, number }) => [name, number]));
  const joins = changes.find(({ list, to }) => list !== undefined && !isNo(to) && !numbers.has(list));
  if (joins !== undefined) throw new Failure('unknown_list', 'There is no such list.', { field: 'list' });
  return numbers;
}

async function write(
  db: Db,
  act: Act,
  { sandboxId, profileId, addressId, executionId, lists }: Subject & { readonly lists: Numbers },
): Promise<RecordedAct> {
  const ofAddress = act.changes.some(({ scope }) => scope === 'identity') ? addressId : null;
  const states = await loadStates(db, { profiles: numbered(profileId), addresses: numbered(ofAddress) });
  const profile = states.profiles.get(profileId ?? 0);
  // Erased between the finding and the lock.
  if (profile === undefined || profileId === null) return UNKNOWN;
  const before: ActState = {
    consents: profile.consents,
    address: states.addresses.get(ofAddress ?? 0)?.consents ?? {},
  };
  const noes = [before.consents.marketing?.email?.reason, before.address.marketing?.email?.reason];
  // A token proves who reads a mailbox; that somebody wants to be known again takes a proof of its own.
  const erased = act.reference === undefined && noes.includes(ERASED);
  const bars = { erased, ...(await readBars(db, { profileId, addressId })) };
  const { state, changed, kept } = applyAct(before, act.changes, {
    at: act.at,
    undoes: act.undoes,
    bars,
    now: new Date(),
  });
  if (state.consents !== before.consents) await writeConsents(db, profileId, state.consents);
  if (ofAddress !== null && state.address !== before.address) {
    const addresses = new Map([[ofAddress, { consents: state.address }]]);
    await writeStates(db, { profiles: new Map(), addresses });
  }
  const { source, at, messageId, fingerprint, reference } = act;
  const month = messageId === undefined ? null : findMonthOf(messageId);
  const owned = { profileId, addressId };
  const transitions: OwnedTransition[] = [
    ...profileTransitions(before.consents, state.consents),
    ...addressTransitions(before.address.marketing ?? {}, state.address.marketing ?? {}),
  ].map((transition) => ({ ...transition, ...owned }));
  await appendTransitions(db, transitions, {
    sandboxId,
    source,
    at,
    ...(month === null ? {} : { messageId }),
    ...(month === null || executionId === null ? {} : { executionId, month }),
    ...(fingerprint === undefined ? {} : { fingerprint: storableText(fingerprint) }),
    ...(reference === undefined ? {} : { reference: storableText(reference) }),
  });
  const narrowed = narrowedBy(act.changes, { known: true, changed: true, ...owned }, lists);
  return { receipt: { known: true, changed, kept }, narrowed };
}

/** Each scope once, though several changes may narrow it. */
function narrowedBy(
  changes: readonly Change[],
  whose: Omit<Recorded, 'scope' | 'listNumber'>,
  lists: Numbers,
): Recorded[] {
  const narrowed = new Map<string, Recorded>();
  for (const { scope, list, channel, to } of changes) {
    if (!isNo(to) || (channel !== 'email' && channel !== 'any')) continue;
    const listNumber = lists.get(list ?? '') ?? null;
    narrowed.set(`${scope} ${listNumber}`, { ...whose, scope, listNumber });
  }
  return [...narrowed.values()];
}

/** Read under the lock, so that a complaint that commits meanwhile is seen or comes after. */
async function readBars(
  db: Db,
  { profileId, addressId }: { readonly profileId: number; readonly addressId: number | null },
): Promise<Omit<Bars, 'erased'>> {
  const noes = await run(db, LAST_NOES, [profileId, addressId]);
  const [row] = await run(db, COMPLAINED, [addressId, namespaceKey(EMAIL_NAMESPACE)]);
  return {
    complained: row?.complained ?? false,
    lastNo: ({ scope, channel, list = null }) =>
      noes.find((no) => no.scope === scope && no.channel === channel && no.list === list) ?? null,
  };
}

function storableChange({ list, ...change }: Change): Change {
  return list === undefined ? change : { ...change, list: storableText(list) };
}

function numbered(id: number | null): number[] {
  return id === null ? [] : [id];
}
