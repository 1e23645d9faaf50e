/**
 * No opt-out is overtaken: a worker that is held between claim and intent, and a message that waits for its retry.
 *
 * @module
 */

import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import {
  type Answer,
  type ScriptedRelay,
  type Step,
  startScriptedRelay,
} from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, enqueue, finished, importPeople, postOneClick, waysOut } from './brand.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
let worker: RunningAdieu;
let script: (step: Step) => Answer | undefined | Promise<Answer | undefined>;

beforeEach(async () => {
  script = () => undefined;
  backend = await openBackend();
  relay = await startScriptedRelay({ answer: (step) => script(step) });
  adieu = await runAdieu({ backend, relayUrl: relay.url, roles: 'api' });
  worker = await startWorker();
  await createBrand(adieu);
  await importPeople(adieu, 3);
  await finished(adieu, await enqueue(adieu));
});

afterEach(async () => {
  await worker?.stop();
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

function startWorker(): Promise<RunningAdieu> {
  return runAdieu({
    backend,
    relayUrl: relay.url,
    roles: 'worker',
    dataDir: adieu.dataDir,
    env: { RETRY_FIRST_SECONDS: '1' },
  });
}

const mailsTo = (person: string) => relay.mails.filter(({ to }) => to === `${person}@example.org`);

function linkOf(person: string): URL {
  const [mail] = mailsTo(person);
  if (mail === undefined) throw new Error(`no mail to ${person}`);
  return waysOut(mail).https;
}

test('OH-27: a worker held between claim and intent does not send to whoever left meanwhile', async () => {
  // A fresh worker whose relay does not greet yet: it claims, and has no connection to take a message.
  await worker.stop();
  let greet: () => void = () => {};
  const greeted = new Promise<undefined>((resolve) => {
    greet = () => resolve(undefined);
  });
  script = ({ stage }) => (stage === 'greeting' ? greeted : undefined);
  worker = await startWorker();
  const second = await enqueue(adieu);
  await until(async () => (await leases(second)) === 1);

  // From here on the intent waits for our lock on the batch; the opt-out needs no batch.
  const locked = await lockBatch(second);
  greet();
  await until(async () => (await waitingForLocks()) > 0);
  expect(await postOneClick(adieu, linkOf('p1'))).toBe(200);
  await locked.release();

  const { counts, exclusions } = await finished(adieu, second);
  expect(counts).toMatchObject({ sent: 2, excluded: 1 });
  expect(exclusions).toEqual({ '050101': 1 });
  expect(mailsTo('p1')).toHaveLength(1);
  expect(mailsTo('p2')).toHaveLength(2);
});

async function leases(executionId: number): Promise<number> {
  const batch = backend.db.selectFrom('batch').select('no').where('execution_id', '=', executionId);
  return (await batch.where('owner', 'is not', null).execute()).length;
}

/** Locks the batch of an execution in a transaction of its own until released. */
async function lockBatch(executionId: number): Promise<{ release(): Promise<void> }> {
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return new Promise((resolve, reject) => {
    const transaction = backend.db.transaction().execute(async (db) => {
      await sql`SELECT 1 FROM batch WHERE execution_id = ${executionId} FOR UPDATE`.execute(db);
      resolve({
        release: () => {
          release();
          return transaction;
        },
      });
      await released;
    });
    transaction.catch(reject);
  });
}

async function waitingForLocks(): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'`.execute(backend.db);
  return rows[0]?.n ?? 0;
}

test('OH-27 S7: an opt-out between a 4xx and its retry stops the retry', async () => {
  const link = linkOf('p1');
  script = ({ stage, line }) =>
    stage === 'rcpt' && line.includes('p1@') ? '451 4.2.0 come back later' : undefined;
  const second = await enqueue(adieu);
  await until(async () => {
    const { body } = await adieu.call('GET', `/v1/executions/${second}/messages?state=deferred`);
    return body.messages.length === 1;
  });
  expect(await postOneClick(adieu, link)).toBe(200);
  script = () => undefined;

  const { counts } = await finished(adieu, second);
  expect(counts).toMatchObject({ sent: 2, excluded: 1, deferred: 0 });
  expect(mailsTo('p1')).toHaveLength(1);
});
