import { afterEach, expect, test } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { limitBodyTime } from './body-deadline.ts';
import { askBytes } from './testing/http-client.ts';

let app: FastifyInstance;
afterEach(() => app.close());

const HALF =
  'HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nab';

/** Two routes of which the second streams. */
async function listen(milliseconds: number): Promise<string> {
  app = Fastify();
  limitBodyTime(app, milliseconds);
  app.post('/whole', async ({ body }) => body);
  app.post('/stream', { config: { streams: true } }, async ({ body }) => body);
  return app.listen({ host: '127.0.0.1', port: 0 });
}

test('whoever does not send the whole body in time is hung up on', async () => {
  const url = await listen(50);
  expect(await askBytes(url, [`POST /whole ${HALF}`, 'cd'], 500)).toBe('');
});

test('a body that arrives in time is answered', async () => {
  const url = await listen(60_000);
  expect(await askBytes(url, [`POST /whole ${HALF}`, 'cd'], 500)).toMatch(/\r\n\r\nabcd$/);
});

test('a route that streams has no such bound', async () => {
  const url = await listen(50);
  expect(await askBytes(url, [`POST /stream ${HALF}`, 'cd'], 500)).toMatch(/\r\n\r\nabcd$/);
});
