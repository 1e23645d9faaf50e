/**
 * A person who leaves, as a mailbox provider does it for them: one-click POST or a mail to the address in the header.
 *
 * One rule: only a 200 or a 250 is an answer. 503, 451, a cut or nothing at all is asked again until it is one.
 *
 * @module
 */
import { request } from 'node:http';
import { connect } from 'node:net';

/** Where the doors are, behind their wires. */
export interface Doors {
  readonly httpPort: number;
  readonly smtpPort: number;
}

/** A way out that stood in a mail. */
export type Door =
  | { readonly kind: 'one-click'; readonly link: string }
  | { readonly kind: 'mailto'; readonly address: string };

/** A provider gives up on one attempt after this. */
const ATTEMPT_MS = 8_000;
const BODY = 'List-Unsubscribe=One-Click';

/** Asks once. Resolves with the reply code, 0 when none came. */
export function askOnce(door: Door, doors: Doors): Promise<number> {
  return door.kind === 'one-click' ? post(door.link, doors.httpPort) : mail(door.address, doors.smtpPort);
}

/** Tells whether a reply code promises that it is stored. */
export function isAnswer(door: Door, code: number): boolean {
  return code === (door.kind === 'one-click' ? 200 : 250);
}

function post(link: string, port: number): Promise<number> {
  const url = new URL(link);
  return new Promise((resolve) => {
    const outgoing = request(
      {
        port,
        host: '127.0.0.1',
        method: 'POST',
        path: `${url.pathname}${url.search}`,
        agent: false,
        headers: {
          host: url.host,
          'content-type': 'application/x-www-form-urlencoded',
          'content-length': BODY.length,
        },
        signal: AbortSignal.timeout(ATTEMPT_MS),
      },
      (response) => {
        // The status line is the answer, whatever becomes of the rest.
        resolve(response.statusCode ?? 0);
        response.on('error', () => undefined);
        response.resume();
      },
    );
    outgoing.on('error', () => resolve(0));
    outgoing.end(BODY);
  });
}

/** The dialogue up to the reply to the final dot; the first reply that refuses ends it. */
function mail(address: string, port: number): Promise<number> {
  const says = [
    'EHLO provider.example',
    'MAIL FROM:<robot@provider.example>',
    `RCPT TO:<${address}>`,
    'DATA',
    `From: robot@provider.example\r\nTo: ${address}\r\nSubject: unsubscribe\r\n\r\nunsubscribe\r\n.`,
  ];
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let heard = '';
    const end = (code: number): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(code);
    };
    const timer = setTimeout(() => end(0), ATTEMPT_MS);
    socket.on('error', () => end(0));
    socket.on('close', () => end(0));
    socket.on('data', (chunk) => {
      heard += chunk;
      for (let reply = /^(?:\d{3}-[^\n]*\n)*(\d{3})[ \r][^\n]*\n/.exec(heard); reply !== null; ) {
        heard = heard.slice(reply[0].length);
        const code = Number(reply[1]);
        const next = says.shift();
        if (code >= 400 || next === undefined) return end(code);
        socket.write(`${next}\r\n`);
        reply = /^(?:\d{3}-[^\n]*\n)*(\d{3})[ \r][^\n]*\n/.exec(heard);
      }
    });
  });
}
