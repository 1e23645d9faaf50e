/**
 * A cable to a TCP server that can be pulled and plugged in again: an outage as a client sees it.
 *
 * @module
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface Cable {
  readonly port: number;
  /** Cuts every connection and takes no new one. */
  pull(): Promise<void>;
  plugIn(): Promise<void>;
  close(): Promise<void>;
}

export async function layCable(target: { readonly host: string; readonly port: number }): Promise<Cable> {
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(target.port, target.host);
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
      socket.pipe(other);
    }
  });
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, '127.0.0.1', () => {
        server.off('error', reject);
        resolve();
      });
    });
  const pull = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    port,
    pull,
    plugIn: () => listen(port),
    close: async () => {
      if (server.listening) await pull();
    },
  };
}
