/**
 * `adieu import unsubscribes FILE`: brings the people who left another system to a running server.
 *
 * The whole file is read before a line of it is stored: a no that an import brought is lifted by its person alone.
 *
 * @module
 */
import { Failure } from '@adieu/core';
import type { Config } from '../config.ts';
import { type ConnectOptions, connect } from '../connection.ts';
import type { Management } from '../management.ts';
import { answer, type Output } from '../output.ts';
import { checkPeople } from '../people.ts';
import { startProgress } from '../progress.ts';
import { type Paints, paintsFor, printable } from '../terminal.ts';
import { optOutRecord, readUnsubscribes, type UnsubscribeFile } from '../unsubscribes.ts';

/** Options of the command line. */
export interface ImportUnsubscribesOptions extends Output, ConnectOptions, Omit<UnsubscribeFile, 'path'> {
  readonly dryRun: boolean;
}

interface Found {
  /** Lines and addresses of those who left, each once. */
  readonly left: readonly { readonly line: number; readonly address: string }[];
  readonly repeated: number;
  readonly subscribed: number;
  readonly suppressed: number;
  readonly rejected: readonly RejectedLine[];
}

interface RejectedLine {
  readonly line: number;
  readonly code: string;
  readonly detail: string;
}

/** Profiles of one import. */
const IMPORT_SIZE = 1_000;
/** Rejected lines that a page shows. */
const SHOWN = 20;

/** Answers whether every line was read and taken. */
export async function importUnsubscribes(
  config: Config,
  path: string,
  options: ImportUnsubscribesOptions,
): Promise<boolean> {
  const { json, dryRun } = options;
  const management = await connect(config, options);
  await checkPeople(path);
  const found = await readAll({ ...options, path });
  checkFound(path, found);
  const refused = dryRun ? [] : await store(management, found.left, json);
  const { repeated, subscribed, suppressed } = found;
  const rejected = [...found.rejected, ...refused].sort((a, b) => a.line - b.line);
  const optedOut = found.left.length - refused.length;
  const outcome = { optedOut, repeated, subscribed, suppressed, rejected, dryRun };
  answer(options, { json: outcome, page: page(path, outcome, paintsFor(process.stdout)) });
  return rejected.length === 0;
}

async function readAll(file: UnsubscribeFile): Promise<Found> {
  const left = new Map<string, { line: number; address: string }>();
  const counts = { repeated: 0, subscribed: 0, suppressed: 0 };
  const rejected: RejectedLine[] = [];
  for await (const read of readUnsubscribes(file)) {
    if (read.kind === 'rejected') rejected.push({ line: read.line, code: read.code, detail: read.detail });
    else if (read.kind !== 'left') counts[read.kind] += 1;
    else if (left.has(read.key)) counts.repeated += 1;
    else left.set(read.key, { line: read.line, address: read.address });
  }
  return { left: [...left.values()], ...counts, rejected };
}

/** Throws for a file that is not what it should be: nothing is stored. */
function checkFound(path: string, { left, repeated, subscribed, suppressed, rejected }: Found): void {
  const unsaid = rejected.filter(({ code }) => code === 'unsubscribe_not_said').length;
  if (unsaid > 0 && unsaid >= left.length) {
    const detail = `${path}: most of the lines do not say that their person unsubscribed. Give --all if all of them did: only they themselves can take it back. Nothing was stored.`;
    throw new Failure('unsubscribe_not_said', detail);
  }
  if (rejected.length <= left.length + repeated + subscribed + suppressed) return;
  const [first] = rejected;
  const detail = `${path}: most of the lines are no addresses, so nothing was stored. Line ${first?.line}: ${first?.detail}. Is it the right file, and the right column (--column)?`;
  throw new Failure('file_doubtful', detail);
}

/** Answers what the server refused. */
async function store(management: Management, left: Found['left'], quiet: boolean): Promise<RejectedLine[]> {
  const progress = startProgress('stored', { quiet });
  const refused: RejectedLine[] = [];
  try {
    for (let at = 0; at < left.length; at += IMPORT_SIZE) {
      const chunk = left.slice(at, at + IMPORT_SIZE);
      const ndjson = chunk.map(({ address }) => optOutRecord(address)).join('\n');
      const { rejected } = await management.importProfiles(`${ndjson}\n`);
      refused.push(...rejected.map((each) => ({ ...each, line: chunk[each.line - 1]?.line ?? 0 })));
      progress.update(at + chunk.length, left.length);
    }
  } finally {
    progress.stop();
  }
  return refused;
}

function page(
  path: string,
  outcome: Omit<Found, 'left'> & { readonly optedOut: number; readonly dryRun: boolean },
  paints: Paints,
): string {
  const { optedOut, repeated, subscribed, suppressed, rejected, dryRun } = outcome;
  const lines = rejected
    .slice(0, SHOWN)
    .map(({ line, code, detail }) => `  line ${line}: ${printable(detail)} ${paints.dim(`[${code}]`)}`);
  const hidden = rejected.length - lines.length;
  return [
    `${paints.bold(printable(path))}${dryRun ? '. Dry run: nothing was stored' : ''}`,
    `opted out of marketing mail ${optedOut}, rejected ${rejected.length}`,
    ...(repeated === 0 ? [] : [`lines that name somebody a second time: ${repeated}`]),
    ...(subscribed === 0 ? [] : [`left alone, since they are subscribed: ${subscribed}`]),
    ...(suppressed === 0
      ? []
      : [
          `left for "adieu import suppressions", since they bounced, complained or are blocked: ${suppressed}`,
        ]),
    ...(lines.length === 0 ? [] : [paints.red('Lines that were not taken'), ...lines]),
    ...(hidden > 0 ? [`  … and ${hidden} more`] : []),
  ].join('\n');
}
