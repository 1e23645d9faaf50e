import { SILENT } from '@adieu/core';
import { openOptOutRecorder } from '@adieu/store';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { holdRows, intentWaits, latch } from './testing/held-rows.ts';
import { openScene, type Scene, until } from './testing/scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

function recorder() {
  const opened = openOptOutRecorder(scene.database, { log: SILENT });
  scene.later(opened.close);
  return opened;
}

const claimed = (executionId: number) => async (): Promise<boolean> => {
  const row = await scene.db
    .selectFrom('batch')
    .select('owner')
    .where('execution_id', '=', executionId)
    .executeTakeFirst();
  return row !== undefined && row.owner !== null;
};

describe('OH-27: the order of two commits decides', () => {
  test('S6: an opt-out that is answered between claim and intent stops the message, and no other', async () => {
    const greeting = latch();
    const relay = await scene.relay({
      answer: async ({ stage }) => {
        // Claimed, gated and composed, the batch waits for its connection.
        if (stage === 'greeting') await greeting.opened;
        return undefined;
      },
    });
    await scene.people(5);
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    await until(claimed(execution));
    const letGo = await holdRows(scene, 'batch');
    greeting.open();
    await until(() => intentWaits(scene));
    const receipt = await recorder().record(scene.optOut(3));
    expect(receipt).toEqual({ changed: true, known: true });
    expect(relay.mails).toEqual([]);
    await letGo();
    const { counts, exclusions } = await scene.finished(execution);
    expect(counts).toMatchObject({ sent: 4, excluded: 1 });
    expect(exclusions).toEqual({ '050101': 1 });
    expect(relay.mails.map((mail) => mail.to).sort()).toEqual([0, 1, 2, 4].map((n) => `p${n}@example.com`));
  });

  test('S7: an opt-out between a 4xx and its retry stops the retry', async () => {
    let refuse = true;
    const relay = await scene.relay({
      answer: ({ stage }) => (stage === 'rcpt' && refuse ? '450 4.2.1 come back later' : undefined),
    });
    await scene.people(2);
    await scene.worker(relay.url, { retryFirstSeconds: 1 });
    const execution = await scene.enqueue();
    await until(async () => (await scene.counts(execution)).counts.deferred === 2);
    await recorder().record(scene.optOut(1));
    refuse = false;
    const { counts } = await scene.finished(execution);
    expect(counts).toMatchObject({ sent: 1, excluded: 1 });
    expect(relay.mails.map((mail) => mail.to)).toEqual(['p0@example.com']);
  });

  test('an opt-out is answered when the message on the wire has settled, not before', async () => {
    const reply = latch();
    const relay = await scene.relay({
      answer: async ({ stage }) => {
        if (stage === 'content') await reply.opened;
        return undefined;
      },
    });
    await scene.people(1);
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    await until(() => relay.mails.length === 1);
    let answered = false;
    const recording = recorder()
      .record(scene.optOut(0))
      .then(() => {
        answered = true;
      });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(answered).toBe(false);
    reply.open();
    await recording;
    expect((await scene.counts(execution)).counts.sent).toBe(1);
  });

  test('a relay that asks for content only after the intent has grown old: who left meanwhile gets nothing, the others do', async () => {
    const data = latch();
    const asked: number[] = [];
    const relay = await scene.relay({
      answer: async ({ stage, line }) => {
        if (stage === 'rcpt') asked.push(Number(/<p(\d)@/.exec(line)?.[1]));
        if (stage === 'data') await data.opened;
        return undefined;
      },
    });
    await scene.people(2);
    await scene.worker(relay.url);
    const execution = await scene.enqueue();
    await until(() => asked.length > 0);
    const [leaving = 0] = asked;
    await new Promise((resolve) => setTimeout(resolve, 2100));
    await recorder().record(scene.optOut(leaving));
    data.open();
    const { counts } = await scene.finished(execution);
    expect(counts).toMatchObject({ sent: 1, excluded: 1 });
    expect(relay.mails.map((mail) => mail.to)).toEqual([`p${1 - leaving}@example.com`]);
  });

  test('opt-outs in the middle of a run: nothing is sent after its answer', async () => {
    const relay = await scene.relay();
    await scene.people(600);
    await scene.worker(relay.url);
    const { record } = recorder();
    const execution = await scene.enqueue();
    const answers = new Map<string, number>();
    for (let number = 0; number < 600; number += 3) {
      await record(scene.optOut(number));
      // How many mails the relay had when the opt-out was answered.
      answers.set(`p${number}@example.com`, relay.mails.length);
    }
    await scene.finished(execution);
    const late = relay.mails.filter(
      (mail, index) => index >= (answers.get(mail.to) ?? Number.POSITIVE_INFINITY),
    );
    expect(late.map((mail) => mail.to)).toEqual([]);
    expect((await scene.counts(execution)).counts.excluded).toBeGreaterThan(0);
  });

  test('a lease that was taken away while the envelope was on its way: the content never starts', async () => {
    const data = latch();
    let asked = 0;
    const relay = await scene.relay({
      answer: async ({ stage }) => {
        if (stage !== 'data') return undefined;
        asked++;
        if (asked === 1) await data.opened;
        return undefined;
      },
    });
    await scene.people(1);
    const worker = await scene.worker(relay.url, { leaseSeconds: 2, sweepSeconds: 60 });
    const execution = await scene.enqueue();
    await until(() => asked === 1);
    const later = new Date(Date.now() + 3_600_000);
    await scene.db.updateTable('batch').set({ owner: 'another', fence: 100, lease_until: later }).execute();
    // A heartbeat at a third of two seconds notices; the intent would be fresh for longer.
    await new Promise((resolve) => setTimeout(resolve, 1000));
    data.open();
    await until(() => worker.stats().messages.givenBack === 1);
    expect(relay.mails).toEqual([]);
    expect((await scene.counts(execution)).counts.queued).toBe(1);
  });
});
