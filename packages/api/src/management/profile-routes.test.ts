import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADDRESS, furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
const FROM = { name: 'Brand', email: `hello@${LINK_HOST}` };

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  await api.call('PUT', '/v1/lists/weekly', {});
  for (const emailType of ['marketing', 'transactional']) {
    await api.call('PUT', `/v1/channel-configurations/${emailType}`, {
      subdomain: LINK_HOST,
      emailType,
      from: FROM,
    });
  }
});
afterAll(() => api.close());

const explain = async (id: string, query: string) =>
  (await api.call('GET', `/v1/profiles/CRMID/${id}/explain?channelConfiguration=${query}`)).json();
const leave = (claims: Parameters<RunningApi['link']>[0]) =>
  api.ask({ method: 'POST', path: `/unsubscribe/one-click?${api.link(claims)}`, host: LINK_HOST });
const add = (...people: object[]) => api.call('POST', '/v1/profiles', people);

describe('A profile', () => {
  test('is answered with its consents in XDM', async () => {
    const consents = {
      marketing: { email: { val: 'y' } },
      idSpecific: { Email: { 'a@example.com': { marketing: { email: { val: 'n' } } } } },
    };
    expect(
      (await add({ identities: { CRMID: 'a', Email: 'a@example.com' }, consents })).json(),
    ).toMatchObject({ upserted: 1 });
    expect((await api.call('GET', '/v1/profiles/CRMID/a')).json()).toMatchObject({
      identities: { CRMID: 'a', Email: 'a@example.com' },
      consents: {
        marketing: { email: { val: 'y' } },
        idSpecific: { Email: { 'a@example.com': { marketing: { email: { val: 'n' } } } } },
      },
    });
  });

  test('may have an id with every character a path can carry', async () => {
    const id = 'a/b?c=d&é %';
    await add({ identities: { CRMID: id } });
    const answer = await api.call('GET', `/v1/profiles/CRMID/${encodeURIComponent(id)}`);
    expect(answer.json()).toMatchObject({ identities: { CRMID: id } });
  });

  test('that is not there is 404, whatever it is called', async () => {
    for (const id of ['nobody', '%00', encodeURIComponent("' OR 1=1 --"), 'x'.repeat(255)]) {
      const answer = await api.call('GET', `/v1/profiles/CRMID/${id}`);
      expect([answer.status, answer.json().code]).toEqual([404, 'unknown_profile']);
    }
  });

  test('C10, X8: has a history with the source of every change, newest first', async () => {
    await add({ identities: { CRMID: 'h', Email: 'h@example.com' } });
    const claims = { profileId: 'h', address: 'h@example.com' };
    await leave({ ...claims, scope: 'identity' });
    await leave(claims);
    const history = JSON.parse((await api.call('GET', '/v1/profiles/CRMID/h/consent-history')).text);
    expect(history).toMatchObject([
      { scope: 'channel', channel: 'email', to: 'n', source: 'header_post' },
      { scope: 'identity', channel: 'email', address: 'h@example.com', to: 'n', source: 'header_post' },
    ]);
    expect(Date.parse(history[0].at)).toBeGreaterThanOrEqual(Date.parse(history[1].at));
  });
});

describe('Explain', () => {
  test('X9: says yes with every rule and its value', async () => {
    const answer = await explain('5142', 'marketing');
    expect(answer).toMatchObject({ allowed: true });
    expect(answer.code).toBeUndefined();
    const rules = answer.rules as { rule: string; value: string; verdict: string }[];
    expect(rules.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['address', 'marketing.any', 'sandbox_default']),
    );
    expect(rules.every(({ verdict }) => verdict !== 'stop')).toBe(true);
  });

  test('X4, X9: says no after an opt-out, and why; owed mail still goes', async () => {
    await add({ identities: { CRMID: 'n', Email: 'n@example.com' } });
    await leave({ profileId: 'n', address: 'n@example.com' });
    const answer = await explain('n', 'marketing');
    expect(answer).toMatchObject({ allowed: false, code: '050101' });
    expect(answer.rules).toContainEqual({ rule: 'marketing.email', value: 'n', verdict: 'stop' });
    expect(await explain('n', 'transactional')).toMatchObject({ allowed: true });
  });

  test('S5: says no without an address, and to a malformed one', async () => {
    await add({ identities: { CRMID: 'none' } });
    expect(await explain('none', 'marketing')).toMatchObject({ allowed: false, code: '050020' });
    expect(await explain('none', `marketing&address=${encodeURIComponent('a@b@c')}`)).toMatchObject({
      allowed: false,
      code: '050024',
    });
    expect(await explain('none', 'marketing&address=none@example.com')).toMatchObject({ allowed: true });
  });

  test('X5: says no to an address that another profile opted out, however it is spelt', async () => {
    await add(
      { identities: { CRMID: 'one', Email: 'shared@example.com' } },
      { identities: { CRMID: 'two', Email: 'two@example.com' } },
    );
    await leave({ profileId: 'one', address: 'shared@example.com', scope: 'identity' });
    expect(await explain('two', 'marketing')).toMatchObject({ allowed: true });
    expect(await explain('two', 'marketing&address=Shared@EXAMPLE.com')).toMatchObject({
      allowed: false,
      code: '050101',
    });
  });

  test('of a list message asks for a subscription', async () => {
    expect(await explain('5142', 'marketing&list=weekly')).toMatchObject({ allowed: false, code: '050101' });
  });

  test('needs a configuration that is there, and nothing it does not know', async () => {
    expect(await explain('5142', 'nothing')).toMatchObject({
      status: 404,
      code: 'unknown_channel_configuration',
    });
    expect(await explain('5142', `marketing&adress=${ADDRESS}`)).toMatchObject({
      status: 400,
      code: 'unknown_field',
    });
    expect(await explain('5142', 'marketing&channelConfiguration=x')).toMatchObject({
      status: 400,
      code: 'invalid_field',
    });
    expect(await explain('nobody', 'marketing')).toMatchObject({ status: 404, code: 'unknown_profile' });
  });
});
