/**
 * An SMTP sink that only counts: every mail by its Message-ID, and nothing kept but that.
 *
 * It accepts everything at once and reads content only for the field it counts by and for its end, so that it is never what a large
 * execution waits for.
 *
 * @module
 */
import { createServer, type Socket } from 'node:net';

/** A listening sink. */
export interface CountingSink {
  readonly url: string;
  /** How often each Message-ID arrived whole. */
  readonly counts: ReadonlyMap<string, number>;
  close(): Promise<void>;
}

const END_OF_CONTENT = Buffer.from('\r\n.\r\n');

/** Starts a sink on a free port of loopback. */
export async function startCountingSink(): Promise<CountingSink> {
  const counts = new Map<string, number>();
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    serve(socket, (id) => counts.set(id, (counts.get(id) ?? 0) + 1));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `smtp://127.0.0.1:${address.port}`,
    counts,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function serve(socket: Socket, count: (messageId: string) => void): void {
  let unread: Buffer = Buffer.alloc(0);
  let inContent = false;
  // Replies to pipelined commands are small, and each must not wait for the acknowledgement of the one before.
  socket.setNoDelay(true);
  socket.write('220 sink ESMTP\r\n');
  socket.on('data', (chunk: Buffer) => {
    unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk]);
    for (;;) {
      const end = unread.indexOf(inContent ? END_OF_CONTENT : '\r\n');
      if (end < 0) return;
      const taken = unread.subarray(0, end + 2);
      unread = unread.subarray(end + (inContent ? END_OF_CONTENT.length : 2));
      if (inContent) {
        count(/^Message-ID: (\S+)/im.exec(taken.toString('latin1', 0, 16_384))?.[1] ?? '');
        inContent = false;
        socket.write('250 2.0.0 counted\r\n');
      } else {
        inContent = answer(socket, taken.toString('latin1', 0, 4).toUpperCase());
      }
    }
  });
}

/** Answers a command; true when content follows. */
function answer(socket: Socket, verb: string): boolean {
  if (verb === 'EHLO') socket.write('250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n');
  else if (verb === 'DATA') socket.write('354 go ahead\r\n');
  else if (verb === 'QUIT') socket.end('221 2.0.0 bye\r\n');
  else socket.write('250 2.0.0 ok\r\n');
  return verb === 'DATA';
}
