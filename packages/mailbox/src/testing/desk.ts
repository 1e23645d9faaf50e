/**
 * A mailbox with everything around it: a brand that writes, a link host and an inbound listener that note what came.
 *
 * @module
 */
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SILENT } from '@adieu/core';
import { type Mailbox, type MailboxOptions, startMailbox } from '../mailbox.ts';
import type { Arrival } from '../shelf.ts';
import { startSink } from '../sink.ts';
import { type Brand, openBrand } from './brand.ts';
import { post } from './post.ts';
import { verifyRelaxedRsa } from './verifier.ts';

export interface Visit {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface PageAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Desk {
  readonly brand: Brand;
  readonly mailbox: Mailbox;
  /** What the link host was asked. */
  readonly visits: readonly Visit[];
  /** What the inbound listener was sent. */
  readonly inbound: readonly Arrival[];
  /** What the link host answers from now on. */
  answerWith(status: number, headers?: Record<string, string>, body?: string): void;
  /** Composes and delivers a mail; resolves with its id. */
  deliver(email: string): Promise<string>;
  /** Delivers these bytes; resolves with the id. */
  bring(bytes: string, to?: string, from?: string): Promise<string>;
  get(path: string, headers?: Record<string, string>): Promise<PageAnswer>;
  press(path: string, headers?: Record<string, string>): Promise<PageAnswer>;
  close(): Promise<void>;
}

export async function openDesk(options: Partial<MailboxOptions> = {}): Promise<Desk> {
  const brand = await openBrand();
  const visits: Visit[] = [];
  let reply = { status: 200, headers: {} as Record<string, string>, body: '' };
  const linkHost = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      visits.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(reply.status, reply.headers).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => linkHost.listen(0, '127.0.0.1', resolve));
  const inbound: Arrival[] = [];
  const listener = await startSink({
    host: '127.0.0.1',
    port: 0,
    maxSize: 1_000_000,
    take: async (arrival) => inbound.push(arrival),
    log: SILENT,
  });
  const mailbox = await startMailbox({
    host: '127.0.0.1',
    smtpPort: 0,
    httpPort: 0,
    verify: verifyRelaxedRsa,
    resolve: brand.resolve,
    relayInbound: { host: '127.0.0.1', port: listener.port },
    postBase: `http://127.0.0.1:${(linkHost.address() as AddressInfo).port}`,
    log: SILENT,
    ...options,
  });

  function ask(method: string, path: string, headers: Record<string, string>): Promise<PageAnswer> {
    return new Promise((resolve, reject) => {
      const { hostname, port } = new URL(mailbox.url);
      const outgoing = httpRequest({ hostname, port, method, path, headers, agent: false }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body });
        });
      });
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  async function bring(
    bytes: string,
    to = 'ada@example.com',
    from = 'bounce@news.example.com',
  ): Promise<string> {
    const reply = await post(mailbox.smtpUrl, { from, to, bytes: Buffer.from(bytes) });
    if (!reply.startsWith('250')) throw new Error(reply);
    return mailbox.messages()[0]?.id ?? '';
  }

  return {
    brand,
    mailbox,
    visits,
    inbound,
    answerWith: (status, headers = {}, body = '') => {
      reply = { status, headers, body };
    },
    deliver: async (email) => {
      const { from, to, bytes } = await brand.compose(email);
      return bring(bytes.toString('latin1'), to, from);
    },
    bring,
    get: (path, headers = {}) => ask('GET', path, headers),
    press: (path, headers = {}) => ask('POST', path, headers),
    close: async () => {
      await mailbox.close();
      await listener.close();
      await new Promise((resolve) => linkHost.close(resolve));
    },
  };
}
