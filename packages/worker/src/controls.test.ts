import { generateDkimKeys, generateKeyRing, parseKeyRing } from '@adieu/core';
import {
  claimBatch,
  controlExecution,
  expandStep,
  listMessages,
  putSubdomain,
  putTemplate,
} from '@adieu/store';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openBarrier } from './testing/barrier.ts';
import { openScene, type Scene, until } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

const say = (executionId: number, action: 'pause' | 'resume' | 'cancel') =>
  controlExecution(scene.db, scene.scope, { executionId, action });
const counts = async (execution: number) => (await scene.counts(execution)).counts;
const messages = async (execution: number) =>
  (await listMessages(scene.db, scene.scope, execution, { limit: 1000 }))?.messages ?? [];
/** Batches of an execution as they stand. */
const batches = (execution: number) =>
  scene.db.selectFrom('batch').selectAll().where('execution_id', '=', execution).execute();
const released = (execution: number) =>
  until(async () => (await batches(execution)).every((batch) => batch.owner === null));
async function expire(execution: number): Promise<void> {
  const past = new Date(Date.now() - 1000);
  await scene.db.updateTable('execution').set({ expires_at: past }).where('id', '=', execution).execute();
  await scene.db.updateTable('batch').set({ ends_at: past }).where('execution_id', '=', execution).execute();
}

describe('S8: controls under way', () => {
  test('a pause stops a running worker, nothing is lost or doubled, and resuming finishes', async () => {
    const barrier = openBarrier();
    barrier.shutAfter(20);
    const relay = await scene.relay({ answer: barrier.answer });
    await scene.people(600);
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    await until(async () => (await counts(execution)).sent === 20);
    await say(execution, 'pause');
    barrier.open();
    // The lease is given back as one that was lost, long before its 20 s are over or the batch is done.
    await released(execution);
    await until(async () => (await counts(execution)).sending === 0);
    const { sent, queued } = await counts(execution);
    expect(queued).toBeGreaterThan(0);
    const other = await scene.enqueue({ channelConfiguration: 'receipt' });
    expect((await scene.finished(other)).counts.sent).toBe(600);
    expect(await counts(execution)).toMatchObject({ sent, queued });
    await say(execution, 'resume');
    expect((await scene.finished(execution)).counts.sent).toBe(600);
    expect(relay.counts().size).toBe(1200);
    expect([...relay.counts().values()].every((times) => times === 1)).toBe(true);
  });

  test('a cancellation ends what has not left, and the sink agrees with the ledger', async () => {
    const barrier = openBarrier();
    barrier.shutAfter(20);
    const relay = await scene.relay({ answer: barrier.answer });
    await scene.people(1500);
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    await until(async () => (await counts(execution)).sent === 20);
    await say(execution, 'cancel');
    barrier.open();
    const { sent, failed, unknown } = (await scene.finished(execution)).counts;
    expect([sent + failed, unknown]).toEqual([1500, 0]);
    expect(failed).toBeGreaterThan(0);
    expect(relay.counts().size).toBe(sent);
    const codes = new Set(
      (await messages(execution)).filter(({ state }) => state === 'failed').map(({ code }) => code),
    );
    expect(codes).toEqual(new Set(['cancelled']));
  });
});

describe('S7: lateness', () => {
  test.each([
    ['the relay is down', async () => {}],
    [
      'the signing key cannot be opened',
      async () => {
        await putSubdomain(scene.db, scene.scope, {
          domain: 'news.example.com',
          linkBaseUrl: 'https://news.example.com',
          relay: 'plain',
          keys: generateDkimKeys('s2'),
          ring: parseKeyRing(generateKeyRing()),
        });
      },
    ],
    [
      'the template does not compile any more',
      async () => {
        await putTemplate(scene.db, scene.scope, {
          id: 'spring',
          subject: '{{#each',
          html: '<p>{{#each</p>',
        });
      },
    ],
  ])('ends what was never tried while %s', async (_why, spoil) => {
    const relay = await scene.relay();
    await relay.close();
    await scene.people(3);
    await spoil();
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    await until(async () => (await counts(execution)).queued === 3);
    await until(async () => (await batches(execution)).some(({ fence }) => fence > 0));
    await released(execution);
    expect(await counts(execution)).toMatchObject({ queued: 3 });
    await expire(execution);
    expect((await scene.finished(execution)).counts.failed).toBe(3);
    for (const message of await messages(execution)) {
      expect(message).toMatchObject({ code: '4.4.7', reply: 'It was too late to be sent.', attempts: 0 });
    }
  });
});

describe('S13: a rate', () => {
  test('holds over two workers and two executions, retries included, and everything leaves in the end', async () => {
    const rate = 40;
    const arrivals: number[] = [];
    const refused = new Set<string>();
    const relay = await scene.relay({
      answer: ({ stage, line }) => {
        if (stage !== 'rcpt') return undefined;
        arrivals.push(Date.now());
        if (!line.includes('7@') || refused.has(line)) return undefined;
        refused.add(line);
        return '451 4.3.0 not now';
      },
    });
    await scene.people(60);
    await scene.configure('slow', { rate: { messagesPerSecond: rate } });
    for (const _ of [1, 2]) await scene.worker(relay.url, { retryFirstSeconds: 0.3 });
    const begun = Date.now();
    const executions = [
      await scene.enqueue({ channelConfiguration: 'slow' }),
      await scene.enqueue({ channelConfiguration: 'slow' }),
    ];
    for (const execution of executions) expect((await scene.finished(execution)).counts.sent).toBe(60);
    expect(relay.counts().size).toBe(120);
    // Permits begin one after the other, the first not before the start: however late a message is, none is early.
    expect(arrivals.length).toBe(120 + refused.size);
    for (const [index, at] of arrivals.entries()) {
      expect(index + 1).toBeLessThanOrEqual((rate * (at - begun + 2)) / 1000 + rate);
    }
  });

  test('that is changed counts for what is under way', async () => {
    const relay = await scene.relay();
    await scene.people(100);
    // Eight minutes, were it to last.
    await scene.configure('slow', { rate: { messagesPerSecond: 0.2 } });
    await scene.worker(relay.url);
    const execution = await scene.enqueue({ channelConfiguration: 'slow' });
    await until(async () => (await counts(execution)).sent > 0);
    await scene.configure('slow', { rate: { messagesPerSecond: 1_000 } });
    expect((await scene.finished(execution)).counts.sent).toBe(100);
    expect(relay.counts().size).toBe(100);
  });

  test('costs nothing for who is excluded', async () => {
    const relay = await scene.relay();
    await scene.people(100, { consents: { marketing: { email: { val: 'n' } } } });
    // One message in a quarter of an hour: two would never end.
    await scene.configure('slow', { rate: { messagesPerSecond: 0.001 } });
    await scene.worker(relay.url);
    const execution = await scene.enqueue({ channelConfiguration: 'slow' });
    expect((await scene.finished(execution)).counts.excluded).toBe(100);
    expect(await scene.db.selectFrom('rate').selectAll().execute()).toEqual([]);
  });
});

describe('a batch that has ended its workers', () => {
  test('goes through one by one, and is above suspicion afterwards', async () => {
    let most = 0;
    let open = 0;
    const relay = await scene.relay({
      answer: ({ stage }) => {
        if (stage === 'mail') open++;
        most = Math.max(most, open);
        if (stage === 'content') open--;
        return undefined;
      },
    });
    await scene.people(12);
    const execution = await scene.enqueue();
    await expandStep(scene.db, execution);
    for (const owner of ['killed', 'killed too']) {
      await claimBatch(scene.db, { executionId: execution, batch: 0, owner, leaseSeconds: 60 });
      await scene.db
        .updateTable('batch')
        .set({ lease_until: new Date(0) })
        .execute();
    }
    for (const [identity, deaths] of [
      ['p3', 3],
      ['p4', 4],
    ] as const) {
      await scene.db.updateTable('message').set({ deaths }).where('identity', '=', identity).execute();
    }
    await scene.worker(relay.url);
    expect((await scene.finished(execution)).counts).toMatchObject({ sent: 11, failed: 1 });
    expect(most).toBe(1);
    expect(relay.mails.at(-1)?.to).toBe('p3@example.com');
    expect((await messages(execution)).find(({ state }) => state === 'failed')).toMatchObject({
      id: 'p4',
      code: 'poison',
    });
    await released(execution);
    expect((await batches(execution)).map(({ deaths }) => deaths)).toEqual([0]);
    const rows = await scene.db.selectFrom('message').select('deaths').where('state', '=', 'sent').execute();
    expect(new Set(rows.map(({ deaths }) => deaths))).toEqual(new Set([0]));
  });
});
