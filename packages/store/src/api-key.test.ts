import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ensureApiKey, findApiKey } from './api-key.ts';
import { ensureSandbox, findScope } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';

describe('organisations and their keys', () => {
  let scratch: ScratchDatabase;
  beforeAll(async () => {
    scratch = await openScratchDatabase();
  });
  afterAll(() => scratch.close());

  test('ten processes that ensure one sandbox get the same one', async () => {
    const scopes = await Promise.all(
      Array.from({ length: 10 }, () => ensureSandbox(scratch.db, 'default', 'prod')),
    );
    expect(new Set(scopes.map((scope) => JSON.stringify(scope))).size).toBe(1);
    expect(await findScope(scratch.db, 'default', 'prod')).toEqual(scopes[0]);
  });

  test('a sandbox of one organisation is not found through another', async () => {
    await ensureSandbox(scratch.db, 'a', 'only-in-a');
    await ensureSandbox(scratch.db, 'b', 'prod');
    expect(await findScope(scratch.db, 'b', 'only-in-a')).toBeNull();
    expect(await findScope(scratch.db, 'nobody', 'prod')).toBeNull();
  });

  test.each(['', 'a\u0000b', 'x'.repeat(256)])('a name must be printable and short: %j', async (name) => {
    await expect(ensureSandbox(scratch.db, 'default', name)).rejects.toMatchObject({
      code: 'sandbox_invalid',
    });
  });

  test('a key is found by its secret, which is not stored', async () => {
    await ensureApiKey(scratch.db, { organisation: 'default', id: 'boot', secret: 's3cret', scopes: ['*'] });
    expect(await findApiKey(scratch.db, 's3cret')).toEqual({
      id: 'boot',
      organisation: 'default',
      scopes: ['*'],
    });
    expect(await findApiKey(scratch.db, 'S3cret')).toBeNull();
    const rows = await scratch.db.selectFrom('api_key').selectAll().execute();
    expect(JSON.stringify(rows.map((row) => ({ ...row, hash: row.hash.toString('latin1') })))).not.toContain(
      's3cret',
    );
  });

  test('ensuring a key again replaces secret and scopes', async () => {
    await ensureApiKey(scratch.db, { organisation: 'default', id: 'turn', secret: 'old', scopes: ['a'] });
    await ensureApiKey(scratch.db, { organisation: 'default', id: 'turn', secret: 'new', scopes: ['b'] });
    expect(await findApiKey(scratch.db, 'old')).toBeNull();
    expect(await findApiKey(scratch.db, 'new')).toEqual({
      id: 'turn',
      organisation: 'default',
      scopes: ['b'],
    });
  });

  test('a key id of another organisation is not taken over', async () => {
    await ensureApiKey(scratch.db, { organisation: 'a', id: 'mine', secret: 'one', scopes: [] });
    const takeOver = ensureApiKey(scratch.db, {
      organisation: 'b',
      id: 'mine',
      secret: 'two',
      scopes: ['*'],
    });
    await expect(takeOver).rejects.toMatchObject({ code: 'api_key_taken' });
    expect(await findApiKey(scratch.db, 'two')).toBeNull();
  });
});
