import { ensureApiKey } from '@adieu/store';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ADDRESS,
  furnish,
  LINK_HOST,
  type RunningApi,
  SECRET,
  startTestApi,
} from '../testing/running-api.ts';

let api: RunningApi;
const PROFILE = '/v1/profiles/CRMID/5142';
const OTHER = { authorization: 'Bearer other-secret' };

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  const { db } = api.database;
  await ensureApiKey(db, {
    organisation: 'other',
    id: 'other-key',
    secret: 'other-secret',
    scopes: ['admin'],
  });
  await ensureApiKey(db, {
    organisation: 'default',
    id: 'reader',
    secret: 'reader-secret',
    scopes: ['profiles'],
  });
});
afterAll(() => api.close());

describe('A key', () => {
  test.each([
    {},
    { authorization: '' },
    { authorization: 'Bearer wrong' },
    { authorization: `Basic ${SECRET}` },
    { authorization: `Bearer ${SECRET} x` },
    { authorization: SECRET },
    { authorization: `Bearer ${'x'.repeat(5_000)}` },
    { authorization: `Bearer ${SECRET}`, 'x-api-key': 'another' },
  ])('that is missing or wrong is 401 before anything is read: %j', async (headers) => {
    const answer = await api.ask({
      method: 'POST',
      path: '/v1/executions',
      headers: { ...headers },
      body: '{',
    });
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.json()).toMatchObject({ status: 401, code: 'unauthenticated' });
  });

  test('may be named beside itself', async () => {
    expect((await api.call('GET', PROFILE, undefined, { 'x-api-key': 'tests' })).status).toBe(200);
    const headers = { authorization: `bearer ${SECRET}` };
    expect((await api.ask({ path: PROFILE, headers })).status).toBe(200);
  });

  test('reaches what its scopes say', async () => {
    const headers = { authorization: 'Bearer reader-secret' };
    expect((await api.ask({ path: PROFILE, headers })).status).toBe(200);
    const answer = await api.ask({ path: '/v1/executions/1', headers });
    expect([answer.status, answer.json().code]).toEqual([403, 'scope_missing']);
  });
});

describe('An organisation', () => {
  test('is the key’s; a header can only agree', async () => {
    expect((await api.call('GET', PROFILE, undefined, { 'x-gw-ims-org-id': 'default' })).status).toBe(200);
    const answer = await api.call('GET', PROFILE, undefined, { 'x-gw-ims-org-id': 'other' });
    expect([answer.status, answer.json().code]).toEqual([403, 'wrong_organisation']);
  });

  test('sees and takes nothing of another', async () => {
    await api.call('PUT', '/v1/templates/t', {
      subject: 's',
      html: '<a data-link-type="one-click" href="#">x</a>',
    });
    const configuration = {
      subdomain: LINK_HOST,
      emailType: 'marketing',
      from: { name: 'Brand', email: `hello@${LINK_HOST}` },
    };
    await api.call('PUT', '/v1/channel-configurations/c', configuration);
    const execution = { requestId: 'r', channelConfiguration: 'c', template: 't', audience: { all: true } };
    const { executionId } = (await api.call('POST', '/v1/executions', execution)).json();
    expect(executionId).toBeDefined();
    const paths = [
      PROFILE,
      `/v1/profiles/Email/${ADDRESS}`,
      `${PROFILE}/consent-history`,
      `${PROFILE}/explain?channelConfiguration=c`,
      `/v1/subdomains/${LINK_HOST}`,
      '/v1/channel-configurations/c',
      '/v1/templates/t',
      `/v1/executions/${executionId}`,
      `/v1/executions/${executionId}/messages`,
    ];
    for (const path of paths) {
      expect([path, (await api.call('GET', path)).status]).toEqual([path, 200]);
      expect([path, (await api.call('GET', path, undefined, OTHER)).status]).toEqual([path, 404]);
    }
    const taken = await api.call(
      'PUT',
      `/v1/subdomains/${LINK_HOST}`,
      { linkBaseUrl: 'https://b.example' },
      OTHER,
    );
    expect([taken.status, taken.json().code]).toEqual([409, 'subdomain_taken']);
    const links = await api.call(
      'PUT',
      '/v1/subdomains/b.example',
      { linkBaseUrl: `https://${LINK_HOST}` },
      OTHER,
    );
    expect([links.status, links.json().code]).toEqual([409, 'link_base_url_taken']);
    const foreign = await api.call('PUT', '/v1/channel-configurations/c', configuration, OTHER);
    expect([foreign.status, foreign.json()]).toMatchObject([
      422,
      { code: 'unknown_subdomain', field: 'subdomain' },
    ]);
  });

  test('OC-11: opens no link of another at its own host', async () => {
    await api.call('PUT', '/v1/subdomains/news.other.example', {}, OTHER);
    await api.call('POST', '/v1/profiles', [{ identities: { CRMID: '5142', Email: ADDRESS } }], OTHER);
    const post = (host: string, organisation: string) =>
      api.ask({
        method: 'POST',
        path: `/unsubscribe/one-click?${api.link({}, 'one-click', organisation)}`,
        host,
      });
    expect((await post('news.other.example', 'default')).status).toBe(404);
    expect((await post(LINK_HOST, 'other')).status).toBe(404);
    expect(JSON.parse((await api.call('GET', `${PROFILE}/consent-history`)).text)).toEqual([]);
    expect((await post('news.other.example', 'other')).status).toBe(200);
    expect(JSON.parse((await api.call('GET', `${PROFILE}/consent-history`)).text)).toEqual([]);
    expect(
      JSON.parse((await api.call('GET', `${PROFILE}/consent-history`, undefined, OTHER)).text),
    ).toHaveLength(1);
  });
});

describe('A sandbox', () => {
  const dev = { 'x-sandbox-name': 'dev' };

  test('is unknown until a key with the scope admin writes to it', async () => {
    const reader = { authorization: 'Bearer reader-secret', ...dev };
    const people = [{ identities: { CRMID: 'dev-1' } }];
    for (const answer of [
      await api.call('GET', PROFILE, undefined, dev),
      await api.call('POST', '/v1/profiles', people, reader),
    ]) {
      expect([answer.status, answer.json().code]).toEqual([404, 'unknown_sandbox']);
    }
    expect((await api.call('POST', '/v1/profiles', people, dev)).json()).toMatchObject({ upserted: 1 });
    expect((await api.call('GET', '/v1/profiles/CRMID/dev-1', undefined, reader)).status).toBe(200);
  });

  test('keeps its own profiles', async () => {
    expect((await api.call('GET', PROFILE, undefined, { ...dev, 'x-sandbox-name': 'prod' })).status).toBe(
      200,
    );
    const answer = await api.call('GET', PROFILE, undefined, dev);
    expect([answer.status, answer.json().code]).toEqual([404, 'unknown_profile']);
  });

  test('has a name that can be one', async () => {
    for (const name of ['a b', '../prod', 'x'.repeat(65), 'ü']) {
      const answer = await api.call('GET', PROFILE, undefined, { 'x-sandbox-name': name });
      expect([name, answer.status, answer.json().code]).toEqual([name, 400, 'invalid_sandbox']);
    }
  });
});
