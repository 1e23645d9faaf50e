import { whereFound } from '@adieu/store/testing';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

const CANARY = 'kanarienvogel';
const PERSON = {
  identities: { CRMID: CANARY, Email: `${CANARY}@example.com` },
  attributes: { person: { name: { firstName: CANARY } } },
  consents: { marketing: { email: { val: 'y' } } },
};
let api: RunningApi;

beforeAll(async () => {
  api = await startTestApi();
  await api.call('PUT', `/v1/subdomains/${LINK_HOST}`, {});
  await api.call('PUT', '/v1/channel-configurations/newsletter', {
    subdomain: LINK_HOST,
    emailType: 'marketing',
    from: { name: 'Brand', email: `hello@${LINK_HOST}` },
  });
});
afterAll(() => api.close());

const path = `/v1/profiles/CRMID/${CANARY}`;
const add = (...people: object[]) => api.call('POST', '/v1/profiles', people);
const leave = () => {
  const link = api.link({ profileId: CANARY, address: PERSON.identities.Email });
  return api.ask({ method: 'POST', path: `/unsubscribe/one-click?${link}`, host: LINK_HOST });
};

describe('An export', () => {
  test('X13: is one JSON document with everything that is held, and is not kept by anybody on the way', async () => {
    await add(PERSON);
    await leave();
    await api.call('POST', '/ajo/config/suppression/addresses', [
      { entity: { type: 'email', entityValue: PERSON.identities.Email }, comment: 'called us' },
    ]);
    const answer = await api.call('GET', `${path}/export`);
    expect(answer.status).toBe(200);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['content-disposition']).toContain('attachment');
    expect(answer.json()).toMatchObject({
      sandbox: 'prod',
      identities: [
        { namespace: 'CRMID', id: CANARY, current: true },
        { namespace: 'Email', id: PERSON.identities.Email, current: true },
      ],
      attributes: PERSON.attributes,
      consents: { marketing: { email: { val: 'n' } } },
      addresses: [{ address: PERSON.identities.Email, alsoUsedByOthers: false }],
      listEntries: [{ list: 'suppressed', comment: 'called us' }],
      history: [{ source: 'import' }, { from: 'y', to: 'n', source: 'header_post' }],
      events: [{ type: 'opted_out', source: 'header_post' }, { type: 'suppressed' }],
      messages: [],
      waiting: [],
    });
    const audit = await api.database.db.selectFrom('privacy_audit').select(['act', 'api_key_id']).execute();
    expect(audit).toEqual([{ act: 'export', api_key_id: 'tests' }]);
  });

  test('of nobody is 404, and is not written down', async () => {
    const answer = await api.call('GET', '/v1/profiles/CRMID/nobody/export');
    expect([answer.status, answer.json().code]).toEqual([404, 'unknown_profile']);
    expect(await api.database.db.selectFrom('privacy_audit').select('id').execute()).toHaveLength(1);
  });

  test('needs a key', async () => {
    for (const method of ['GET', 'DELETE'] as const) {
      const answer = await api.ask({ method, path: method === 'GET' ? `${path}/export` : path });
      expect(answer.status).toBe(401);
    }
  });
});

describe('An erasure', () => {
  test('LG-8: is answered with a receipt, and the person with 404', async () => {
    const answer = await api.call('DELETE', path);
    expect(answer.status).toBe(202);
    expect(answer.json()).toMatchObject({
      receiptId: expect.stringMatching(/^\d+$/),
      erasedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      counts: { identities: 2, addresses: 1, listEntries: 1 },
    });
    expect(await whereFound(api.database.db, CANARY)).toEqual([]);
    expect(JSON.stringify(api.lines)).not.toContain(CANARY);
    for (const rest of ['', '/export', '/consent-history']) {
      expect((await api.call('GET', `${path}${rest}`)).status).toBe(404);
    }
    expect((await api.call('DELETE', path)).json()).toEqual(answer.json());
    expect((await api.call('DELETE', '/v1/profiles/CRMID/nobody')).status).toBe(404);
  });

  test('is not undone by an old link, which is answered as ever', async () => {
    expect((await leave()).status).toBe(200);
    expect(await whereFound(api.database.db, CANARY)).toEqual([]);
  });

  test('is told of by explain, for whoever else would be written to there', async () => {
    await add({ identities: { CRMID: 'other', Email: 'other@example.com' } });
    const query = `channelConfiguration=newsletter&address=${encodeURIComponent(PERSON.identities.Email)}`;
    const explained = (await api.call('GET', `/v1/profiles/CRMID/other/explain?${query}`)).json();
    const first = { rule: 'address', value: expect.stringContaining('given, erased 20'), verdict: 'allow' };
    expect(explained).toMatchObject({ allowed: false, rules: expect.arrayContaining([first]) });
  });
});

test('outlives an import that says yes', async () => {
  await add(PERSON);
  expect((await api.call('GET', path)).json()).toMatchObject({
    consents: { marketing: { email: { val: 'n', reason: 'erased' } } },
  });
});
