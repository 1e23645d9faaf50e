/**
 * HTTP clients for tests: one that says what it means, and one that says any bytes at all.
 *
 * @module
 */
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json(): Record<string, unknown>;
}

export interface Ask {
  readonly method?: string;
  readonly path: string;
  /** The `Host` header; default: where the server listens. */
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
  readonly body?: string | Buffer | AsyncIterable<Buffer>;
}

/** Sends one request on a connection of its own. */
export function ask(url: string, { method = 'GET', path, host, headers = {}, body }: Ask): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    // Node frames the body of a POST by itself, but not that of a GET or a DELETE.
    const sized =
      typeof body === 'string' || Buffer.isBuffer(body) ? { 'content-length': Buffer.byteLength(body) } : {};
    const allHeaders = { ...sized, ...headers, ...(host === undefined ? {} : { host }) };
    const outgoing = request(
      { hostname, port, method, path, headers: allHeaders, agent: false },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = (): Record<string, unknown> => JSON.parse(text);
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json });
        });
      },
    );
    outgoing.on('error', reject);
    if (body === undefined || typeof body === 'string' || Buffer.isBuffer(body)) outgoing.end(body);
    else void pour(body, outgoing).catch(reject);
  });
}

async function pour(body: AsyncIterable<Buffer>, outgoing: ReturnType<typeof request>): Promise<void> {
  for await (const chunk of body) {
    if (!outgoing.write(chunk)) await new Promise((resolve) => outgoing.once('drain', resolve));
  }
  outgoing.end();
}

/** Writes pieces of bytes one after the other and answers everything that came back until the server closed. */
export function askBytes(url: string, pieces: readonly (string | Buffer)[], pause = 20): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const received: Buffer[] = [];
    const socket = connect(Number(port), hostname, async () => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        await new Promise((done) => setTimeout(done, pause));
      }
    });
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('close', () => resolve(Buffer.concat(received).toString()));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that refuses a body may close while it is being sent.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
  });
}
