/**
 * `adieu sending`, `pause`, `resume`: whether anything leaves at all, asked and said at the database itself.
 *
 * One rule: it works in an emergency, so it needs neither a running server nor a key; it migrates nothing, and where there
 * is no installation it makes none. Over HTTP the same is `/v1/sending`.
 *
 * @module
 */
import { Failure } from '@adieu/core';
import {
  type Db,
  hasCluster,
  type OpenExecution,
  openExecutions,
  pauseSending,
  readSending,
  resumeSending,
  type Sending,
} from '@adieu/store';
import type { Config } from '../config.ts';
import { openLog } from '../log.ts';
import { answer, type Output } from '../output.ts';
import { printable } from '../terminal.ts';
import { openOwnDatabase } from '../wiring.ts';

/** Says whether sending is paused, and what goes out: now, or after a resume. */
export async function showSending(config: Config, output: Output): Promise<void> {
  await withDatabase(config, async (db) => {
    const sending = await readSending(db);
    const executions = await openExecutions(db);
    answer(output, {
      json: { ...sending, executions: executions.map(asAnswer) },
      page: [page(sending), ...waiting(sending, executions)].join('\n'),
    });
  });
}

/** Pauses everything. What is on the wire is finished. */
export async function pause(config: Config, options: Output & { readonly why: string }): Promise<void> {
  await withDatabase(config, async (db) => {
    const { sending, alreadyPaused } = await pauseSending(db, options.why);
    const before = alreadyPaused ? ['It was already paused; the earlier reason stands.'] : [];
    answer(options, { json: { ...sending, alreadyPaused }, page: [...before, page(sending)].join('\n') });
  });
}

/** Goes on. */
export async function resume(config: Config, output: Output): Promise<void> {
  await withDatabase(config, async (db) => {
    const sending = await resumeSending(db);
    answer(output, { json: sending, page: page(sending) });
  });
}

/** What is said at a start and by `adieu send`; nothing while sending runs. */
export function pauseNotice(sending: Sending): string[] {
  if (sending.state === 'running') return [];
  return [
    `SENDING IS PAUSED since ${sending.since.toISOString()}`,
    `  ${printable(sending.why)}`,
    '  Opt-outs are taken as ever. "adieu sending resume" goes on; packages/OPERATIONS.md says what to look at before.',
  ];
}

/** Ids are texts, as the API has them. */
function asAnswer(execution: OpenExecution): object {
  return { ...execution, executionId: String(execution.executionId) };
}

function page(sending: Sending): string {
  return sending.state === 'running' ? 'Sending is running.' : pauseNotice(sending).join('\n');
}

/** One line for each execution that goes on, now or after a resume. */
function waiting({ state }: Sending, executions: readonly OpenExecution[]): string[] {
  if (executions.length === 0) return ['', 'No execution has anything left to send.'];
  const rows = executions.map((one) => [
    String(one.executionId),
    one.createdAt.toISOString().slice(0, 16),
    String(one.queued),
    String(one.sending),
    String(one.deferred),
    `${one.organisation}/${one.sandbox}`,
    one.configuration,
    `${one.requestId}${one.control === 'paused' ? '  (paused itself)' : ''}${one.expanded ? '' : '  (not all messages are made yet)'}`,
  ]);
  const table = [
    ['id', 'created', 'queued', 'sending', 'deferred', 'sandbox', 'configuration', 'request'],
    ...rows,
  ];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  const head = state === 'paused' ? 'What goes out after a resume:' : 'Under way:';
  return ['', head, ...lines.map((line) => `  ${printable(line.trimEnd())}`)];
}

async function withDatabase(config: Config, act: (db: Db) => Promise<void>): Promise<void> {
  if (config.databaseUrl === null && !(await hasCluster(config.dataDir))) {
    const detail = `There is no installation in ${config.dataDir}. Say where it is with ADIEU_DATA_DIR or DATABASE_URL.`;
    throw new Failure('no_installation', detail);
  }
  const { database, close } = await openOwnDatabase(config, openLog(config.logLevel));
  try {
    await act(database.db);
  } finally {
    await close();
  }
}
