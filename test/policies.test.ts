/**
 * Policies and consent defaults at work: they count for mail that is already under way, and `explain` says what the worker
 * does.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  type ScriptedRelay,
  type Step,
  startScriptedRelay,
} from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished, postOneClick, waysOut } from './brand.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';

const DEFAULTS = '/v1/sandboxes/prod/consent-defaults';
const GERMAN = { path: 'attributes.country', equals: 'DE' };

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
/** Whether the relay takes connections. */
let open: boolean;

beforeAll(async () => {
  open = true;
  backend = await openBackend();
  const answer = ({ stage }: Step) =>
    stage === 'greeting' && !open ? ({ say: '421 4.3.2 closed', act: 'close' } as const) : undefined;
  relay = await startScriptedRelay({ answer });
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await createBrand(adieu);
  for (const [name, marketingActions] of [
    ['newsletter', ['newsletter']],
    ['winback', ['winback', 'newsletter']],
    ['survey', []],
  ] as const) {
    const body = {
      subdomain: DOMAIN,
      emailType: 'marketing',
      from: { name: 'B', email: `b@${DOMAIN}` },
      marketingActions,
    };
    expect(await adieu.call('PUT', `/v1/channel-configurations/${name}`, body)).toMatchObject({
      status: 200,
    });
  }
  const receipt = {
    subdomain: DOMAIN,
    emailType: 'transactional',
    from: { name: 'B', email: `b@${DOMAIN}` },
  };
  expect(await adieu.call('PUT', '/v1/channel-configurations/receipt', receipt)).toMatchObject({
    status: 200,
  });
});

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

beforeEach(async () => {
  expect(await adieu.call('PUT', DEFAULTS, { strict: false })).toMatchObject({ status: 200 });
  const { body } = await adieu.call('GET', '/v1/policies');
  for (const { id } of body.policies) await adieu.call('DELETE', `/v1/policies/${id}`);
});

async function add(people: readonly object[]): Promise<void> {
  const lines = people.map((person) => `${JSON.stringify(person)}\n`).join('');
  expect(await adieu.call('POST', '/v1/profiles', lines)).toMatchObject({
    body: { upserted: people.length },
  });
}

async function put(id: string, condition: object, marketingActions = ['newsletter']): Promise<void> {
  const answer = await adieu.call('PUT', `/v1/policies/${id}`, { marketingActions, condition });
  expect(answer).toMatchObject({ status: 200 });
}

/** How often the only batch of an execution was claimed. */
async function claims(executionId: number): Promise<number> {
  const batch = backend.db.selectFrom('batch').select('fence').where('execution_id', '=', executionId);
  return (await batch.executeTakeFirst())?.fence ?? 0;
}

const recipients = (ids: readonly string[]) => ids.map((id) => ({ namespace: 'CRMID', id }));

test('X6 a policy that is put while an execution is under way counts from the next claim', async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `way${index}`);
  await add(
    ids.map((id, index) => ({
      identities: { CRMID: id, Email: `${id}@example.org` },
      attributes: { country: index < 5 ? 'DE' : 'FR' },
    })),
  );
  open = false;
  const executionId = await enqueue(adieu, { recipients: recipients(ids) });
  // Claimed and given back again and again, since nobody takes it.
  await until(async () => (await claims(executionId)) > 0);
  await put('germans', GERMAN);
  const before = await claims(executionId);
  await until(async () => (await claims(executionId)) > before);
  open = true;
  expect(await finished(adieu, executionId)).toMatchObject({
    counts: { sent: 5, excluded: 15 },
    exclusions: { '050101': 15 },
  });
  expect(relay.mails.filter(({ to }) => to.startsWith('way'))).toHaveLength(5);
});

test('X2 X3 in a strict sandbox only who said something that counts gets mail, and owed mail goes to all', async () => {
  const said = { none: undefined, yes: 'y', unknown: 'u', interest: 'LI', waiting: 'p' };
  await add(
    Object.entries(said).map(([name, val]) => ({
      identities: { CRMID: `strict-${name}`, Email: `${name}@strict.example` },
      ...(val === undefined ? {} : { consents: { marketing: { email: { val } } } }),
    })),
  );
  const everybody = recipients(Object.keys(said).map((name) => `strict-${name}`));
  const got = async (channelConfiguration = 'survey') => {
    const before = relay.mails.length;
    await finished(adieu, await enqueue(adieu, { channelConfiguration, recipients: everybody }));
    return relay.mails
      .slice(before)
      .map(({ to }) => to.split('@')[0])
      .sort();
  };
  expect(await got()).toEqual(['interest', 'none', 'unknown', 'yes']);
  await adieu.call('PUT', DEFAULTS, { strict: true });
  expect(await got()).toEqual(['interest', 'yes']);
  expect(await got('receipt')).toEqual(['interest', 'none', 'unknown', 'waiting', 'yes']);
  await adieu.call('PUT', DEFAULTS, { strict: true, values: { LI: 'stop', p: 'allow' } });
  expect(await got()).toEqual(['waiting', 'yes']);
});

test('X9 explain agrees with what the worker did, rule by rule, for people of every kind', async () => {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(Math.random() * values.length)] as T;
  const values = [undefined, 'y', 'n', 'p', 'u', 'dy', 'dn', 'LI', 'CT'];
  const choice = () => {
    const val = pick(values);
    return val === undefined ? {} : { val };
  };
  const people = Array.from({ length: 120 }, (_, index) => {
    const address = `some${index}@example.org`;
    const sms = pick(['y', 'n', undefined]);
    const any = pick([undefined, undefined, 'y', 'p', 'n']);
    return {
      identities: { CRMID: `some${index}`, Email: address },
      attributes: pick<object>([
        {},
        { country: 'DE', age: 40 },
        { country: 'FR', age: 40 },
        { country: 'DE', age: '40' },
      ]),
      consents: {
        marketing: {
          email: choice(),
          ...(any === undefined ? {} : { any: { val: any } }),
          ...(sms === undefined ? {} : { sms: { val: sms } }),
        },
        idSpecific: {
          Email: { [address]: { marketing: { email: { val: pick(['y', 'u', 'n', 'LI', 'y']) } } } },
        },
      },
    };
  });
  await add(people);
  await adieu.call('PUT', DEFAULTS, { strict: true, values: { LI: 'stop' } });
  await put('country', { any: [GERMAN, { path: 'consents.marketing.sms.val', equals: 'y' }] });
  await put('age', { not: { path: 'attributes.age', less: 18 } }, ['winback']);
  const everybody = recipients(people.map(({ identities }) => identities.CRMID));
  let excluded = 0;
  for (const channelConfiguration of ['newsletter', 'winback', 'survey']) {
    const executionId = await enqueue(adieu, { channelConfiguration, recipients: everybody });
    const { counts } = await finished(adieu, executionId);
    expect(counts.sent + counts.excluded).toBe(people.length);
    expect(Math.min(counts.sent, counts.excluded)).toBeGreaterThan(0);
    excluded += counts.excluded;
    const { body } = await adieu.call('GET', `/v1/executions/${executionId}/messages?limit=1000`);
    for (const { id, state, code } of body.messages as { id: string; state: string; code?: string }[]) {
      const asked = await adieu.call(
        'GET',
        `/v1/profiles/CRMID/${id}/explain?channelConfiguration=${channelConfiguration}`,
      );
      // The whole person, so that a sample that fails can be read.
      const person = people.find(({ identities }) => identities.CRMID === id);
      const said = { allowed: asked.body.allowed, code: asked.body.code ?? null };
      const did = { allowed: state === 'sent', code: state === 'sent' ? null : code };
      expect({ person, ...said }).toEqual({ person, ...did });
      const stops = asked.body.rules.filter(({ verdict }: { verdict: string }) => verdict === 'stop');
      expect([person, stops.length > 0]).toEqual([person, state === 'excluded']);
    }
  }
  expect(excluded).toBeGreaterThan(100);
});

test('X4 X6 no policy brings back who left', async () => {
  await add([{ identities: { CRMID: 'left', Email: 'left@example.org' }, attributes: { country: 'DE' } }]);
  await put('germans', GERMAN);
  const send = async () =>
    (await finished(adieu, await enqueue(adieu, { recipients: recipients(['left']) }))).counts;
  expect(await send()).toMatchObject({ sent: 1 });
  const mail = relay.mails.find(({ to }) => to === 'left@example.org');
  if (mail === undefined) throw new Error('no mail');
  expect(await postOneClick(adieu, waysOut(mail).https)).toBe(200);
  expect(await send()).toMatchObject({ sent: 0, excluded: 1 });
});
