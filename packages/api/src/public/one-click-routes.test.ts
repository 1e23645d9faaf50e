import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, askBytes } from '../testing/http-client.ts';
import { ADDRESS, furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

const PATH = '/unsubscribe/one-click';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const PAIR = 'List-Unsubscribe=One-Click';

let api: RunningApi;
let people = 0;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
});
afterAll(() => api.close());

/** A person nobody has asked to leave yet, and the query of their link. */
async function somebody(
  claims: Parameters<RunningApi['link']>[0] = {},
): Promise<{ id: string; query: string }> {
  people += 1;
  const id = `one-click-${people}`;
  await api.call('POST', '/v1/profiles', [{ identities: { CRMID: id, Email: `${id}@example.com` } }]);
  return { id, query: api.link({ profileId: id, address: `${id}@example.com`, ...claims }) };
}

async function history(id: string): Promise<{ source: string; to: string; scope: string }[]> {
  const answer = await api.call('GET', `/v1/profiles/CRMID/${id}/consent-history`);
  return JSON.parse(answer.text);
}

function post(
  query: string,
  body: string | Buffer = PAIR,
  headers: Record<string, string> = FORM,
): Promise<Answer> {
  return api.ask({ method: 'POST', path: `${PATH}?${query}`, host: LINK_HOST, headers, body });
}

/** A request in bytes, on a connection that the server closes after the answer. */
function bytes(
  query: string,
  headers: readonly string[],
  pieces: readonly (string | Buffer)[],
): Promise<string> {
  const head = [`POST ${PATH}?${query} HTTP/1.1`, `Host: ${LINK_HOST}`, 'Connection: close', ...headers].join(
    '\r\n',
  );
  return askBytes(api.url, [`${head}\r\n\r\n`, ...pieces]);
}

describe('A one-click POST', () => {
  test('C1, OC-2, OC-5, OC-7: stores the opt-out before it answers 200', async () => {
    const { id, query } = await somebody();
    const answer = await post(query);
    expect(answer.status).toBe(200);
    expect(await history(id)).toMatchObject([{ source: 'header_post', to: 'n', scope: 'channel' }]);
  });

  test('OC-1: is taken as multipart/form-data too', async () => {
    const { id, query } = await somebody();
    const body =
      '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n';
    expect((await post(query, body, { 'content-type': 'multipart/form-data; boundary=b' })).status).toBe(200);
    expect(await history(id)).toHaveLength(1);
  });

  test('OC-2: is taken with an empty body, with and without a type or a length', async () => {
    const bodies: readonly (readonly [readonly string[], readonly string[]])[] = [
      [['Content-Length: 0'], []],
      [[], []],
      [['Content-Length: 0', 'Content-Type: application/x-www-form-urlencoded'], []],
      [['Content-Length: 0', 'Content-Type: application/json'], []],
      [['Content-Length: 0', 'Content-Type: not/a/type;;'], []],
      [['Transfer-Encoding: chunked'], ['0\r\n\r\n']],
    ];
    for (const [headers, pieces] of bodies) {
      const { id, query } = await somebody();
      expect(await bytes(query, headers, pieces)).toMatch(/^HTTP\/1\.1 200 /);
      expect(await history(id)).toMatchObject([{ source: 'header_post' }]);
    }
  });

  test('OC-3: needs no cookie, origin or referrer, and minds none', async () => {
    const { id, query } = await somebody();
    const headers = {
      ...FORM,
      cookie: 'session=1',
      origin: 'https://evil.example',
      referer: 'https://evil.example/',
    };
    expect((await post(query, PAIR, headers)).status).toBe(200);
    expect(await history(id)).toHaveLength(1);
  });

  test('OC-4: is never redirected, even when the token holds a page', async () => {
    const { query } = await somebody({ page: 'https://brand.example/bye' });
    for (const path of [`${PATH}?${query}`, `${PATH}/?${query}`]) {
      const answer = await api.ask({ method: 'POST', path, host: LINK_HOST, headers: FORM, body: PAIR });
      expect(answer.status).toBe(200);
      expect(answer.headers.location).toBeUndefined();
    }
  });

  test('OC-6, OC-11: is refused alike for every link that is wrong', async () => {
    const { id, query } = await somebody();
    const [params, pid, sig] = query.split('&');
    const other = (await somebody()).query.split('&');
    const flipped = query.replace(/sig=(.)/, (_, first: string) => `sig=${first === 'A' ? 'B' : 'A'}`);
    const wrong = [
      '',
      'params=&pid=&sig=',
      `${params}&${pid}`,
      flipped,
      `${params}&${other[1]}&${sig}`,
      `${query}&${sig}`,
      `${query}=`,
      query.slice(0, -3),
      api.link({ profileId: id }, 'landing'),
      api.link({ profileId: id }, 'one-click', 'another'),
      api.link({ profileId: id, sandbox: 'dev' }),
      `params=${'A'.repeat(600)}&${pid}&${sig}`,
      `params=%00&${pid}&${sig}`,
    ];
    const answers = await Promise.all(wrong.map((broken) => post(broken)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(404);
    expect(answers[0]?.json()).toMatchObject({ code: 'unknown_link' });
    expect(await history(id)).toEqual([]);
  });

  test('OC-8: repeated, also at once, is 200 every time and one row', async () => {
    const { id, query } = await somebody();
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(query)));
    answers.push(await post(query));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    expect(await history(id)).toHaveLength(1);
  });

  test('OC-9, C2: is the only thing that acts: GET, HEAD, OPTIONS and prefetch never do', async () => {
    const { id, query } = await somebody();
    const path = `${PATH}?${query}`;
    const ways = [
      { method: 'GET', headers: { accept: 'text/html' } },
      { method: 'GET', headers: { 'sec-purpose': 'prefetch;prerender', purpose: 'prefetch' } },
      { method: 'HEAD', headers: {} },
      {
        method: 'OPTIONS',
        headers: { origin: 'https://evil.example', 'access-control-request-method': 'POST' },
      },
      { method: 'GET', headers: FORM, body: PAIR },
    ];
    for (const way of ways) {
      const answer = await api.ask({ path, host: LINK_HOST, ...way });
      expect(answer.status).toBe(way.method === 'OPTIONS' ? 204 : 200);
    }
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await api.ask({ path, host: LINK_HOST, method, headers: FORM, body: PAIR });
      expect(answer.status).toBe(404);
    }
    expect(await history(id)).toEqual([]);
  });

  test('OC-10: of more than 8 KiB or ten parts is 413 and does nothing', async () => {
    const { id, query } = await somebody();
    const large = `${PAIR}&x=${'x'.repeat(8_192)}`;
    expect((await post(query, large)).status).toBe(413);
    expect((await post(query, `${PAIR}&${'a=1&'.repeat(11)}`)).status).toBe(413);
    const chunk = `${(1_024).toString(16)}\r\n${'x'.repeat(1_024)}\r\n`;
    const chunked = ['Transfer-Encoding: chunked', 'Content-Type: application/x-www-form-urlencoded'];
    expect(await bytes(query, chunked, [chunk.repeat(9), '0\r\n\r\n'])).toMatch(/^HTTP\/1\.1 413 /);
    expect(await history(id)).toEqual([]);
  });

  test('OC-10: whose URL or headers are out of all proportion is refused', async () => {
    const { query } = await somebody();
    expect(await bytes(`${query}&x=${'x'.repeat(20_000)}`, ['Content-Length: 0'], [])).toMatch(
      /^HTTP\/1\.1 431 /,
    );
    expect(await bytes(query, [`X-Long: ${'x'.repeat(20_000)}`, 'Content-Length: 0'], [])).toMatch(
      /^HTTP\/1\.1 431 /,
    );
  });

  test('OC-10: that does not come to an end within the deadline is given up', async () => {
    const { id, query } = await somebody();
    const headers = ['Content-Length: 26', 'Content-Type: application/x-www-form-urlencoded'];
    expect(await bytes(query, headers, ['List-Unsub'])).toMatch(/^HTTP\/1\.1 408 /);
    expect(await history(id)).toEqual([]);
  });

  test('OC-12: with the literal body of RFC 8058 section 8.3 unsubscribes', async () => {
    const { id, query } = await somebody();
    const body = [
      '---FormBoundaryjWmhtjORrn',
      'Content-Disposition: form-data; name="List-Unsubscribe"',
      '',
      'One-Click',
      '---FormBoundaryjWmhtjORrn--',
    ].join('\r\n');
    const headers = [
      'Content-Type: multipart/form-data; boundary=---FormBoundaryjWmhtjORrn',
      'Content-Length: 124',
    ];
    expect(await bytes(query, headers, [body])).toMatch(/^HTTP\/1\.1 200 /);
    expect(await history(id)).toHaveLength(1);
  });

  test('OC-13: is taken from one sender as often as it comes', async () => {
    const queries = await Promise.all(Array.from({ length: 40 }, () => somebody()));
    const answers = await Promise.all(queries.map(({ query }) => post(query)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });

  test.each([
    (query: string) => `${PATH}/?${query}`,
    (query: string) => `${PATH}?utm_source=x&${query}&safelink=1&data=05%7C02`,
    (query: string) => `${PATH}?${query}.`,
    (query: string) => `${PATH}?${query}%3E`,
    (query: string) => `${PATH}?${query}),`,
    (query: string) => `${PATH}?${query.replaceAll('&', '&amp;')}`,
  ])('OC-14: survives what copying and gateways do to its URL (%#)', async (damage) => {
    const { id, query } = await somebody();
    const answer = await api.ask({
      method: 'POST',
      path: damage(query),
      host: LINK_HOST,
      headers: FORM,
      body: PAIR,
    });
    expect(answer.status).toBe(200);
    expect(await history(id)).toHaveLength(1);
  });

  test('OC-15: with any other body is 400 and does nothing', async () => {
    const { id, query } = await somebody();
    const bodies: readonly (readonly [string, string])[] = [
      ['application/json', '{"List-Unsubscribe":"One-Click"}'],
      ['text/plain', PAIR],
      ['application/x-www-form-urlencoded', 'List-Unsubscribe=Other'],
      ['application/x-www-form-urlencoded', 'foo=bar'],
      ['application/x-www-form-urlencoded', `${PAIR}&List-Unsubscribe=No`],
      ['application/x-www-form-urlencoded', 'List-Unsubscribe=No&adieu=confirm'],
      ['application/x-www-form-urlencoded', '__proto__=One-Click'],
      ['multipart/form-data', PAIR],
      ['not/a/type;;', PAIR],
    ];
    for (const [type, body] of bodies) {
      const answer = await post(query, body, { 'content-type': type });
      expect([type, answer.status, answer.json().code]).toEqual([type, 400, 'unexpected_body']);
    }
    expect(await history(id)).toEqual([]);
  });

  test('OC-16: is taken chunked, byte by byte, with Expect, with a charset, with a quoted boundary', async () => {
    const type = 'Content-Type: application/x-www-form-urlencoded';
    const chunked = [...PAIR].map((character) => `1\r\n${character}\r\n`);
    const part = 'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n';
    const quoted = `--a b\r\n${part}--a b--`;
    const ways: readonly (readonly [readonly string[], readonly string[]])[] = [
      [
        [type, 'Transfer-Encoding: chunked'],
        [...chunked, '0\r\n\r\n'],
      ],
      [[type, 'Content-Length: 26', 'Expect: 100-continue'], [PAIR]],
      [
        [`${type}; charset=UTF-8`, 'Content-Length: 26'],
        [PAIR.slice(0, 9), PAIR.slice(9)],
      ],
      [['Content-Type: multipart/form-data; boundary="a b"', `Content-Length: ${quoted.length}`], [quoted]],
      [['Content-Length: 26'], [PAIR]],
    ];
    for (const [headers, pieces] of ways) {
      const { id, query } = await somebody();
      expect(await bytes(query, headers, pieces)).toMatch(/HTTP\/1\.1 200 /);
      expect(await history(id)).toHaveLength(1);
    }
  });

  test('OC-16: is told to go on when it asks first', async () => {
    const { query } = await somebody();
    const headers = ['Content-Length: 26', 'Expect: 100-continue'];
    expect(await bytes(query, headers, [PAIR])).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
  });

  test('OC-17: forbids caching, indexing and referring in every answer, and sets no cookie', async () => {
    const { query } = await somebody();
    const answers = [
      await post(query),
      await post('nothing'),
      await post(query, '{}', { 'content-type': 'application/json' }),
      await post(query, 'x'.repeat(9_000)),
      await api.ask({ path: `${PATH}?${query}`, host: LINK_HOST }),
      await api.ask({ path: PATH, host: LINK_HOST, headers: { accept: 'text/html' } }),
      await api.ask({ path: PATH, host: 'unknown.example', method: 'POST' }),
      await post(query, 'adieu=confirm'),
      await api.ask({ path: PATH, host: LINK_HOST, method: 'OPTIONS' }),
    ];
    for (const { headers } of answers) {
      expect(headers['cache-control']).toBe('no-store');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers['x-robots-tag']).toContain('noindex');
      expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
      expect(headers['set-cookie']).toBeUndefined();
    }
  });

  test('OC-18: leaves neither its token nor an address in the log', async () => {
    const { query } = await somebody();
    await post(query);
    await post(query.slice(0, -1));
    await api.ask({ path: `${PATH}?${query}`, host: LINK_HOST });
    await api.call('GET', `/v1/profiles/Email/${ADDRESS}`);
    const log = JSON.stringify(api.lines);
    expect(api.lines.length).toBeGreaterThan(3);
    expect(log).not.toContain('@example.com');
    for (const value of query.split('&').map((pair) => pair.split('=')[1] ?? ''))
      expect(log).not.toContain(value);
  });

  test('is for the hosts of links only, in any case and with the port of its scheme', async () => {
    const { id, query } = await somebody();
    const at = (host: string) =>
      api.ask({ method: 'POST', path: `${PATH}?${query}`, host, headers: FORM, body: PAIR });
    expect((await at('other.example.com')).status).toBe(404);
    expect((await at('127.0.0.1')).status).toBe(404);
    expect((await at(`${LINK_HOST}:3000`)).status).toBe(404);
    expect(await history(id)).toEqual([]);
    expect((await at('NEWS.example.com.')).status).toBe(200);
    expect((await at(`${LINK_HOST}:443`)).status).toBe(200);
  });

  test('opts out of the address or of the list when the token says so', async () => {
    await api.call('PUT', '/v1/lists/weekly', { title: 'Weekly news' });
    const one = await somebody({ scope: 'identity' });
    const two = await somebody({ scope: 'subscription', list: 'weekly' });
    expect((await post(one.query)).status).toBe(200);
    expect((await post(two.query)).status).toBe(200);
    expect(await history(one.id)).toMatchObject([{ scope: 'identity', address: `${one.id}@example.com` }]);
    expect(await history(two.id)).toMatchObject([{ scope: 'subscription', list: 'weekly' }]);
  });
});
