/**
 * `adieu import suppressions FILE`: brings the suppressions of another system to a running server.
 *
 * The answer is 0 only when every line was taken: what was rejected has to be looked at by somebody.
 *
 * @module
 */
import type { Config } from '../config.ts';
import { type ConnectOptions, connect } from '../connection.ts';
import type { UploadAnswer } from '../management.ts';
import { answer, type Output } from '../output.ts';
import { startProgress } from '../progress.ts';
import { checkOutlook, type SuppressionFile, uploadSuppressions } from '../suppressions.ts';
import { type Paints, paintsFor, printable } from '../terminal.ts';

/** Options of the command line. */
export interface ImportSuppressionsOptions extends Output, ConnectOptions {
  readonly allowed: boolean;
  readonly reason?: string;
  readonly column?: string;
  readonly dryRun: boolean;
}

/** Answers whether every line was taken. */
export async function importSuppressions(
  config: Config,
  path: string,
  options: ImportSuppressionsOptions,
): Promise<boolean> {
  const { json, dryRun } = options;
  const management = await connect(config, options);
  const file = { ...options, path };
  const upload = (name: string, dry: boolean) =>
    uploadSuppressions(management, file, { dryRun: dry, progress: startProgress(name, { quiet: json }) });
  const outlook = await upload('checked KiB', true);
  if (!dryRun) checkOutlook(path, outlook);
  const outcome = dryRun ? outlook : await upload('stored KiB', false);
  answer(options, { json: outcome, page: page(file, outcome, paintsFor(process.stdout)) });
  return outcome.rejectedCount === 0;
}

function page(file: SuppressionFile, outcome: UploadAnswer, paints: Paints): string {
  const { added, alreadyThere, reasons, comments, rejected, rejectedCount, column, dryRun } = outcome;
  const counts = Object.entries(reasons).flatMap(([name, count]) => (count > 0 ? [`${name} ${count}`] : []));
  const list = file.allowed ? 'allowed list' : 'suppression list';
  const where = column === null ? 'no header' : `addresses in the column ${JSON.stringify(column)}`;
  const lines = rejected.map(
    ({ line, code, detail }) => `  line ${line}: ${printable(detail)} ${paints.dim(`[${code}]`)}`,
  );
  const hidden = rejectedCount - rejected.length;
  return [
    `${paints.bold(printable(file.path))}, ${printable(where)}, for the ${list}${dryRun ? '. Dry run: nothing was stored' : ''}`,
    `added ${added}, already there ${alreadyThere}, rejected ${rejectedCount}`,
    ...(counts.length === 0 || file.allowed ? [] : [`added as ${counts.join(', ')}`]),
    ...(comments === 0 ? [] : [`comments skipped: ${comments}`]),
    ...(lines.length === 0 ? [] : [paints.red('Lines that were not taken'), ...lines]),
    ...(hidden > 0 ? [`  … and ${hidden} more`] : []),
  ].join('\n');
}
