import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Answer } from '../testing/http-client.ts';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

const PATH = '/unsubscribe/one-click';
const CONFIRM = 'adieu=confirm';

let api: RunningApi;
let people = 0;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
});
afterAll(() => api.close());

/** A person nobody has asked to leave yet, and the query of their link. */
async function somebody(
  claims: Parameters<RunningApi['link']>[0] = {},
): Promise<{ id: string; query: string }> {
  people += 1;
  const id = `confirm-${people}`;
  await api.call('POST', '/v1/profiles', [{ identities: { CRMID: id, Email: `${id}@example.com` } }]);
  return { id, query: api.link({ profileId: id, address: `${id}@example.com`, ...claims }) };
}

async function history(id: string): Promise<unknown[]> {
  return JSON.parse((await api.call('GET', `/v1/profiles/CRMID/${id}/consent-history`)).text);
}

function post(query: string, body: string): Promise<Answer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/html' };
  return api.ask({ method: 'POST', path: `${PATH}?${query}`, host: LINK_HOST, headers, body });
}

test('LP-1, LP-4, LP-5, LP-6: the confirm page asks once, in a form of its own, without script, with a masked address', async () => {
  const { query } = await somebody({ address: 'john@example.com' });
  const answer = await api.ask({
    path: `${PATH}?${query}`,
    host: LINK_HOST,
    headers: { accept: 'text/html' },
  });
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
  expect(answer.text.match(/<form method="post">/g)).toHaveLength(1);
  expect(answer.text.match(/<button/g)).toHaveLength(1);
  expect(answer.text).toContain('<input type="hidden" name="adieu" value="confirm">');
  expect(answer.text).toContain('j•••@e•••.com');
  expect(answer.text).toContain('<html lang="en" dir="ltr">');
  expect(answer.text).not.toMatch(/<script|onload|onclick|http-equiv|john@example/i);
  expect(Buffer.byteLength(answer.text)).toBeLessThan(8_192);
});

test('LP-5: the confirm page is allowed its own style and form, and nothing else', async () => {
  const { query } = await somebody();
  const { headers } = await api.ask({ path: `${PATH}?${query}`, host: LINK_HOST });
  expect(headers['content-security-policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[\w+/=]+'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'$/,
  );
});

test('C1, C2: the form of the confirm page records body_one_click and confirms', async () => {
  const { id, query } = await somebody();
  const answer = await post(query, CONFIRM);
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('You are unsubscribed');
  expect(await history(id)).toMatchObject([{ source: 'body_one_click' }]);
  expect((await post(query, CONFIRM)).status).toBe(200);
  expect(await history(id)).toHaveLength(1);
});

test('C1: the form of the confirm page leads to the page that the token holds', async () => {
  const { id, query } = await somebody({ page: 'https://brand.example/bye?x=1' });
  const answer = await post(`${query}&page=https://evil.example`, CONFIRM);
  expect([answer.status, answer.headers.location]).toEqual([303, 'https://brand.example/bye?x=1']);
  expect(await history(id)).toMatchObject([{ source: 'body_one_click' }]);
});

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  '//evil.example',
  '/relative',
  'https://a@evil.example/',
  ' ',
])('C1: the form of the confirm page leads nowhere when the page is %s', async (page) => {
  const { query } = await somebody({ page });
  const answer = await post(query, CONFIRM);
  expect([answer.status, answer.headers.location]).toEqual([200, undefined]);
});

test('LP-5: the confirm page shows what a token holds as text', async () => {
  const { query } = await somebody({
    scope: 'subscription',
    list: '<img src=x onerror=1>',
    address: '"<b>@x.<i>',
  });
  const { text } = await api.ask({ path: `${PATH}?${query}`, host: LINK_HOST });
  expect(text).toContain('&lt;img src=x onerror=1&gt;');
  expect(text).not.toMatch(/<img|<b>|<i>/);
});

test('LP-9: the confirm page is replaced by one that helps when the link is wrong, and by problem+json for programs', async () => {
  const page = await api.ask({
    path: `${PATH}?nothing`,
    host: LINK_HOST,
    headers: { accept: 'text/html,*/*' },
  });
  expect(page.status).toBe(404);
  expect(page.text).toContain('reply to the message');
  const problem = await api.ask({ path: `${PATH}?nothing`, host: LINK_HOST });
  expect([problem.status, problem.headers['content-type']]).toEqual([404, 'application/problem+json']);
});
