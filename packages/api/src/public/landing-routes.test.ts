import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
let api: RunningApi;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
});
afterAll(() => api.close());

async function history(): Promise<unknown[]> {
  return JSON.parse((await api.call('GET', '/v1/profiles/CRMID/5142/consent-history')).text);
}

test('C2: a landing link shows one button and changes nothing, however it is looked at', async () => {
  const query = api.link({}, 'landing');
  for (const path of [
    `/unsubscribe?${query}`,
    `/unsubscribe/?${query}`,
    `/unsubscribe?utm_source=x&${query}.`,
  ]) {
    for (const method of ['GET', 'HEAD', 'OPTIONS']) {
      const answer = await api.ask({ method, path, host: LINK_HOST });
      expect([200, 204]).toContain(answer.status);
      if (method === 'GET') expect(answer.text.match(/<button/g)).toHaveLength(1);
    }
  }
  expect(await history()).toEqual([]);
});

test('LP-6: a robot’s POST is not the page’s form', async () => {
  const path = `/unsubscribe?${api.link({}, 'landing')}`;
  for (const body of ['', 'List-Unsubscribe=One-Click', 'adieu=other', 'adieu=confirm&adieu=confirm']) {
    const answer = await api.ask({ method: 'POST', path, host: LINK_HOST, headers: FORM, body });
    expect([body, answer.status]).toEqual([body, 400]);
  }
  expect(await history()).toEqual([]);
});

test('a link of another purpose opens nothing here', async () => {
  for (const purpose of ['one-click', 'preferences', 'mirror', 'customer'] as const) {
    const path = `/unsubscribe?${api.link({}, purpose)}`;
    const answer = await api.ask({
      method: 'POST',
      path,
      host: LINK_HOST,
      headers: FORM,
      body: 'adieu=confirm',
    });
    expect([purpose, answer.status]).toEqual([purpose, 404]);
  }
  expect(await history()).toEqual([]);
});

test('LP-9: a wrong link tells what to do instead, at any host', async () => {
  for (const host of [LINK_HOST, 'unknown.example']) {
    const page = await api.ask({ path: '/unsubscribe?params=x', host, headers: { accept: 'text/html' } });
    expect(page.status).toBe(404);
    expect(page.text).toContain('reply to the message');
  }
});

test('LP-2, LP-7, C1: one press records landing_page and says so on a page of its own', async () => {
  const path = `/unsubscribe?${api.link({ page: 'https://brand.example/' }, 'landing')}`;
  const answer = await api.ask({
    method: 'POST',
    path,
    host: LINK_HOST,
    headers: FORM,
    body: 'adieu=confirm',
  });
  expect(answer.status).toBe(200);
  expect(answer.text).toContain('You are unsubscribed');
  expect(answer.text.match(/<form/g)).toHaveLength(1);
  expect(await history()).toMatchObject([{ source: 'landing_page', to: 'n' }]);
});

test('what comes in a later version is absent, not half there', async () => {
  for (const path of ['/preferences', '/mirror', '/journey/imp/consent/preferences']) {
    expect((await api.ask({ path: `${path}?${api.link()}`, host: LINK_HOST })).status).toBe(404);
  }
});
