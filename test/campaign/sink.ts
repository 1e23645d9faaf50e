/**
 * The relay of the campaign, a program of its own that can be killed: it accepts mail, and every mail is a line in a file.
 *
 * One rule: the line is written before the final dot is answered, with the time at which the dot was read. What it has
 * answered it can therefore never have forgotten. Run as `sink.ts PORT FILE PAUSE_FILE`; the latter holds the
 * milliseconds that it takes its time before it answers DATA and content, and may change.
 *
 * @module
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';

/** A mail as the sink wrote it down. */
export interface SunkMail {
  /** Nanoseconds of the monotonic clock, which all processes of a machine share. */
  readonly at: string;
  readonly messageId: string;
  /** `X-Message-Profile-Id`. */
  readonly id: string;
  readonly to: string;
  readonly link: string;
  readonly mailto: string;
}

const END_OF_CONTENT = Buffer.from('\r\n.\r\n');
const END_OF_LINE = Buffer.from('\r\n');

function listen(port: number, path: string, pausePath: string): void {
  const file = openSync(path, 'a');
  createServer({ noDelay: true }, (socket) => {
    const write = (mail: SunkMail): number => writeSync(file, `${JSON.stringify(mail)}\n`);
    serve(socket, pausePath, write).catch(() => socket.destroy());
  }).listen(port, '127.0.0.1', () => process.stdout.write('ready\n'));
}

/** Reads one connection. Pauses stand before the replies to DATA and to the content, where a relay has work to do. */
async function serve(socket: Socket, pausePath: string, write: (mail: SunkMail) => void): Promise<void> {
  let unread: Buffer = Buffer.alloc(0);
  let inContent = false;
  let to = '';
  const take = (): Buffer | null => {
    const mark = inContent ? END_OF_CONTENT : END_OF_LINE;
    const end = unread.indexOf(mark);
    if (end < 0) return null;
    const taken = unread.subarray(0, end + mark.length);
    unread = unread.subarray(end + mark.length);
    return taken;
  };
  const pause = async (): Promise<void> => {
    const pauseMs = Number(readFileSync(pausePath, 'utf8'));
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  };
  socket.write('220 sink ESMTP\r\n');
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    for (let taken = take(); taken !== null; taken = take()) {
      if (inContent) {
        write(read(taken.toString('latin1'), to));
        inContent = false;
        await pause();
        socket.write('250 2.0.0 written down\r\n');
        continue;
      }
      const line = taken.toString('latin1');
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'RCPT') to = /<([^>]*)>/.exec(line)?.[1] ?? '';
      if (verb === 'DATA') await pause();
      inContent = verb === 'DATA';
      socket.write(answer(verb));
      if (verb === 'QUIT') return void socket.end();
    }
  }
}

function answer(verb: string): string {
  if (verb === 'EHLO') return '250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n';
  if (verb === 'DATA') return '354 go ahead\r\n';
  return verb === 'QUIT' ? '221 2.0.0 bye\r\n' : '250 2.0.0 ok\r\n';
}

function read(content: string, to: string): SunkMail {
  const at = String(process.hrtime.bigint());
  const head = content.slice(0, content.indexOf('\r\n\r\n') + 2).replace(/\r\n[ \t]+/g, ' ');
  const field = (name: string): string =>
    new RegExp(`^${name}: *(.*)$`, 'im').exec(head)?.[1]?.trim().replace(/\r$/, '') ?? '';
  const ways = [...field('List-Unsubscribe').matchAll(/<\s*([^>]*?)\s*>/g)].map((match) => match[1] ?? '');
  return {
    at,
    messageId: field('Message-ID'),
    id: field('X-Message-Profile-Id'),
    to,
    link: ways.find((uri) => uri.startsWith('https:'))?.replaceAll(' ', '') ?? '',
    mailto:
      ways
        .find((uri) => uri.startsWith('mailto:'))
        ?.slice('mailto:'.length)
        .split('?')[0] ?? '',
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [, , port = '', path = '', pausePath = ''] = process.argv;
  listen(Number(port), path, pausePath);
}
