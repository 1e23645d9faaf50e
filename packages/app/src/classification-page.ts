/**
 * Classifications as a person reads them: a line for each recipient, the kind first.
 *
 * @module
 */
import type { ReportKind } from '@adieu/mail';
import type { Classification } from './commands/classify.ts';
import { type Paint, type Paints, printable } from './terminal.ts';

/** What was read in all. */
export interface ClassificationTotals {
  readonly files: number;
  readonly unread: number;
  readonly counts: ReadonlyMap<string, number>;
}

const KIND_WIDTH = 'auto-reply'.length;
const STATUS_WIDTH = '5.7.515'.length;
const REASON_WIDTH = 120;

/** The lines of one mail. */
export function classificationLine({ file, recipients, error }: Classification, paints: Paints): string {
  const title = paints.bold(printable(file));
  if (error !== undefined) return `${title}\n  ${paints.red(printable(error.detail))}\n`;
  const lines = recipients.map(({ kind, status = '', address = '(not named)', reason }) => {
    const shown = kind === 'none' || kind === 'auto-reply' ? '' : ` ${printable(address)}`;
    const columns = `${paintOf(kind, paints)(kind.padEnd(KIND_WIDTH))} ${status.padEnd(STATUS_WIDTH)}${shown}`;
    return `  ${columns.trimEnd()}\n      ${paints.dim(cut(printable(reason)))}\n`;
  });
  return `${title}\n${lines.join('')}`;
}

/** The last line. */
export function classificationSummary(
  { files, unread, counts }: ClassificationTotals,
  paints: Paints,
): string {
  const parts = [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${count} ${kind}`);
  const failed = unread === 0 ? '' : `, ${paints.red(`${unread} not readable`)}`;
  return `\n${files} ${files === 1 ? 'mail' : 'mails'}: ${parts.join(', ') || 'nothing'}${failed}\n`;
}

function paintOf(kind: ReportKind, paints: Paints): Paint {
  if (kind === 'hard' || kind === 'complaint') return paints.red;
  if (kind === 'soft' || kind === 'sender') return paints.yellow;
  return kind === 'delivered' ? paints.green : paints.dim;
}

function cut(text: string): string {
  return text.length > REASON_WIDTH ? `${text.slice(0, REASON_WIDTH - 1)}…` : text;
}
