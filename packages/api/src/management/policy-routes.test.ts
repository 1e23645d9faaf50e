import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
const GERMAN = { path: 'attributes.country', equals: 'DE' };

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  for (const [name, marketingActions] of [
    ['newsletter', ['newsletter', 'upsell']],
    ['winback', ['winback']],
  ] as const) {
    const body = {
      subdomain: LINK_HOST,
      emailType: 'marketing',
      from: { name: 'Brand', email: `hello@${LINK_HOST}` },
      marketingActions,
    };
    expect((await api.call('PUT', `/v1/channel-configurations/${name}`, body)).json()).toMatchObject({
      marketingActions,
      warnings: [],
    });
  }
  const people = [
    { identities: { CRMID: 'de', Email: 'de@example.com' }, attributes: { country: 'DE' } },
    { identities: { CRMID: 'fr', Email: 'fr@example.com' }, attributes: { country: 'FR' } },
    { identities: { CRMID: 'no', Email: 'no@example.com' } },
  ];
  expect((await api.call('POST', '/v1/profiles', people)).status).toBe(200);
});
afterAll(() => api.close());

/** What a call answered, whichever it was. */
type Said = Readonly<Record<string, unknown>> & { readonly http: number };
const put = async (id: string, body: unknown): Promise<Said> => {
  const answer = await api.call('PUT', `/v1/policies/${id}`, body);
  return { ...answer.json(), http: answer.status };
};
const policy = (condition: object, more: object = {}) => ({
  marketingActions: ['newsletter'],
  condition,
  ...more,
});
const explain = async (id: string, configuration = 'newsletter') =>
  (
    await api.call('GET', `/v1/profiles/CRMID/${id}/explain?channelConfiguration=${configuration}`)
  ).json() as { allowed: boolean; code?: string; rules: { rule: string; value: string; verdict: string }[] };

describe('A policy', () => {
  test('X6: is stored, read, listed and taken away', async () => {
    const body = policy({ all: [GERMAN] }, { title: 'Germans', enabled: false });
    expect(await put('crud', body)).toMatchObject({ http: 200, id: 'crud', ...body, warnings: [] });
    expect((await api.call('GET', '/v1/policies/crud')).json()).toEqual({ id: 'crud', ...body });
    expect(await put('crud', policy(GERMAN))).toMatchObject({ enabled: true });
    expect((await api.call('GET', '/v1/policies')).json()).toEqual({
      policies: [{ id: 'crud', enabled: true, ...policy(GERMAN) }],
    });
    expect((await api.call('DELETE', '/v1/policies/crud')).status).toBe(204);
    for (const method of ['GET', 'DELETE']) {
      const answer = await api.call(method, '/v1/policies/crud');
      expect([answer.status, answer.json().code]).toEqual([404, 'unknown_policy']);
    }
  });

  test('X6, X9, X12: binds mail of its actions at once, and explain says what it saw', async () => {
    const asked = (id: string, configuration?: string) =>
      explain(id, configuration).then(({ allowed, code, rules }) => ({
        allowed,
        code,
        said: rules.find(({ rule }) => rule === 'policy:germans'),
      }));
    await put('germans', policy(GERMAN));
    expect(await asked('de')).toEqual({
      allowed: true,
      said: { rule: 'policy:germans', value: 'attributes.country: "DE"', verdict: 'allow' },
    });
    expect(await asked('fr')).toEqual({
      allowed: false,
      code: '050101',
      said: { rule: 'policy:germans', value: 'attributes.country: "FR"', verdict: 'stop' },
    });
    expect(await asked('no')).toMatchObject({
      allowed: false,
      said: { value: 'attributes.country: missing' },
    });
    expect(await asked('fr', 'winback')).toMatchObject({
      allowed: true,
      said: { value: 'other marketing actions', verdict: 'skip' },
    });
    await put('germans', policy(GERMAN, { enabled: false }));
    expect(await asked('fr')).toMatchObject({ allowed: true, said: { value: 'disabled', verdict: 'skip' } });
    await api.call('DELETE', '/v1/policies/germans');
    expect(await asked('fr')).toEqual({ allowed: true });
  });

  test('X6: that can never hold is refused with the place', async () => {
    const never = { any: [{ all: [GERMAN, { path: 'attributes.country', equals: 'FR' }] }] };
    expect(await put('never', policy(never))).toMatchObject({
      http: 422,
      code: 'condition_contradictory',
      field: 'condition.any.0.all.1',
      detail: expect.stringContaining('condition.any.0.all.0'),
    });
    expect((await api.call('GET', '/v1/policies/never')).status).toBe(404);
  });

  test('X6: that stands against another, or binds nothing, is stored with a warning', async () => {
    await put('first', policy(GERMAN));
    await put('off', policy({ path: 'attributes.country', in: ['FR'] }, { enabled: false }));
    const french = { path: 'attributes.country', in: ['FR', 'CH'] };
    expect((await put('second', policy(french))).warnings).toEqual([expect.stringContaining('policy first')]);
    expect((await put('second', policy(french, { enabled: false }))).warnings).toEqual([]);
    expect((await put('second', policy(french, { marketingActions: ['winback'] }))).warnings).toEqual([]);
    expect(
      (await put('second', policy(GERMAN, { marketingActions: ['nobody', 'winback'] }))).warnings,
    ).toEqual(['No channel configuration has the marketing action nobody.']);
    for (const id of ['first', 'off', 'second']) await api.call('DELETE', `/v1/policies/${id}`);
  });

  const nested = (levels: number): object => (levels === 0 ? GERMAN : { not: nested(levels - 1) });
  test.each<[unknown, number, string, string | undefined]>([
    [{}, 400, 'invalid_field', 'marketingActions'],
    [policy(GERMAN, { marketingActions: [] }), 400, 'invalid_field', 'marketingActions'],
    [policy(GERMAN, { marketingActions: ['a b'] }), 400, 'invalid_field', 'marketingActions.0'],
    [policy(GERMAN, { marketingActions: ['a\u0000'] }), 400, 'invalid_field', 'marketingActions.0'],
    [policy(GERMAN, { title: 'a\u202eb' }), 400, 'invalid_field', 'title'],
    [policy(GERMAN, { enabled: 'yes' }), 400, 'invalid_field', 'enabled'],
    [policy(GERMAN, { conditions: [] }), 400, 'unknown_field', 'conditions'],
    [policy([GERMAN]), 400, 'invalid_field', 'condition'],
    [policy({}), 422, 'condition_invalid', 'condition'],
    [policy({ script: 'process.exit()' }), 422, 'condition_invalid', 'condition'],
    [policy({ path: 'attributes.a', matches: '(a+)+$' }), 422, 'condition_invalid', 'condition'],
    [policy({ all: [{ path: 'x', exists: true }] }), 422, 'condition_invalid', 'condition.all.0.path'],
    [policy({ path: 'attributes.a', equals: '\u0000' }), 422, 'condition_invalid', 'condition.equals'],
    [policy(nested(20)), 422, 'condition_too_deep', undefined],
    [policy(nested(200)), 400, 'too_deep', undefined],
    [policy({ any: Array(500).fill(GERMAN) }), 422, 'condition_too_large', 'condition.any.63'],
    [policy({ path: 'attributes.a', equals: 'x'.repeat(70_000) }), 413, 'body_too_large', undefined],
    [
      '{"marketingActions":["a"],"condition":{"path":"attributes.a","equals":1e999}}',
      422,
      'condition_invalid',
      'condition.equals',
    ],
    ['{"marketingActions":["a"],"condition":{"__proto__":{"all":[]}}}', 400, 'forbidden_key', undefined],
    ['{"marketingActions":', 400, 'invalid_json', undefined],
  ])('is refused with %j', async (body, status, code, field) => {
    const answer = await put('bad', body);
    expect(answer).toMatchObject({ http: status, code, ...(field === undefined ? {} : { field }) });
    expect((await api.call('GET', '/v1/policies')).json()).toEqual({ policies: [] });
  });

  test('is refused under a name that is none', async () => {
    for (const id of ['a%20b', '%00', '%0d%0aX', '..%2f', '-a', 'x'.repeat(101)]) {
      expect([id, (await api.call('PUT', `/v1/policies/${id}`, policy(GERMAN))).status]).toEqual([id, 400]);
    }
    expect((await api.call('GET', '/v1/policies/toString')).status).toBe(404);
  });

  test('is refused where there are too many, and another sandbox has room of its own', async () => {
    const body = policy(GERMAN);
    const answers = await Promise.all(Array.from({ length: 55 }, (_, index) => put(`many-${index}`, body)));
    expect(answers.filter(({ http }) => http === 200)).toHaveLength(50);
    expect(answers.filter(({ code }) => code === 'policies_too_many')).toHaveLength(5);
    const taken = answers.findIndex(({ http }) => http === 200);
    expect(await put(`many-${taken}`, { ...body, title: 'changed' })).toMatchObject({ http: 200 });
    const elsewhere = await api.call('PUT', '/v1/policies/p', body, { 'x-sandbox-name': 'stage' });
    expect(elsewhere.json()).toMatchObject({
      warnings: ['No channel configuration has the marketing action newsletter.'],
    });
    expect((await api.call('GET', '/v1/policies/p')).status).toBe(404);
    for (let index = 0; index < 55; index++) await api.call('DELETE', `/v1/policies/many-${index}`);
  });
});

describe('Consent defaults', () => {
  const URL = '/v1/sandboxes/prod/consent-defaults';
  const RELAXED = {
    y: 'allow',
    p: 'stop',
    dy: 'allow',
    LI: 'allow',
    CT: 'allow',
    CP: 'allow',
    VI: 'allow',
    PI: 'allow',
  };
  const set = async (body: unknown, url = URL): Promise<Said> => {
    const answer = await api.call('PUT', url, body);
    return { ...answer.json(), http: answer.status };
  };

  test('X2, X3: say what every value means, and are replaced as a whole', async () => {
    expect((await api.call('GET', URL)).json()).toEqual({ strict: false, values: RELAXED });
    const values = { p: 'allow', LI: 'stop' };
    expect(await set({ strict: true, values })).toMatchObject({
      http: 200,
      strict: true,
      values: { ...RELAXED, ...values },
      warnings: [],
    });
    expect((await api.call('GET', URL)).json()).toEqual({ strict: true, values: { ...RELAXED, ...values } });
    expect((await explain('de')).rules).toContainEqual({
      rule: 'sandbox_default',
      value: 'strict, p: allow, LI: stop',
      verdict: 'stop',
    });
    expect(await set({ strict: false })).toMatchObject({ http: 200, values: RELAXED });
    expect(await explain('de')).toMatchObject({ allowed: true });
    expect((await set({ strict: false, values: { y: 'stop' } })).warnings).toHaveLength(1);
    await set({ strict: false });
  });

  test.each([
    [{ strict: false, values: { n: 'allow' } }, 422, 'consent_value_fixed', 'values.n'],
    [{ strict: false, values: { dn: 'stop' } }, 422, 'consent_value_fixed', 'values.dn'],
    [{ strict: false, values: { p: 'allow', u: 'stop' } }, 422, 'consent_value_fixed', 'values.u'],
    [{ strict: false, values: { n: null } }, 422, 'consent_value_fixed', 'values.n'],
    [{ strict: false, values: { yes: 'allow' } }, 400, 'unknown_field', 'values.yes'],
    [{ strict: false, values: { p: 'maybe' } }, 400, 'invalid_field', 'values.p'],
    [{ strict: 'true' }, 400, 'invalid_field', 'strict'],
    [{ values: {} }, 400, 'invalid_field', 'strict'],
    [{ strict: true, default: 'n' }, 400, 'unknown_field', 'default'],
    [{ strict: true, values: [] }, 400, 'invalid_field', 'values'],
  ])('X2: are refused with %j', async (body, status, code, field) => {
    expect(await set(body)).toMatchObject({ http: status, code, field });
    expect((await api.call('GET', URL)).json()).toEqual({ strict: false, values: RELAXED });
  });

  test('X3: are those of a sandbox that is there', async () => {
    const answer = await set({ strict: true }, '/v1/sandboxes/nowhere/consent-defaults');
    expect(answer).toMatchObject({ http: 404, code: 'unknown_sandbox' });
  });
});
