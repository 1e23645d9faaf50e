/**
 * What a scenario runs over: a database, and a queue.
 *
 * The rule: every scenario file opens its backend here, so that `TEST_BACKEND=redis npx pnpm@12 test test/` runs all of
 * them over another one.
 *
 * | name       | database                                    | queue                |
 * |------------|---------------------------------------------|----------------------|
 * | `scratch`  | a fresh one on the server that tests share  | there                |
 * | `embedded` | Adieu's own, started by Adieu               | there                |
 * | `postgres` | PostgreSQL 15 as Debian packages it         | there                |
 * | `redis`    | as `scratch`                                | Redis 7              |
 *
 * @module
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '@adieu/core';
import { type Db, migrate, openDatabase, startEmbedded } from '@adieu/store';
import { openScratchDatabase } from '@adieu/store/testing';
import { redisProgram, startRedisServer } from '../packages/worker/src/testing/redis-server.ts';
import { noPostgres, startOwnPostgres } from './own-postgres.ts';

/** An open backend. */
export interface Backend {
  /** For looking at it from beside. */
  readonly db: Db;
  readonly url: string;
  /** What a process is told to find it. */
  readonly env: Readonly<Record<string, string>>;
  /** The data directory that processes have to share; null where each may have its own. */
  readonly dataDir: string | null;
  close(): Promise<void>;
}

const BACKENDS = { scratch, embedded, postgres, redis } as const;

/** The name of a backend. */
export type BackendName = keyof typeof BACKENDS;

/** Why a backend is missing on this machine; null where it is there. */
export function missing(name: BackendName): string | null {
  if (name === 'postgres') return noPostgres;
  return name === 'redis' && redisProgram === null ? 'redis-server not installed' : null;
}

/** Opens that backend; by default the one that `TEST_BACKEND` names, else `scratch`. */
export async function openBackend(name: BackendName = chosen()): Promise<Backend> {
  return BACKENDS[name]();
}

function chosen(): BackendName {
  const name = process.env.TEST_BACKEND ?? 'scratch';
  if (!Object.hasOwn(BACKENDS, name))
    throw new Error(`TEST_BACKEND=${name} is none of ${Object.keys(BACKENDS)}`);
  return name as BackendName;
}

async function scratch(): Promise<Backend> {
  const { db, url, close } = await openScratchDatabase();
  return { db, url, env: { DATABASE_URL: url }, dataDir: null, close };
}

async function redis(): Promise<Backend> {
  const server = await startRedisServer();
  const { close, ...database } = await scratch();
  return {
    ...database,
    env: { ...database.env, QUEUE_URL: server.url },
    async close() {
      await close();
      await server.close();
    },
  };
}

async function postgres(): Promise<Backend> {
  const server = await startOwnPostgres();
  const url = await server.createDatabase();
  const database = openDatabase({ url });
  await migrate(database.db);
  return {
    db: database.db,
    url,
    env: { DATABASE_URL: url },
    dataDir: null,
    async close() {
      await database.close();
      await server.close();
    },
  };
}

async function embedded(): Promise<Backend> {
  const dataDir = await mkdtemp(join(tmpdir(), 'adieu-embedded-'));
  const server = await startEmbedded({ dataDir, log: SILENT });
  const database = openDatabase({ url: server.url });
  await migrate(database.db);
  return {
    db: database.db,
    url: server.url,
    env: {},
    dataDir,
    async close() {
      await database.close();
      await server.close();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
