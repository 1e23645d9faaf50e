/**
 * A file of suppressed or allowed addresses on its way to a running server.
 *
 * The rule: the whole file is tried before a line of it is stored, so that a wrong file or a wrong column changes nothing.
 * The server alone knows how exports of other systems look; here the file is only sent, and the server's words are shown.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Failure, faultOfFile } from '@adieu/core';
import type { Management, UploadAnswer } from './management.ts';
import type { Progress } from './progress.ts';

/** What to import. */
export interface SuppressionFile {
  readonly path: string;
  readonly allowed: boolean;
  readonly reason?: string;
  readonly column?: string;
}

/** Sends the file once. `dryRun`: it is looked through, and nothing is stored. Progress counts KiB. */
export async function uploadSuppressions(
  management: Management,
  file: SuppressionFile,
  { dryRun, progress }: { readonly dryRun: boolean; readonly progress: Progress },
): Promise<UploadAnswer> {
  const size = await sizeOf(file.path);
  const { allowed, reason, column } = file;
  const query = new URLSearchParams({
    type: allowed ? 'allowed' : 'client',
    dryRun: String(dryRun),
    ...(reason === undefined ? {} : { reason }),
    ...(column === undefined ? {} : { column }),
  });
  try {
    return await management.uploadSuppressions(query, counted(file.path, { size, progress }));
  } finally {
    progress.stop();
  }
}

/** Throws `file_doubtful`, or what else most of the file is, when it is none of what it should be: nothing is to be stored. */
export function checkOutlook(
  path: string,
  { added, alreadyThere, rejected, rejectedCount }: UploadAnswer,
): void {
  const good = added + alreadyThere;
  if (rejectedCount <= good) return;
  const fault = faultOfFile(rejected.map(({ code }) => code));
  if (fault !== null) {
    throw new Failure(fault.code, `${path}: most of the lines are ${fault.holds}. Nothing was stored.`);
  }
  const detail = `${path}: ${rejectedCount} of ${good + rejectedCount} lines are no entries, so nothing was stored. Is it the right file, and the right column (--column)? --dry-run shows the lines.`;
  throw new Failure('file_doubtful', detail);
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile()) return found.size;
  throw new Failure('file_unreadable', `${path} cannot be read.`);
}

async function* counted(
  path: string,
  { size, progress }: { readonly size: number; readonly progress: Progress },
): AsyncGenerator<Uint8Array> {
  const kibibytes = (octets: number) => Math.ceil(octets / 1024);
  let sent = 0;
  for await (const chunk of createReadStream(path)) {
    yield chunk;
    sent += chunk.length;
    progress.update(kibibytes(sent), kibibytes(size));
  }
}
