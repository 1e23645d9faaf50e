/**
 * A landing page of somebody else (C4): the example of `packages/api/examples/landing-page`, run as it stands, and Journey Optimizer's
 * own documented calls, unchanged but for the host.
 *
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'cheerio';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, enqueue, finished, importPeople } from './brand.ts';
import { decodedParts } from './decoded-parts.ts';
import { type RunningAdieu, runAdieu, until } from './running-adieu.ts';

const EXAMPLE = fileURLToPath(new URL('../packages/api/examples/landing-page/server.js', import.meta.url));
const PEOPLE = 8;
const TEMPLATE = {
  subject: 'Spring',
  html: `<html><body><p>Hello</p>
    <a id="page" href="https://shop.example/bye?from=mail&amp;x=1" data-link-type="unsubscribe">Leave</a>
    <a id="address" href="https://shop.example/bye" data-link-type="unsubscribe" data-consent-level="identity">Not here</a></body></html>`,
} as const;

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
let example: ChildProcess;
let page: string;

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await createBrand(adieu, TEMPLATE);
  await importPeople(adieu, PEOPLE);
  const { counts } = await finished(adieu, await enqueue(adieu));
  expect(counts).toMatchObject({ sent: PEOPLE });
  example = spawn(process.execPath, [EXAMPLE], {
    env: { ADIEU_URL: adieu.url, ADIEU_KEY: adieu.key, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  example.stdout?.on('data', (chunk) => (said += chunk));
  page = await until(
    async () => /http:\S+/.exec(said)?.[0],
    () => `the example did not start: ${said}`,
  );
});

afterAll(async () => {
  example?.kill();
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

/** The link of the delivered mail, as the recipient's browser gets it. */
function delivered(person: string, link = 'page'): URL {
  const mail = relay.mails.find(({ to }) => to === `${person}@example.org`);
  return new URL(load(decodedParts(mail?.raw ?? Buffer.alloc(0)).html)(`#${link}`).attr('href') ?? '');
}

async function press(query: string, choice: string): Promise<string> {
  const answer = await fetch(`${page}/bye${query}`, {
    method: 'POST',
    body: new URLSearchParams({ choice }),
  });
  return `${answer.status} ${(await answer.text()).trim()}`;
}

async function history(person: string): Promise<object[]> {
  return (await adieu.call('GET', `/v1/profiles/CRMID/${person}/consent-history`)).body;
}

describe('C4: the example page', () => {
  test('gets params, pid and sig behind the author’s own parameters', () => {
    const url = delivered('p0');
    expect(`${url.origin}${url.pathname}`).toBe('https://shop.example/bye');
    expect([...url.searchParams.keys()]).toEqual(['from', 'x', 'params', 'pid', 'sig']);
  });

  test('changes nothing by being looked at, and its buttons do what they say', async () => {
    const { search } = delivered('p1');
    for (const method of ['GET', 'HEAD', 'OPTIONS']) await fetch(`${page}/bye${search}`, { method });
    expect(await history('p1')).toEqual([]);
    expect(await press(search, 'no')).toBe('200 You are unsubscribed.');
    expect(await press(search, 'no')).toBe('200 You are unsubscribed.');
    expect(await press(search, 'yes')).toBe('200 You are on our list.');
    expect(await press(search, 'no')).toBe('200 You are unsubscribed.');
    expect(await history('p1')).toMatchObject([
      { from: 'y', to: 'n', source: 'consent_api', scope: 'channel' },
      { from: 'n', to: 'y', source: 'consent_api', scope: 'channel' },
      { from: 'u', to: 'n', source: 'consent_api', scope: 'channel' },
    ]);
  });

  test('asks what the link covers: who leaves by the link of an address comes back to it', async () => {
    const { search } = delivered('p0', 'address');
    expect(await press(search, 'no')).toBe('200 You are unsubscribed.');
    expect(await press(search, 'yes')).toBe('200 You are on our list.');
    expect(await history('p0')).toMatchObject([
      { from: 'n', to: 'y', source: 'consent_api', scope: 'identity' },
      { from: 'u', to: 'n', source: 'consent_api', scope: 'identity' },
    ]);
  });

  test('says so when the link is not whole, and stores nothing', async () => {
    const { search } = delivered('p2');
    const other = delivered('p3').searchParams;
    const mixed = new URLSearchParams(search);
    mixed.set('pid', other.get('pid') ?? '');
    for (const query of ['', '?params=a&pid=b', search.slice(0, -30), `?${mixed}`]) {
      expect(await press(query, 'no')).toBe(
        '404 This link is not whole. Please open it from the message again.',
      );
    }
    expect(await press(search, 'maybe')).toMatch(/^400 /);
    expect([await history('p2'), await history('p3')]).toEqual([[], []]);
  });
});

describe('C6, C7: Journey Optimizer’s documented calls, unchanged but for the host', () => {
  const headers = () => ({
    'x-gw-ims-org-id': 'default',
    'x-sandbox-name': 'prod',
    'x-api-key': 'bootstrap',
    authorization: `Bearer ${adieu.key}`,
  });
  /** With the comma behind the last field. */
  const BODY = `{
    "marketing": [
        {
            "type": "email",
            "choice": "no",
            "scope": "channel",
        }
    ]
}`;
  const halves = (person: string): string => {
    const { searchParams } = delivered(person);
    return new URLSearchParams({
      params: searchParams.get('params') ?? '',
      pid: searchParams.get('pid') ?? '',
    }).toString();
  };

  test.each([
    ['p4', '/journey/imp/consent/preferences'],
    ['p5', '/imp/consent/preferences'],
  ])('%s leaves by POST %s, and the next send skips', async (person, path) => {
    const answer = await fetch(`${adieu.url}${path}?${halves(person)}`, {
      method: 'POST',
      headers: { ...headers(), 'content-type': 'application/json' },
      body: BODY,
    });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      profileNameSpace: 'CRMID',
      profileId: person,
      channelType: 'email',
      optOutLevel: 'channel',
      choice: 'no',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/),
    });
    expect(await history(person)).toMatchObject([{ to: 'n', source: 'consent_api', scope: 'channel' }]);
    const next = await finished(
      adieu,
      await enqueue(adieu, { recipients: [{ namespace: 'CRMID', id: person }] }),
    );
    expect(next).toMatchObject({ counts: { sent: 0, excluded: 1 }, exclusions: { '050101': 1 } });
  });

  test.each(['/journey/imp/consent/decrypt', '/imp/consent/decrypt'])('GET %s reads a link', async (path) => {
    const answer = await fetch(`${adieu.url}${path}?${halves('p6')}`, { headers: headers() });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      profileNameSpace: 'CRMID',
      profileId: 'p6',
      emailAddress: 'p6@example.org',
      emailNameSpace: 'Email',
      sandboxId: 'prod',
      optOutLevel: 'channel',
      channelType: 'email',
      timestamp: expect.stringMatching(/\.\d{6}Z$/),
    });
    expect(await history('p6')).toEqual([]);
  });
});

describe('X7: a file that says yes for people who left', () => {
  test('leaves them out, and the answer says so line by line', async () => {
    const left = ['p4', 'p5'];
    const lines = ['p4', 'p7', 'p5'].map((person) =>
      JSON.stringify({ identities: { CRMID: person }, consents: { marketing: { email: { val: 'y' } } } }),
    );
    const { body } = await adieu.call('POST', '/v1/profiles', `${lines.join('\n')}\n`);
    const paths = ['marketing.email'];
    expect(body).toMatchObject({
      upserted: 3,
      rejected: [],
      kept: [
        { line: 1, code: 'opt_out_kept', paths },
        { line: 3, code: 'opt_out_kept', paths },
      ],
    });
    const recipients = ['p4', 'p5', 'p7'].map((id) => ({ namespace: 'CRMID', id }));
    const { counts } = await finished(adieu, await enqueue(adieu, { recipients }));
    expect(counts).toMatchObject({ sent: 1, excluded: 2 });
    for (const person of left) expect(await history(person)).toHaveLength(1);
  });
});
