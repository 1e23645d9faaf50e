import type { UrlClaims, UrlPurpose } from '@adieu/core';
import { ensureApiKey } from '@adieu/store';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { furnish, ORGANISATION, type RunningApi, SECRET, startTestApi } from '../testing/running-api.ts';

const STORE = '/journey/imp/consent/preferences';
const MICROSECONDS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;
const NO = { marketing: [{ type: 'email', choice: 'no', scope: 'channel' }] };

let api: RunningApi;
let next = 0;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  await api.call('PUT', '/v1/lists/weekly', {});
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

function choose(query: string, marketing: unknown, headers: Readonly<Record<string, string>> = {}) {
  return api.call('POST', `${STORE}?${query}`, { marketing }, headers);
}

function entry(choice: string, scope = 'channel') {
  return { type: 'email', choice, scope };
}

async function historyOf({ profileId }: Pick<UrlClaims, 'profileId'>) {
  const answer = await api.call('GET', `/v1/profiles/CRMID/${profileId}/consent-history`);
  return JSON.parse(answer.text) as Record<string, unknown>[];
}

describe('storing a choice', () => {
  test.each([STORE, '/imp/consent/preferences'])(
    'C6: a no at %s is stored, with its source',
    async (path) => {
      const person = await newcomer();
      const answer = await api.call('POST', `${path}?${unsigned(link(person))}`, NO);
      expect(answer.status).toBe(200);
      expect(answer.json()).toEqual({
        profileNameSpace: 'CRMID',
        profileId: person.profileId,
        channelType: 'email',
        optOutLevel: 'channel',
        choice: 'no',
        timestamp: expect.stringMatching(MICROSECONDS),
      });
      expect(await historyOf(person)).toMatchObject([
        { scope: 'channel', channel: 'email', from: 'u', to: 'n', source: 'consent_api' },
      ]);
      expect((await api.call('POST', `${path}?${unsigned(link(person))}`, NO)).status).toBe(200);
      expect(await historyOf(person)).toHaveLength(1);
    },
  );

  test('of a yes and a no about the same thing the no stands, whichever is first', async () => {
    for (const choices of [
      ['yes', 'no'],
      ['no', 'yes'],
    ]) {
      const person = await newcomer();
      const answer = await choose(
        link(person),
        choices.map((choice) => entry(choice)),
      );
      expect([answer.status, answer.json().choice]).toEqual([200, 'no']);
      // Over an older no, too.
      const again = await choose(
        link(person),
        choices.map((choice) => entry(choice)),
      );
      expect([again.status, again.json().choice]).toEqual([200, 'no']);
      expect((await historyOf(person))[0]).toMatchObject({ to: 'n' });
    }
  });

  test('a no may be wider than its link, a yes may not', async () => {
    const person = await newcomer();
    const narrow = link({ ...person, scope: 'identity' });
    expect((await choose(narrow, [entry('no')])).status).toBe(200);
    for (const scope of ['channel', 'subscription']) {
      const answer = await choose(narrow, [entry('yes', scope)]);
      expect([answer.status, answer.json().code]).toEqual([400, 'scope_too_wide']);
    }
    expect((await choose(narrow, [entry('yes', 'identity')])).status).toBe(200);
    expect(await historyOf(person)).toMatchObject([
      { scope: 'identity', from: 'u', to: 'y', address: person.address },
      { scope: 'channel', from: 'u', to: 'n' },
    ]);
  });

  test('a yes needs the sig of its link, and lifts the older no of its scope only', async () => {
    const person = await newcomer();
    const query = link({ ...person, list: 'weekly' });
    await choose(query, [entry('no'), entry('no', 'identity'), entry('no', 'subscription')]);
    for (const choice of ['yes', 'pending', 'unknown']) {
      const bare = await choose(unsigned(query), [entry(choice)]);
      expect([bare.status, bare.json().code]).toEqual([400, 'sig_required']);
    }
    expect((await choose(query, [entry('yes', 'subscription')])).json()).toMatchObject({
      choice: 'yes',
      optOutLevel: 'subscription',
    });
    const { consents } = (await api.call('GET', `/v1/profiles/CRMID/${person.profileId}`)).json() as {
      consents: { marketing: { email: object } };
    };
    expect(consents.marketing.email).toMatchObject({ val: 'n', subscriptions: { weekly: {} } });
    expect(await historyOf(person)).toHaveLength(4);
  });

  test('a yes lifts no complaint, and the answer says that the no stands', async () => {
    const person = await newcomer();
    await api.call('POST', '/ajo/config/suppression/uploads?reason=complaint', `email\n${person.address}\n`, {
      'content-type': 'text/csv',
    });
    await choose(link(person), [entry('no')]);
    const answer = await choose(link(person), [entry('yes')]);
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ choice: 'no', kept: [{ scope: 'channel', why: 'complaint' }] });
    expect(await historyOf(person)).toHaveLength(1);
  });

  test('several entries are stored together or not at all', async () => {
    const person = await newcomer();
    const query = link(person);
    const mixed = await choose(query, [entry('no'), entry('no', 'subscription')]);
    expect([mixed.status, mixed.json().code]).toEqual([400, 'list_required']);
    expect(await historyOf(person)).toEqual([]);
    expect((await choose(query, [entry('no', 'identity'), entry('no')])).json()).toMatchObject({
      optOutLevel: 'identity',
    });
    expect(await historyOf(person)).toHaveLength(2);
  });

  test('a link to a list that is not there joins nobody, and still lets out', async () => {
    const person = await newcomer();
    const query = link({ ...person, scope: 'subscription', list: 'gone' });
    expect((await choose(query, [entry('yes', 'subscription')])).json()).toMatchObject({
      code: 'unknown_list',
    });
    expect((await choose(query, [entry('no', 'subscription')])).status).toBe(200);
  });

  test('who has no profile any more can leave all the same', async () => {
    const person = { profileId: 'nobody-yet', address: 'nobody-yet@example.com' };
    expect((await choose(link(person), [entry('no')])).status).toBe(200);
    expect(await historyOf(person)).toHaveLength(1);
  });
});

describe('a comma behind the last field', () => {
  const send = (body: string) =>
    api.call('POST', `${STORE}?${link({ profileId: 'comma', address: 'c@example.com' })}`, body);

  test.each([
    '{"marketing":[{"type":"email","choice":"no","scope":"channel",}]}',
    '{"marketing":[{"type":"email","choice":"no","scope":"channel"},]}',
    '{ "marketing": [ { "type": "email", "choice": "no", "scope": "channel" , \n } , ] , }',
  ])('is forgiven here: %s', async (body) => {
    expect((await send(body)).status).toBe(200);
  });

  test.each([
    '{"marketing":[,,]}',
    '{,}{',
    '{"marketing":[{"type":"email",,"choice":"no","scope":"channel"}]}',
  ])('is not taken for more than that: %s', async (body) => {
    expect((await send(body)).status).toBe(400);
  });

  test('is left alone within a text, and refused everywhere else', async () => {
    const texts = await send('{"marketing":[{"type":"email","choice":"no,}","scope":"channel"}]}');
    expect(texts.json()).toMatchObject({ code: 'invalid_field', field: 'marketing.0.choice' });
    expect((await api.call('PUT', '/v1/lists/weekly', '{"title":"Weekly",}')).json().code).toBe(
      'invalid_json',
    );
  });

  test('in thousands is refused like anything else', async () => {
    for (const body of [
      `{"${','.repeat(16_000)}`,
      `[${', '.repeat(8_000)}`,
      `"${'\\"'.repeat(8_000)}`,
      '['.repeat(16_000),
    ]) {
      expect((await send(body)).status).toBe(400);
    }
  });
});

describe('bad input', () => {
  test.each([
    ['nothing', ''],
    ['no JSON', 'marketing=no'],
    ['no object', '[]'],
    ['no entries', '{"marketing":[]}'],
    ['too many entries', JSON.stringify({ marketing: Array.from({ length: 11 }, () => entry('no')) })],
    ['another channel', '{"marketing":[{"type":"sms","choice":"no","scope":"channel"}]}'],
    ['another choice', '{"marketing":[{"type":"email","choice":"n","scope":"channel"}]}'],
    ['another scope', '{"marketing":[{"type":"email","choice":"no","scope":"all"}]}'],
    ['a field too many', '{"marketing":[{"type":"email","choice":"no","scope":"channel","list":"x"}]}'],
    ['a prototype', '{"__proto__":{},"marketing":[{"type":"email","choice":"no","scope":"channel"}]}'],
  ])('%s is a 400, and nothing is stored', async (_what, body) => {
    const person = await newcomer();
    const answer = await api.call('POST', `${STORE}?${link(person)}`, body);
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(await historyOf(person)).toEqual([]);
  });

  test('a giant body is a 413, a form a 415', async () => {
    const giant = await api.call('POST', `${STORE}?${link()}`, ' '.repeat(20_000));
    expect(giant.status).toBe(413);
    const form = await choose(link(), [entry('no')], { 'content-type': 'application/x-www-form-urlencoded' });
    expect(form.status).toBe(415);
  });

  test('OC-11: every wrong token is one 404, whatever is wrong with it', async () => {
    const person = await newcomer();
    const good = link(person);
    const other = link(await newcomer());
    const half = (query: string, name: string) => new URLSearchParams(query).get(name) ?? '';
    const wrong = [
      '',
      'params=&pid=',
      `params=${half(good, 'params')}`,
      `params=${half(good, 'params')}&pid=${half(other, 'pid')}`,
      `params=${half(good, 'pid')}&pid=${half(good, 'params')}`,
      `${good}&params=${half(good, 'params')}`,
      good.replace(/sig=.*/, `sig=${half(other, 'sig')}`),
      good.replace(/sig=.*/, 'sig='),
      `params=${'A'.repeat(600)}&pid=${half(good, 'pid')}`,
      link(person, 'one-click'),
      link(person, 'preferences'),
      link(person, 'customer'),
      link(person, 'landing', 'another'),
    ];
    const answers = await Promise.all(wrong.map((query) => choose(query, [entry('no')])));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
    expect(await historyOf(person)).toEqual([]);
  });

  test('a sandbox that is named has to be that of the token; a token brings its own', async () => {
    const person = await newcomer();
    const named = await choose(link(person), [entry('no')], { 'x-sandbox-name': 'dev' });
    expect(named.status).toBe(404);
    expect(await historyOf(person)).toEqual([]);
    const dev = { ...person, sandbox: 'dev' };
    expect((await choose(link(dev), [entry('no')])).status).toBe(503);
    await api.call('PUT', '/v1/lists/weekly', {}, { 'x-sandbox-name': 'dev' });
    expect((await choose(link(dev), [entry('no')])).status).toBe(200);
    expect(await historyOf(person)).toEqual([]);
  });

  test('no key is a 401, a key of another organisation a 403 or a 404, one without the scope a 403', async () => {
    const person = await newcomer();
    const path = `${STORE}?${link(person)}`;
    const ask = (headers: Record<string, string>) =>
      api.ask({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(NO),
      });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await ask({ authorization: `Bearer ${SECRET}`, 'x-api-key': 'another' })).status).toBe(401);
    expect((await ask({ authorization: `Bearer ${SECRET}`, 'x-gw-ims-org-id': 'another' })).status).toBe(403);
    const { db } = api.database;
    await ensureApiKey(db, { organisation: 'another', id: 'a', secret: 'aaaa', scopes: ['consents'] });
    expect((await ask({ authorization: 'Bearer aaaa' })).status).toBe(404);
    await ensureApiKey(db, { organisation: ORGANISATION, id: 'b', secret: 'bbbb', scopes: ['profiles'] });
    expect((await ask({ authorization: 'Bearer bbbb' })).json()).toMatchObject({ code: 'scope_missing' });
    expect(await historyOf(person)).toEqual([]);
    await ensureApiKey(db, { organisation: ORGANISATION, id: 'c', secret: 'cccc', scopes: ['consents'] });
    expect((await ask({ authorization: 'Bearer cccc', 'x-api-key': 'c' })).status).toBe(200);
  });

  test('what cannot be stored is a 503 with Retry-After', async () => {
    const deaf = await startTestApi({
      recordAct: async () => Promise.reject(new Error('the disk is gone')),
    });
    const answer = await deaf.call('POST', `${STORE}?${deaf.link({}, 'landing')}`, NO);
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('10');
    await deaf.close();
  });
});

test('both calls are described', async () => {
  const { paths } = (await api.ask({ path: '/openapi.json' })).json() as { paths: Record<string, object> };
  for (const path of ['/journey/imp/consent', '/imp/consent']) {
    expect(paths).toHaveProperty([`${path}/preferences`, 'post']);
    expect(paths).toHaveProperty([`${path}/decrypt`, 'get']);
  }
});

test('OC-18: neither token nor address is in the log', async () => {
  const person = await newcomer();
  const query = link(person);
  await choose(query, [entry('no')]);
  const log = JSON.stringify(api.lines);
  expect(log).not.toContain(person.address);
  expect(log).not.toContain(new URLSearchParams(query).get('params'));
});
