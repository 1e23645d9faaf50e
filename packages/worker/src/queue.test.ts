import { type AddressInfo, createServer } from 'node:net';
import { type Log, SILENT, type WakeUpJob } from '@adieu/core';
import { openScratchDatabase } from '@adieu/store/testing';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { jobId } from './job.ts';
import { type ConsumerOptions, migrateQueue, type QueueAddress, startConsumer, startQueue } from './queue.ts';
import { latch } from './testing/held-rows.ts';
import { redisProgram, startRedisServer } from './testing/redis-server.ts';
import { openScene, until } from './testing/scene.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const job = (batch: number, fence = 0): WakeUpJob => ({ kind: 'batch', executionId: 7, batch, fence });

const homes: [string, () => Promise<QueueAddress>][] = [
  [
    'PostgreSQL',
    async () => {
      const scratch = await openScratchDatabase();
      closing.push(scratch.close);
      return { databaseUrl: scratch.url };
    },
  ],
];
if (redisProgram !== null) {
  homes.push([
    'Redis',
    async () => {
      const server = await startRedisServer();
      closing.push(server.close);
      return { databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing', queueUrl: server.url };
    },
  ]);
}

describe.each(homes)('the queue on %s', (_, open) => {
  let address: QueueAddress;
  beforeEach(async () => {
    address = await open();
  });

  async function produce(log: Log = SILENT) {
    const queue = await startQueue({ ...address, log });
    closing.push(queue.close);
    return queue;
  }

  async function consume(run: ConsumerOptions['run'], options: Partial<ConsumerOptions> = {}) {
    const consumer = await startConsumer({
      ...address,
      concurrency: 2,
      leaseSeconds: 60,
      log: SILENT,
      run,
      ...options,
    });
    closing.push(consumer.close);
    return consumer;
  }

  test('a job arrives as it was sent', async () => {
    const queue = await produce();
    const seen: WakeUpJob[] = [];
    await consume(async (arrived) => void seen.push(arrived));
    await queue.wake(job(1));
    await queue.wake({ kind: 'expand', executionId: 9 });
    await until(() => seen.length === 2);
    expect(seen).toContainEqual(job(1));
    expect(seen).toContainEqual({ kind: 'expand', executionId: 9 });
  });

  test('a job that is there is not added again; one that is done may come again, and the next fence always', async () => {
    const queue = await produce();
    await queue.wakeAll([job(1), job(1), job(1, 1)]);
    await queue.wake(job(1));
    const seen: string[] = [];
    await consume(async (arrived) => void seen.push(jobId(arrived)));
    await until(() => seen.length === 2);
    expect(seen.toSorted()).toEqual(['7-1-0', '7-1-1']);
    await until(async () => {
      await queue.wake(job(1));
      return seen.length >= 3;
    });
    expect(seen[2]).toBe('7-1-0');
  });

  test('a job that throws is not tried again and leaves nothing behind', async () => {
    const queue = await produce();
    const runs: string[] = [];
    await consume(async (arrived) => {
      runs.push(jobId(arrived));
      throw new Error('no');
    });
    const first = jobId(job(1));
    await queue.wake(job(1));
    await until(() => runs.length === 1);
    // Whatever comes after has its turn; the first would have had another by then.
    for (let batch = 2; batch <= 6; batch++) {
      await queue.wake(job(batch));
      await until(() => runs.includes(jobId(job(batch))));
    }
    expect(runs.filter((id) => id === first)).toHaveLength(1);
    // Nothing under its id is left that would keep it from being added again.
    await until(async () => {
      await queue.wake(job(1));
      return runs.filter((id) => id === first).length > 1;
    });
  });

  test('thousands of jobs in one call', async () => {
    const queue = await produce();
    const jobs = Array.from({ length: 2500 }, (_unused, batch) => job(batch));
    const seen = new Set<string>();
    await consume(async (arrived) => void seen.add(jobId(arrived)), { concurrency: 20 });
    // A queue that is slow to take them loses some, as it may; whoever wakes again is heard.
    await until(async () => {
      await queue.wakeAll(jobs.filter((wanted) => !seen.has(jobId(wanted))));
      return seen.size === jobs.length;
    });
  });

  test('closing waits for the job under way', async () => {
    const queue = await produce();
    let state = 'waiting';
    const ending = latch();
    const consumer = await consume(async () => {
      state = 'running';
      await ending.opened;
      await new Promise((resolve) => setTimeout(resolve, 100));
      state = 'done';
    });
    await queue.wake(job(1));
    await until(() => state === 'running');
    const closed = consumer.close();
    ending.open();
    await closed;
    expect(state).toBe('done');
  });
});

test('an id has no colon, whatever the queue makes of those', () => {
  expect(jobId({ kind: 'batch', executionId: 12, batch: 3, fence: 4 })).toBe('12-3-4');
  expect(jobId({ kind: 'expand', executionId: 12 })).toBe('expand-12');
});

test('several processes may migrate the queue at once', async () => {
  const scratch = await openScratchDatabase({ empty: true });
  closing.push(scratch.close);
  await Promise.all(Array.from({ length: 5 }, () => migrateQueue(scratch.url)));
});

test('a pooler that takes no settings at the start of a connection is named, with what to do', async () => {
  // What PgBouncer says, as PostgreSQL's protocol has it: an ErrorResponse to the startup packet.
  const fields = 'SFATAL\0C08P01\0Munsupported startup parameter: options\0\0';
  const answer = Buffer.alloc(5 + fields.length);
  answer.write('E', 0);
  answer.writeInt32BE(4 + fields.length, 1);
  answer.write(fields, 5);
  const pooler = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => socket.end(answer));
  });
  await new Promise<void>((resolve) => pooler.listen(0, '127.0.0.1', resolve));
  closing.push(() => pooler.close());
  const { port } = pooler.address() as AddressInfo;
  await expect(migrateQueue(`postgres://adieu@127.0.0.1:${port}/adieu`)).rejects.toMatchObject({
    code: 'queue_behind_pooler',
    field: 'QUEUE_URL',
  });
});

const onRedis = redisProgram === null ? test.skip : test;

onRedis('a wake-up that the queue cannot take is logged, and the caller goes on', async () => {
  const server = await startRedisServer();
  const lines: string[] = [];
  const log: Log = { ...SILENT, warn: (_fields, message) => void lines.push(message) };
  const queue = await startQueue({ databaseUrl: '', queueUrl: server.url, log });
  await server.close();
  await queue.wake(job(1));
  expect(lines).toContain('wake-up lost, the sweep repairs it');
  await queue.close();
});

onRedis(
  'a campaign with Redis as queue, whose jobs are lost in the middle, reaches everybody once',
  async () => {
    const server = await startRedisServer();
    closing.push(server.close);
    const scene = await openScene();
    closing.push(scene.close);
    const relay = await scene.relay();
    await scene.people(500);
    await scene.worker(relay.url, { queueUrl: server.url });
    // Woken on the other queue: for this worker every job is a lost one.
    const { counts } = await scene.finished(await scene.enqueue());
    expect(counts.sent).toBe(500);
    expect([...new Set(relay.counts().values())]).toEqual([1]);
  },
);
