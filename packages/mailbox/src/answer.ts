/**
 * Answers over HTTP, each with the headers that keep a hostile mail harmless.
 *
 * Nothing is cached, referred, indexed or guessed at, and a policy of `default-src 'none'` stands on everything
 * that does not bring a wider one.
 *
 * @module
 */
import type { ServerResponse } from 'node:http';

const COMMON_HEADERS = {
  'cache-control': 'no-store',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-robots-tag': 'noindex',
} as const;

const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/** For the mail's own HTML: its style, data pictures, links that open elsewhere; `sandbox` holds outside the frame too. */
export function bodyPolicy(pictures: boolean): string {
  const img = pictures ? 'data: https: http:' : 'data:';
  return `default-src 'none'; style-src 'unsafe-inline'; img-src ${img}; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox`;
}

/** One of our own pages. */
export function sendPage(response: ServerResponse, page: string): void {
  send(
    response,
    200,
    { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': PAGE_POLICY },
    page,
  );
}

/** A sentence, for what is no page. */
export function plain(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  send(response, status, { 'content-type': 'text/plain; charset=utf-8', ...headers }, `${text}\n`);
}

/** Anything; without a policy of its own it may do nothing in a browser. */
export function send(
  response: ServerResponse,
  status: number,
  headers: Record<string, string>,
  content: string | Buffer,
): void {
  response.writeHead(status, {
    ...COMMON_HEADERS,
    'content-security-policy': "default-src 'none'",
    ...headers,
    'content-length': Buffer.byteLength(content),
  });
  response.end(content);
}
