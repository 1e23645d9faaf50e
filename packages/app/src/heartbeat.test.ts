import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '@adieu/core';
import { checkDatabase, openDatabase } from '@adieu/store';
import { openCuttableLine, openScratchDatabase } from '@adieu/store/testing';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startHeartbeat } from './heartbeat.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

describe('the heartbeat', () => {
  test('vouches for the database, not after it was away, and again once it was looked at', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'adieu-heartbeat-'));
    closing.push(() => rm(dataDir, { recursive: true }));
    const scratch = await openScratchDatabase();
    closing.push(scratch.close);
    const line = await openCuttableLine(scratch.url);
    closing.push(line.cut);
    const database = openDatabase({ url: line.url });
    closing.push(database.close);
    const heartbeat = await startHeartbeat(
      { database, filesMark: null },
      { config: { dataDir }, sends: true, log: SILENT },
    );
    closing.push(heartbeat.close);
    expect(heartbeat.sound()).toBe(true);

    await line.cut();
    await expect(checkDatabase(database.db)).rejects.toThrow();
    expect(heartbeat.sound()).toBe(false);

    await line.mend();
    const beats = async () =>
      (await scratch.db.selectFrom('witness').select('beat').executeTakeFirstOrThrow()).beat;
    const before = await beats();
    const deadline = Date.now() + 30_000;
    while (!heartbeat.sound() && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
    expect(heartbeat.sound()).toBe(true);
    expect(await beats()).toBeGreaterThan(before);
  });
});
