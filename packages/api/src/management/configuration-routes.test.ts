import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
});
afterAll(() => api.close());

const FROM = { name: 'Brand', email: `hello@${LINK_HOST}` };
const MINIMAL = { subdomain: LINK_HOST, emailType: 'marketing', from: FROM };
const put = (body: unknown, name = 'newsletter') =>
  api.call('PUT', `/v1/channel-configurations/${name}`, body);

describe('A channel configuration', () => {
  test('S1: is stored with its defaults, and every change is a new version', async () => {
    const first = await put(MINIMAL);
    expect(first.status).toBe(200);
    expect(first.json()).toMatchObject({
      name: 'newsletter',
      version: 1,
      listUnsubscribe: {
        enabled: true,
        mailto: true,
        oneClick: true,
        consentLevel: 'channel',
        managedBy: 'adieu',
      },
      retryMinutes: 5040,
      unknownOutcome: 'keep',
      rate: { messagesPerSecond: null, perDomain: null },
    });
    expect((await put(MINIMAL)).json()).toMatchObject({ version: 1 });
    expect((await put({ ...MINIMAL, replyTo: 'care@example.com' })).json()).toMatchObject({ version: 2 });
    expect((await api.call('GET', '/v1/channel-configurations/newsletter')).json()).toMatchObject({
      version: 2,
      replyTo: 'care@example.com',
    });
  });

  test('is stored as wire.md writes it', async () => {
    const answer = await put({
      ...MINIMAL,
      replyTo: 'care@example.com',
      listUnsubscribe: {
        enabled: true,
        mailto: true,
        oneClick: true,
        consentLevel: 'channel',
        managedBy: 'adieu',
      },
      marketingActions: [],
      urlTracking: [],
      retryMinutes: 5040,
      unknownOutcome: 'keep',
      rate: { messagesPerSecond: null, perDomain: null },
    });
    expect([answer.status, answer.json().warnings]).toEqual([200, []]);
  });

  test('U7: keeps the endpoints of a header that the customer manages', async () => {
    const listUnsubscribe = {
      managedBy: 'customer',
      customUrl: 'https://brand.example/leave',
      customMailto: 'leave@brand.example',
      shadowSuppression: true,
    };
    const answer = await put({ ...MINIMAL, listUnsubscribe }, 'theirs');
    expect([answer.status, answer.json().warnings]).toEqual([200, []]);
    const stored = (await api.call('GET', '/v1/channel-configurations/theirs')).json();
    expect(stored.listUnsubscribe).toMatchObject({ ...listUnsubscribe, enabled: true, oneClick: true });
  });

  test('S13: keeps its rate', async () => {
    const answer = await put({ ...MINIMAL, rate: { messagesPerSecond: 2.5, perDomain: null } }, 'slow');
    expect([answer.status, answer.json().rate]).toEqual([200, { messagesPerSecond: 2.5, perDomain: null }]);
  });

  test('U1: of transactional mail is warned that it needs no List-Unsubscribe', async () => {
    const answer = await put({ ...MINIMAL, emailType: 'transactional' }, 'receipts');
    expect(answer.json().warnings).toHaveLength(1);
    expect(answer.json()).toMatchObject({ unknownOutcome: 'resend' });
  });

  test.each([
    [{ from: { ...FROM, email: 'hello@other.example' } }, 422, 'from_not_aligned', 'from.email'],
    [
      { subdomain: 'unknown.example', from: { ...FROM, email: 'a@unknown.example' } },
      422,
      'unknown_subdomain',
      'subdomain',
    ],
    [{ listUnsubscribe: { managedBy: 'me' } }, 400, 'invalid_field', 'listUnsubscribe.managedBy'],
    [
      { listUnsubscribe: { managedBy: 'customer' } },
      422,
      'custom_endpoint_required',
      'listUnsubscribe.customUrl',
    ],
    [
      { listUnsubscribe: { customUrl: 'https://x.example' } },
      422,
      'custom_url_contradicts_managed_by',
      'listUnsubscribe.customUrl',
    ],
    [
      { listUnsubscribe: { managedBy: 'customer', customUrl: 'http://x.example' } },
      422,
      'custom_url_invalid',
      'listUnsubscribe.customUrl',
    ],
    [
      { listUnsubscribe: { managedBy: 'customer', customMailto: 'a@x.example\r\nBcc: b@x.example' } },
      400,
      'invalid_field',
      'listUnsubscribe.customMailto',
    ],
    [{ urlTracking: [{ name: 'utm_source', value: 'x' }] }, 422, 'unsupported_field', 'urlTracking'],
    [{ rate: { perDomain: 5 } }, 422, 'unsupported_field', 'rate.perDomain'],
    [{ retryMinutes: 1 }, 422, 'retry_minutes_out_of_range', 'retryMinutes'],
    [{ listUnsubscribe: { consentlevel: 'channel' } }, 400, 'unknown_field', 'listUnsubscribe.consentlevel'],
    [{ colour: 'red' }, 400, 'unknown_field', 'colour'],
    [{ emailType: 'owed' }, 400, 'invalid_field', 'emailType'],
    [
      { from: { name: 'Brand\r\nBcc: all@example.com', email: FROM.email } },
      400,
      'invalid_field',
      'from.name',
    ],
    [{ from: { name: 'Brand\u2028', email: FROM.email } }, 400, 'invalid_field', 'from.name'],
    [{ from: { name: { evil: 1 }, email: FROM.email } }, 400, 'invalid_field', 'from.name'],
    [{ from: { name: ['a', 'b'], email: FROM.email } }, 400, 'invalid_field', 'from.name'],
    [
      { from: { name: 'B', email: `hello@${LINK_HOST}, all@example.com` } },
      400,
      'invalid_field',
      'from.email',
    ],
    [{ from: { name: 'B', email: `hello@${LINK_HOST}\r\nX: y` } }, 400, 'invalid_field', 'from.email'],
    [{ replyTo: ['care@example.com'] }, 400, 'invalid_field', 'replyTo'],
    [{ replyTo: 'Care <care@example.com>' }, 400, 'invalid_field', 'replyTo'],
    [{ errorPrefix: 'err\nor' }, 400, 'invalid_field', 'errorPrefix'],
    [{ errorPrefix: 'a b' }, 422, 'error_prefix_invalid', 'errorPrefix'],
    [{ urlTracking: [{ name: 'utm', value: 'a\0' }] }, 400, 'invalid_field', 'urlTracking.0.value'],
    [{ rate: { messagesPerSecond: 0 } }, 400, 'invalid_field', 'rate.messagesPerSecond'],
    [{ allowNoOptOutLink: 'why\r\n' }, 400, 'invalid_field', 'allowNoOptOutLink'],
  ])('OH-14, OH-20: is refused with %j', async (change, status, code, field) => {
    const answer = await put({ ...MINIMAL, ...change });
    expect([answer.status, answer.json()]).toMatchObject([status, { code, field }]);
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  test('is refused when it reaches for a prototype, or is no JSON at all', async () => {
    const poisoned = `{"__proto__":{"admin":true},${JSON.stringify(MINIMAL).slice(1)}`;
    expect((await put(poisoned)).json()).toMatchObject({ status: 400, code: 'forbidden_key' });
    expect((await put('{"subdomain":')).json()).toMatchObject({ status: 400, code: 'invalid_json' });
    expect((await put('')).json()).toMatchObject({ status: 400, code: 'invalid_json' });
    expect((await put(`{"from":${'['.repeat(10_000)}`)).json()).toMatchObject({ status: 400 });
    const form = await api.call('PUT', '/v1/channel-configurations/x', 'a=b', {
      'content-type': 'text/plain',
    });
    expect([form.status, form.json().code]).toEqual([415, 'unsupported_media_type']);
    expect((await put('x'.repeat(1_100_000))).json()).toMatchObject({ status: 413, code: 'body_too_large' });
  });

  test.each(['1st', 'a b', 'a%0Ab', 'ü', 'x'.repeat(101)])('is not called %s', async (name) => {
    expect((await put(MINIMAL, encodeURI(name).replace('%25', '%'))).json()).toMatchObject({
      status: 400,
      field: 'name',
    });
  });

  test('that is not there is 404', async () => {
    const answer = await api.call('GET', '/v1/channel-configurations/nothing');
    expect([answer.status, answer.json().code]).toEqual([404, 'unknown_channel_configuration']);
  });
});

describe('A template', () => {
  const HTML = '<p>Hi</p><a data-link-type="one-click" href="#">Bye</a>';
  const store = (body: unknown, id = 'spring') => api.call('PUT', `/v1/templates/${id}`, body);

  test('S3: is stored with a version, and read back', async () => {
    const body = {
      subject: 'Hello {{profile.person.name.firstName}}\n',
      preheader: 'Soon',
      html: HTML,
    };
    expect((await store(body)).json()).toEqual({ id: 'spring', version: 1, warnings: [] });
    expect((await store(body)).json()).toMatchObject({ version: 1 });
    expect((await store({ ...body, text: 'Hi' })).json()).toMatchObject({ version: 2 });
    expect((await api.call('GET', '/v1/templates/spring')).json()).toMatchObject({
      id: 'spring',
      version: 2,
      ...body,
    });
    expect((await api.call('GET', '/v1/templates/none')).json()).toMatchObject({
      status: 404,
      code: 'unknown_template',
    });
  });

  test('S3: that does not compile is 422 with line and column, and is not stored', async () => {
    const answer = await store({ subject: 's', mjml: '<mjml>\n<broken\n</mjml>' }, 'broken');
    expect(answer.status).toBe(422);
    expect(answer.json()).toMatchObject({ code: 'template_invalid', line: 2, column: 1, field: 'mjml' });
    expect(answer.json().errors).toHaveLength(1);
    expect((await api.call('GET', '/v1/templates/broken')).status).toBe(404);
  });

  test('U8: without an opt-out link is warned', async () => {
    expect((await store({ subject: 's', html: '<p>Hi</p>' }, 'plain')).json().warnings).toEqual([
      expect.stringContaining('No opt-out link'),
    ]);
  });

  test.each([
    [{ subject: 's' }, 422, 'mjml_or_html', 'mjml'],
    [{ subject: 's', html: HTML, mjml: HTML }, 422, 'mjml_or_html', 'mjml'],
    [{ html: HTML }, 400, 'invalid_field', 'subject'],
    [{ subject: ['s'], html: HTML }, 400, 'invalid_field', 'subject'],
    [{ subject: { toString: 's' }, html: HTML }, 400, 'invalid_field', 'subject'],
    [{ subject: 's', html: 'a\0' }, 400, 'invalid_field', 'html'],
    [{ subject: 's', html: HTML, fallbacks: { a: 1 } }, 400, 'invalid_field', 'fallbacks.a'],
    [{ subject: 's', html: HTML, fallbacks: { a: 'a\0' } }, 400, 'invalid_field', 'fallbacks.a'],
    [{ subject: 's', html: HTML, headers: { 'List-Unsubscribe': 'x' } }, 400, 'unknown_field', 'headers'],
  ])('OH-12, OH-20: is refused with %j', async (body, status, code, field) => {
    const answer = await store(body);
    expect([answer.status, answer.json()]).toMatchObject([status, { code, field }]);
  });

  test('may have 2 MB with its texts, and no more', async () => {
    expect((await store({ subject: 's', html: `${HTML}${'x'.repeat(1_900_000)}` }, 'large')).status).toBe(
      200,
    );
    expect((await store({ subject: 's', html: 'x'.repeat(2_200_000) }, 'huge')).status).toBe(413);
  });
});

describe('A list', () => {
  test('is stored under its name, with a title', async () => {
    expect((await api.call('PUT', '/v1/lists/weekly', { title: 'Weekly news' })).json()).toEqual({
      name: 'weekly',
      title: 'Weekly news',
      open: false,
    });
    expect((await api.call('PUT', '/v1/lists/daily', {})).json()).toEqual({
      name: 'daily',
      title: 'daily',
      open: false,
    });
  });

  test('has no line break in its title and no space in its name', async () => {
    expect((await api.call('PUT', '/v1/lists/weekly', { title: 'a\r\nb' })).json()).toMatchObject({
      field: 'title',
    });
    expect((await api.call('PUT', '/v1/lists/a%20b', {})).json()).toMatchObject({
      status: 400,
      field: 'name',
    });
  });
});
