/**
 * `adieu migrate`: brings the database and BullMQ's own tables to this program's version, and ends.
 *
 * Every `serve` does the same when it starts; on its own it is for those who migrate before they deploy.
 *
 * @module
 */
import type { Config } from '../config.ts';
import { openLog } from '../log.ts';
import { answer, type Output } from '../output.ts';
import { openMigratedDatabase } from '../wiring.ts';

export async function migrateDatabase(config: Config, output: Output): Promise<void> {
  const { migrated, close } = await openMigratedDatabase(config, openLog(config.logLevel));
  await close();
  const { from, to } = migrated;
  const page =
    from === to
      ? `The database is at version ${to} already.`
      : `The database went from version ${from} to ${to}.`;
  answer(output, { json: { from, to }, page });
}
