import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ask, askBytes } from './testing/http-client.ts';
import { furnish, LINK_HOST, type RunningApi, SECRET, startTestApi } from './testing/running-api.ts';

let api: RunningApi;
let roles: Record<string, string | null> = { api: null, worker: null };

beforeAll(async () => {
  api = await startTestApi({
    readiness: async () => new Map(Object.entries(roles)),
    trustProxy: ['127.0.0.0/8'],
  });
  await furnish(api);
});
afterAll(() => api.close());

describe('Health', () => {
  test('/healthz lives, /readyz says why not', async () => {
    expect((await api.ask({ path: '/healthz' })).json()).toEqual({ status: 'alive' });
    expect((await api.ask({ path: '/readyz' })).json()).toEqual({ status: 'ready' });
    roles = { api: null, worker: 'It is starting.', inbound: 'It is silent.' };
    const answer = await api.ask({ path: '/readyz' });
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '10']);
    const notReady = { worker: 'It is starting.', inbound: 'It is silent.' };
    expect(answer.json()).toMatchObject({ code: 'not_ready', detail: 'It is starting.', notReady });
  });

  test.each([
    ['api', []],
    ['inbound', ['inbound']],
    ['api,inbound', ['inbound']],
    ['api&role=worker', ['worker']],
    ['api&role=worker,inbound', ['worker', 'inbound']],
    ['console', ['console']],
    ['constructor,api', ['constructor']],
    ['', ['']],
  ])('/readyz?role=%s answers for these alone', async (asked, ill) => {
    roles = { api: null, worker: 'It is starting.', inbound: 'It is silent.' };
    const answer = await api.ask({ path: `/readyz?role=${asked}` });
    expect(answer.status).toBe(ill.length === 0 ? 200 : 503);
    expect(Object.keys(answer.json().notReady ?? {})).toEqual(ill);
  });
});

describe('The description', () => {
  test('has every call of the management API, and none of the rest', async () => {
    const document = (await api.ask({ path: '/openapi.json' })).json();
    expect(Object.keys(document.paths as object).sort()).toEqual([
      '/ajo/config/suppression/addresses',
      '/ajo/config/suppression/addresses/{value}',
      '/ajo/config/suppression/domains',
      '/ajo/config/suppression/domains/{value}',
      '/ajo/config/suppression/uploads',
      '/imp/consent/decrypt',
      '/imp/consent/preferences',
      '/journey/imp/consent/decrypt',
      '/journey/imp/consent/preferences',
      '/v1/channel-configurations/{name}',
      '/v1/executions',
      '/v1/executions/{id}',
      '/v1/executions/{id}/cancel',
      '/v1/executions/{id}/messages',
      '/v1/executions/{id}/pause',
      '/v1/executions/{id}/resume',
      '/v1/inbound/review',
      '/v1/inbound/review/{id}',
      '/v1/inbound/review/{id}/acknowledge',
      '/v1/inbound/ses',
      '/v1/lists/{name}',
      '/v1/policies',
      '/v1/policies/{id}',
      '/v1/profiles',
      '/v1/profiles/{namespace}/{id}',
      '/v1/profiles/{namespace}/{id}/consent-history',
      '/v1/profiles/{namespace}/{id}/consents',
      '/v1/profiles/{namespace}/{id}/explain',
      '/v1/profiles/{namespace}/{id}/export',
      '/v1/sandboxes/{name}/allowed-list',
      '/v1/sandboxes/{name}/consent-defaults',
      '/v1/sandboxes/{name}/soft-bounces',
      '/v1/sending',
      '/v1/sending/pause',
      '/v1/sending/resume',
      '/v1/subdomains/{domain}',
      '/v1/subdomains/{domain}/brand',
      '/v1/templates/{id}',
    ]);
    expect(document.openapi).toBe('3.1.0');
    expect(JSON.stringify(document)).toContain('application/x-ndjson');
  });

  test('is rendered at /docs from this server alone', async () => {
    const page = await api.ask({ path: '/docs' });
    expect(page.status).toBe(200);
    for (const [, path] of page.text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const file = await api.ask({ path: path ?? '' });
      expect([path, file.status]).toEqual([path, 200]);
      expect(file.headers['content-type']).toMatch(/^text\/(css|javascript)/);
    }
    expect((await api.ask({ path: '/docs/../package.json' })).status).toBe(404);
    expect((await api.ask({ path: '/docs/%2e%2e/package.json' })).status).toBe(404);
  });
});

describe('The server', () => {
  test('answers what is not there, not well formed, or not HTTP with a problem', async () => {
    expect((await api.ask({ path: '/v1/nothing' })).json()).toMatchObject({ status: 404, code: 'not_found' });
    expect((await api.ask({ path: '/v1/%zz' })).json()).toMatchObject({ status: 400, code: 'invalid_url' });
    const path = `/v1/profiles/CRMID/${'x'.repeat(5_000)}`;
    expect((await api.ask({ path })).json()).toMatchObject({ status: 414, code: 'url_too_long' });
    expect(await askBytes(api.url, ['NOT HTTP\r\n\r\n'])).toMatch(
      /^HTTP\/1\.1 400 [\s\S]*"code":"bad_request"/,
    );
    const smuggled = `GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
    expect(await askBytes(api.url, [smuggled])).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('says what to do about a body that is missing, unfinished or of another type', async () => {
    const text = async (body?: string, type = 'application/json'): Promise<unknown> => {
      const authorization = `Bearer ${SECRET}`;
      const request = { method: 'POST', path: '/v1/executions', headers: { authorization } };
      const typed = { ...request, headers: { authorization, 'content-type': type } };
      return (await api.ask(body === undefined ? request : { ...typed, body })).json().detail;
    };
    expect(await text()).toBe('The body is missing: expected object.');
    expect(await text('')).toBe('There is no JSON: the body is empty.');
    expect(await text('{}')).toBe('requestId is missing: expected string.');
    expect(await text('{"requestId":null}')).toContain('expected string, received null');
    expect(await text('{}', 'text/plain')).toContain('application/json');
    expect((await api.ask({ path: '/v1/nothing' })).json().detail).toContain('/docs');
  });

  test('OC-10: gives up on headers that do not come to an end, and serves others meanwhile', async () => {
    const slow = askBytes(api.url, ['GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ']);
    expect((await api.ask({ path: '/healthz' })).status).toBe(200);
    expect(await slow).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"request_timeout"/);
  });

  test('believes X-Forwarded-Host of its proxies', async () => {
    const path = `/unsubscribe/one-click?${api.link()}`;
    const headers = { 'x-forwarded-host': LINK_HOST };
    expect((await api.ask({ path, headers })).status).toBe(200);
    const other = await startTestApi({ database: api.database });
    try {
      expect((await ask(other.url, { path, headers })).status).toBe(404);
    } finally {
      await other.close();
    }
  });

  test('finishes what is in flight before it closes, and takes nothing new', async () => {
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let enter: () => void = () => undefined;
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    const closing = await startTestApi({
      recorder: async () => {
        enter();
        await held;
        return { changed: true, known: true };
      },
    });
    await furnish(closing);
    const path = `/unsubscribe/one-click?${closing.link()}`;
    const answer = closing.ask({ method: 'POST', path, host: LINK_HOST });
    await entered;
    const closed = closing.close();
    for (let refused = false; !refused; ) {
      refused = await closing.ask({ path: '/healthz' }).then(
        () => false,
        (error: Error) => error.message.includes('ECONNREFUSED'),
      );
    }
    release();
    expect((await answer).status).toBe(200);
    await closed;
  });

  test('logs no URL, no key and no address', async () => {
    await api.call('GET', '/v1/profiles/Email/somebody@example.com/explain?channelConfiguration=x');
    const log = JSON.stringify(api.lines);
    expect(log).toContain('/v1/profiles/:namespace/:id/explain');
    expect(log).not.toMatch(/somebody|example\.com/);
    expect(log).not.toContain(SECRET);
  });
});
