import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const PATH = '/v1/subdomains/news.example.com';
const rsa = (modulusLength: number): string =>
  generateKeyPairSync('rsa', { modulusLength })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
const record = (answer: { json(): Record<string, unknown> }, name: string): string | undefined =>
  (answer.json().dns as { name: string; value: string }[]).find((entry) => entry.name.startsWith(name))
    ?.value;

test('S2: answers every DNS record, and never a private key', async () => {
  const answer = await api.call('PUT', PATH, {});
  expect(answer.status).toBe(200);
  expect(answer.json()).toMatchObject({
    domain: 'news.example.com',
    linkBaseUrl: 'https://news.example.com',
  });
  expect(record(answer, 's1._domainkey.')).toMatch(/^v=DKIM1; k=rsa; p=/);
  expect(record(answer, 's1-ed._domainkey.')).toMatch(/^v=DKIM1; k=ed25519; p=[\w+/]{43}=$/);
  expect(record(answer, '_dmarc.')).toBe('v=DMARC1; p=none');
  expect(answer.text).not.toContain('PRIVATE');
  expect((await api.call('GET', PATH)).json()).toEqual(answer.json());
});

test('keeps its keys when it is put again, and makes new ones under another selector', async () => {
  const first = await api.call('PUT', PATH, {});
  const again = await api.call('PUT', PATH, { relay: 'ses' });
  expect(record(again, 's1._domainkey.')).toBe(record(first, 's1._domainkey.'));
  expect(again.json()).toMatchObject({ relay: 'ses', linkBaseUrl: 'https://news.example.com' });
  const other = await api.call('PUT', PATH, { dkim: { selector: 's2' } });
  expect(record(other, 's2._domainkey.')).toBeDefined();
  expect(record(other, 's1._domainkey.')).toBeUndefined();
});

test('signs with the key that was given, beside an Ed25519 key that stays', async () => {
  const privateKey = rsa(2048);
  const first = await api.call('PUT', '/v1/subdomains/own.example.com', {
    dkim: { selector: 'a', privateKey },
  });
  const again = await api.call('PUT', '/v1/subdomains/own.example.com', {
    dkim: { selector: 'a', privateKey },
  });
  expect(first.status).toBe(200);
  expect(again.json().dns).toEqual(first.json().dns);
});

test('S2: a DKIM key that is unreadable, not RSA, or too short is 422 dkim_key_invalid', async () => {
  const ed25519 = generateKeyPairSync('ed25519')
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  for (const privateKey of ['', 'nothing', rsa(1024), ed25519]) {
    const answer = await api.call('PUT', PATH, { dkim: { selector: 's1', privateKey } });
    expect(answer.status).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'dkim_key_invalid', field: 'dkim.privateKey' });
  }
});

test.each([
  [{ linkBaseUrl: 'http://news.example.com' }, 422, 'link_base_url_invalid', 'linkBaseUrl'],
  [{ linkBaseUrl: 'http://127.0.0.1:3000' }, 422, 'link_base_url_invalid', 'linkBaseUrl'],
  [{ linkBaseUrl: 'http://localhost' }, 422, 'link_base_url_invalid', 'linkBaseUrl'],
  [{ linkBaseUrl: 'ftp://news.example.com' }, 422, 'link_base_url_invalid', 'linkBaseUrl'],
  [{ linkBaseUrl: 'https://news.example.com/path' }, 422, 'link_base_url_invalid', 'linkBaseUrl'],
  [{ linkBaseUrl: 'https://u:p@news.example.com' }, 422, 'link_base_url_invalid', 'linkBaseUrl'],
  [{ linkBaseUrl: 'nothing' }, 422, 'link_base_url_invalid', 'linkBaseUrl'],
  [{ linkBaseUrl: ['https://news.example.com'] }, 400, 'invalid_field', 'linkBaseUrl'],
  [{ relay: 'postfix' }, 400, 'invalid_field', 'relay'],
  [{ dkim: { selector: 'S 1' } }, 422, 'dkim_selector_invalid', 'dkim.selector'],
  [{ dkim: { selector: 's1\r\nx' } }, 422, 'dkim_selector_invalid', 'dkim.selector'],
  [{ linkbaseUrl: 'https://x.example' }, 400, 'unknown_field', 'linkbaseUrl'],
  [[], 400, 'invalid_field', undefined],
])('refuses %j', async (body, status, code, field) => {
  const answer = await api.call('PUT', PATH, body);
  const problem = answer.json();
  expect([answer.status, problem.code, problem.field]).toEqual([status, code, field]);
});

test.each(['localhost', 'a..b', '127.0.0.1', 'news.example.com%0d%0a', 'a%20b.example', '-a.example'])(
  'is not called %s',
  async (domain) => {
    const answer = await api.call('PUT', `/v1/subdomains/${domain}`, {});
    expect([answer.status, answer.json().field]).toEqual([400, 'domain']);
  },
);

test('may have links on another port, and a name in any script', async () => {
  const local = await api.call('PUT', '/v1/subdomains/demo.example', {
    linkBaseUrl: 'https://links.example:8443/',
  });
  expect(local.json()).toMatchObject({ linkBaseUrl: 'https://links.example:8443' });
  const bücher = await api.call('PUT', `/v1/subdomains/${encodeURIComponent('Bücher.example')}`, {});
  expect(bücher.json()).toMatchObject({ domain: 'xn--bcher-kva.example' });
  expect((await api.call('GET', '/v1/subdomains/unknown.example')).json()).toMatchObject({
    code: 'unknown_subdomain',
  });
});
