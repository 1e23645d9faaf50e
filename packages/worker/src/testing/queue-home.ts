/**
 * The two homes of a queue for tests, and ways to write into them what BullMQ would not.
 *
 * @module
 */
import { openScratchDatabase } from '@adieu/store/testing';
import { Queue as BullQueue, createPostgresBackend } from 'bullmq';
import { Redis } from 'ioredis';
import type { QueueAddress } from '../queue.ts';
import { redisProgram, startRedisServer } from './redis-server.ts';

/** Where a job stands that keeps its id taken without ever being run. */
export type Stranded =
  | 'completed'
  | 'failed'
  | 'delayed for a year'
  | 'waiting for children'
  | 'active with a dead lock'
  | 'in no list at all';

/** A queue's place, open to be tampered with. */
export interface QueueHome {
  readonly address: QueueAddress;
  /** A producer as others may have one. */
  readonly bull: Pick<
    BullQueue,
    'addBulk' | 'getRanges' | 'getActiveCount' | 'getWaitingCount' | 'getJobCountByTypes'
  >;
  /** Writes a job in that state; what it carries is another job's. */
  strand(id: string, where: Stranded): Promise<void>;
  /** Loses everything. */
  wipe(): Promise<void>;
  close(): Promise<void>;
}

const QUEUE = 'delivery';
const KEYS = `{adieu}:${QUEUE}:`;

/** A queue on PostgreSQL, in the database of that URL or in one of its own. */
export async function openPostgresHome(url?: string): Promise<QueueHome> {
  const scratch = url === undefined ? await openScratchDatabase({ empty: true }) : null;
  const databaseUrl = scratch?.url ?? url ?? '';
  const connection = { connectionString: databaseUrl, migrate: true, max: 1 };
  const bull = new BullQueue(QUEUE, { connection }, createPostgresBackend);
  bull.on('error', () => {});
  await bull.waitUntilReady();
  const { pool } = bull.backend.connection;
  return {
    address: { databaseUrl },
    bull,
    async strand(id, where) {
      if (where === 'in no list at all') return;
      const state = { 'delayed for a year': 'delayed', 'waiting for children': 'waiting-children' } as const;
      const named =
        where === 'active with a dead lock' ? 'active' : (state[where as keyof typeof state] ?? where);
      const later = named === 'delayed' ? Date.now() + 365 * 86_400_000 : null;
      const [token, until] = named === 'active' ? ['dead', 1] : [null, null];
      await pool.query(
        `INSERT INTO bullmq.job (queue, id, name, data, opts, seq, added_at_ms, state, process_at_ms, lock_token,
           locked_until_ms) VALUES ($1, $2, 'batch', '{}', '{}', 1, 1, $3, $4, $5, $6)`,
        [QUEUE, id, named, later, token, until],
      );
    },
    async wipe() {
      const tables = ['job', 'job_log', 'job_dependency', 'event', 'meta'].map((table) => `bullmq.${table}`);
      await pool.query(`TRUNCATE ${tables} CASCADE`);
    },
    async close() {
      await bull.close();
      await scratch?.close();
    },
  };
}

/** A queue on a Redis of its own. */
export async function openRedisHome(): Promise<QueueHome & { readonly redis: Redis }> {
  const server = await startRedisServer();
  const redis = new Redis(server.url, { maxRetriesPerRequest: null });
  redis.on('error', () => {});
  const bull = new BullQueue(QUEUE, { connection: { url: server.url }, prefix: '{adieu}' });
  bull.on('error', () => {});
  return {
    address: { databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing', queueUrl: server.url },
    bull,
    redis,
    async strand(id, where) {
      await redis.hset(`${KEYS}${id}`, {
        name: 'batch',
        data: '{}',
        opts: '{}',
        timestamp: 1,
        delay: 0,
        priority: 0,
      });
      if (where === 'active with a dead lock') await redis.lpush(`${KEYS}active`, id);
      const year = (Date.now() + 365 * 86_400_000) * 0x1000;
      const set = {
        completed: ['completed', 1],
        failed: ['failed', 1],
        'delayed for a year': ['delayed', year],
        'waiting for children': ['waiting-children', 1],
      } as const;
      const [key, score] = set[where as keyof typeof set] ?? [null, 0];
      if (key !== null) await redis.zadd(`${KEYS}${key}`, score, id);
    },
    async wipe() {
      await redis.flushall();
    },
    async close() {
      await bull.close();
      redis.disconnect();
      await server.close();
    },
  };
}

/** Every home that this machine has. */
export const QUEUE_HOMES: readonly (readonly [string, () => Promise<QueueHome>])[] = [
  ['PostgreSQL', () => openPostgresHome()],
  ...(redisProgram === null ? [] : [['Redis', openRedisHome] as const]),
];
