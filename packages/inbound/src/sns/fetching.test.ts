import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { openFetching } from './fetching.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an answer is given as it is, whatever its status', async () => {
  const url = await serve((_request, response) => response.writeHead(404).end('Grüße'));
  expect(await openFetching()(`${url}/x.pem`)).toEqual({ status: 404, body: 'Grüße' });
});

test('a redirect is an answer, and nobody goes there', async () => {
  let visited = 0;
  const target = await serve((_request, response) => {
    visited += 1;
    response.end('a certificate');
  });
  const url = await serve((_request, response) => response.writeHead(302, { location: target }).end());
  expect(await openFetching()(url)).toEqual({ status: 302, body: '' });
  expect(visited).toBe(0);
});

test('more than the limit is not taken', async () => {
  const url = await serve((_request, response) => {
    const pour = (): void => {
      while (!response.destroyed && response.write('x'.repeat(16_384)));
      response.once('drain', pour);
    };
    pour();
  });
  await expect(openFetching()(url)).rejects.toThrow('more than 65536 octets');
});

test('an answer that does not come, or does not come to its end, is not waited for', async () => {
  const url = await serve((request, response) => {
    if (request.url === '/half') response.write('half');
  });
  const fetching = openFetching({ deadline: 300 });
  await expect(fetching(url)).rejects.toThrow();
  await expect(fetching(`${url}/half`)).rejects.toThrow();
});
