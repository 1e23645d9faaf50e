import { SILENT, type WakeUpJob } from '@adieu/core';
import { afterEach, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { jobId } from './job.ts';
import { type Consumer, startConsumer, startQueue } from './queue.ts';
import { openBarrier } from './testing/barrier.ts';
import {
  openPostgresHome,
  openRedisHome,
  QUEUE_HOMES,
  type QueueHome,
  type Stranded,
} from './testing/queue-home.ts';
import { redisProgram, startRedisServer } from './testing/redis-server.ts';
import { openScene, until } from './testing/scene.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const job = (batch: number, fence = 0): WakeUpJob => ({ kind: 'batch', executionId: 7, batch, fence });

const STRANDED: readonly Stranded[] = [
  'completed',
  'failed',
  'delayed for a year',
  'waiting for children',
  'active with a dead lock',
  'in no list at all',
];

describe.each(QUEUE_HOMES)('a queue on %s', (kind, open) => {
  async function openQueue() {
    const home = await open();
    closing.push(home.close);
    const queue = await startQueue(home.address);
    closing.push(queue.close);
    return { home, queue };
  }

  async function consume(home: QueueHome, run: (job: WakeUpJob) => Promise<void>): Promise<Consumer> {
    const consumer = await startConsumer({
      ...home.address,
      concurrency: 2,
      leaseSeconds: 600,
      log: SILENT,
      run,
    });
    closing.push(consumer.close);
    return consumer;
  }

  // A row is its own list: on PostgreSQL there is no such state.
  const states = STRANDED.filter((where) => kind === 'Redis' || where !== 'in no list at all');

  test.each(states)(
    'a job that stands there %s is added again in its place, and runs once',
    async (where) => {
      const { home, queue } = await openQueue();
      await home.strand(jobId(job(1)), where);
      const ran: string[] = [];
      await consume(home, async (arrived) => void ran.push(jobId(arrived)));
      // Added in vain: whoever is added later overtakes it.
      await queue.wakeAll([job(1), job(2)]);
      await until(() => ran.length > 0);
      expect(ran).toEqual([jobId(job(2))]);
      await queue.mend([job(1)]);
      await queue.wake(job(3));
      await until(() => ran.includes(jobId(job(3))));
      expect(ran.toSorted()).toEqual([jobId(job(1)), jobId(job(2)), jobId(job(3))]);
    },
  );

  test('looking through the queue changes nothing for jobs that wait or are being done', async () => {
    const { home, queue } = await openQueue();
    let release: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const jobs = [1, 2, 3, 4].map((batch) => job(batch));
    const ran: string[] = [];
    await consume(home, async (arrived) => {
      ran.push(jobId(arrived));
      await held;
    });
    closing.push(() => release());
    await queue.wakeAll(jobs);
    await until(() => ran.length === 2);
    const waiting = await home.bull.getRanges(['waiting'], 0, -1);
    // Without the last: were the third added again, it would stand behind it.
    await queue.mend(jobs.slice(0, 3));
    expect(await home.bull.getRanges(['waiting'], 0, -1)).toEqual(waiting);
    expect(await home.bull.getActiveCount()).toBe(2);
    release();
    await until(() => ran.length === 4);
    await until(async () => (await home.bull.getJobCountByTypes('waiting', 'active')) === 0);
    expect(ran.toSorted()).toEqual(jobs.map(jobId));
  });

  test('what others put there is dropped, said so, and leaves nothing behind', async () => {
    const { home, queue } = await openQueue();
    const garbage = [
      null,
      'text',
      12,
      [],
      { kind: 'batch' },
      { kind: 'expand', executionId: '1; DROP' },
      { kind: 'x' },
    ];
    await home.bull.addBulk(garbage.map((data) => ({ name: 'batch', data })));
    await home.bull.addBulk([
      // Under the id of a job to come, and with rules of its own.
      {
        name: 'batch',
        data: { kind: 'batch', executionId: 7, batch: 1, fence: -1 },
        opts: { jobId: '7-1-0', attempts: 9 },
      },
    ]);
    const ran: string[] = [];
    const lines: string[] = [];
    const consumer = await startConsumer({
      ...home.address,
      concurrency: 2,
      leaseSeconds: 600,
      log: { ...SILENT, warn: (_fields, message) => void lines.push(message) },
      run: async (arrived) => void ran.push(jobId(arrived)),
    });
    closing.push(consumer.close);
    await queue.wake(job(2));
    await until(() => ran.length > 0);
    const everywhere = ['waiting', 'active', 'completed', 'failed', 'delayed'] as const;
    await until(async () => (await home.bull.getJobCountByTypes(...everywhere)) === 0);
    await queue.wake(job(1));
    await until(() => ran.length === 2);
    expect(ran).toEqual([jobId(job(2)), jobId(job(1))]);
    expect(lines).toContain('a job that is none of ours is dropped');
  });

  test('a campaign whose queue is wiped in the middle, and then filled with stale jobs, reaches everybody once', async () => {
    const scene = await openScene();
    closing.push(scene.close);
    const home = kind === 'Redis' ? await openRedisHome() : await openPostgresHome(scene.database.url);
    closing.push(home.close);
    const barrier = openBarrier();
    barrier.shutAfter(250);
    const relay = await scene.relay({ answer: barrier.answer });
    await scene.people(900);
    // One batch at a time: the others wait in the queue.
    await scene.worker(relay.url, { queueUrl: home.address.queueUrl, concurrency: 1 });
    const execution = await scene.enqueue();
    await until(() => relay.mails.length > 250);
    await home.wipe();
    const stale = (index: number) =>
      index % 4 === 0
        ? { nonsense: index }
        : {
            kind: 'batch',
            executionId: index % 4 === 1 ? execution : execution + 1 + index,
            batch: index % 9,
            fence: 77 + index,
          };
    const many = 2000;
    for (let from = 0; from < many; from += 1000) {
      const some = Array.from({ length: 1000 }, (_, index) => ({ name: 'batch', data: stale(from + index) }));
      await home.bull.addBulk(some);
    }
    expect(await home.bull.getWaitingCount()).toBeGreaterThan(many - 100);
    barrier.open();
    const { counts } = await scene.finished(execution);
    expect(counts).toMatchObject({ sent: 900, unknown: 0 });
    expect(relay.counts().size).toBe(900);
    expect(new Set(relay.counts().values())).toEqual(new Set([1]));
  });
});

const onRedis = redisProgram === null ? test.skip : test;

onRedis('a job whose data is no JSON holds up nobody', async () => {
  const home = await openRedisHome();
  closing.push(home.close);
  const queue = await startQueue(home.address);
  closing.push(queue.close);
  await queue.wakeAll([job(1), job(2), job(3)]);
  for (const id of ['7-1-0', '7-2-0']) await home.redis.hset(`{adieu}:delivery:${id}`, { data: '{"kind":' });
  const ran: string[] = [];
  const consumer = await startConsumer({
    ...home.address,
    concurrency: 1,
    leaseSeconds: 1,
    log: SILENT,
    run: async (arrived) => void ran.push(jobId(arrived)),
  });
  closing.push(consumer.close);
  await until(() => ran.includes('7-3-0'));
  // The sweep asks again and again: between two locks the broken one is taken away.
  await until(async () => {
    await queue.mend([job(1), job(2)]);
    return ran.includes('7-1-0') && ran.includes('7-2-0');
  });
});

onRedis(
  'Redis away at the start and restarted without its memory: everybody is reached once, and nobody waited for it',
  async () => {
    const gone = await startRedisServer();
    await gone.close();
    const scene = await openScene();
    closing.push(scene.close);
    const relay = await scene.relay();
    await scene.people(900);
    // The producer resolves although nobody answers; what it is asked meanwhile is not kept for later.
    const lines: string[] = [];
    const log = { ...SILENT, warn: (_fields: object, message: string) => void lines.push(message) };
    const producer = await startQueue({ databaseUrl: '', queueUrl: gone.url, prefix: 'other', log });
    closing.push(producer.close);
    expect(lines).toContain('the queue is away; everything else goes on without it');
    await producer.wake(job(1));
    await producer.wake(job(2));
    await scene.worker(relay.url, { queueUrl: gone.url, concurrency: 1 });
    const execution = await scene.enqueue();
    const port = Number(new URL(gone.url).port);
    const first = await startRedisServer(port);
    await until(() => relay.mails.length > 100);
    const other = new Redis(gone.url);
    await until(async () => (await other.exists('{other}:delivery:7-1-0')) === 1);
    expect(await other.exists('{other}:delivery:7-2-0')).toBe(0);
    other.disconnect();
    await first.close();
    const second = await startRedisServer(port);
    closing.push(second.close);
    expect((await scene.finished(execution)).counts).toMatchObject({ sent: 900, unknown: 0 });
    expect(relay.counts().size).toBe(900);
    expect(new Set(relay.counts().values())).toEqual(new Set([1]));
  },
);
