/**
 * The recorder: every door's way to what a person says. Opt-outs go by groups, acts and reports by themselves.
 *
 * One rule: nobody is told "stored" before the commit. While one group is being written, those who come collect into
 * the next; a group that fails is written again one by one, so that a poisonous row loses nobody else's opt-out.
 *
 * @module
 */
import type {
  Act,
  ActReceipt,
  Log,
  Meter,
  OptOut,
  OptOutReceipt,
  RecordAct,
  RecordOptOut,
  RecordReport,
  Report,
  ReportReceipt,
} from '@adieu/core';
import { Failure, isFailure, UNMETERED } from '@adieu/core';
import { checkAct, recordAct } from './act.ts';
import type { Database } from './database.ts';
import { isDatabaseAway, sqlState } from './database-error.ts';
import type { Recorded } from './opt-out.ts';
import { checkOptOut, recordOptOuts } from './opt-out.ts';
import { openRecorderTally } from './recorder-tally.ts';
import { recordReport } from './report.ts';
import { openSettleWatch } from './settle-watch.ts';

/** An open recorder. */
export interface OptOutRecorder {
  readonly record: RecordOptOut;
  readonly recordAct: RecordAct;
  readonly recordReport: RecordReport;
  /**
   * Goes the whole way of an opt-out, for nobody: it queues with them, is written with them and answered after them. Nothing is
   * stored or counted; rejects as one would. For whoever asks whether opt-outs are being written.
   */
  readonly rehearse: () => Promise<void>;
  /** Counters since the start, for metrics. */
  stats(): OptOutStats;
  /** Takes no more, and waits for what was taken. */
  close(): Promise<void>;
}

/** How to record. */
export interface OptOutRecorderOptions {
  readonly log: Log;
  /** How long an answer waits for messages that are being sent. Default: 2, which is what is promised. */
  readonly patienceSeconds?: number;
  readonly meter?: Meter;
}

/** Counters since the start. */
export interface OptOutStats {
  /** Opt-outs stored, repeats included. */
  readonly recorded: number;
  /** Commits it took to store them. */
  readonly groups: number;
  /** Acts stored, one commit each, repeats included. */
  readonly acts: number;
  /** Bounces and complaints stored, one commit each, repeats included. */
  readonly reports: number;
  /** Messages that were still being sent when an opt-out of theirs had to be answered. */
  readonly overtaken: number;
}

interface Pending {
  readonly optOut: OptOut;
  /** `performance.now()` when it was taken. */
  readonly since: number;
  readonly resolve: (receipt: OptOutReceipt) => void;
  readonly reject: (error: unknown) => void;
}

/** Of no organisation (none may be without a name), so the statement runs and finds nobody. */
const NOBODY: OptOut = {
  ...{ organisation: '', sandbox: '', who: { by: 'number', profile: 0, address: 0 } },
  ...{ scope: 'channel', source: 'header_mailto', fingerprint: '', at: new Date(0) },
};

const PATIENCE_SECONDS = 2;
const GROUP_LIMIT = 256;
/** Beyond this the database does not keep up, and waiting longer would only hide it. */
const PENDING_LIMIT = 20_000;
/** Acts and reports under way: each holds a connection of the pool for a moment, and opt-outs need some too. */
const ACT_LIMIT = 1_000;

/** Opens a recorder on a pool. One per process is enough. */
export function openOptOutRecorder(
  { db }: Database,
  { log, patienceSeconds = PATIENCE_SECONDS, meter = UNMETERED }: OptOutRecorderOptions,
): OptOutRecorder {
  const watch = openSettleWatch(db, patienceSeconds);
  const tally = openRecorderTally(meter);
  const pending: Pending[] = [];
  const answers = new Set<Promise<void>>();
  const acts = new Set<Promise<ActReceipt | ReportReceipt>>();
  const stats = { recorded: 0, groups: 0, acts: 0, reports: 0, overtaken: 0 };
  let flushing: Promise<void> | undefined;
  let closed = false;

  /** Waits for the wire, and tells what was still on it. */
  const settled = async (recorded: readonly Recorded[]): Promise<void> => {
    // It is stored: whatever happens while waiting, the answer is yes.
    const overtaken = await watch.wait(recorded).catch((error: unknown) => {
      log.warn({ sqlState: sqlState(error) }, 'could not see what was being sent when an opt-out was stored');
      return [];
    });
    for (const messages of overtaken) {
      stats.overtaken += messages.length;
      tally.overtaken(messages.length);
      if (messages.length > 0) log.warn({ messages }, 'an opt-out is answered while messages are being sent');
    }
  };

  const answer = async (group: readonly Pending[], recorded: readonly Recorded[]) => {
    await settled(recorded);
    group.forEach(({ optOut, since, resolve }, place) => {
      const { changed = false, known = false } = recorded[place] ?? {};
      if (optOut !== NOBODY) tally.optOut(optOut, { changed, known }, (performance.now() - since) / 1000);
      resolve({ changed, known });
    });
  };

  const refuse = ({ optOut, reject }: Pending, error: unknown): void => {
    if (optOut !== NOBODY) tally.optOut(optOut, 'failed', 0);
    reject(asFailure(error));
  };

  const storeAct = async (act: Act): Promise<ActReceipt> => {
    const { receipt, narrowed } = await recordAct(db, act).catch((error: unknown) => {
      tally.act(act, false);
      throw asFailure(error);
    });
    stats.acts += 1;
    tally.act(act, true);
    if (narrowed.length > 0) await settled(narrowed);
    return receipt;
  };

  const storeReport = async (report: Report): Promise<ReportReceipt> => {
    const stored = await recordReport(db, report).catch((error: unknown) => {
      tally.report(report, 'failed');
      throw asFailure(error);
    });
    const { receipt, recorded } = stored;
    stats.reports += 1;
    tally.report(report, stored);
    if (recorded.length > 0) await settled(recorded);
    return receipt;
  };

  const alone = <T extends ActReceipt | ReportReceipt>(store: () => Promise<T>): Promise<T> => {
    if (closed || acts.size >= ACT_LIMIT) throw notTaken();
    const storing = store().finally(() => acts.delete(storing));
    acts.add(storing);
    return storing;
  };

  const write = async (group: readonly Pending[]) => {
    const recorded = await recordOptOuts(
      db,
      group.map(({ optOut }) => optOut),
    );
    const size = group.filter(({ optOut }) => optOut !== NOBODY).length;
    if (size > 0) {
      stats.recorded += size;
      stats.groups += 1;
      tally.group(size);
    }
    const answering = answer(group, recorded).finally(() => answers.delete(answering));
    answers.add(answering);
  };

  const writeOneByOne = async (group: readonly Pending[]) => {
    for (const entry of group) {
      await write([entry]).catch((error: unknown) => refuse(entry, error));
    }
  };

  const flush = async () => {
    while (pending.length > 0) {
      const group = pending.splice(0, GROUP_LIMIT);
      await write(group).catch(async (error: unknown) => {
        if (isDatabaseAway(error)) {
          for (const entry of group) refuse(entry, error);
          return;
        }
        // The text of a database error may hold a value of the row: it is not logged.
        log.warn(
          { sqlState: sqlState(error), size: group.length },
          'a group of opt-outs failed; storing them one by one',
        );
        await writeOneByOne(group);
      });
    }
    flushing = undefined;
  };

  const record: RecordOptOut = (optOut) =>
    new Promise<OptOutReceipt>((resolve, reject) => {
      if (closed || pending.length >= PENDING_LIMIT) {
        throw notTaken();
      }
      checkOptOut(optOut);
      pending.push({ optOut, since: performance.now(), resolve, reject });
      // Started in a later turn, so that all who came in this one share the first commit.
      flushing ??= Promise.resolve().then(flush);
    });

  return {
    record,
    rehearse: async () => {
      await record(NOBODY);
    },
    recordAct: async (act) => {
      checkAct(act);
      return alone(() => storeAct(act));
    },
    recordReport: async (report) => alone(() => storeReport(report)),
    stats: () => ({ ...stats }),
    close: async () => {
      closed = true;
      await flushing;
      await Promise.all(answers);
      await Promise.allSettled(acts);
    },
  };
}

function notTaken(): Failure {
  return new Failure('database_unavailable', 'Opt-outs are not being taken now.', { temporary: true });
}

/** Unknown is temporary: a lost opt-out is worse than a retry. */
function asFailure(error: unknown): Failure {
  if (isFailure(error)) return error;
  return new Failure('opt_out_not_stored', 'The choice could not be stored.', {
    temporary: true,
    cause: error,
  });
}
