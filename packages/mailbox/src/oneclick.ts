/**
 * The "Unsubscribe" button of a mailbox provider: the one-click POST, sent exactly as a large provider sends it.
 *
 * `List-Unsubscribe=One-Click`, urlencoded, no cookie, no referrer, no redirect followed: a 3xx is a failure of
 * the sender. The token is in the URL and nothing else is known to the provider. RFC 8058 §3.1 and §3.2.
 *
 * @module
 */
import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Departure } from './shelf.ts';

const BODY = 'List-Unsubscribe=One-Click';
const DEADLINE_MS = 15_000;
const SHOWN_OCTETS = 2_000;

/**
 * Posts to the https URL of the header.
 *
 * @param postBase where that host really listens (`http://127.0.0.1:3000`), for a domain without DNS; the `Host`
 *   header keeps the name from the mail.
 */
export async function postOneClick(url: string, postBase: string | undefined): Promise<Departure> {
  const at = new Date().toISOString();
  const target = parseTarget(url);
  if (target === null) {
    return {
      way: 'header POST',
      at,
      code: null,
      dialogue: ['The header holds no https URL that can be posted to.'],
    };
  }
  const asked = [
    `POST ${target.pathname}${target.search} HTTP/1.1`,
    `Host: ${target.host}`,
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${BODY.length}`,
    '',
    BODY,
  ].map((line) => `> ${line}`);
  try {
    const answer = await post(target, postBase);
    return {
      way: 'header POST',
      at,
      code: answer.code,
      dialogue: [...asked, ...answer.lines.map((line) => `< ${line}`)],
    };
  } catch (error) {
    return { way: 'header POST', at, code: null, dialogue: [...asked, `No answer: ${reasonOf(error)}`] };
  }
}

interface Answer {
  readonly code: number;
  readonly lines: readonly string[];
}

function post(target: URL, postBase: string | undefined): Promise<Answer> {
  const connect = postBase === undefined ? target : new URL(postBase);
  const request = connect.protocol === 'http:' ? requestHttp : requestHttps;
  return new Promise((resolve, reject) => {
    const outgoing = request({
      protocol: connect.protocol,
      hostname: connect.hostname.replace(/^\[|\]$/g, ''),
      port: connect.port,
      method: 'POST',
      path: `${target.pathname}${target.search}`,
      headers: {
        host: target.host,
        'user-agent': 'Adieu-Demo-Mailbox',
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': BODY.length,
      },
      agent: false,
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      let octets = 0;
      response.on('data', (chunk: Buffer) => {
        octets += chunk.length;
        if (octets - chunk.length < SHOWN_OCTETS) chunks.push(chunk);
      });
      response.on('error', reject);
      response.on('end', () => {
        const code = response.statusCode ?? 0;
        const shown = Buffer.concat(chunks).subarray(0, SHOWN_OCTETS).toString('utf8');
        const lines = [`HTTP/1.1 ${code} ${response.statusMessage ?? ''}`.trimEnd()];
        for (const name of ['location', 'content-type', 'retry-after', 'set-cookie']) {
          const value = response.headers[name];
          if (value !== undefined) lines.push(`${name}: ${String(value)}`);
        }
        if (shown !== '') lines.push('', ...shown.split(/\r?\n/).slice(0, 12));
        resolve({ code, lines });
      });
    });
    outgoing.end(BODY);
  });
}

/** Only https, as RFC 8058 §3.1 has it, and no credentials smuggled in. */
function parseTarget(url: string): URL | null {
  if (!URL.canParse(url)) return null;
  const target = new URL(url);
  return target.protocol === 'https:' && target.username === '' && target.password === '' ? target : null;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `none within ${DEADLINE_MS / 1000} seconds`;
  return error.message || String((error as NodeJS.ErrnoException).code ?? error.name);
}
