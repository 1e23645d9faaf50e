/**
 * Waiting for the wire: an opt-out is answered when the messages of its scope that were being sent have settled.
 *
 * One rule: what was `sending` when the opt-out committed is waited for, by attempt, but not longer than promised;
 * what is still sending then is counted as overtaken, not hidden. Owed mail is not of an opt-out's scope.
 *
 * @module
 */
import type { Db } from './database.ts';
import type { Recorded } from './opt-out.ts';
import { prepared, run } from './statement.ts';

/** Waits for attempts to settle. */
export interface SettleWatch {
  /**
   * Resolves with the ids of messages that were still being sent when the time was over, for each. Rejects when the database
   * could not be asked all that time: by then no intent from before can start its content any more.
   */
  wait(recorded: readonly Recorded[]): Promise<(readonly string[])[]>;
}

interface Sending {
  readonly place: number;
  readonly month: string;
  readonly id: string;
  readonly attemptId: string;
}

interface Waiting {
  readonly open: Map<string, Sending>;
  readonly until: number;
  readonly resolve: (overtaken: readonly string[]) => void;
}

const POLL_MILLISECONDS = 15;
/** The opt-out is stored: an answer is not held back by a connection that has gone silent. */
const PATIENCE = { patience: 2_000 } as const;

/** Only leased batches have messages that are being sent, so only their executions are asked. */
const SENDING = prepared<Sending>(
  'sending_of_scope',
  `WITH active AS MATERIALIZED (
     SELECT DISTINCT e.id, e.month, e.list_number FROM batch b JOIN execution e ON e.id = b.execution_id
     WHERE b.lease_until IS NOT NULL AND e.email_type = 'marketing'
   )
   SELECT w.place, m.month, m.id, m.attempt_id AS "attemptId"
   FROM jsonb_to_recordset($1::jsonb)
     AS w (place integer, scope text, profile_id bigint, address_id bigint, list_number integer)
   CROSS JOIN LATERAL (
     SELECT w.profile_id AS id WHERE w.scope <> 'identity'
     UNION SELECT u.profile_id FROM profile_address u WHERE w.scope = 'identity' AND u.address_id = w.address_id
   ) p
   JOIN active e ON w.scope <> 'subscription' OR e.list_number = w.list_number
   CROSS JOIN LATERAL (SELECT * FROM message m
     WHERE m.execution_id = e.id AND m.profile_id = p.id AND m.month = e.month AND m.state = 'sending' OFFSET 0) m
   WHERE w.scope <> 'identity' OR m.address_id = w.address_id`,
  PATIENCE,
);

const STILL = prepared<{ readonly id: string; readonly attemptId: string }>(
  'still_sending',
  `SELECT m.id, m.attempt_id AS "attemptId" FROM unnest($1::date[], $2::uuid[], $3::uuid[]) AS w (month, id, attempt_id)
   CROSS JOIN LATERAL (SELECT * FROM message m
     WHERE m.month = w.month AND m.id = w.id AND m.state = 'sending' AND m.attempt_id = w.attempt_id OFFSET 0) m`,
  PATIENCE,
);

/** Opens a watch. All who wait share one poll. */
export function openSettleWatch(db: Db, patienceSeconds: number): SettleWatch {
  const waiting = new Set<Waiting>();
  let polling = false;

  const poll = async () => {
    if (polling) return;
    polling = true;
    while (waiting.size > 0) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
      // Whoever comes while the question is under way was not asked about, and its answer says nothing of them.
      const asked = [...waiting];
      const watched = asked.flatMap(({ open }) => [...open.values()]);
      // While the database is away nothing is known to have settled; the deadline decides.
      const still = await stillSending(db, watched).catch(() => null);
      for (const entry of asked) {
        if (still !== null)
          for (const name of entry.open.keys()) if (!still.has(name)) entry.open.delete(name);
        if (entry.open.size > 0 && performance.now() < entry.until) continue;
        waiting.delete(entry);
        entry.resolve([...entry.open.values()].map(({ id }) => id));
      }
    }
    polling = false;
  };

  return {
    wait: async (recorded) => {
      const until = performance.now() + patienceSeconds * 1_000;
      const sending = await findSending(db, recorded, until);
      return Promise.all(
        recorded.map((_, place) => {
          const open = new Map(sending.filter((row) => row.place === place).map((row) => [nameOf(row), row]));
          if (open.size === 0) return [];
          return new Promise<readonly string[]>((resolve) => {
            waiting.add({ open, until, resolve });
            void poll();
          });
        }),
      );
    },
  };
}

/** What is being sent; asked again while the database is away, because nobody may be told "stored" over mail on the wire. */
async function findSending(db: Db, recorded: readonly Recorded[], until: number): Promise<Sending[]> {
  const group = JSON.stringify(recorded.flatMap(columnsOf));
  for (;;) {
    try {
      return await run(db, SENDING, [group]);
    } catch (error) {
      if (performance.now() >= until) throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    }
  }
}

async function stillSending(db: Db, watched: readonly Sending[]): Promise<Set<string>> {
  const rows = await run(db, STILL, [
    watched.map((row) => row.month),
    watched.map((row) => row.id),
    watched.map((row) => row.attemptId),
  ]);
  return new Set(rows.map(nameOf));
}

function columnsOf({ known, scope, profileId, addressId, listNumber }: Recorded, place: number): object[] {
  return known
    ? [{ place, scope, profile_id: profileId, address_id: addressId, list_number: listNumber }]
    : [];
}

function nameOf({ id, attemptId }: { readonly id: string; readonly attemptId: string }): string {
  return `${id} ${attemptId}`;
}
