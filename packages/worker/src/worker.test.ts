import { createExecution, listMessages, putTemplate } from '@adieu/store';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openScene, type Scene, until } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

/** The first message of an execution. */
const firstMessage = async (execution: number) =>
  (await listMessages(scene.db, scene.scope, execution, { limit: 1 }))?.messages[0];

/** How often each message was accepted, by Message-ID. */
const times = (counts: ReadonlyMap<string, number>): number[] => [...new Set(counts.values())];

describe('the main flow', () => {
  test('everybody gets the message once, signed and with a way out', async () => {
    const relay = await scene.relay();
    const worker = await scene.worker(relay.url);
    await scene.people(450);
    const execution = await scene.enqueue();
    const { counts } = await scene.finished(execution);
    expect(counts).toMatchObject({ sent: 450, queued: 0, sending: 0 });
    expect(relay.counts().size).toBe(450);
    expect(times(relay.counts())).toEqual([1]);
    expect(new Set(relay.mails.map((mail) => mail.to)).size).toBe(450);
    const mail = relay.mails[0];
    expect(mail?.raw.toString()).toMatch(/^DKIM-Signature: [\s\S]*\r\nList-Unsubscribe: <https:/);
    expect(mail?.from).toMatch(/^bounce\+[a-z2-7]{45}@news\.example\.com$/);
    expect(await firstMessage(execution)).toMatchObject({
      state: 'sent',
      attempts: 1,
      reply: '250 2.0.0 queued',
    });
    await until(() => worker.stats().batches === 0);
    expect(worker.stats()).toMatchObject({ repliesHeld: 0, messages: { sent: 450 } });
    expect(worker.ready()).toBeNull();
  });

  test('S6: who has said no is excluded by the gate, and not by the enqueue', async () => {
    const relay = await scene.relay();
    await scene.people(3, { consents: { marketing: { email: { val: 'n' } } } });
    const execution = await scene.enqueue();
    await scene.worker(relay.url);
    const { counts, exclusions } = await scene.finished(execution);
    expect(counts.excluded).toBe(3);
    expect(exclusions).toEqual({ '050101': 3 });
    const owed = await scene.enqueue({ channelConfiguration: 'receipt' });
    expect((await scene.finished(owed)).counts.sent).toBe(3);
    expect(relay.mails).toHaveLength(3);
  });

  test('a message that cannot be rendered is excluded, and the batch goes on', async () => {
    const relay = await scene.relay();
    await scene.worker(relay.url);
    await scene.people(5);
    const html = '<p>{{context.coupon}}</p><a href="#" data-link-type="unsubscribe">leave</a>';
    await putTemplate(scene.db, scene.scope, { id: 'strict', subject: 'S', html, strict: true });
    const recipients = Array.from({ length: 5 }, (_, number) => ({
      namespace: 'CRMID',
      id: `p${number}`,
      context: number === 2 ? {} : { coupon: 'A1' },
    }));
    const execution = await scene.enqueue({ template: 'strict', recipients });
    const { counts, exclusions } = await scene.finished(execution);
    expect(counts).toMatchObject({ sent: 4, excluded: 1 });
    expect(exclusions).toEqual({ '050302': 1 });
  });

  test('OH-19: a UTF-8 local part on a relay without SMTPUTF8 ends failed with 5.6.7', async () => {
    const relay = await scene.relay();
    await scene.worker(relay.url);
    const recipients = [{ namespace: 'CRMID', id: 'j', address: 'jürgen@example.com' }];
    const execution = await scene.enqueue({ recipients });
    expect((await scene.finished(execution)).counts.failed).toBe(1);
    expect(await firstMessage(execution)).toMatchObject({ state: 'failed', code: '5.6.7' });
    expect(relay.mails).toEqual([]);
  });

  test('a message larger than the relay takes ends failed with 5.3.4', async () => {
    const relay = await scene.relay({ extensions: ['PIPELINING', 'SIZE 500'] });
    await scene.worker(relay.url);
    await scene.people(1);
    const execution = await scene.enqueue();
    expect((await scene.finished(execution)).counts.failed).toBe(1);
    expect(await firstMessage(execution)).toMatchObject({ code: '5.3.4' });
  });
});

describe('several workers', () => {
  test('two workers on one database deliver each message once', async () => {
    const relay = await scene.relay();
    await scene.people(1000);
    const workers = [await scene.worker(relay.url), await scene.worker(relay.url)];
    const { counts } = await scene.finished(await scene.enqueue());
    expect(counts.sent).toBe(1000);
    expect(relay.counts().size).toBe(1000);
    expect(times(relay.counts())).toEqual([1]);
    for (const worker of workers) expect(worker.stats().messages.sent).toBeGreaterThan(0);
  });

  test('S8: a worker closed in the middle of its batches leaves the rest to the next, and nothing is sent twice', async () => {
    const relay = await scene.relay({
      answer: async ({ stage }) => {
        if (stage === 'content') await new Promise((resolve) => setTimeout(resolve, 5));
        return undefined;
      },
    });
    await scene.people(600);
    const first = await scene.worker(relay.url);
    const execution = await scene.enqueue();
    await until(() => relay.mails.length > 50);
    await first.close();
    const { counts } = await scene.counts(execution);
    expect(counts.sending + counts.unknown).toBe(0);
    expect(counts.sent).toBe(relay.counts().size);
    expect(counts.sent).toBeLessThan(600);
    await scene.worker(relay.url);
    expect((await scene.finished(execution)).counts.sent).toBe(600);
    expect(relay.counts().size).toBe(600);
    expect(times(relay.counts())).toEqual([1]);
  });

  test('an execution that nobody was woken for is found by the sweep', async () => {
    const relay = await scene.relay();
    await scene.people(10);

    const { executionId } = await createExecution(scene.db, scene.scope, {
      requestId: 'r',
      channelConfiguration: 'newsletter',
      template: 'spring',
      audience: { all: true },
    });
    await scene.worker(relay.url);
    expect((await scene.finished(executionId)).counts.sent).toBe(10);
  });
});
