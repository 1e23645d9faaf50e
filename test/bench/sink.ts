/**
 * The sink, a process of its own: takes mail as fast as it comes, counts it, and keeps a few for verification.
 *
 * One rule: it does the same little for everybody. It looks for the final dot and for the Message-ID, and at nothing else of a
 * message, so that it costs about 0.1 ms and the pipelines are what is measured.
 *
 * @module
 */
import { createServer, type Socket } from 'node:net';

/** What the parent asks. `keep`: of every that-many-th mail the whole, or the header only. */
export type Question =
  | { readonly ask: 'begin'; readonly keepEvery: number; readonly part: 'whole' | 'header' }
  | { readonly ask: 'count' }
  | { readonly ask: 'summary' };

/** A mail whose final dot was read. */
export interface Arrival {
  readonly messageId: string;
  readonly to: string;
  /** Milliseconds of the machine's monotonic clock. */
  readonly at: number;
}

/** All since the last `begin`. */
export interface Summary {
  readonly arrivals: readonly Arrival[];
  readonly kept: readonly Buffer[];
  readonly octets: number;
}

const END = Buffer.from('\r\n.\r\n');
const FIELD = Buffer.from('\r\nMessage-ID: ', 'latin1');
/** No header here is longer. */
const HEADER = 8_192;
const STUFFED = /^\.\./gm;

let arrivals: Arrival[] = [];
let kept: Buffer[] = [];
let octets = 0;
let keepEvery = 1;
let part: 'whole' | 'header' = 'whole';

/** The machine's monotonic clock in milliseconds: the same in every process. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function take(content: readonly Buffer[], length: number, to: string): void {
  const head = beginningOf(content);
  const at = head.indexOf(FIELD);
  const line = at < 0 ? '' : head.toString('latin1', at + FIELD.length, head.indexOf('\r\n', at + 2));
  if (arrivals.length % keepEvery === 0) {
    const raw = Buffer.concat(content).toString('latin1').replace(STUFFED, '.');
    kept.push(Buffer.from(part === 'whole' ? raw : raw.slice(0, raw.indexOf('\r\n\r\n') + 2), 'latin1'));
  }
  arrivals.push({ messageId: line.trim(), to, at: now() });
  octets += length;
}

/** Chunks up to where every header has ended; mostly the first. */
function beginningOf(content: readonly Buffer[]): Buffer {
  let chunks = 0;
  for (let length = 0; length < HEADER && chunks < content.length; chunks++)
    length += content[chunks]?.length ?? 0;
  return chunks === 1 ? (content[0] ?? Buffer.alloc(0)) : Buffer.concat(content.slice(0, chunks));
}

function serve(socket: Socket): void {
  let unread: Buffer = Buffer.alloc(0);
  /** Of the message that is coming; null between messages. */
  let content: Buffer[] | null = null;
  let length = 0;
  let to = '';
  socket.setNoDelay(true);
  socket.on('error', () => socket.destroy());
  socket.write('220 sink ESMTP\r\n');
  socket.on('data', (chunk: Buffer) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    for (;;) {
      if (content !== null) {
        const end = unread.indexOf(END);
        if (end < 0) {
          // What may be the beginning of the end stays for the next chunk.
          const safe = Math.max(0, unread.length - END.length + 1);
          if (safe > 0) content.push(unread.subarray(0, safe));
          length += safe;
          unread = unread.subarray(safe);
          return;
        }
        content.push(unread.subarray(0, end + 2));
        take(content, length + end + 2, to);
        unread = unread.subarray(end + END.length);
        content = null;
        socket.write('250 2.0.0 counted\r\n');
      } else {
        const end = unread.indexOf('\r\n');
        if (end < 0) return;
        const line = unread.toString('latin1', 0, end);
        unread = unread.subarray(end + 2);
        const verb = line.slice(0, 4).toUpperCase();
        if (verb === 'RCPT') to = /<([^>]*)>/.exec(line)?.[1] ?? '';
        if (verb === 'DATA') {
          content = [];
          length = 0;
        }
        answer(socket, verb);
      }
    }
  });
}

function answer(socket: Socket, verb: string): void {
  if (verb === 'EHLO') socket.write('250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n');
  else if (verb === 'DATA') socket.write('354 go ahead\r\n');
  else if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n');
  else socket.write('250 2.0.0 ok\r\n');
}

function reply(question: Question): unknown {
  if (question.ask === 'count') return arrivals.length;
  if (question.ask === 'summary') return { arrivals, kept, octets } satisfies Summary;
  arrivals = [];
  kept = [];
  octets = 0;
  ({ keepEvery, part } = question);
  return null;
}

const server = createServer(serve);
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' ? address?.port : 0 });
});
process.on('message', (question: Question) => process.send?.({ reply: reply(question) }));
process.on('disconnect', () => process.exit(0));
