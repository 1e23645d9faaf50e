import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readConfig } from '../config.ts';
import { examine } from './doctor.ts';

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
