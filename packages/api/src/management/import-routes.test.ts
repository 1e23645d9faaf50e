import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, askBytes } from '../testing/http-client.ts';
import { type RunningApi, SECRET, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const NDJSON = { 'content-type': 'application/x-ndjson' };
const MEGABYTE = 1024 * 1024;
const person = (id: string, more: object = {}) => ({
  identities: { CRMID: id, Email: `${id}@example.com` },
  ...more,
});
const importLines = (lines: readonly unknown[]): Promise<Answer> =>
  api.call(
    'POST',
    '/v1/profiles',
    lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line))).join('\n'),
    NDJSON,
  );

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** Octets that are still held. The process's own size also says what the tests before this one left behind. */
function retained(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function pour(body: AsyncIterable<Buffer>): Promise<Answer> {
  const headers = { authorization: `Bearer ${SECRET}`, ...NDJSON };
  return api.ask({ method: 'POST', path: '/v1/profiles', headers, body });
}

describe('An import', () => {
  test('takes NDJSON and a JSON array alike', async () => {
    const people = [person('a1', { attributes: { person: { name: { firstName: 'Ann' } } } }), person('a2')];
    expect((await importLines(people)).json()).toMatchObject({ upserted: 2, rejected: [], rejectedCount: 0 });
    expect((await api.call('POST', '/v1/profiles', people)).json()).toMatchObject({
      upserted: 2,
      rejected: [],
      rejectedCount: 0,
    });
    expect((await api.call('GET', '/v1/profiles/crmid/a1')).json()).toMatchObject({
      identities: { CRMID: 'a1', Email: 'a1@example.com' },
      attributes: { person: { name: { firstName: 'Ann' } } },
      consents: {},
    });
    expect((await api.call('GET', '/v1/profiles/Email/A1@EXAMPLE.com')).status).toBe(200);
  });

  test('of nobody is none, and one without a body is refused', async () => {
    expect((await importLines(['', ''])).json()).toMatchObject({ upserted: 0, rejectedCount: 0 });
    expect((await importLines([])).json()).toMatchObject({ upserted: 0, rejectedCount: 0 });
    const headers = { authorization: `Bearer ${SECRET}` };
    const answer = await api.ask({ method: 'POST', path: '/v1/profiles', headers });
    expect([answer.status, answer.json()]).toMatchObject([400, { code: 'body_missing' }]);
  });

  test('reports what is wrong with a line and takes the others', async () => {
    const answer = await importLines([
      person('b1'),
      '{"identities":',
      '',
      'null',
      { identities: { CRMID: 'b2' }, color: 'red' },
      { identities: {} },
      { identities: { CRMID: ['b2'] } },
      { identities: { CRMID: 'b2\r\nX: y' } },
      { identities: { CRMID: 'b2', Email: 'not an address' } },
      { identities: { CRMID: 'b2' }, attributes: 'x' },
      { identities: { CRMID: 'b2' }, attributes: { a: 'nul \0' } },
      { identities: { CRMID: 'b2' }, consents: { marketing: { email: { val: 'maybe' } } } },
      '{"identities":{"CRMID":"b2"},"__proto__":{"admin":true}}',
      `{"identities":{"CRMID":"b2"},"attributes":${'['.repeat(5_000)}`,
      `{"identities":{"CRMID":"b2"},"attributes":{"a":"${'x'.repeat(MEGABYTE)}"}}`,
      person('b3'),
    ]);
    expect(answer.status).toBe(200);
    const { upserted, rejected, rejectedCount } = answer.json() as {
      upserted: number;
      rejected: { line: number; code: string }[];
      rejectedCount: number;
    };
    expect([upserted, rejectedCount]).toEqual([2, 13]);
    expect(rejected.map(({ line, code }) => `${line} ${code}`)).toEqual([
      '2 invalid_json',
      '4 invalid_record',
      '5 unknown_field',
      '6 identities_required',
      '7 identity_invalid',
      '8 identity_invalid',
      '9 address_malformed',
      '10 attributes_invalid',
      '11 attributes_invalid',
      '12 consents_invalid',
      '13 forbidden_key',
      '14 too_deep',
      '15 record_too_large',
    ]);
    expect((await api.call('GET', '/v1/profiles/CRMID/b2')).status).toBe(404);
    expect((await api.call('GET', '/v1/profiles/CRMID/b3')).status).toBe(200);
  });

  test('names a thousand rejected lines and counts the rest', async () => {
    const answer = await importLines(Array.from({ length: 2_500 }, () => '{'));
    const { rejected, rejectedCount } = answer.json() as { rejected: unknown[]; rejectedCount: number };
    expect([rejected.length, rejectedCount]).toEqual([1_000, 2_500]);
  });

  test('X7: names every line that says yes for who left, and keeps their no', async () => {
    const no = { marketing: { email: { val: 'n', subscriptions: { weekly: { end: '2026-01-01' } } } } };
    const ofAddress = { idSpecific: { Email: { 'k2@example.com': { marketing: { email: { val: 'n' } } } } } };
    const yes = { marketing: { email: { val: 'y', subscriptions: { weekly: {} } } } };
    const otherYes = { idSpecific: { email: { 'K2@EXAMPLE.com': { marketing: { email: { val: 'y' } } } } } };
    await importLines([
      person('k1', { consents: no }),
      person('k2', { consents: ofAddress }),
      person('k3', { consents: { marketing: { email: { val: 'y' } } } }),
    ]);
    const answer = await importLines([
      person('k1', { consents: yes }),
      person('k2', { consents: otherYes }),
      person('k3', { consents: yes }),
      person('k1', { consents: no }),
    ]);
    const paths = ['marketing.email.subscriptions.weekly', 'marketing.email'];
    const kept = answer.json().kept as { line: number; paths: string[] }[];
    expect(answer.json()).toMatchObject({ upserted: 4, rejected: [], keptCount: 2 });
    expect(kept.map(({ line, paths: at }) => [line, [...at].sort()])).toEqual([
      [1, [...paths].sort()],
      [2, ['idSpecific.Email.marketing.email']],
    ]);
    expect(kept[0]).toMatchObject({
      code: 'opt_out_kept',
      detail: expect.stringContaining('marketing.email'),
    });
    expect(JSON.stringify(kept)).not.toContain('@');
  });

  test('stores every chunk of a long list once', async () => {
    const answer = await importLines(Array.from({ length: 1_234 }, (_, n) => person(`c${n}`)));
    expect(answer.json()).toMatchObject({ upserted: 1_234, rejected: [], rejectedCount: 0 });
    expect((await api.call('GET', '/v1/profiles/CRMID/c1233')).status).toBe(200);
  });

  test('of something else is refused', async () => {
    expect((await api.call('POST', '/v1/profiles', person('d'))).json()).toMatchObject({
      upserted: 0,
      rejected: [{ line: 1, code: 'invalid_json', detail: 'Expected a JSON array.' }],
    });
    const csv = await api.call('POST', '/v1/profiles', 'a,b', { 'content-type': 'text/csv' });
    expect([csv.status, csv.json().code]).toEqual([415, 'unsupported_media_type']);
    const zipped = await api.call('POST', '/v1/profiles', 'x', { ...NDJSON, 'content-encoding': 'gzip' });
    expect([zipped.status, zipped.json().code]).toEqual([415, 'unsupported_content_encoding']);
    expect((await api.call('POST', '/v1/profiles', '', NDJSON)).json()).toMatchObject({ upserted: 0 });
  });

  test('that breaks off keeps what came before and harms nobody', async () => {
    const head = `POST /v1/profiles HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${SECRET}\r\nContent-Type: application/x-ndjson\r\n`;
    const body = `${JSON.stringify(person('e1'))}\n{"identities":`;
    const wrong = `${head}Transfer-Encoding: chunked\r\n\r\n${body.length.toString(16)}\r\n${body}\r\nnot a chunk\r\n`;
    expect(await askBytes(api.url, [wrong])).not.toMatch(/^HTTP\/1\.1 200/);
    expect((await api.ask({ path: '/healthz' })).status).toBe(200);
  });

  test('of 250 MB with bad lines does not grow the process', async () => {
    const bad = { identities: { CRMID: 'x' }, attributes: { text: 'y'.repeat(2_000) } };
    const block = Buffer.from(`${JSON.stringify(person('f'))}\n${`${JSON.stringify(bad)}}\n`.repeat(100)}`);
    const endless = Buffer.alloc(256 * 1024, 'z');
    let highest = 0;
    async function* stream(megabytes: number): AsyncGenerator<Buffer> {
      for (let sent = 0, looked = 0; sent < megabytes * MEGABYTE; sent += block.length) {
        yield block;
        if (sent - looked < 20 * MEGABYTE) continue;
        looked = sent;
        highest = Math.max(highest, retained());
      }
      // One line of a fifth as much again, which is never held.
      for (let sent = 0; sent < megabytes * 0.2 * MEGABYTE; sent += endless.length) yield endless;
    }
    // What an engine takes to get warm is no part of it.
    await pour(stream(20));
    const before = retained();
    highest = 0;
    const answer = (await pour(stream(250))).json() as {
      upserted: number;
      rejectedCount: number;
      rejected: unknown[];
    };
    const blocks = Math.ceil((250 * MEGABYTE) / block.length);
    expect(answer).toMatchObject({ upserted: blocks, rejectedCount: 100 * blocks + 1 });
    expect(answer.rejected).toHaveLength(1_000);
    expect((highest - before) / MEGABYTE).toBeLessThan(50);
  });

  test('waits for the database instead of for memory', async () => {
    // Records of 900 KB: a chunk closes by octets long before it has 500 of them.
    const large = Buffer.from(
      `${JSON.stringify(person('g', { attributes: { text: 'x'.repeat(900_000) } }))}\n`,
    );
    async function* fiftyMegabytes(): AsyncGenerator<Buffer> {
      for (let n = 0; n < 55; n += 1) yield large;
    }
    const before = process.memoryUsage().rss;
    expect((await pour(fiftyMegabytes())).json()).toMatchObject({
      upserted: 55,
      rejected: [],
      rejectedCount: 0,
    });
    expect((process.memoryUsage().rss - before) / MEGABYTE).toBeLessThan(150);
  });
});
