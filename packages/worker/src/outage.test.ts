import { randomUUID } from 'node:crypto';
import {
  claimBatch,
  commitIntent,
  expandStep,
  type ListedMessage,
  listMessages,
  openDatabase,
  putTemplate,
} from '@adieu/store';
import { openCuttableLine } from '@adieu/store/testing';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openBarrier } from './testing/barrier.ts';
import { openScene, type Scene, until } from './testing/scene.ts';
import { startScriptedRelay } from './testing/scripted-relay.ts';
import { RFC_TIMEOUTS } from './transaction.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

async function messages(execution: number): Promise<readonly ListedMessage[]> {
  return (await listMessages(scene.db, scene.scope, execution, { limit: 1000 }))?.messages ?? [];
}

const once = (counts: ReadonlyMap<string, number>): boolean =>
  [...counts.values()].every((times) => times === 1);

describe('S7: retries', () => {
  test('4xx is tried again later, 5xx is not', async () => {
    const attempts: string[] = [];
    const relay = await scene.relay({
      answer: ({ stage, line }) => {
        if (stage !== 'rcpt') return undefined;
        attempts.push(line);
        if (line.includes('p0@')) return '550 5.1.1 no such user';
        return attempts.filter((earlier) => earlier === line).length < 3 ? '451 4.3.0 not now' : undefined;
      },
    });
    await scene.people(2);
    await scene.worker(relay.url, { retryFirstSeconds: 0.3 });
    const execution = await scene.enqueue();
    expect((await scene.finished(execution)).counts).toMatchObject({ sent: 1, bounced: 1 });
    const [bounced, sent] = (await messages(execution)).toSorted((a, b) => a.state.localeCompare(b.state));
    expect(bounced).toMatchObject({
      state: 'bounced',
      code: '5.1.1',
      reply: '550 5.1.1 no such user',
      attempts: 1,
    });
    expect(sent).toMatchObject({ state: 'sent', attempts: 3 });
  });

  test('when the retry period is over a 4xx is a bounce with 4.4.7', async () => {
    const relay = await scene.relay({
      answer: ({ stage }) => (stage === 'rcpt' ? '451 4.3.0 not now' : undefined),
    });
    await scene.people(1);
    let ahead = 0;
    await scene.worker(relay.url, { retryFirstSeconds: 0.3, now: () => new Date(Date.now() + ahead) });
    const execution = await scene.enqueue();
    await until(async () => (await messages(execution))[0]?.state === 'deferred');
    ahead = 85 * 3_600_000;
    expect((await scene.finished(execution)).counts.bounced).toBe(1);
    expect((await messages(execution))[0]).toMatchObject({ code: '4.4.7', reply: '451 4.3.0 not now' });
  });

  test('a refusal of the sender is a failure, not a bounce', async () => {
    const relay = await scene.relay({
      answer: ({ stage }) => (stage === 'content' ? '550 5.7.26 unauthenticated' : undefined),
    });
    await scene.people(1);
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    expect((await scene.finished(execution)).counts.failed).toBe(1);
    expect((await messages(execution))[0]).toMatchObject({ state: 'failed', code: '5.7.26' });
  });

  test('421, throttling and lost connections are no attempts of the message', async () => {
    let trouble = 0;
    const relay = await scene.relay({
      answer: ({ stage, transaction }) => {
        if (transaction !== 2 || trouble >= 6) return undefined;
        if (stage === 'mail' && trouble % 3 === 0) trouble++;
        else if (stage === 'data' && trouble % 3 === 1) trouble++;
        else if (stage === 'rcpt' && trouble % 3 === 2) trouble++;
        else return undefined;
        if (stage === 'mail') return { say: '421 4.3.2 later', act: 'close' };
        return stage === 'data' ? { act: 'reset' } : '454 4.7.0 Throttling failure: slower';
      },
    });
    await scene.people(60);
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    expect((await scene.finished(execution)).counts.sent).toBe(60);
    expect(trouble).toBeGreaterThan(2);
    expect(new Set((await messages(execution)).map(({ attempts }) => attempts))).toEqual(new Set([1]));
    expect(relay.counts().size).toBe(60);
    expect(once(relay.counts())).toBe(true);
  });
});

describe('the relay goes away', () => {
  test('down, then up: every message waits and arrives once', async () => {
    const vacant = await startScriptedRelay();
    await vacant.close();
    await scene.people(30);
    await scene.worker(vacant.url);
    const execution = await scene.enqueue();
    await until(async () => (await scene.counts(execution)).counts.queued === 30);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await scene.counts(execution)).counts.queued).toBe(30);
    const relay = await scene.relay({ port: vacant.port });
    expect((await scene.finished(execution)).counts.sent).toBe(30);
    expect(relay.counts().size).toBe(30);
    expect(once(relay.counts())).toBe(true);
  });

  test('S9: closing in the middle of the content, again and again: what is owed arrives, each accepted once', async () => {
    let broken = 0;
    const relay = await scene.relay({
      answer: ({ stage, transaction, unread }) => {
        if (stage !== 'body' || transaction % 3 !== 0 || unread().includes('\r\n.\r\n') || broken >= 8)
          return undefined;
        broken++;
        return { act: 'reset' };
      },
    });
    await scene.people(40, { attributes: { filler: `${'x'.repeat(70)} `.repeat(4000) } });
    const html = '<p>{{profile.filler}}</p><a href="#" data-link-type="unsubscribe">leave</a>';
    await putTemplate(scene.db, scene.scope, { id: 'middling', subject: 'Middling', html });
    await scene.worker(relay.url, { retryFirstSeconds: 0.3 });
    const execution = await scene.enqueue({ template: 'middling', channelConfiguration: 'receipt' });
    expect((await scene.finished(execution)).counts).toMatchObject({ sent: 40, unknown: 0 });
    expect(broken).toBeGreaterThan(0);
    expect(relay.counts().size).toBe(40);
    expect(once(relay.counts())).toBe(true);
  });

  test('S9: the final dot without a reply is unknown: marketing is kept, what is owed is sent again under the same Message-ID', async () => {
    const seen = new Set<string>();
    const relay = await scene.relay({
      answer: ({ stage, mail }) => {
        if (stage !== 'content' || mail === null || seen.has(mail.messageId)) return undefined;
        seen.add(mail.messageId);
        return { act: 'reset' };
      },
    });
    await scene.people(2);
    await scene.worker(relay.url, { retryFirstSeconds: 0.3 });
    const campaign = await scene.enqueue();
    expect((await scene.finished(campaign)).counts.unknown).toBe(2);
    expect(relay.counts().size).toBe(0);
    const receipt = await scene.enqueue({ channelConfiguration: 'receipt' });
    expect((await scene.finished(receipt)).counts.sent).toBe(2);
    expect(once(relay.counts())).toBe(true);
    const owed = relay.mails.filter((mail) => relay.counts().has(mail.messageId));
    expect(owed).toHaveLength(4);
    expect(new Set(owed.map((mail) => mail.messageId)).size).toBe(2);
    expect((await scene.counts(campaign)).counts.unknown).toBe(2);
  });
});

describe('a worker or its database goes away', () => {
  test('S9: what a killed worker left in sending is unknown once lease and DATA timeout have passed, the rest is sent', async () => {
    await scene.people(5);
    const execution = await scene.enqueue();
    await expandStep(scene.db, execution);
    // As a worker that is killed right after its intent leaves it.
    const claim = await claimBatch(scene.db, {
      executionId: execution,
      batch: 0,
      owner: 'killed',
      leaseSeconds: 1,
    });
    if (claim === null) throw new Error('nothing to claim');
    const lost = claim.messages.slice(0, 2);
    await commitIntent(scene.db, claim.lease, { attemptId: randomUUID(), messages: lost });
    const relay = await scene.relay();
    await scene.worker(relay.url, { smtpTimeouts: { ...RFC_TIMEOUTS, final: 1000 } });
    expect((await scene.finished(execution)).counts).toMatchObject({ sent: 3, unknown: 2 });
    const addresses = new Set(relay.mails.map((mail) => mail.to));
    for (const message of lost) expect(addresses.has(message.spelling)).toBe(false);
  });

  test('nothing is claimed while nobody vouches for the database, and what is under way intends nothing more', async () => {
    let vouched = true;
    const relay = await scene.relay({
      answer: ({ stage, transaction }) => {
        if (stage === 'content' && transaction === 2) vouched = false;
        return undefined;
      },
    });
    await scene.people(500);
    const worker = await scene.worker(relay.url, { sound: () => vouched, connections: 1, concurrency: 1 });
    const execution = await scene.enqueue();
    await until(() => relay.mails.length >= 2);
    await until(() => worker.stats().batches === 0);
    expect(worker.ready()).not.toBeNull();
    // What had its intent, and no more.
    const sent = relay.mails.length;
    expect(sent).toBeLessThan(10);
    const second = await scene.enqueue();
    await until(async () => (await scene.counts(second)).counts.queued === 500);
    expect(relay.mails).toHaveLength(sent);
    vouched = true;
    for (const each of [execution, second]) expect((await scene.finished(each)).counts.sent).toBe(500);
    expect(once(relay.counts())).toBe(true);
  });

  test('S8: the database away in the middle: replies are kept, and every message is sent once and written as sent', async () => {
    const line = await openCuttableLine(scene.database.url);
    scene.later(line.cut);
    const database = openDatabase({ url: line.url });
    scene.later(database.close);
    const barrier = openBarrier();
    barrier.shutAfter(30);
    const relay = await scene.relay({ answer: barrier.answer });
    await scene.people(300);
    const connections = 5;
    const worker = await scene.worker(relay.url, { database, connections });
    const execution = await scene.enqueue();
    await until(() => relay.mails.length >= 30 + connections);
    await line.cut();
    barrier.open();
    await until(() => worker.ready() !== null);
    expect(worker.stats().repliesHeld).toBeGreaterThan(0);
    // As many as the connections hold, and not one more.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(worker.stats().repliesHeld).toBeLessThanOrEqual(2 * connections);
    await line.mend();
    const opened = Date.now();
    await until(async () => (await scene.counts(execution)).counts.sent > 60);
    expect(Date.now() - opened).toBeLessThan(30_000);
    expect((await scene.finished(execution)).counts).toMatchObject({ sent: 300, unknown: 0 });
    expect(relay.counts().size).toBe(300);
    expect(once(relay.counts())).toBe(true);
    expect(worker.ready()).toBeNull();
  });
});
