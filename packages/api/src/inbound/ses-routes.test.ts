import { Failure, type NotificationOutcome } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { askBytes } from '../testing/http-client.ts';
import { type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
let answer: () => Promise<NotificationOutcome>;
let taken: string[];

beforeAll(async () => {
  api = await startTestApi({
    takeSes: async (body) => {
      taken.push(body);
      return answer();
    },
  });
});
afterAll(() => api.close());
beforeEach(() => {
  taken = [];
  answer = async () => ({ kind: 'taken', taken: 'recorded' });
});

const PATH = '/v1/inbound/ses';
/** As Amazon SNS posts. */
const HEADERS = { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': 'Notification' };
const post = (body: string, headers: Readonly<Record<string, string>> = HEADERS) =>
  api.ask({ method: 'POST', path: PATH, headers, body });

describe('POST /v1/inbound/ses', () => {
  test('hands over the body without asking for a key, under any host and any media type', async () => {
    for (const headers of [
      HEADERS,
      { 'content-type': 'application/json' },
      {},
      { authorization: 'Bearer wrong' },
    ]) {
      const { status, text } = await api.ask({
        method: 'POST',
        path: PATH,
        host: 'hooks.example.org',
        headers,
        body: '{"Message":"Grüße 🍌"}',
      });
      expect([status, text]).toEqual([200, '{"outcome":"recorded"}']);
    }
    expect(new Set(taken)).toEqual(new Set(['{"Message":"Grüße 🍌"}']));
    expect(taken).toHaveLength(4);
  });

  test('says 403 to whom it does not believe, and 400 to what it cannot read', async () => {
    answer = async () => ({
      kind: 'refused',
      code: 'signature_invalid',
      detail: 'The signature does not hold.',
    });
    const refused = await post('{}');
    expect(refused.headers['content-type']).toBe('application/problem+json');
    expect(refused.json()).toMatchObject({ status: 403, code: 'signature_invalid' });
    answer = async () => ({ kind: 'malformed', code: 'raw_message_delivery', detail: 'Turn it off.' });
    expect((await post('{}')).json()).toMatchObject({ status: 400, code: 'raw_message_delivery' });
    expect((await post('')).status).toBe(400);
    expect(taken).toEqual(['{}', '{}', '']);
  });

  test('says 503 to whatever may yet succeed, and nothing of why', async () => {
    for (const [error, code] of [
      [new Failure('certificate_unavailable', 'Not now.', { temporary: true }), 'certificate_unavailable'],
      [new Failure('opt_out_not_stored', 'Not stored.', { temporary: true }), 'opt_out_not_stored'],
      [new TypeError('john@example.com is unforeseen'), 'not_stored'],
    ] as const) {
      answer = () => Promise.reject(error);
      const { status, headers, text, json } = await post('{}');
      expect([status, headers['retry-after'], json().code]).toEqual([503, '10', code]);
      expect(text).not.toContain('john');
    }
    expect(api.lines.map((line) => JSON.stringify(line)).join()).not.toContain('john@');
  });

  test('gives an answer before Amazon SNS gives up on it', async () => {
    answer = () => new Promise(() => undefined);
    expect((await post('{}')).json()).toMatchObject({ status: 503, code: 'not_stored' });
  });

  test('takes what SNS may send, and no more', async () => {
    expect((await post('x'.repeat(1024 * 1024))).status).toBe(200);
    expect((await post('x'.repeat(1024 * 1024 + 1))).json()).toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
    expect(taken).toHaveLength(1);
  });

  test('is for POST alone', async () => {
    for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS'])
      expect((await api.ask({ method, path: PATH })).status).toBe(404);
    expect(taken).toEqual([]);
  });

  test('hangs up on a body that does not come', async () => {
    const head = `POST ${PATH} HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n`;
    await askBytes(api.url, [`${head}half`]);
    expect(taken).toEqual([]);
  });

  test('is described, without a key', async () => {
    const { paths } = (await api.ask({ path: '/openapi.json' })).json() as { paths: Record<string, object> };
    expect(paths[PATH]).toMatchObject({
      post: { tags: ['Inbound'], security: [], requestBody: { content: { 'text/plain': {} } } },
    });
  });
});
