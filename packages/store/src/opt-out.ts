/**
 * The opt-out statement: one, for a whole group, whatever door each came through.
 *
 * One rule: history, current state, standing version and event are written by the same statement, from rows it has
 * locked. What a person had said before adds nothing (X7, X8, OC-8), and is as new as the last time it was said; what is
 * evidence and what is an event is what core's `consent-evidence.ts` says of a no.
 *
 * @module
 */
import type { OptOut, OptOutScope } from '@adieu/core';
import { Failure } from '@adieu/core';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { findMonthOf, withPartitions } from './partition.ts';
import { prepared, run } from './statement.ts';
import { storableJson } from './storable.ts';
import {
  createSubject,
  MAILED_BY,
  MAILED_COLUMNS,
  SUBJECT_COLUMNS,
  SUBJECT_OF,
  subjectColumns,
} from './subject.ts';

/** What one opt-out did, and whom it concerns. */
export interface Recorded {
  readonly known: boolean;
  readonly changed: boolean;
  readonly scope: OptOutScope;
  readonly profileId: number | null;
  readonly addressId: number | null;
  readonly listNumber: number | null;
}

interface Row extends Recorded {
  readonly place: number;
  readonly sandboxId: number;
}

/**
 * Whether a no of row `n` is newer than the time that stands. A time that is still to come, or not spelled as ours are, is an
 * import's, and gives way: it tells less than what was just said. Compared as texts, since no cast may fail here.
 */
const isNewer = (
  time: string,
): string => `NOT coalesce(${time} LIKE '____-__-__T__:__:__.___Z' AND ${time} COLLATE "C"
         BETWEEN n.at AND to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), false)`;

/** What stays of a field under a no: its reason only where the no was there before. */
const no = (field: string, was: string): string =>
  `CASE ${was} WHEN 'n' THEN ${field} ELSE ${field} - 'reason' END`;

/**
 * Profiles are locked by id, then addresses by id: the order of the intent to send, so the two never wait for each
 * other in a circle. The count makes the second lock wait for all of the first (a CTE runs only as far as it is
 * read). `FOR NO KEY UPDATE` answers the newest version of each row, whatever this statement's snapshot saw, and
 * everything below is computed from those.
 *
 * `named`: whose row it is. `…_noes`: the first of each person, address or list in the group that changes something or is newer
 * than what stands, and the newest time among them; a complaint, always of a channel, goes before. `changes`: of which there was
 * no `n` before, and complaints.
 */
const RECORD = prepared<Row>(
  'record_opt_outs',
  `WITH given AS MATERIALIZED (
     SELECT g.*, s.id AS sandbox_id, ${MAILED_COLUMNS}
     FROM jsonb_to_recordset($1::jsonb) AS g (place integer, organisation text, sandbox text,
       ${SUBJECT_COLUMNS}, scope text, list text, list_number integer, source text, month date, message_id uuid,
       fingerprint text, at text)
     JOIN organisation o ON o.name = g.organisation
     JOIN sandbox s ON s.organisation_id = o.id AND s.name = g.sandbox
     ${MAILED_BY('g')}
   ), named AS MATERIALIZED (
     SELECT g.place, g.sandbox_id, g.scope, g.source, g.message_id, g.execution_id, g.fingerprint, g.at,
       CASE WHEN g.execution_id IS NULL THEN date_trunc('month', now() AT TIME ZONE 'UTC')::date ELSE g.month END AS month,
       l.number AS list_number, coalesce(l.name, g.list) AS list,
       ${SUBJECT_OF('g')}
     FROM given g LEFT JOIN list l ON l.sandbox_id = g.sandbox_id AND (l.number = g.list_number OR l.name = g.list)
   ), profiles AS MATERIALIZED (
     SELECT p.id, p.consents, coalesce(p.consents -> 'marketing', '{}') AS marketing,
       coalesce(p.consents #> '{marketing,email}', '{}') AS email
     FROM profile p
     WHERE p.id = ANY (ARRAY(SELECT profile_id FROM named WHERE scope <> 'identity'))
     ORDER BY p.id FOR NO KEY UPDATE
   ), addresses AS MATERIALIZED (
     SELECT a.id, a.consents, coalesce(a.consents -> 'marketing', '{}') AS marketing,
       coalesce(a.consents #> '{marketing,email}', '{}') AS email
     FROM address a
     WHERE (SELECT count(*) FROM profiles) >= 0
       AND a.id = ANY (ARRAY(SELECT address_id FROM named WHERE scope = 'identity'))
     ORDER BY a.id FOR NO KEY UPDATE
   ), channel_noes AS MATERIALIZED (
     SELECT DISTINCT ON (id) *, max(at) FILTER (WHERE from_value <> 'n' OR newer) OVER (PARTITION BY id) AS newest
     FROM (SELECT n.*, p.id, coalesce(p.email ->> 'val', 'u') AS from_value, ${isNewer("p.email ->> 'time'")} AS newer
       FROM named n JOIN profiles p ON p.id = n.profile_id WHERE n.scope = 'channel') said
     WHERE from_value <> 'n' OR newer OR source = 'complaint'
     ORDER BY id, source = 'complaint' DESC, place
   ), list_noes AS MATERIALIZED (
     SELECT DISTINCT ON (p.id, n.list) n.*, max(n.at) OVER (PARTITION BY p.id, n.list) AS newest,
       coalesce(s.state, '{}') AS state, s.from_value
     FROM named n JOIN profiles p ON p.id = n.profile_id
     CROSS JOIN LATERAL (SELECT state, CASE WHEN state IS NULL THEN 'u' WHEN state ? 'end' OR state ->> 'val' = 'dn' THEN 'n'
       ELSE coalesce(state ->> 'val', 'y') END AS from_value
       FROM (SELECT p.email #> ARRAY['subscriptions', n.list] AS state) found) s
     WHERE n.scope = 'subscription' AND n.list IS NOT NULL AND (s.from_value <> 'n'
       OR ${isNewer("coalesce(s.state ->> 'end', s.state ->> 'time')")})
     ORDER BY p.id, n.list, n.place
   ), address_noes AS MATERIALIZED (
     SELECT DISTINCT ON (a.id) n.*, max(n.at) OVER (PARTITION BY a.id) AS newest, coalesce(a.email ->> 'val', 'u') AS from_value
     FROM named n JOIN addresses a ON a.id = n.address_id
     WHERE n.scope = 'identity'
       AND (a.email ->> 'val' IS DISTINCT FROM 'n' OR ${isNewer("a.email ->> 'time'")})
     ORDER BY a.id, n.place
   ), profile_state AS MATERIALIZED (
     SELECT p.id, p.consents || jsonb_build_object('marketing', p.marketing || jsonb_build_object('email',
       CASE WHEN c.newest IS NULL THEN p.email
         ELSE ${no('p.email', 'c.from_value')} || jsonb_build_object('val', 'n', 'time', c.newest) END
       || CASE WHEN l.ended IS NULL THEN '{}'
         ELSE jsonb_build_object('subscriptions', coalesce(p.email -> 'subscriptions', '{}') || l.ended) END)) AS consents
     FROM profiles p LEFT JOIN channel_noes c ON c.profile_id = p.id
     LEFT JOIN (SELECT profile_id, jsonb_object_agg(list, state || jsonb_build_object('end', newest)) AS ended
       FROM list_noes GROUP BY profile_id) l ON l.profile_id = p.id
     WHERE c.newest IS NOT NULL OR l.ended IS NOT NULL
   ), profile_write AS (
     UPDATE profile p SET consents = s.consents, standing_version = p.standing_version + 1
     FROM profile_state s WHERE p.id = s.id
   ), address_write AS (
     UPDATE address a SET standing_version = a.standing_version + 1, consents = l.consents || jsonb_build_object('marketing',
       l.marketing || jsonb_build_object('email', ${no('l.email', 'c.from_value')}
         || jsonb_build_object('val', 'n', 'time', c.newest)))
     FROM address_noes c JOIN addresses l ON l.id = c.address_id WHERE a.id = l.id
   ), changes AS MATERIALIZED (
     SELECT place, sandbox_id, profile_id, address_id, scope, NULL AS list, from_value, source, message_id, execution_id,
       fingerprint, at, month FROM channel_noes WHERE from_value <> 'n' OR source = 'complaint'
     UNION ALL SELECT place, sandbox_id, profile_id, address_id, scope, NULL, from_value, source, message_id, execution_id,
       fingerprint, at, month FROM address_noes WHERE from_value <> 'n'
     UNION ALL SELECT place, sandbox_id, profile_id, address_id, scope, list, from_value, source, message_id, execution_id,
       fingerprint, at, month FROM list_noes WHERE from_value <> 'n'
   ), evidence AS (
     INSERT INTO consent_history (sandbox_id, profile_id, address_id, at, scope, channel, list, from_value, to_value,
       source, message_id, execution_id, fingerprint)
     SELECT sandbox_id, profile_id, address_id, at::timestamptz, scope, 'email', list, from_value, 'n', source,
       message_id, execution_id, fingerprint FROM changes ORDER BY place
   ), noted AS (
     INSERT INTO event (month, sandbox_id, type, at, message_id, execution_id, profile_id, source)
     SELECT month, sandbox_id, 'opted_out', at::timestamptz, message_id, execution_id, profile_id, source
     FROM changes WHERE from_value <> 'n' ORDER BY place
   )
   SELECT n.place, n.sandbox_id AS "sandboxId", n.scope, n.profile_id AS "profileId", n.address_id AS "addressId",
     n.list_number AS "listNumber", EXISTS (SELECT FROM changes c WHERE c.place = n.place AND c.from_value <> 'n') AS changed,
     CASE n.scope WHEN 'identity' THEN n.address_id IS NOT NULL WHEN 'channel' THEN n.profile_id IS NOT NULL
       ELSE n.profile_id IS NOT NULL AND n.list IS NOT NULL END AS known
   FROM named n`,
  // A mailbox provider's robot waits for it, and comes again when told to.
  { patience: 9_000 },
);

/** Throws the permanent {@link Failure} of an opt-out that does not say what it is about. */
export function checkOptOut(optOut: OptOut): void {
  if (
    optOut.scope === 'subscription' &&
    (optOut.list === undefined || optOut.list === '' || optOut.list === 0)
  ) {
    throw new Failure('list_required', 'An opt-out of a list must name the list.', { field: 'list' });
  }
  if (Number.isNaN(optOut.at.getTime()))
    throw new Failure('time_invalid', 'An opt-out needs its time.', { field: 'at' });
}

/**
 * Records a group and answers for each, in order. A token that names a person or an address without a row (a database
 * restored from before the mail, an address never mailed from here) is as valid as any: the rows are created, and the
 * statement runs once more. Who was erased is out already, and is known by that alone; who came back since says it again. Only
 * numbers that mean nobody stay unknown.
 */
export async function recordOptOuts(db: Db, optOuts: readonly OptOut[]): Promise<Recorded[]> {
  const rows = await runGroup(db, optOuts);
  const missing = rows.filter(
    ({ scope, addressId, profileId }) => profileId === null || (scope === 'identity' && addressId === null),
  );
  const { again, settled, erased } = await createMissing(db, optOuts, missing);
  const repeated =
    again.length === 0
      ? []
      : await runGroup(
          db,
          again.map(({ optOut }) => optOut),
        );
  const byPlace = new Map<number, Recorded>(rows.map((row) => [row.place, row]));
  for (const row of repeated) byPlace.set(again[row.place]?.place ?? -1, row);
  for (const [place, recorded] of settled) byPlace.set(place, recorded);
  return optOuts.map((optOut, place) => {
    const recorded = byPlace.get(place) ?? unknownTo(optOut);
    return erased.has(place) ? { ...recorded, known: true } : recorded;
  });
}

async function runGroup(db: Db, optOuts: readonly OptOut[]): Promise<Row[]> {
  const group = storableJson(optOuts.map(columnsOf));
  return withPartitions(db, () => retrying(() => run(db, RECORD, [group])));
}

interface Missing {
  /** Those to be recorded now, and where in the group they stood. */
  readonly again: readonly { readonly place: number; readonly optOut: OptOut }[];
  /** Those that were recorded without the number in their link. */
  readonly settled: ReadonlyMap<number, Recorded>;
  readonly erased: ReadonlySet<number>;
}

async function createMissing(db: Db, optOuts: readonly OptOut[], rows: readonly Row[]): Promise<Missing> {
  const again: { place: number; optOut: OptOut }[] = [];
  const settled = new Map<number, Recorded>();
  const erased = new Set<number>();
  for (const row of rows) {
    const { place } = row;
    const optOut = optOuts[place];
    if (optOut === undefined) continue;
    const made = await createSubject(db, optOut.who, row);
    if (made.kind === 'created') again.push({ place, optOut });
    if (made.kind === 'renumbered') {
      const [recorded] = await recordOptOuts(db, [{ ...optOut, who: made.who }]);
      if (recorded !== undefined) settled.set(place, recorded);
    }
    if (made.kind !== 'erased') continue;
    erased.add(place);
    if (made.returned === null || row.scope === 'identity') continue;
    const who = { by: 'number', profile: made.returned, address: row.addressId ?? 0 } as const;
    again.push({ place, optOut: { ...optOut, who } });
  }
  return { again, settled, erased };
}

function columnsOf(optOut: OptOut, place: number): object {
  const { organisation, sandbox, who, scope, list, source, messageId, fingerprint, at } = optOut;
  const month = messageId === undefined ? null : findMonthOf(messageId);
  return {
    place,
    organisation,
    sandbox,
    ...subjectColumns(who),
    scope,
    ...(typeof list === 'number' ? { list_number: list } : { list }),
    source,
    // A message id that is none of ours is no evidence.
    ...(month === null ? {} : { month, message_id: messageId }),
    fingerprint,
    at: at.toISOString(),
  };
}

function unknownTo({ scope }: OptOut): Recorded {
  return { known: false, changed: false, scope, profileId: null, addressId: null, listNumber: null };
}
