/**
 * What all who are measured stand on: one sink, one embedded PostgreSQL as shipped, one Redis where the machine has one, one key.
 *
 * @module
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SILENT } from '@adieu/core';
import { startEmbedded } from '@adieu/store';
import pg from 'pg';
import { redisProgram, startRedisServer } from '../../packages/worker/src/testing/redis-server.ts';
import { parentOf } from './cpu.ts';
import { DOMAIN } from './newsletter.ts';
import { type SinkLine, startSink } from './sink-line.ts';

/** The ground of one run. */
export interface Ground {
  readonly sink: SinkLine;
  readonly dkim: { readonly selector: string; readonly privateKey: string };
  /** TXT records by name: what a verifier would find. */
  readonly dns: Map<string, string>;
  /** Processes that work for whoever is measured: PostgreSQL, and Redis once it is started. */
  readonly servers: number[];
  /** Creates an empty database; answers its URL. */
  createDatabase(name: string): Promise<string>;
  /** The URL of a Redis; starts it when it is first asked for. Rejects where there is none. */
  redisUrl(): Promise<string>;
  close(): Promise<void>;
}

/** Whether Redis can be measured here. */
export const hasRedis = redisProgram !== null;

const SELECTOR = 'bench';

/** Lays the ground; everything lies in a temporary folder and is gone afterwards. */
export async function layGround(): Promise<Ground> {
  const folder = await mkdtemp(join(tmpdir(), 'adieu-bench-'));
  const server = await startEmbedded({ dataDir: folder, log: SILENT });
  const sink = await startSink();
  const admin = new pg.Client({ connectionString: server.url });
  await admin.connect();
  const { rows } = await admin.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  const postmaster = parentOf(rows[0]?.pid ?? 0);
  const servers = postmaster === null ? [] : [postmaster];
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const published = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  let redis: ReturnType<typeof startRedisServer> | null = null;
  return {
    sink,
    dkim: {
      selector: SELECTOR,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    },
    dns: new Map([[`${SELECTOR}._domainkey.${DOMAIN}`, `v=DKIM1; k=rsa; p=${published}`]]),
    servers,
    async createDatabase(name) {
      await admin.query(`CREATE DATABASE ${pg.escapeIdentifier(name)}`);
      return server.url.replace(/[^/]*$/, name);
    },
    async redisUrl() {
      redis ??= startRedisServer();
      return (await redis).url;
    },
    async close() {
      await admin.end();
      await (await redis)?.close();
      await sink.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
