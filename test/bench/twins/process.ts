/**
 * The process of a twin: its queue, its worker, and the twin itself. Arguments: the twin's module and its setup as JSON.
 *
 * @module
 */
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import { type Recipient, recipients } from '../newsletter.ts';
import type { OpenTwin, TwinSetup } from './twin.ts';

/** What the parent asks: enqueue these recipients, and answer when all are delivered. */
export interface Delivery {
  readonly from: number;
  readonly count: number;
}

const [module = '', setupText = '{}'] = process.argv.slice(2);
const setup = JSON.parse(setupText) as TwinSetup;
const { openTwin } = (await import(module)) as { readonly openTwin: OpenTwin };
const twin = await openTwin(setup);

const connection = { connectionString: setup.queueUrl, migrate: true };
const name = 'twin';
const queue = new Queue(name, { connection }, createPostgresBackend);
await queue.waitUntilReady();
let outstanding = 0;
let finish: () => void = () => undefined;
let failure: unknown = null;
const worker = new Worker(
  name,
  async ({ data }: { data: readonly Recipient[] }) => {
    // One rejection fails the job; the others of it are still on their way, and are waited for.
    const outcomes = await Promise.allSettled(data.map((recipient) => twin.deliver(recipient)));
    failure ??= outcomes.find((outcome) => outcome.status === 'rejected')?.reason ?? null;
    outstanding -= data.length;
    if (outstanding === 0) finish();
  },
  { connection, concurrency: twin.concurrency },
  createPostgresBackend,
);
const complain = (error: Error): void => void process.stderr.write(`${module}: ${error.message}\n`);
queue.on('error', complain);
worker.on('error', complain);
await worker.waitUntilReady();

async function run({ from, count }: Delivery): Promise<void> {
  outstanding = count;
  failure = null;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const all = recipients(from, count);
  const jobs = [];
  for (let start = 0; start < all.length; start += twin.recipientsPerJob) {
    const data = all.slice(start, start + twin.recipientsPerJob);
    jobs.push({ name, data, opts: { removeOnComplete: true, removeOnFail: true } });
  }
  await queue.addBulk(jobs);
  await finished;
  if (failure !== null) throw failure;
}

process.on('message', (delivery: Delivery) => {
  run(delivery).then(
    () => process.send?.({ reply: null }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit(0));
process.send?.({ ready: true });
