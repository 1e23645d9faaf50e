/**
 * What is no HTTP request, or comes too slowly: answered on the bare socket, since no route ever sees it.
 *
 * @module
 */
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { Problem, problemDocument } from './problem.ts';
import { PUBLIC_HEADERS } from './public/page.ts';

/** Answers 408, 431 or 400 and closes the connection. */
export function refuseUnreadable(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  if (!socket.writable) return void socket.destroy();
  const problem = problemOf(error.code);
  const body = JSON.stringify(problemDocument(problem));
  const headers = {
    ...PUBLIC_HEADERS,
    'content-type': 'application/problem+json',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  };
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  const head = [`HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`, ...lines];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

function problemOf(code: string | undefined): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Problem(408, 'request_timeout', { detail: 'The request took too long to arrive.' });
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new Problem(431, 'headers_too_large', { detail: 'The headers are too large.' });
  }
  return new Problem(400, 'bad_request', { detail: 'This is not an HTTP request.' });
}
