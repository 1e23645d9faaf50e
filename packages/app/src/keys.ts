/**
 * The keys of an installation: the key ring that links live by, and the API key of the first caller.
 *
 * What is not given is generated once, into files that only their owner reads. One rule: a key that exists is
 * never replaced. Two processes that start at once in one directory end with the same keys.
 *
 * @module
 */
import { randomBytes } from 'node:crypto';
import { chmod, link, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure, generateKeyRing, type KeyRing, parseKeyRing, rotateKeyRing } from '@adieu/core';
import type { Config } from './config.ts';

/** A key and how it came about. */
export interface Opened<T> {
  readonly value: T;
  /** This call made it: the time to show it, where it may be shown. */
  readonly generated: boolean;
  /** Where it rests; null where the environment gave it. */
  readonly path: string | null;
}

const PRIVATE = 0o600;

/** The key ring of a configuration, generated where there is none. */
export async function openKeyRing(config: Config): Promise<Opened<KeyRing>> {
  if (config.keyRing !== null) {
    const { json, path } = config.keyRing;
    return { value: parseKeyRing(json), generated: false, path };
  }
  const path = join(config.dataDir, 'keyring.json');
  const { content, generated } = await readOrCreate(path, generateKeyRing);
  return { value: parseKeyRing(content), generated, path };
}

/** The API key of a configuration, generated where there is none. */
export async function openApiKey(config: Config): Promise<Opened<string>> {
  if (config.apiKey !== null) return { value: config.apiKey, generated: false, path: null };
  const path = join(config.dataDir, 'api-key');
  const { content, generated } = await readOrCreate(
    path,
    () => `adieu_${randomBytes(24).toString('base64url')}\n`,
  );
  return { value: content.trim(), generated, path };
}

/** The API key that is there already, or null. Creates nothing. */
export async function findApiKeyFile(config: Config): Promise<string | null> {
  if (config.apiKey !== null) return config.apiKey;
  const content = await read(join(config.dataDir, 'api-key'));
  return content === null ? null : content.trim();
}

/** The key ring that is there already, or null. Creates nothing. */
export async function findKeyRing(config: Config): Promise<KeyRing | null> {
  const json = config.keyRing?.json ?? (await read(join(config.dataDir, 'keyring.json')));
  return json === null ? null : parseKeyRing(json);
}

/**
 * Adds a key to the ring and makes it the one that seals; every old one still opens. Processes that run keep the
 * ring they started with, so they are restarted afterwards, and only then is the new key in use.
 *
 * @throws Failure `keyring_inline` where the ring stands in the environment itself, `keyring_missing`
 */
export async function rotateKeys(config: Config): Promise<{ readonly ring: KeyRing; readonly path: string }> {
  if (config.keyRing !== null && config.keyRing.path === null) {
    throw new Failure(
      'keyring_inline',
      'ADIEU_KEYRING holds the key ring itself. Put it into a file, give its path, and rotate that.',
      { field: 'ADIEU_KEYRING' },
    );
  }
  const path = config.keyRing?.path ?? join(config.dataDir, 'keyring.json');
  const json = await read(path);
  if (json === null)
    throw new Failure('keyring_missing', 'There is no key ring yet: adieu keys init makes one.');
  const rotated = rotateKeyRing(json);
  const ring = parseKeyRing(rotated);
  const half = `${path}.${randomBytes(4).toString('hex')}.part`;
  await writeFile(half, `${rotated}\n`, { mode: PRIVATE, flush: true });
  await rename(half, path);
  return { ring, path };
}

/** A hard link appears whole or not at all, and never over one that is there. */
async function readOrCreate(
  path: string,
  create: () => string,
): Promise<{ content: string; generated: boolean }> {
  const existing = await read(path);
  if (existing !== null) return { content: existing, generated: false };
  await mkdir(join(path, '..'), { recursive: true });
  const half = `${path}.${randomBytes(4).toString('hex')}.part`;
  const content = create();
  await writeFile(half, content, { mode: PRIVATE, flush: true });
  await chmod(half, PRIVATE);
  try {
    await link(half, path);
    return { content, generated: true };
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error;
    return { content: await readFile(path, 'utf8'), generated: false };
  } finally {
    await rm(half, { force: true });
  }
}

async function read(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw new Failure('file_unreadable', `${path} cannot be read.`, { cause: error });
  }
}

function isCode(error: unknown, code: string): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === code;
}
