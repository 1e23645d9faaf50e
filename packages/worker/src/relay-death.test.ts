import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { holdRows, intentWaits, latch } from './testing/held-rows.ts';
import { openScene, type Scene, until } from './testing/scene.ts';
import { shortened } from './transaction.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

const CONNECTIONS = 5;

describe('S9: a relay that dies under load', () => {
  test.each([1, 40, 117])(
    'after %i final dots, all connections at once: one unknown message each at most, and the others arrive once',
    async (dots) => {
      let read = 0;
      const relay = await scene.relay({
        answer: ({ stage }) => {
          if (stage !== 'content') return undefined;
          read++;
          // Nobody hears the reply to this one, nor to what the other connections have on the wire.
          if (read === dots) relay.cut();
          return undefined;
        },
      });
      await scene.people(300);
      await scene.worker(relay.url, { connections: CONNECTIONS });
      const { counts } = await scene.finished(await scene.enqueue());
      expect(counts.unknown).toBeGreaterThan(0);
      // The promise is two for each connection; of those, one is the process's to lose, not the relay's.
      expect(counts.unknown).toBeLessThanOrEqual(CONNECTIONS);
      expect(counts.sent).toBe(300 - counts.unknown);
      const arrivals = relay.mails.map((mail) => mail.messageId);
      expect(new Set(arrivals).size).toBe(arrivals.length);
      expect(arrivals.length).toBeGreaterThanOrEqual(counts.sent);
    },
  );

  test('again and again: unknown grows with the deaths, nothing is lost and nothing arrives twice', async () => {
    let read = 0;
    let deaths = 0;
    const relay = await scene.relay({
      answer: ({ stage }) => {
        if (stage !== 'content') return undefined;
        read++;
        if (read % 50 === 0 && deaths < 5) {
          deaths++;
          relay.cut();
        }
        return undefined;
      },
    });
    await scene.people(400);
    await scene.worker(relay.url, { connections: CONNECTIONS });
    const { counts } = await scene.finished(await scene.enqueue());
    expect(deaths).toBe(5);
    expect(counts.unknown).toBeGreaterThanOrEqual(deaths);
    expect(counts.unknown).toBeLessThanOrEqual(deaths * CONNECTIONS);
    expect(counts.sent + counts.unknown).toBe(400);
    const arrivals = relay.mails.map((mail) => mail.messageId);
    expect(new Set(arrivals).size).toBe(arrivals.length);
  });
});

test('S9: a relay that never answers the final dot leaves unknown when its time is up, and no attempt is repeated', async () => {
  const relay = await scene.relay({
    answer: ({ stage }) => (stage === 'content' ? { act: 'stall' } : undefined),
  });
  await scene.people(3);
  await scene.worker(relay.url, { smtpTimeouts: shortened(1000) });
  const { counts } = await scene.finished(await scene.enqueue());
  expect(counts).toMatchObject({ unknown: 3, sent: 0 });
  expect(relay.mails).toHaveLength(3);
});

test('OH-27 S8: a connection that dies while a new intent is being had: the message is sent once, under one that stands', async () => {
  const data = latch();
  const relay = await scene.relay({
    answer: async ({ stage, connection }) => {
      if (stage === 'data' && connection === 1) await data.opened;
      return undefined;
    },
  });
  await scene.people(1);
  const worker = await scene.worker(relay.url, { connections: 1 });
  const execution = await scene.enqueue();
  await until(async () => (await scene.counts(execution)).counts.sending === 1);
  const since = performance.now();
  // Older than an intent lives.
  await until(() => performance.now() > since + 2100);
  const letGo = await holdRows(scene, 'profile');
  data.open();
  await until(async () => (await scene.counts(execution)).counts.queued === 1);
  await until(() => intentWaits(scene));
  relay.cut();
  await until(() => worker.stats().relay.open === 0);
  await letGo();
  expect((await scene.finished(execution)).counts).toMatchObject({ sent: 1, unknown: 0 });
  expect([...relay.counts().values()]).toEqual([1]);
});
