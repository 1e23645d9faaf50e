/**
 * A witness: what one process, or one data directory, has seen of the database, to be kept outside of it.
 *
 * One rule: a database that knows less than its witness, or lies elsewhere, has been restored. It may have forgotten
 * opt-outs that were answered and mails that were sent, so sending pauses until a person says otherwise.
 *
 * Every witness has a row of its own. One counter for all would be driven on by processes that know of nothing, until it
 * had passed what another one remembers.
 *
 * @module
 */
import type { Db } from './database.ts';
import { sqlState } from './database-error.ts';
import { type PauseRow, REASON_LIMIT, readSending, type Sending, sendingOf } from './sending.ts';
import { prepared, run } from './statement.ts';

/** Where a database lives, by what can be read of it. Two places differ when a part that both have differs. */
export type Place = Readonly<Partial<Record<'system' | 'database' | 'tables' | 'files', string>>>;

/** What was seen last. */
export interface Seen {
  /** UUID of the witness. */
  readonly id: string;
  /** 0: nothing yet. */
  readonly beat: number;
  /** The database's clock at that beat; null before the first. */
  readonly at: Date | null;
}

/** What a witness is told once, when it is opened. */
export interface WitnessOptions {
  readonly seen: Seen;
  /** Parts of the place that only this machine can read. */
  readonly mark?: Place;
  /** The witness itself was copied, and the database beside it with it. */
  readonly copied?: boolean;
}

/** What a beat found. */
export interface Beat {
  readonly seen: Seen;
  readonly sending: Sending;
  /** This beat found that the database was restored, and paused. */
  readonly restored: boolean;
}

/** An open witness. */
export interface Witness {
  /** One beat; one at a time. Rejects when the database is away, which says nothing about it. */
  beat(): Promise<Beat>;
  /** What it has seen, to be kept. */
  seen(): Seen;
}

interface BeatRow extends PauseRow {
  readonly beat: number;
  readonly at: Date;
  readonly place: Place | null;
  readonly restored_at: Date | null;
  readonly here: Place;
  /** The last beat that the database knows: until then it knows what happened. Others may have begun since it was restored. */
  readonly until: Date | null;
}

/** Not allowed, or not there: managed servers and relatives of PostgreSQL. */
const NOT_READABLE = new Set(['42501', '42883', '0A000']);

const HERE = `'database', (SELECT oid::text FROM pg_database WHERE datname = current_database()),
       'tables', 'installation'::regclass::oid::text`;
const SYSTEM = `'system', (SELECT system_identifier::text FROM pg_control_system()), ${HERE}`;

const beatText = (here: string) => `WITH beaten AS (
     INSERT INTO witness AS w (id, beat, beat_at) VALUES ($1, 1, clock_timestamp())
     ON CONFLICT (id) DO UPDATE SET beat = w.beat + 1, beat_at = clock_timestamp() RETURNING beat, beat_at
   )
   SELECT b.beat, b.beat_at AS at, i.place, i.paused_at, i.paused_why, i.restored_at, jsonb_build_object(${here}) AS here,
     coalesce((SELECT beat_at FROM witness WHERE id = $1),
       (SELECT max(beat_at) FROM witness WHERE $2::timestamptz IS NULL OR beat_at < $2)) AS until
   FROM beaten b CROSS JOIN installation i`;

const BEAT = prepared<BeatRow>('beat', beatText(SYSTEM));
const BEAT_WITHOUT_SYSTEM = prepared<BeatRow>('beat_without_system', beatText(HERE));

const LOCK = prepared<Pick<BeatRow, 'place' | 'restored_at'>>(
  'lock_installation',
  'SELECT place, restored_at FROM installation FOR UPDATE',
);

/**
 * Numbers that people were given after the backup stand in the tokens of mails that are out, and jobs in a queue name
 * executions. None of them may ever be given to somebody else: the opt-out of one person would be written down for another.
 * So the sequences go on far beyond whatever can have been drawn meanwhile. A list's number has 24 bits, the others have
 * room for thousands of such leaps. (`setval` is no part of a transaction; a leap too many harms nobody.)
 */
const LEAP = prepared<never>(
  'leap_sequences',
  `SELECT setval(pg_get_serial_sequence('profile', 'id'), leap.people + greatest(
       (SELECT max(id) FROM profile), nextval(pg_get_serial_sequence('profile', 'id')))),
     setval(pg_get_serial_sequence('address', 'id'), leap.people + greatest(
       (SELECT max(id) FROM address), nextval(pg_get_serial_sequence('address', 'id')))),
     setval(pg_get_serial_sequence('list', 'number'), leap.lists + greatest(
       (SELECT max(number) FROM list), nextval(pg_get_serial_sequence('list', 'number')))),
     setval(pg_get_serial_sequence('execution', 'id'), leap.executions + greatest(
       (SELECT max(id) FROM execution), nextval(pg_get_serial_sequence('execution', 'id'))))
   FROM (VALUES (100000000, 10000, 1000000)) AS leap (people, lists, executions)`,
);

const SETTLE = prepared<never>(
  'settle_at_place',
  `UPDATE installation SET place = $1::jsonb || coalesce(place, '{}')`,
);

const PAUSE = prepared<never>(
  'pause_restored',
  `UPDATE installation SET place = coalesce(place, '{}') || $1::jsonb, restored_at = clock_timestamp(),
     paused_at = coalesce(paused_at, clock_timestamp()),
     paused_why = left($2::text || coalesce(' It was paused before: ' || paused_why, ''), ${REASON_LIMIT})`,
);

/** Opens a witness. Nothing is asked before its first beat. */
export function openWitness(db: Db, { seen: before, mark = {}, copied = false }: WitnessOptions): Witness {
  let seen = before;
  let isCopy = copied;
  let statement = BEAT;

  /** One transaction: a pause that could not be written leaves no beat behind, and is found again by the next. */
  async function lookOnce(transaction: Db): Promise<Beat> {
    const [row] = await run(transaction, statement, [seen.id, seen.at]);
    if (row === undefined) throw new Error('the installation has no row');
    const here = { ...row.here, ...mark };
    const next = { id: seen.id, beat: row.beat, at: row.at };
    if (whyRestored(row, here, { seen, isCopy }) === null) {
      if (PARTS.some(([part]) => here[part] !== undefined && row.place?.[part] === undefined)) {
        await run(transaction, SETTLE, [JSON.stringify(here)]);
      }
      return { seen: next, sending: sendingOf(row), restored: false };
    }
    const [locked] = await run(transaction, LOCK, []);
    // Another process may have found the same and been faster.
    const why = locked === undefined ? null : whyRestored({ ...row, ...locked }, here, { seen, isCopy });
    if (why !== null) {
      await run(transaction, LEAP, []);
      await run(transaction, PAUSE, [JSON.stringify(here), why]);
    }
    return { seen: next, sending: await readSending(transaction), restored: why !== null };
  }

  async function look(): Promise<Beat> {
    try {
      return await db.transaction().execute(lookOnce);
    } catch (error) {
      if (statement !== BEAT || !NOT_READABLE.has(sqlState(error) ?? '')) throw error;
      statement = BEAT_WITHOUT_SYSTEM;
      return look();
    }
  }

  return {
    seen: () => seen,
    async beat() {
      const found = await look();
      seen = found.seen;
      isCopy = false;
      return found;
    },
  };
}

/** Why it must have been restored, as a sentence; null when nothing says so. */
function whyRestored(
  { beat, place, restored_at, until }: BeatRow,
  here: Place,
  { seen, isCopy }: { readonly seen: Seen; readonly isCopy: boolean },
): string | null {
  // What was found once is not found again by a witness that was away meanwhile.
  const isNews = seen.at !== null && (restored_at === null || seen.at >= restored_at);
  if (seen.at !== null && isNews && beat <= seen.beat) {
    return `The database is older than what was seen of it at ${instant(seen.at)}: it was restored from a backup, or a server took over that had not received everything. ${missing(until)}`;
  }
  const part = PARTS.find(([name]) => differs(place?.[name], here[name]));
  if (part !== undefined) {
    return `The database is not where it was (${part[1]}): it was restored from a backup, copied or moved. If it was not moved as a whole: ${missing(until)}`;
  }
  if (isNews && isCopy) {
    return `The data directory is a copy, and the database in it: it was put back from a backup, or moved. If it was not moved as a whole: ${missing(until)}`;
  }
  return null;
}

function missing(until: Date | null): string {
  const since = until === null ? 'the backup' : instant(until);
  return `Opt-outs that were answered since ${since} may be missing in it, and mail that was sent may count as unsent.`;
}

/** The widest first, which explains the others. */
const PARTS = [
  ['system', 'another server'],
  ['database', 'another database of the server'],
  ['files', 'other files'],
  ['tables', 'its tables were made anew'],
] as const;

/** A part that was not read on one of the two occasions says nothing. */
function differs(before: string | undefined, now: string | undefined): boolean {
  return before !== undefined && now !== undefined && before !== now;
}

function instant(at: Date): string {
  return `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
