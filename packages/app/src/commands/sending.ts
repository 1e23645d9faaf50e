/**
 * `adieu sending`, `pause`, `resume`: whether anything leaves at all, asked and said at the database itself.
 *
 * One rule: it works in an emergency, so it needs neither a running server nor a key, and migrates nothing. Over HTTP
 * the same is `/v1/sending`.
 *
 * @module
 */
import { type Database, pauseSending, readSending, resumeSending, type Sending } from '@adieu/store';
import type { Config } from '../config.ts';
import { openLog } from '../log.ts';
import { answer, type Output } from '../output.ts';
import { printable } from '../terminal.ts';
import { openOwnDatabase } from '../wiring.ts';

/** Says whether sending is paused. */
export async function showSending(config: Config, output: Output): Promise<void> {
  await withDatabase(config, output, ({ db }) => readSending(db));
}

/** Pauses everything. What is on the wire is finished. */
export async function pause(config: Config, options: Output & { readonly why: string }): Promise<void> {
  await withDatabase(config, options, ({ db }) => pauseSending(db, options.why));
}

/** Goes on. */
export async function resume(config: Config, output: Output): Promise<void> {
  await withDatabase(config, output, ({ db }) => resumeSending(db));
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

async function withDatabase(
  config: Config,
  output: Output,
  act: (database: Database) => Promise<Sending>,
): Promise<void> {
  const { database, close } = await openOwnDatabase(config, openLog(config.logLevel));
  try {
    const sending = await act(database);
    const page = sending.state === 'running' ? 'Sending is running.' : pauseNotice(sending).join('\n');
    answer(output, { json: sending, page });
  } finally {
    await close();
  }
}
