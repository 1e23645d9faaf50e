import { type StsMode, stsId } from '@adieu/core';
import { openDatabase } from '@adieu/store';
import { openCuttableLine } from '@adieu/store/testing';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningApi, startTestApi } from '../testing/running-api.ts';

const DOMAIN = 'news.example.com';
const HOST = `mta-sts.${DOMAIN}`;
const path = '/.well-known/mta-sts.txt';

let api: RunningApi;
let mode: StsMode = 'testing';
beforeAll(async () => {
  api = await startTestApi({ inboundHost: 'mx.example.com', stsMode: () => mode, takesMail: true });
  await api.call('PUT', `/v1/subdomains/${DOMAIN}`, { linkBaseUrl: 'https://links.example.com' });
});
afterAll(() => api.close());

interface Printed {
  readonly name: string;
  readonly value: string;
}

async function printedId(): Promise<string> {
  const { dns } = (await api.call('GET', `/v1/subdomains/${DOMAIN}`)).json() as { dns: Printed[] };
  return dns.find(({ name }) => name === `_mta-sts.${DOMAIN}`)?.value ?? '';
}

test('IN-15: the policy is plain text under its own host, and the record that is printed has its id', async () => {
  for (const each of ['testing', 'enforce'] as const) {
    mode = each;
    const answer = await api.ask({ path, host: HOST });
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toMatch(/^text\/plain\b/);
    expect(answer.text).toBe(`version: STSv1\r\nmode: ${each}\r\nmx: mx.example.com\r\nmax_age: 604800\r\n`);
    expect(await printedId()).toBe(`v=STSv1; id=${stsId(answer.text)}`);
  }
  for (const host of [`${HOST}:443`, HOST.toUpperCase(), `${HOST}.`]) {
    expect([host, (await api.ask({ path, host })).status]).toEqual([host, 200]);
  }
});

test.each([
  DOMAIN,
  'links.example.com',
  'mx.example.com',
  'mta-sts.links.example.com',
  'mta-sts.other.example',
  `mta-sts.${HOST}`,
  'mta-sts.',
  `x${HOST}`,
  `${HOST}:8443`,
  '127.0.0.1',
])('IN-15: there is no policy under the host %s', async (host) => {
  expect((await api.ask({ path, host })).status).toBe(404);
});

test('IN-15: where no mail comes in there is no policy, and no record of one', async () => {
  const deaf = await startTestApi({ database: api.database, ring: api.ring });
  try {
    expect((await deaf.ask({ path, host: HOST })).status).toBe(404);
    const answer = await deaf.call('GET', `/v1/subdomains/${DOMAIN}`);
    expect(answer.text).not.toMatch(/mta-sts|_smtp/);
  } finally {
    await deaf.close();
  }
});

test('IN-15: while the database is away nobody is told that there is no policy', async () => {
  const line = await openCuttableLine(api.database.url);
  const database = openDatabase({ url: line.url });
  const lame = await startTestApi({ database, ring: api.ring, stsMode: () => mode });
  try {
    expect((await lame.ask({ path, host: HOST })).status).toBe(200);
    await line.cut();
    const answer = await lame.ask({ path, host: HOST });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '10']);
  } finally {
    await lame.close();
    await database.close();
    await line.cut();
  }
});
