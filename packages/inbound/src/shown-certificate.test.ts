import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readCertificate } from './shown-certificate.ts';
import { makeCertificate } from './testing/certificate.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
const servers: Server[] = [];
beforeAll(async () => {
  office = await openOffice();
});
afterEach(async () => {
  await office.closeListeners();
  for (const server of servers.splice(0)) server.close();
});
afterAll(() => office.close());

/** Something else that answers on a port. */
async function stranger(answer: (socket: Socket) => void): Promise<{ host: string; port: number }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    answer(socket);
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
}

describe('the certificate that a listener shows', () => {
  test('is the one that it was given, also where it takes us for a proxy', async () => {
    const tls = makeCertificate();
    for (const proxies of [[], ['127.0.0.1']]) {
      const { port } = await office.listen({ tls, proxies });
      const shown = await readCertificate({ host: '127.0.0.1', port, proxies });
      if (shown.kind !== 'shown') throw new Error(shown.kind);
      const blocks = shown.pem.match(/-----BEGIN[\s\S]*?-----END CERTIFICATE-----\n/g) ?? [];
      expect(blocks.map((pem) => new X509Certificate(pem).fingerprint256)).toEqual([
        new X509Certificate(tls.cert).fingerprint256,
      ]);
    }
  });

  test('is the one for the name by which the listener is asked for; an address is none (RFC 6066)', async () => {
    const { cert, key } = makeCertificate();
    const asked: (string | null)[] = [];
    const { port } = await stranger((socket) => {
      socket.write('220 here\r\n');
      socket.once('data', () => {
        socket.write('250 STARTTLS\r\n');
        socket.once('data', () => {
          socket.write('220 go\r\n');
          const secured = new TLSSocket(socket, {
            isServer: true,
            cert,
            key,
            SNICallback: (name, choose) => {
              asked.push(name);
              choose(null);
            },
          });
          secured.on('error', () => undefined);
        });
      });
    });
    for (const host of ['127.0.0.1', 'localhost']) {
      expect(await readCertificate({ host, port })).toMatchObject({ kind: 'shown' });
    }
    expect(asked).toEqual(['localhost']);
  });

  test('is none where STARTTLS is not offered', async () => {
    const { port } = await office.listen();
    expect(await readCertificate({ host: '127.0.0.1', port })).toEqual({ kind: 'plain' });
  });

  test('is not known where nobody listens, or something that is not SMTP', async () => {
    const closed = await stranger((socket) => void socket.destroy());
    const page = await stranger((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const busy = await stranger((socket) => void socket.end('421 too many\r\n'));
    const torn = await stranger((socket) => {
      socket.write('220 here\r\n');
      const replies = ['250-here\r\n250 STARTTLS\r\n', '220 go\r\n', 'no TLS at all\r\n'];
      socket.on('data', () => void socket.write(replies.shift() ?? ''));
    });
    for (const listener of [closed, page, busy, torn]) {
      expect(await readCertificate(listener)).toEqual({ kind: 'silent' });
    }
    const [server] = servers.splice(0, 1);
    await new Promise((resolve) => server?.close(resolve));
    expect(await readCertificate(closed)).toEqual({ kind: 'silent' });
  });
});
