import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeKeyRing, generateKeyRing, openSecret, sealSecret } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { type Config, readConfig, type Variables } from './config.ts';
import { findApiKeyFile, findKeyRing, openApiKey, openKeyRing, rotateKeys } from './keys.ts';

async function configFor(variables: Variables = {}): Promise<Config> {
  const dataDir = join(await mkdtemp(join(tmpdir(), 'adieu-keys-')), 'nested', 'data');
  const outcome = readConfig({ ADIEU_DATA_DIR: dataDir, ...variables });
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.problems));
  return outcome.config;
}

describe('keys', () => {
  test('are made once, in files that only their owner reads', async () => {
    const config = await configFor();
    const [ring, key] = [await openKeyRing(config), await openApiKey(config)];
    expect([ring.generated, key.generated]).toEqual([true, true]);
    for (const { path } of [ring, key]) expect((await stat(path ?? '')).mode & 0o777).toBe(0o600);
    const again = await openApiKey(config);
    expect(again).toMatchObject({ value: key.value, generated: false });
    expect((await openKeyRing(config)).generated).toBe(false);
    expect((await readdir(config.dataDir)).sort()).toEqual(['api-key', 'keyring.json']);
  });

  test('are the same for processes that start at once', async () => {
    const config = await configFor();
    const keys = await Promise.all(Array.from({ length: 20 }, () => openApiKey(config)));
    expect(new Set(keys.map(({ value }) => value)).size).toBe(1);
    expect(keys.filter(({ generated }) => generated)).toHaveLength(1);
    const rings = await Promise.all(Array.from({ length: 20 }, () => openKeyRing(config)));
    const sealed = sealSecret(rings[0]?.value ?? fail(), 'dkim', Buffer.from('secret'));
    for (const { value } of rings) expect(openSecret(value, 'dkim', sealed)?.toString()).toBe('secret');
  });

  test('of the environment come first, and nothing is written then', async () => {
    const config = await configFor({ ADIEU_API_KEY: 'given', ADIEU_KEYRING: generateKeyRing() });
    expect(await openApiKey(config)).toEqual({ value: 'given', generated: false, path: null });
    expect((await openKeyRing(config)).path).toBeNull();
    await expect(readdir(config.dataDir)).rejects.toThrow('ENOENT');
  });

  test('are not made by somebody who only looks', async () => {
    const config = await configFor();
    expect(await findKeyRing(config)).toBeNull();
    expect(await findApiKeyFile(config)).toBeNull();
    await expect(readdir(config.dataDir)).rejects.toThrow('ENOENT');
  });

  test('rotate to a new one that seals while the old one still opens', async () => {
    const config = await configFor();
    const { value: before } = await openKeyRing(config);
    const sealed = sealSecret(before, 'dkim', Buffer.from('old'));
    const { ring, path } = await rotateKeys(config);
    expect(describeKeyRing(ring)).toEqual({ primary: 'k2', ids: ['k1', 'k2'] });
    expect(openSecret(ring, 'dkim', sealed)?.toString()).toBe('old');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const { value: after } = await openKeyRing(config);
    expect(describeKeyRing(after)).toEqual(describeKeyRing(ring));
    expect(openSecret(before, 'dkim', sealSecret(after, 'dkim', Buffer.from('new')))).toBeNull();
  });

  test('rotate in the file that the environment names', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'adieu-keys-')), 'ring.json');
    await writeFile(path, generateKeyRing());
    const config = await configFor({ ADIEU_KEYRING: path });
    expect((await rotateKeys(config)).path).toBe(path);
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ primary: 'k2' });
  });

  test('do not rotate where the ring stands in the environment itself, or where there is none', async () => {
    const inline = await configFor({ ADIEU_KEYRING: generateKeyRing() });
    await expect(rotateKeys(inline)).rejects.toMatchObject({ code: 'keyring_inline' });
    await expect(rotateKeys(await configFor())).rejects.toMatchObject({ code: 'keyring_missing' });
  });

  test('that are damaged are never replaced', async () => {
    const config = await configFor();
    const { path } = await openKeyRing(config);
    await writeFile(path ?? '', '{"primary":');
    await expect(openKeyRing(config)).rejects.toMatchObject({ code: 'keyring_invalid' });
    expect(await readFile(path ?? '', 'utf8')).toBe('{"primary":');
  });
});

function fail(): never {
  throw new Error('there is none');
}
