/**
 * One short mail over SMTP, to see whether it is taken (RFC 5321 §3.3).
 *
 * The rule: it always ends, and it never throws. Whatever the other side does or does not do is an answer.
 *
 * @module
 */
import { connect } from 'node:net';

/** What became of it. `silent`: no whole reply in time, or the connection ended first. `stranger`: what answers is not SMTP. */
export type Delivered =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused'; readonly code: number }
  | { readonly kind: 'unreachable' | 'silent' | 'stranger' };

export interface Probe {
  readonly host: string;
  readonly port: number;
  readonly recipient: string;
  /** The listener takes us for a proxy: we say that we speak for ourselves (PROXY protocol, UNKNOWN). */
  readonly introduce?: boolean;
  /** Milliseconds for everything. */
  readonly patience: number;
  readonly signal?: AbortSignal;
}

const REPLY = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n/;
/** No reply of ours is that long. */
const LONGEST_REPLY = 8_192;

/** Delivers a mail from the null sender, without a body. */
export function deliver({
  host,
  port,
  recipient,
  introduce = false,
  patience,
  signal,
}: Probe): Promise<Delivered> {
  const lines = [
    'EHLO canary.invalid\r\n',
    'MAIL FROM:<>\r\n',
    `RCPT TO:<${recipient}>\r\n`,
    'DATA\r\n',
    'Subject: canary\r\nAuto-Submitted: auto-generated\r\n\r\n.\r\n',
  ];
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let connected = false;
    let heard = '';
    let said = 0;
    const finish = (outcome: Delivered): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      socket.destroy();
      resolve(outcome);
    };
    const end = (): void => finish({ kind: connected ? 'silent' : 'unreachable' });
    const onAbort = (): void => finish({ kind: 'silent' });
    const timer = setTimeout(end, patience);
    signal?.addEventListener('abort', onAbort);
    socket.once('connect', () => {
      connected = true;
      if (introduce) socket.write('PROXY UNKNOWN\r\n');
    });
    socket.on('error', end);
    socket.on('close', end);
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      for (let reply = REPLY.exec(heard); reply !== null; reply = REPLY.exec(heard)) {
        heard = heard.slice(reply[0].length);
        const code = Number(reply[1]);
        if (code >= 400) return finish({ kind: 'refused', code });
        const line = lines[said];
        said += 1;
        if (line === undefined) {
          socket.write('QUIT\r\n');
          return finish({ kind: 'taken' });
        }
        socket.write(line);
      }
      if (heard.length > LONGEST_REPLY || !/^\d{0,3}(?:$|[ \r\n-])/.test(heard)) finish({ kind: 'stranger' });
    });
  });
}
