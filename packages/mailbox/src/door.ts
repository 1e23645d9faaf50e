/**
 * The way to a link host that has no DNS: the demo's `https://news.example.com` opens in a browser all the same.
 *
 * Every browser takes `*.localhost` for this machine. So a link of a mail to its sender's link host is shown as
 * `http://news.example.com.localhost:<this port>/…`, and what comes in under that name is passed to where the
 * host really listens, with the host's own name. Nothing else is ever reached through it.
 *
 * @module
 */
import { type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from 'node:http';

const SUFFIX = '.localhost';
const METHODS = new Set(['GET', 'HEAD', 'POST']);
/** What a browser says that the link host may want to know. */
const PASSED_ON = [
  'accept',
  'accept-language',
  'content-type',
  'origin',
  'sec-purpose',
  'user-agent',
] as const;
/** Belong to one connection (RFC 9110 §7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const BODY_LIMIT = 64 * 1024;

/** The link host that a request is for, or `null` when it is for the mailbox itself. */
export function linkHostOf(hostHeader: string | undefined): string | null {
  const name = (hostHeader ?? '').toLowerCase().replace(/:\d+$/, '');
  if (!name.endsWith(SUFFIX)) return null;
  const host = name.slice(0, -SUFFIX.length);
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(host) ? host : null;
}

/** A link host, and the base URL under which this mailbox opens it. */
export interface Door {
  readonly linkHost: string;
  readonly url: string;
}

/** The door to a link host; `hostHeader` is how the browser calls the mailbox. */
export function doorTo(linkHost: string, hostHeader: string): Door {
  const port = /:(\d+)$/.exec(hostHeader)?.[1];
  return { linkHost, url: `http://${linkHost}${SUFFIX}${port === undefined ? '' : `:${port}`}` };
}

/** A URL to the link host leads through the door, any other stays. */
export function urlThroughDoor(url: string, door: Door): string {
  const base = `https://${door.linkHost}/`;
  return url.startsWith(base) ? `${door.url}/${url.slice(base.length)}` : url;
}

/** Leads the links of a mail's HTML that go to the link host through the door. Text stays as it is. */
export function markupThroughDoor(markup: string, door: Door): string {
  const base = `https://${door.linkHost}/`;
  return markup.replaceAll(`="${base}`, `="${door.url}/`).replaceAll(`='${base}`, `='${door.url}/`);
}

/** Passes one request on to `postBase` under the name of the link host. */
export function passThrough(
  incoming: IncomingMessage,
  response: ServerResponse,
  target: { linkHost: string; postBase: string },
): void {
  const method = incoming.method ?? 'GET';
  if (!METHODS.has(method)) {
    response.writeHead(405, { allow: [...METHODS].join(', ') }).end();
    return;
  }
  const base = new URL(target.postBase);
  const ownHost = incoming.headers.host ?? '';
  const outgoing = request({
    hostname: base.hostname.replace(/^\[|\]$/g, ''),
    port: base.port,
    method,
    path: incoming.url ?? '/',
    headers: { ...passedOn(incoming.headers), host: target.linkHost },
    agent: false,
    timeout: 15_000,
  });
  outgoing.on('timeout', () => outgoing.destroy(new Error('no answer in time')));
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end('The link host does not answer.\n');
  });
  outgoing.on('response', (answer) => {
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of Object.entries(answer.headers)) {
      if (value !== undefined && !HOP_BY_HOP.has(name)) headers[name] = value;
    }
    const { location } = answer.headers;
    if (location !== undefined) headers.location = urlThroughDoor(location, doorTo(target.linkHost, ownHost));
    response.writeHead(answer.statusCode ?? 502, headers);
    answer.pipe(response);
  });
  let octets = 0;
  incoming.on('data', (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > BODY_LIMIT) incoming.destroy();
    else outgoing.write(chunk);
  });
  incoming.on('end', () => outgoing.end());
  incoming.on('error', () => outgoing.destroy());
}

/** `Origin` names the door; the link host expects its own name there. */
function passedOn(headers: IncomingHttpHeaders): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const name of PASSED_ON) {
    const value = headers[name];
    if (typeof value === 'string') passed[name] = value;
  }
  const host = linkHostOf(headers.host);
  if (passed.origin !== undefined && host !== null) passed.origin = `https://${host}`;
  return passed;
}
