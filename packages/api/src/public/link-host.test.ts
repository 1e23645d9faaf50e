import { type Database, openDatabase } from '@adieu/store';
import {
  type CuttableLine,
  openCuttableLine,
  openScratchDatabase,
  type ScratchDatabase,
} from '@adieu/store/testing';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';
import { linkHostName } from './link-host.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const LEAVE = { method: 'POST', headers: FORM, body: 'List-Unsubscribe=One-Click' };

let scratch: ScratchDatabase;
let line: CuttableLine;
let database: Database;
let api: RunningApi;

beforeEach(async () => {
  scratch = await openScratchDatabase();
  line = await openCuttableLine(scratch.url);
  database = openDatabase({ url: line.url });
  api = await startTestApi({ database });
  await furnish(api);
  await api.call('PUT', '/v1/subdomains/other.example.com', {});
});
afterEach(async () => {
  await api.close();
  await database.close();
  await line.cut();
  await scratch.close();
});

test('OC-7, C1: while the database is away a one-click is 503 with Retry-After, and afterwards it is stored', async () => {
  const path = `/unsubscribe/one-click?${api.link()}`;
  // The host is known from before; the other one is not, and must not be taken for absent.
  expect((await api.ask({ path, host: LINK_HOST })).status).toBe(200);
  await line.cut();
  for (const host of [LINK_HOST, 'other.example.com', 'unheard-of.example']) {
    const answer = await api.ask({ ...LEAVE, path, host });
    expect([host, answer.status]).toEqual([host, 503]);
    expect(answer.headers['retry-after']).toBe('10');
    expect(answer.headers['cache-control']).toBe('no-store');
  }
  // A known host still shows its page, and still knows a wrong link.
  expect((await api.ask({ path, host: LINK_HOST })).status).toBe(200);
  expect((await api.ask({ ...LEAVE, path: '/unsubscribe/one-click?x', host: LINK_HOST })).status).toBe(404);
  expect((await api.call('GET', '/v1/profiles/CRMID/5142')).json()).toMatchObject({
    code: 'database_unavailable',
  });

  await line.mend();
  let answer = await api.ask({ ...LEAVE, path, host: LINK_HOST });
  for (let tries = 0; answer.status !== 200 && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    answer = await api.ask({ ...LEAVE, path, host: LINK_HOST });
  }
  expect(answer.status).toBe(200);
  expect(JSON.parse((await api.call('GET', '/v1/profiles/CRMID/5142/consent-history')).text)).toHaveLength(1);
  expect((await api.ask({ ...LEAVE, path, host: 'other.example.com' })).status).toBe(200);
});

test('a person is shown a page that tries again', async () => {
  const path = `/unsubscribe/one-click?${api.link()}`;
  await api.ask({ path, host: LINK_HOST });
  await line.cut();
  const headers = { ...FORM, accept: 'text/html' };
  const answer = await api.ask({ method: 'POST', path, host: LINK_HOST, headers, body: 'adieu=confirm' });
  expect([answer.status, answer.headers['retry-after']]).toEqual([503, '10']);
  expect(answer.text).toContain('Try again');
  // Who only looks is not offered a button that acts without having asked.
  const unknown = await api.ask({ path, host: 'other.example.com', headers });
  expect(unknown.status).toBe(503);
  expect(unknown.text).not.toContain('<form');
});

test('C2, C3: the landing page is shown without the database, in the browser’s language; the preference centre asks to come back', async () => {
  const [landing, preferences] = (['landing', 'preferences'] as const).map((purpose) =>
    api.link({}, purpose),
  );
  const headers = { accept: 'text/html', 'accept-language': 'ja' };
  const look = (path: string) => api.ask({ path, host: LINK_HOST, headers });
  expect((await look(`/unsubscribe?${landing}`)).status).toBe(200);
  await line.cut();
  const page = await look(`/unsubscribe?${landing}`);
  expect([page.status, page.headers['content-language']]).toEqual([200, 'ja']);
  expect(page.text).toContain('value="confirm"');
  const away = await look(`/preferences?${preferences}`);
  expect([away.status, away.headers['retry-after'], away.headers['content-language']]).toEqual([
    503,
    '10',
    'ja',
  ]);
  expect(away.text).not.toContain('<form');
});

test('C5: choices that could not be stored are sent again by one press', async () => {
  const path = `/preferences?${api.link({}, 'preferences')}`;
  await api.ask({ path, host: LINK_HOST });
  await line.cut();
  const headers = { ...FORM, accept: 'text/html' };
  const body = 'adieu=save&shown=any-1.email-1.sms-0&sms=on&x=%22%3E%3Cscript%3E';
  const answer = await api.ask({ method: 'POST', path, host: LINK_HOST, headers, body });
  expect(answer.status).toBe(503);
  expect(answer.text).toContain('<input type="hidden" name="adieu" value="save">');
  expect(answer.text).toContain('<input type="hidden" name="shown" value="any-1.email-1.sms-0">');
  expect(answer.text).toContain('<input type="hidden" name="sms" value="on">');
  expect(answer.text).not.toContain('<script');
});

test('a subdomain is served as soon as it is stored, also when its host was asked for before', async () => {
  const at = { path: `/unsubscribe/one-click?${api.link()}`, host: 'links.example.net:8443' };
  expect((await api.ask(at)).status).toBe(404);
  await api.call('PUT', '/v1/subdomains/links.example.net', {
    linkBaseUrl: 'https://Links.example.net:8443/',
  });
  expect((await api.ask(at)).status).toBe(200);
  expect((await api.ask({ ...at, host: 'links.example.net' })).status).toBe(404);
});

test('a Host is compared as a link base URL spells it', () => {
  expect(linkHostName('News.Example.COM')).toBe('news.example.com');
  expect(linkHostName('news.example.com.:8080')).toBe('news.example.com:8080');
  expect(linkHostName('news.example.com:443')).toBe('news.example.com');
  expect(linkHostName('127.0.0.1:3000')).toBe('127.0.0.1:3000');
  expect(linkHostName('[::1]:3000')).toBe('[::1]:3000');
  for (const wrong of ['', ' ', 'a b', 'a/b', 'a@b', `${'a'.repeat(256)}`, 'ünicode.example']) {
    expect(linkHostName(wrong)).toBeNull();
  }
});
