/**
 * One scenario over every backend, each role in a process of its own: people, both ways out, a retry, and an opt-out
 * while an execution is in progress.
 *
 * @module
 */
import { generateKeyRing } from '@adieu/core';
import { afterEach, expect, test } from '@jest/globals';
import { type Step, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type BackendName, missing, openBackend } from './backend.ts';
import {
  createBrand,
  enqueue,
  finished,
  importPeople,
  mailTheAddress,
  postOneClick,
  waysOut,
} from './brand.ts';
import { runAdieu, until } from './running-adieu.ts';

const PEOPLE = 450;

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

for (const name of ['embedded', 'postgres', 'redis'] as const) {
  const title = `over ${name}, with roles as processes: delivered once, retried, and whoever leaves is left alone`;
  const reason = missing(name);
  if (reason === null || process.env.CI === 'true') test(title, () => scenario(name));
  else test.skip(`${title} (skipped: ${reason})`, () => undefined);
}

async function scenario(name: BackendName): Promise<void> {
  const backend = await openBackend(name);
  closing.push(backend.close);
  let script: (step: Step) => string | undefined | Promise<undefined> = () => undefined;
  const relay = await startScriptedRelay({ answer: (step) => script(step) });
  closing.push(relay.close);
  const env = { ADIEU_KEYRING: generateKeyRing(), RETRY_FIRST_SECONDS: '1' };
  const run = async (roles: string) => {
    const adieu = await runAdieu({ backend, relayUrl: relay.url, roles, env });
    closing.push(adieu.stop);
    return adieu;
  };
  const [api, inbound, worker] = [await run('api'), await run('inbound'), await run('worker')];
  const mailTo = (person: string) => {
    const mails = relay.mails.filter(({ to }) => to === `${person}@example.org`);
    if (mails[0] === undefined) throw new Error(`no mail to ${person}`);
    return { first: mails[0], count: mails.length };
  };

  await createBrand(api);
  await importPeople(api, PEOPLE);
  const refused = new Set<string>();
  script = ({ stage, line }) => {
    if (stage !== 'rcpt' || !/p[5-7]@/.test(line) || refused.has(line)) return undefined;
    refused.add(line);
    return '451 4.3.0 not now';
  };
  const first = await finished(api, await enqueue(api));
  expect(first.counts).toMatchObject({ sent: PEOPLE, excluded: 0, unknown: 0 });
  expect(refused.size).toBe(3);
  expect(relay.counts().size).toBe(PEOPLE);

  expect(await postOneClick(api, waysOut(mailTo('p1').first).https)).toBe(200);
  const { mailto } = waysOut(mailTo('p2').first);
  expect(await mailTheAddress(inbound, mailto, 'Subject: unsubscribe\r\n\r\n')).toMatch(/^250 /);

  let release: () => void = () => {};
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  const before = relay.mails.length;
  script = ({ stage }) => (stage === 'content' && relay.mails.length > before + 20 ? held : undefined);
  const second = await enqueue(api);
  await until(async () => relay.mails.length > before + 20);
  const mailed = new Set(relay.mails.slice(before).map(({ to }) => to));
  const { rows } = await untouched(second);
  const late = rows.find(({ identity }) => !mailed.has(`${identity}@example.org`))?.identity ?? '';
  expect(await postOneClick(api, waysOut(mailTo(late).first).https)).toBe(200);
  release();
  const { counts, exclusions } = await finished(api, second);
  expect(counts).toMatchObject({ sent: PEOPLE - 3, excluded: 3, unknown: 0 });
  expect(exclusions).toEqual({ '050101': 3 });
  for (const person of ['p1', 'p2', late]) expect(mailTo(person).count).toBe(1);
  expect(relay.counts().size).toBe(2 * PEOPLE - 3);
  expect(new Set(relay.counts().values())).toEqual(new Set([1]));

  for (const process of [worker, inbound, api]) expect(await process.stop()).toBe(0);

  /** Messages that no connection has yet, the last first. */
  async function untouched(executionId: number) {
    const rows = await backend.db
      .selectFrom('message')
      .select('identity')
      .where('execution_id', '=', executionId)
      .where('state', '=', 'queued')
      .orderBy('id', 'desc')
      .execute();
    return { rows };
  }
}
