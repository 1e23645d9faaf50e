/**
 * The certificate that a listener shows to whoever asks for TLS (RFC 3207): what senders hold against its name.
 *
 * The rule: it always ends, and it never throws. Nothing is verified here; who asks judges.
 *
 * @module
 */
import { connect, isIP, type Socket } from 'node:net';
import { type DetailedPeerCertificate, connect as secure } from 'node:tls';
import { introducesItself, type Listener } from './canary.ts';

/** `plain`: it offers no TLS. `silent`: nobody could say. */
export type ShownCertificate =
  | { readonly kind: 'shown'; readonly pem: string }
  | { readonly kind: 'plain' | 'silent' };

/** Milliseconds for everything. */
const PATIENCE = 10_000;
const REPLY = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\r?\n/;

/** Asks a listener for TLS, and answers its certificate with those that it sends along, as PEM. */
export async function readCertificate(listener: Listener): Promise<ShownCertificate> {
  const introduce = await introducesItself(listener);
  return new Promise((resolve) => {
    const socket = connect({ host: listener.host, port: listener.port });
    const finish = (shown: ShownCertificate): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(shown);
    };
    const end = (): void => finish({ kind: 'silent' });
    const timer = setTimeout(end, PATIENCE);
    socket.on('error', end);
    socket.on('close', end);
    socket.once('connect', () => {
      if (introduce) socket.write('PROXY UNKNOWN\r\n');
    });
    const replies = [
      (code: number) => (code === 220 ? socket.write('EHLO canary.invalid\r\n') : end()),
      (code: number, text: string) => {
        if (code !== 250) return end();
        if (!/^250[ -]STARTTLS[ \t]*\r?$/im.test(text)) return finish({ kind: 'plain' });
        return socket.write('STARTTLS\r\n');
      },
      (code: number) => (code === 220 ? negotiate(socket, listener, finish) : end()),
    ];
    let heard = '';
    socket.on('data', function hear(chunk: Buffer) {
      heard += chunk.toString('latin1');
      const reply = REPLY.exec(heard);
      if (reply === null) return;
      heard = '';
      const next = replies.shift();
      if (replies.length === 0) socket.off('data', hear);
      next?.(Number(reply[1]), reply[0]);
    });
  });
}

function negotiate(socket: Socket, { host }: Listener, finish: (shown: ShownCertificate) => void): void {
  // As senders do (RFC 8461 section 7.1): a listener of many names shows the one that is asked for.
  const named = isIP(host) === 0 ? { servername: host } : {};
  const secured = secure({ socket, rejectUnauthorized: false, ...named }, () => {
    const blocks = chainOf(secured.getPeerCertificate(true)).map(
      (raw) => `-----BEGIN CERTIFICATE-----\n${raw.toString('base64')}\n-----END CERTIFICATE-----\n`,
    );
    finish({ kind: 'shown', pem: blocks.join('') });
  });
  secured.on('error', () => finish({ kind: 'silent' }));
}

/** Who signs itself is its own issuer. */
function chainOf(first: DetailedPeerCertificate): readonly Buffer[] {
  const chain: Buffer[] = [];
  for (let one = first; one?.raw !== undefined; one = one.issuerCertificate) {
    if (chain.some((seen) => seen.equals(one.raw))) break;
    chain.push(one.raw);
  }
  return chain;
}
