/**
 * A line to the database that tests can cut and mend: what a client sees when PostgreSQL goes away.
 *
 * @module
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface CuttableLine {
  /** The database's URL by way of this line. */
  readonly url: string;
  /** Breaks every connection and refuses new ones. */
  cut(): Promise<void>;
  /** Takes connections again, at the same address. */
  mend(): Promise<void>;
  /** Swallows whatever is said on the connections there are, and closes none: a failover without a word. */
  hush(): void;
}

export async function openCuttableLine(databaseUrl: string): Promise<CuttableLine> {
  const target = new URL(databaseUrl);
  const open = new Set<Socket>();
  let server: Server | null = null;
  let port = 0;

  const mend = (): Promise<void> =>
    new Promise((resolve, reject) => {
      server = createServer((near) => {
        const far = connect(Number(target.port), target.hostname);
        for (const [socket, other] of [
          [near, far],
          [far, near],
        ] as const) {
          open.add(socket);
          socket.on('error', () => other.destroy());
          socket.on('close', () => {
            open.delete(socket);
            other.destroy();
          });
        }
        near.pipe(far).pipe(near);
      });
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        const address = server?.address();
        if (typeof address === 'object' && address !== null) port = address.port;
        resolve();
      });
    });

  await mend();
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return {
    url: url.href,
    mend,
    hush: () => {
      for (const socket of open) {
        socket.unpipe();
        socket.resume();
      }
    },
    cut: () =>
      new Promise((resolve) => {
        // Resolves also when it is cut already.
        if (server === null) resolve();
        server?.close(() => resolve());
        server = null;
        for (const socket of open) socket.destroy();
      }),
  };
}
