import { setTimeout } from 'node:timers/promises';
import { afterEach, expect, test } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { limitBodyTime } from './body-deadline.ts';
import { askBytes } from './testing/http-client.ts';

let app: FastifyInstance;
afterEach(() => app.close());

const HALF =
  'HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nab';

/** A route that answers at once, one that streams, and one that takes longer than a body may. */
async function listen(milliseconds: number): Promise<string> {
  app = Fastify({ forceCloseConnections: true });
  limitBodyTime(app, milliseconds);
  app.post('/whole', async ({ body }) => body);
  app.post('/stream', { config: { streams: true } }, async ({ body }) => body);
  app.all('/slow', async () => {
    await setTimeout(2 * milliseconds);
    return 'done';
  });
  return app.listen({ host: '127.0.0.1', port: 0 });
}

test('whoever does not send the whole body in time is hung up on', async () => {
  const url = await listen(50);
  expect(await askBytes(url, [`POST /whole ${HALF}`])).toBe('');
}, 60_000);

test.each([
  ['no body', 'GET', '\r\n'],
  ['an empty body', 'DELETE', 'Content-Length: 0\r\n\r\n'],
  ['its whole body', 'POST', 'Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nabcd'],
])('a request with %s is answered however long that takes', async (_, method, rest) => {
  const url = await listen(50);
  const request = `${method} /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${rest}`;
  expect(await askBytes(url, [request])).toMatch(/\r\n\r\ndone$/);
});

test('a body that arrives in time is answered', async () => {
  const url = await listen(60_000);
  expect(await askBytes(url, [`POST /whole ${HALF}`, 'cd'], 500)).toMatch(/\r\n\r\nabcd$/);
});

test('a route that streams has no such bound', async () => {
  const url = await listen(50);
  expect(await askBytes(url, [`POST /stream ${HALF}`, 'cd'], 500)).toMatch(/\r\n\r\nabcd$/);
});
