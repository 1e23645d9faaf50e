import { readFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { fetchPolicy } from './policy-host.ts';

const stranger = (end: string) =>
  readFileSync(new URL(`../../worker/src/testing/fixtures/stranger.${end}`, import.meta.url));
const SELF_MADE = { cert: stranger('pem'), key: stranger('key') };
const TEXT = 'version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n';

let server: Server | undefined;
afterEach(
  () =>
    new Promise<void>((resolve) => (server === undefined ? resolve() : void server.close(() => resolve()))),
);

async function served(made: Server, scheme = 'http'): Promise<string> {
  server = made;
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve));
  return `${scheme}://127.0.0.1:${(made.address() as AddressInfo).port}/.well-known/mta-sts.txt`;
}

const answering =
  (status: number, headers: Record<string, string>, body: string): RequestListener =>
  (_request, response) =>
    void response.writeHead(status, headers).end(body);
const PLAIN = { 'content-type': 'text/plain; charset=utf-8' };

describe('the host of a policy', () => {
  test('is asked for plain text', async () => {
    const url = await served(createServer(answering(200, PLAIN, TEXT)));
    expect(await fetchPolicy(url)).toEqual({ kind: 'served', text: TEXT });
  });

  test.each([
    ['nothing there', 404, PLAIN, TEXT, /answers 404/],
    ['a redirect, which senders do not follow', 301, { location: '/elsewhere' }, '', /answers 301/],
    ['a page', 200, { 'content-type': 'text/html' }, TEXT, /text\/html instead of text\/plain/],
    ['too much', 200, PLAIN, 'x'.repeat(70_000), /longer than 65536/],
  ])('that has %s has no policy', async (_what, status, headers, body, says) => {
    const url = await served(createServer(answering(status, headers as Record<string, string>, body)));
    expect(await fetchPolicy(url)).toEqual({ kind: 'none', says: expect.stringMatching(says) });
  });

  test('that shows a certificate of its own making, or refuses, has no policy', async () => {
    const url = await served(createSecureServer(SELF_MADE, answering(200, PLAIN, TEXT)), 'https');
    expect(await fetchPolicy(url)).toEqual({ kind: 'none', says: expect.stringMatching(/SELF_SIGNED/) });
    await new Promise((resolve) => server?.close(resolve));
    expect(await fetchPolicy(url)).toEqual({ kind: 'none', says: expect.stringMatching(/ECONNREFUSED/) });
  });
});
