/**
 * When mail last came in, for whoever asks whether the listeners have fallen silent.
 *
 * One rule: one row, written by canaries alone. A canary proves that the database takes what a listener hands it, leaves
 * nothing about anybody, and brings along when the last real mail came, so that no opt-out pays for being counted.
 *
 * @module
 */
import type { Db } from './database.ts';
import { prepared, run } from './statement.ts';

/** When listeners of this installation took something last; null: never. */
export interface InboundWatch {
  readonly canaryAt: Date | null;
  /** As of the last canary. */
  readonly mailAt: Date | null;
}

const NOTE = prepared<never>(
  'note_canary',
  `INSERT INTO inbound_watch (canary_at, mail_at) VALUES (clock_timestamp(), $1)
   ON CONFLICT (single) DO UPDATE SET canary_at = EXCLUDED.canary_at,
     mail_at = greatest(inbound_watch.mail_at, EXCLUDED.mail_at)`,
);

const READ = prepared<InboundWatch>(
  'read_inbound_watch',
  `SELECT canary_at AS "canaryAt", mail_at AS "mailAt" FROM inbound_watch`,
);

/** Notes that a canary came, and when the listener that took it had its last real mail. Commits. */
export async function noteCanary(db: Db, mailAt: Date | null): Promise<void> {
  await run(db, NOTE, [mailAt]);
}

/** When mail last came in. */
export async function readInboundWatch(db: Db): Promise<InboundWatch> {
  const [row] = await run(db, READ, []);
  return row ?? { canaryAt: null, mailAt: null };
}
