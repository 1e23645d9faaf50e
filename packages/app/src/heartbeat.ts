/**
 * The heartbeat of a process: its witness looks at the database again and again, and says loudly when nothing is sent.
 *
 * One rule: nothing is begun on a database that nobody has looked at. The first beat comes before any role starts, and after
 * every outage, behind which another server may answer, a worker waits for the next one.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import { type Beat, openWitness, type Sending } from '@adieu/store';
import type { Config } from './config.ts';
import type { Foundation } from './wiring.ts';
import { readWitness, writeWitness } from './witness-file.ts';

/** A heartbeat. */
export interface Heartbeat {
  /** As the last beat found it. */
  sending(): Sending;
  /** A beat has passed since the database was away last. */
  sound(): boolean;
  close(): Promise<void>;
}

/** What it is started with. */
export interface HeartbeatOptions {
  readonly config: Pick<Config, 'dataDir'>;
  /** Where mail is sent, time counts more. */
  readonly sends: boolean;
  readonly log: Log;
}

const SENDING_MILLISECONDS = 1_000;
const OTHER_MILLISECONDS = 10_000;
const KEEP_MILLISECONDS = 5_000;

/** Starts with a beat, and goes on in the background. Throws when that beat cannot be made. */
export async function startHeartbeat(
  foundation: Pick<Foundation, 'database' | 'filesMark'>,
  options: HeartbeatOptions,
): Promise<Heartbeat> {
  const { log, sends } = options;
  const { dataDir } = options.config;
  const { seen, copied, trouble } = await readWitness(dataDir);
  if (trouble !== undefined) {
    log.warn(
      { error: String(trouble) },
      'witness.json cannot be read and begins anew; what it had seen is lost, so a restored database may go unnoticed',
    );
  }
  const witness = openWitness(foundation.database.db, {
    seen,
    ...(foundation.filesMark === null ? {} : { mark: { files: foundation.filesMark } }),
    // Elsewhere the directory may well be copied, to share its keys.
    copied: copied && foundation.filesMark !== null,
  });
  let sending: Sending = { state: 'running' };
  let proven = -1;
  let keptAt = Number.NEGATIVE_INFINITY;
  let round: Promise<void> = Promise.resolve();
  let busy = false;
  /** The trouble that was told last; null when there is none. */
  let told: string | null = null;

  function hear(found: Beat): void {
    const before = sending;
    sending = found.sending;
    if (sending.state === 'running') {
      if (before.state === 'paused') log.info({}, 'sending is resumed');
      return;
    }
    if (before.state === 'paused' && before.why === sending.why) return;
    const { why, since } = sending;
    const line = found.restored ? log.error : log.warn;
    line.call(log, { why, since }, 'sending is paused; "adieu sending resume" ends it');
  }

  async function keep(): Promise<void> {
    keptAt = performance.now();
    await writeWitness(dataDir, witness.seen()).catch((error: unknown) => {
      log.warn({ err: error }, 'the witness could not be written; a restored database may go unnoticed');
    });
  }

  async function look(): Promise<void> {
    // What breaks during the beat may have been after it.
    const before = foundation.database.outages();
    hear(await witness.beat());
    proven = before;
  }

  async function beat(): Promise<void> {
    busy = true;
    try {
      await look();
      told = null;
      if (performance.now() - keptAt >= KEEP_MILLISECONDS) await keep();
    } catch (error) {
      // Once, while it is the same trouble again.
      const level = told === String(error) ? 'debug' : 'warn';
      told = String(error);
      log[level]({ error: told }, 'no beat; the next one sees what this one would have');
    } finally {
      busy = false;
    }
  }

  await look();
  await keep();
  const timer = setInterval(
    () => {
      if (!busy) round = beat();
    },
    sends ? SENDING_MILLISECONDS : OTHER_MILLISECONDS,
  );
  // A start that fails afterwards must not be kept alive by it.
  timer.unref();

  return {
    sending: () => sending,
    sound: () => proven === foundation.database.outages(),
    async close() {
      clearInterval(timer);
      await round;
      await keep();
    },
  };
}
