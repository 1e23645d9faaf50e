/**
 * A file of people who unsubscribed from another system, as it exports them.
 *
 * One rule: nobody is opted out by a guess, since an import cannot take it back. A line counts when it, or the header of its
 * file, says that its person left; where nothing says so, somebody has to say it of the whole file. Columns and words are
 * read as for suppressions, which this is not: who left still gets their receipts.
 *
 * @module
 */
import { createReadStream } from 'node:fs';
import {
  type CsvRow,
  cutCsv,
  EMAIL_NAMESPACE,
  Failure,
  type FilePlan,
  isCommentRow,
  planFile,
  readFileRow,
} from '@adieu/core';

/** What to read. */
export interface UnsubscribeFile {
  readonly path: string;
  /** The column of the addresses, where its name does not tell. */
  readonly column?: string;
  /** Lines that say nothing are people who unsubscribed, too. */
  readonly all: boolean;
}

/** What one line says. Lines count from 1. */
export type UnsubscribeLine =
  | { readonly kind: 'left'; readonly line: number; readonly address: string; readonly key: string }
  /** Still subscribed, or a bounce or a complaint: nothing that this import is about. */
  | { readonly kind: 'subscribed' | 'suppressed'; readonly line: number }
  | { readonly kind: 'rejected'; readonly line: number; readonly code: string; readonly detail: string };

/** Reads the file. Throws `file_empty`, `column_missing` or `column_ambiguous`. */
export async function* readUnsubscribes(file: UnsubscribeFile): AsyncGenerator<UnsubscribeLine> {
  let plan: FilePlan | null = null;
  const cutter = cutCsv();
  for await (const row of rowsOf(file.path, cutter)) {
    if (!('cells' in row)) yield { kind: 'rejected', ...row };
    else if (isCommentRow(row.cells, plan, file.column)) continue;
    else if (plan === null) {
      plan = planned(row.cells, file);
      cutter.keepInLine(plan.value);
      if (plan.column === null) yield readLine(plan, row, file);
    } else yield readLine(plan, row, file);
  }
  if (plan === null) throw new Failure('file_empty', `${file.path} holds no line to be read.`);
}

/** A line of `POST /v1/profiles`. The address says no, and with it everybody who has it. */
export function optOutRecord(address: string): string {
  const consents = {
    idSpecific: { [EMAIL_NAMESPACE]: { [address]: { marketing: { email: { val: 'n' } } } } },
  };
  return JSON.stringify({ identities: { [EMAIL_NAMESPACE]: address }, consents });
}

async function* rowsOf(path: string, cutter: ReturnType<typeof cutCsv>): AsyncGenerator<CsvRow> {
  let first = true;
  for await (const chunk of createReadStream(path, 'utf8') as AsyncIterable<string>) {
    yield* cutter.push(first ? chunk.replace(/^\uFEFF/, '') : chunk);
    first = false;
  }
  yield* cutter.end();
}

function planned(first: readonly string[], { path, column }: UnsubscribeFile): FilePlan {
  const found = planFile(first, column);
  if (found.ok) return found.plan;
  throw new Failure(found.code, `${path}: ${found.detail}. --column says which.`);
}

function readLine(
  plan: FilePlan,
  { line, cells }: Extract<CsvRow, { readonly cells: readonly string[] }>,
  { all }: UnsubscribeFile,
): UnsubscribeLine {
  const reject = (code: string, detail: string) => ({ kind: 'rejected', line, code, detail }) as const;
  const row = readFileRow(plan, cells);
  if (!row.ok) return reject(row.code, row.detail);
  if (row.kind === 'domain') return reject('domain_has_no_consent', 'a domain: suppress it instead');
  const { spelling: address, key } = row.value;
  switch (row.reason) {
    case 'unsubscribe':
      return { kind: 'left', line, address, key };
    case 'subscribed':
      return { kind: 'subscribed', line };
    case null:
    case 'unknown':
      if (all) return { kind: 'left', line, address, key };
      return reject('unsubscribe_not_said', 'nothing says that this person unsubscribed');
    default:
      return { kind: 'suppressed', line };
  }
}
