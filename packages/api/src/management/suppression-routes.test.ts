import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const ADDRESSES = '/ajo/config/suppression/addresses';
const DOMAINS = '/ajo/config/suppression/domains';
const PAGES = { 'x-sandbox-name': 'pages' };
const entity = (entityValue: string, type = 'email') => ({ entity: { type, entityValue } });
const values = (answer: { json(): Record<string, unknown> }) =>
  (answer.json().items as { entity: { entityValue: string } }[]).map((item) => item.entity.entityValue);

describe('X10 the suppression list', () => {
  test('takes addresses, shows them, and gives them back', async () => {
    const posted = await api.call('POST', ADDRESSES, [
      { ...entity('Ann@Example.com'), comment: 'known bad', user: 'me@example.com' },
      entity('ann+x@example.com'),
    ]);
    expect(posted.status).toBe(201);
    const [first] = posted.json() as unknown as Record<string, unknown>[];
    expect(first).toMatchObject({
      entity: { type: 'email', entityValue: 'Ann@example.com' },
      suppressed: { type: 'MANUAL', comment: 'known bad', user: 'me@example.com' },
      status: 'active',
      listType: 'client',
      client: { imsOrgId: 'default', sandboxId: 'prod' },
    });
    const read = await api.call('GET', `${ADDRESSES}/${encodeURIComponent('ANN@EXAMPLE.COM')}`);
    expect(read.json()).toEqual(first);
    expect((await api.call('GET', `${ADDRESSES}?limit=1`)).json()).toMatchObject({ total: 2 });
    // A plus in a path is a plus, and everything may be percent-encoded.
    expect((await api.call('DELETE', `${ADDRESSES}/ann+x@example.com`)).status).toBe(204);
    expect((await api.call('DELETE', `${ADDRESSES}/ann%2Bx%40example.com`)).status).toBe(404);
    expect((await api.call('DELETE', `${ADDRESSES}/%41nn%40%65xample.com`)).status).toBe(204);
    expect((await api.call('GET', ADDRESSES)).json()).toMatchObject({ items: [], total: 0 });
  });

  test('X5 takes domains under their A-labels, and never mixes them with addresses or the other list', async () => {
    expect((await api.call('POST', DOMAINS, [entity('BÜCHER.example', 'domain')])).status).toBe(201);
    expect(values(await api.call('GET', DOMAINS))).toEqual(['xn--bcher-kva.example']);
    expect(values(await api.call('GET', `${DOMAINS}?type=allowed`))).toEqual([]);
    expect((await api.call('GET', `${DOMAINS}/${encodeURIComponent('bücher.EXAMPLE')}`)).status).toBe(200);
    expect((await api.call('DELETE', `${DOMAINS}/xn--bcher-kva.example?type=allowed`)).status).toBe(404);
    expect((await api.call('DELETE', `${DOMAINS}/xn--bcher-kva.example`)).status).toBe(204);
  });

  test('takes a call whole or not at all, and names the entry to blame', async () => {
    const hostile = [
      'no address',
      'a@b@example.com',
      `${'x'.repeat(65)}@example.com`,
      'bell\u0007@example.com',
      'nul\u0000@example.com',
      'line\r\nBcc: x@example.com',
      'ann@example.com ',
      'ann@exam\u200bple.com',
      'ann＠example.com',
      'example.com',
      '',
    ];
    for (const value of hostile) {
      const answer = await api.call('POST', ADDRESSES, [entity('good@example.com'), entity(value)]);
      expect([value, answer.status, answer.json()]).toMatchObject([
        value,
        400,
        { code: 'address_invalid', field: '1.entity.entityValue' },
      ]);
    }
    expect((await api.call('GET', `${ADDRESSES}/good@example.com`)).status).toBe(404);
    expect((await api.call('POST', DOMAINS, [entity('ann@example.com', 'domain')])).json()).toMatchObject({
      code: 'domain_invalid',
    });
    expect((await api.call('POST', DOMAINS, [entity('ann@example.com')])).json()).toMatchObject({
      code: 'entity_type_mismatch',
      field: '0.entity.type',
    });
    for (const body of [
      [],
      {},
      [{}],
      [{ entity: {}, more: 1 }],
      [{ ...entity('a@example.com'), comment: 'a\nb' }],
    ]) {
      expect((await api.call('POST', ADDRESSES, body)).status).toBe(400);
    }
    expect((await api.call('POST', ADDRESSES, {})).json()).not.toHaveProperty('field');
    const many = Array.from({ length: 10_001 }, () => entity('a@example.com'));
    expect((await api.call('POST', ADDRESSES, many)).status).toBe(400);
    for (const path of ['%00', 'a%00@example.com', '%ff', 'nobody@example.com']) {
      const { status } = await api.call('DELETE', `${ADDRESSES}/${path}`);
      expect([path, [400, 404].includes(status)]).toEqual([path, true]);
    }
  });

  test('pages through 10,000 entries of one instant in every order, each once', async () => {
    const all = Array.from({ length: 10_000 }, (_, index) => `p${index}@pages.example`);
    const entries = all.map((value) => entity(value));
    expect((await api.call('POST', ADDRESSES, entries, PAGES)).status).toBe(201);
    for (const orderby of ['-creationdate', '%2Bcreationdate', '-entityvalue', '+entityvalue']) {
      const seen: string[] = [];
      let start = '';
      do {
        const answer = await api.call(
          'GET',
          `${ADDRESSES}?limit=5000&orderby=${orderby}${start}`,
          undefined,
          PAGES,
        );
        expect(answer.json()).toMatchObject({ total: 10_000 });
        seen.push(...values(answer));
        const { next } = answer.json()._page as { next: string | null };
        start = next === null ? '' : `&start=${encodeURIComponent(next)}`;
        if (start !== '') expect(seen.length % 1_000).toBe(0);
      } while (start !== '');
      expect(seen.length).toBe(10_000);
      expect(new Set(seen).size).toBe(10_000);
    }
    // Clamped, however long the number is.
    const many = await api.call('GET', `${ADDRESSES}?limit=99999999999999999999`, undefined, PAGES);
    expect(values(many).length).toBe(1_000);
    const { field, detail } = (await api.call('GET', `${ADDRESSES}?limit=abc`)).json();
    expect({ field, detail }).toEqual({ field: 'limit', detail: 'limit: a whole number from 1.' });
    const starts = ['start=x', 'start=9999999999999999', 'start=12:', 'start=99999999999999999:a'];
    for (const query of [...starts, 'orderby=whatever', 'limit=0', 'limit=x', 'type=all', 'property=x']) {
      expect([query, (await api.call('GET', `${ADDRESSES}?${query}`)).status]).toEqual([query, 400]);
    }
  });

  test('begins at any time that a caller may name, before and behind all there is', async () => {
    for (const start of ['0', '999999999999999', '9999999999999999:a']) {
      expect([start, (await api.call('GET', `${ADDRESSES}?start=${start}`)).status]).toEqual([start, 200]);
    }
  });

  test('is closed to keys without the scope, and to other sandboxes', async () => {
    const headers = { 'x-sandbox-name': 'other' };
    expect((await api.call('POST', ADDRESSES, [entity('a@other.example')], headers)).status).toBe(201);
    expect((await api.call('GET', `${ADDRESSES}/a@other.example`)).status).toBe(404);
    expect((await api.call('DELETE', `${ADDRESSES}/a@other.example`)).status).toBe(404);
    expect((await api.ask({ path: ADDRESSES })).status).toBe(401);
  });
});

test('X11 the allowed list is switched for the sandbox of the path', async () => {
  const path = '/v1/sandboxes/staging/allowed-list';
  expect((await api.call('GET', path)).status).toBe(404);
  const staging = { 'x-sandbox-name': 'staging' };
  await api.call('POST', `${DOMAINS}?type=allowed`, [entity('brand.example', 'domain')], staging);
  expect((await api.call('GET', path)).json()).toEqual({ active: false, addresses: 0, domains: 1 });
  expect((await api.call('PUT', path, { active: true })).json()).toMatchObject({ active: true });
  expect((await api.call('GET', path)).json()).toMatchObject({ active: true });
  expect((await api.call('GET', '/v1/sandboxes/prod/allowed-list')).json()).toMatchObject({ active: false });
  expect((await api.call('PUT', path, { active: 'yes' })).status).toBe(400);
  expect(
    (await api.call('PUT', '/v1/sandboxes/nowhere/allowed-list', { active: true })).json(),
  ).toMatchObject({
    status: 404,
    field: 'name',
  });
});

test('X9 explain tells what the lists say', async () => {
  await api.call('PUT', '/v1/subdomains/news.example.com', {});
  const from = { name: 'Brand', email: 'hello@news.example.com' };
  const configuration = { subdomain: 'news.example.com', from };
  const put = (name: string, more: object) =>
    api.call('PUT', `/v1/channel-configurations/${name}`, { ...configuration, ...more });
  expect((await put('wrong', { emailType: 'marketing', sendAfterComplaint: true })).json()).toMatchObject({
    code: 'send_after_complaint_contradicts_email_type',
    field: 'sendAfterComplaint',
  });
  expect((await put('receipt', { emailType: 'transactional', sendAfterComplaint: true })).status).toBe(200);
  await api.call('POST', '/v1/profiles', [{ identities: { CRMID: 'x1', Email: 'x1@lists.example' } }]);
  const explain = async () =>
    (await api.call('GET', '/v1/profiles/CRMID/x1/explain?channelConfiguration=receipt')).json();
  expect(await explain()).toMatchObject({ allowed: true });
  await api.call('POST', `/ajo/config/suppression/uploads?reason=complaint`, 'x1@lists.example', {
    'content-type': 'text/csv',
  });
  expect(await explain()).toMatchObject({
    allowed: true,
    rules: expect.arrayContaining([{ rule: 'suppressed_address', value: 'complaint', verdict: 'allow' }]),
  });
  await api.call('POST', ADDRESSES, [entity('X1@lists.example')]);
  expect(await explain()).toMatchObject({ allowed: false, code: '050102' });
  await api.call('DELETE', `${ADDRESSES}/x1@lists.example`);
  await api.call('POST', DOMAINS, [entity('lists.example', 'domain')]);
  expect(await explain()).toMatchObject({
    allowed: false,
    code: '050105',
    rules: expect.arrayContaining([{ rule: 'suppressed_domain', value: 'yes', verdict: 'stop' }]),
  });
});
