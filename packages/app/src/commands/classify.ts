/**
 * `adieu classify FILE|DIR`: what Adieu makes of a bounce, a complaint or an automatic answer (I2, I3, I4).
 *
 * Needs no database and no configuration: it reads as the inbound listener would, and acts upon nothing. A file that
 * cannot be read is said in its place and makes the answer 1; the others are read all the same.
 *
 * @module
 */
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '@adieu/core';
import { type ReportedRecipient, readReport } from '@adieu/mail';
import { classificationLine, classificationSummary } from '../classification-page.ts';
import type { Output } from '../output.ts';
import { paintsFor } from '../terminal.ts';

/** A mail, or why it could not be read. */
export interface Classification {
  /** As given; within a directory, its name there. */
  readonly file: string;
  readonly recipients: readonly Omit<ReportedRecipient, 'action'>[];
  readonly error?: { readonly code: 'file_unreadable'; readonly detail: string };
}

/** More of a file is not looked at. */
const READ_LIMIT = 2 * 1_048_576;

/** Prints one line of JSON, or of a table, per mail or recipient as it goes; answers whether every file was read. */
export async function classify(path: string, output: Output): Promise<boolean> {
  const paints = paintsFor(process.stdout);
  const counts = new Map<string, number>();
  let files = 0;
  let unread = 0;
  for (const { file, place } of await listFiles(path)) {
    const result = await classifyFile(file, place);
    files += 1;
    if (result.error !== undefined) unread += 1;
    for (const { kind } of result.recipients) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    process.stdout.write(output.json ? `${JSON.stringify(result)}\n` : classificationLine(result, paints));
  }
  if (!output.json) process.stdout.write(classificationSummary({ files, unread, counts }, paints));
  return unread === 0;
}

async function listFiles(path: string): Promise<readonly { file: string; place: string }[]> {
  const unreadable = (cause: unknown) => {
    throw new Failure('file_unreadable', `${path} cannot be read.`, { cause });
  };
  const found = await stat(path).catch(() => null);
  // What is not there is said as every file is that cannot be read.
  if (found === null || !found.isDirectory()) return [{ file: path, place: path }];
  const entries = await readdir(path, { withFileTypes: true }).catch(unreadable);
  return entries
    .filter((entry) => entry.isFile() || entry.isSymbolicLink())
    .map(({ name }) => name)
    .sort()
    .map((name) => ({ file: name, place: join(path, name) }));
}

async function classifyFile(file: string, place: string): Promise<Classification> {
  const bytes = await readStart(place).catch((cause: NodeJS.ErrnoException) => cause.code ?? 'unknown');
  if (typeof bytes === 'string') {
    const detail = `${place} cannot be read (${bytes}).`;
    return { file, recipients: [], error: { code: 'file_unreadable', detail } };
  }
  const recipients = readReport(bytes).recipients.map(({ action, reason, ...rest }) => ({
    ...rest,
    reason: action === 'delayed' ? `delayed: ${reason}` : reason,
  }));
  return { file, recipients };
}

async function readStart(place: string): Promise<Buffer> {
  const handle = await open(place, 'r');
  try {
    const parts: Buffer[] = [];
    for await (const part of handle.createReadStream({ end: READ_LIMIT - 1, autoClose: false }))
      parts.push(part as Buffer);
    return Buffer.concat(parts);
  } finally {
    await handle.close();
  }
}
