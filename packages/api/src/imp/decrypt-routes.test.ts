import { openEmailParamsSealer, type UrlClaims, type UrlPurpose } from '@adieu/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  ADDRESS,
  furnish,
  ORGANISATION,
  type RunningApi,
  SECRET,
  startTestApi,
} from '../testing/running-api.ts';

const READ = '/journey/imp/consent/decrypt';
const MICROSECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

let api: RunningApi;
let next = 0;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
});
afterAll(() => api.close());

/** A person of their own for each test. */
async function newcomer(): Promise<Pick<UrlClaims, 'profileId' | 'address'>> {
  next += 1;
  const [profileId, address] = [`n${next}`, `n${next}@example.com`];
  await api.call('POST', '/v1/profiles', [{ identities: { CRMID: profileId, Email: address } }]);
  return { profileId, address };
}

function link(
  claims: Partial<UrlClaims> = {},
  purpose: UrlPurpose = 'landing',
  organisation = ORGANISATION,
): string {
  return api.link(claims, purpose, organisation);
}

const unsigned = (query: string): string => query.replace(/&sig=.*$/, '');

async function historyOf({ profileId }: Pick<UrlClaims, 'profileId'>) {
  const answer = await api.call('GET', `/v1/profiles/CRMID/${profileId}/consent-history`);
  return JSON.parse(answer.text) as Record<string, unknown>[];
}

describe('reading a token', () => {
  const read = (query: string, headers: Readonly<Record<string, string>> = {}, path = READ) =>
    api.ask({ path: `${path}?${query}`, headers: { authorization: `Bearer ${SECRET}`, ...headers } });
  const CLAIMS = {
    profileId: '5142',
    profileNamespace: 'CRMID',
    address: ADDRESS,
    addressNamespace: 'Email',
    sandbox: 'prod',
    scope: 'identity',
  } as const;
  const SAID = {
    profileNameSpace: 'CRMID',
    profileId: '5142',
    emailAddress: ADDRESS,
    emailNameSpace: 'Email',
    sandboxId: 'prod',
    optOutLevel: 'identity',
    channelType: 'email',
    timestamp: expect.stringMatching(MICROSECONDS),
  };
  const mailed = (claims: object = {}, organisation = ORGANISATION) =>
    openEmailParamsSealer(api.ring, organisation).seal({ ...CLAIMS, ...claims });

  test.each<UrlPurpose>(['customer', 'landing'])('C7: params and pid of a %s link', async (purpose) => {
    const query = link({ scope: 'identity' }, purpose);
    for (const path of [READ, '/imp/consent/decrypt']) {
      const answer = await read(unsigned(query), {}, path);
      expect(answer.status).toBe(200);
      expect(answer.json()).toEqual(SAID);
    }
    expect((await read(query)).status).toBe(200);
    expect((await read(query.replace(/sig=.*/, 'sig=AAAAAAAAAAAAAAAAAAAAAA'))).status).toBe(404);
    expect((await read(unsigned(query), { 'x-sandbox-name': 'prod' })).status).toBe(200);
    expect((await read(unsigned(query), { 'x-sandbox-name': 'dev' })).status).toBe(404);
  });

  test('C7: emailParams, alone, in a subject, or in a body', async () => {
    const token = mailed();
    const [front, back] = [token.slice(0, 60), token.slice(60)];
    const queries: Record<string, string>[] = [
      { emailParams: token },
      { emailParams: `  ${token}\r\n` },
      { emailParams: `unsubscribe${token}` },
      { emailParamsSub: `unsubscribe${token}` },
      { emailParamsSub: ` Unsubscribe ${token} `, emailParamsBody: 'please' },
      { emailParamsSub: 'unsubscribe', emailParamsBody: token },
      { emailParamsBody: `unsubscribe${token}\n` },
      { emailParamsSub: `unsubscribe${front}`, emailParamsBody: back },
      { emailParamsBody: `unsubscribe${token}\r\n-- \r\nJohn Doe\r\n` },
      { emailParamsSub: '', emailParamsBody: `${token}\r\n\r\nOn Monday, Brand wrote:\r\n> Spring is here` },
      { emailParamsSub: `Re: unsubscribe${front}`, emailParamsBody: `${back}\r\n\r\nSent from my phone` },
    ];
    for (const query of queries) {
      const answer = await read(String(new URLSearchParams(query)));
      expect([query, answer.status]).toEqual([query, 200]);
      expect(answer.json()).toEqual(SAID);
    }
  });

  test('whatever is wrong with a token is one 404', async () => {
    const query = link({ scope: 'identity' }, 'customer');
    const { params, pid } = Object.fromEntries(new URLSearchParams(query)) as Record<string, string>;
    const wrong = [
      `params=${params}`,
      `params=${pid}&pid=${params}`,
      `params=${params}&pid=${pid}&pid=${pid}`,
      link({}, 'one-click'),
      link({}, 'preferences'),
      link({}, 'customer', 'another'),
      'emailParams=',
      `emailParams=${params}`,
      `emailParams=v1.${params}`,
      `emailParams=${mailed({}, 'another')}`,
      `emailParams=${mailed()}&emailParams=${mailed()}`,
      `emailParamsSub=${'unsubscribe'.repeat(500)}`,
      `emailParamsSub=reply`,
    ];
    const answers = await Promise.all(wrong.map((each) => read(each)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
  });

  test('nothing to read, or two things, is a 400; no key is a 401', async () => {
    for (const query of ['', 'x=1', `${link({}, 'customer')}&emailParams=${mailed()}`]) {
      expect((await read(query)).json()).toMatchObject({ status: 400, code: 'token_required' });
    }
    expect((await api.ask({ path: `${READ}?emailParams=${mailed()}` })).status).toBe(401);
  });

  test('only a token that asks for it is an opt-out as well, and only by GET', async () => {
    const person = await newcomer();
    const quiet = { ...person, scope: 'channel' } as const;
    expect((await read(`emailParams=${mailed(quiet)}`)).status).toBe(200);
    expect((await read(link(quiet, 'customer'))).status).toBe(200);
    const loud = `emailParams=${mailed({ ...quiet, shadow: true })}`;
    const headers = { authorization: `Bearer ${SECRET}` };
    expect((await api.ask({ method: 'HEAD', path: `${READ}?${loud}`, headers })).status).toBe(200);
    expect(await historyOf(person)).toEqual([]);
    expect((await read(loud)).status).toBe(200);
    expect((await read(link({ ...quiet, shadow: true }, 'customer'))).status).toBe(200);
    expect(await historyOf(person)).toMatchObject([{ to: 'n', source: 'consent_api', scope: 'channel' }]);
  });
});
