import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Db } from '@adieu/store';
import { openScratchDatabase } from '@adieu/store/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { askDatabase, examine } from './doctor.ts';

let dataDir: string;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'adieu-doctor-'));
});
afterAll(() => rm(dataDir, { recursive: true, force: true }));

describe('the listener that is named', () => {
  test.each(['localhost', 'localhost:', ':25', 'localhost:smtp', 'localhost:65536', 'localhost:99999'])(
    'is refused by name as %s',
    async (listener) => {
      const outcome = readConfig({ ADIEU_DATA_DIR: dataDir });
      if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
      await expect(examine(outcome.config, { listener, json: true })).rejects.toMatchObject({
        code: 'listener_invalid',
      });
    },
  );
});

describe('the database', () => {
  /** What is said of one, which something was done to. */
  async function ask(alter: (db: Db) => Promise<unknown> = async () => undefined, empty = false) {
    const scratch = await openScratchDatabase({ empty });
    try {
      await alter(scratch.db);
      return await told(scratch.url);
    } finally {
      await scratch.close();
    }
  }

  async function told(url: string) {
    const outcome = readConfig({ ADIEU_DATA_DIR: dataDir, DATABASE_URL: url, LOG_LEVEL: 'silent' });
    if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
    const findings = await askDatabase(outcome.config, null);
    return findings.map(({ check, verdict, says }) => `${verdict} ${check}: ${says}`);
  }

  test('that is as it should be is asked for the rest', async () => {
    const [first, ...others] = await ask();
    expect(first).toBe('ok database: It answers.');
    expect(others.length).toBeGreaterThan(0);
  });

  test('without a schema, or with an older one, is to be migrated', async () => {
    const advice =
      /^wrong database: It is at version \d+, and this program needs \d+\. Run "adieu migrate" first\.$/;
    expect(await ask(undefined, true)).toEqual([expect.stringMatching(advice)]);
    expect(await ask((db) => db.deleteFrom('migration').where('number', '>', 1).execute())).toEqual([
      expect.stringMatching(advice),
    ]);
  });

  test('of a newer program is told as that', async () => {
    const [only] = await ask((db) =>
      db.insertInto('migration').values({ number: 9999, name: 'x' }).execute(),
    );
    expect(only).toMatch(/^wrong database: It is at version 9999, .* Use the newer program\.$/);
  });

  test('that has lost a table is named as what it is, and no migration is advised', async () => {
    const said = (await ask((db) => db.schema.alterTable('subdomain').renameTo('elsewhere').execute())).join(
      '\n',
    );
    expect(said).toMatch(/^wrong subdomains: Looking failed: relation "subdomain" does not exist\.$/m);
    expect(said).not.toContain('migrate');
  });

  test('that is not there is told with the reason', async () => {
    const scratch = await openScratchDatabase();
    const url = scratch.url.replace(/scratch_\w+/, 'nowhere');
    const said = await told(url).finally(scratch.close);
    expect(said).toEqual([
      'wrong database: The database cannot be reached. (database "nowhere" does not exist)',
    ]);
  });
});
