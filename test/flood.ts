/**
 * What a flood is made of: idle callers, callers who trickle, and mails that blow up who parses them.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';

/** Mails that are small to send and large to read; each has no more than ten million bytes. */
export const BOMBS: Readonly<Record<string, () => Buffer>> = {
  '100,000 parts within each other': () => {
    const parts = ['MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=0', ''];
    for (let depth = 0; depth < 100_000; depth += 1) {
      parts.push(`--${depth}`, `Content-Type: multipart/mixed; boundary=${depth + 1}`, '');
    }
    return asMail(parts);
  },
  '100,000 parts beside each other': () =>
    asMail([
      'Content-Type: multipart/mixed; boundary=b',
      '',
      ...Array(100_000).fill('--b\r\n\r\nx'),
      '--b--',
    ]),
  'a million <div>': () =>
    asMail(['Content-Type: text/html', '', ...Array(10_000).fill('<div>'.repeat(100))]),
  '200,000 header fields': () => asMail([...Array(200_000).fill('X-A: b'), '', 'stop']),
  'a field of 200,000 folds': () => asMail(['Subject: x', ...Array(200_000).fill(' x'), '', 'stop']),
  'a comment that never ends': () => asMail([`Auto-Submitted: ${'('.repeat(250_000)}`, '', 'stop']),
  'a line of ten million bytes': () => asMail(['Subject: x', '', 'x'.repeat(9_999_000)]),
  'a million dots': () => asMail(['Subject: x', '', ...Array(1_000_000).fill('..')]),
};

function asMail(lines: readonly string[]): Buffer {
  return Buffer.from(`From: john@example.org\r\n${lines.join('\r\n')}`);
}

/** A caller from one of the addresses of loopback, who says nothing by itself. */
export interface IdleCaller {
  readonly socket: Socket;
  /** 220, 421, or nothing: what was heard until now. */
  greeting(): string;
}

/** Calls from `127.0.0.x`; answers once something was heard or the line is dead. */
export function callFrom(localAddress: string, port: number): Promise<IdleCaller> {
  const socket = connect({ host: '127.0.0.1', port, localAddress });
  let heard = '';
  return new Promise((resolve) => {
    const caller = { socket, greeting: () => heard.slice(0, 3) };
    socket.on('error', () => undefined);
    socket.on('data', (chunk: Buffer) => {
      heard += chunk.toString('latin1');
      resolve(caller);
    });
    socket.once('close', () => resolve(caller));
  });
}

/** What a process holds in memory now, and held at most; in MiB, as Linux tells it. */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mebibytes = (field: string): number =>
    Math.round(Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? Number.NaN) / 1024);
  return { now: mebibytes('VmRSS'), peak: mebibytes('VmHWM') };
}
