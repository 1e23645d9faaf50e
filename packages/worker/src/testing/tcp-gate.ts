/**
 * A gate in front of a server, for tests: shut, whatever passes through it is cut and refused.
 *
 * @module
 */
import net, { type AddressInfo, type Socket } from 'node:net';

/** A gate on a port of its own. */
export interface TcpGate {
  readonly port: number;
  shut(): void;
  open(): void;
  close(): Promise<void>;
}

/** Opens a gate before a port of this machine. */
export async function openTcpGate(target: number): Promise<TcpGate> {
  const sockets = new Set<Socket>();
  let isOpen = true;

  function keep(socket: Socket): void {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => socket.destroy());
  }

  const server = net.createServer((near) => {
    if (!isOpen) return void near.destroy();
    const far = net.connect(target, '127.0.0.1');
    keep(near);
    keep(far);
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  function cut(): void {
    for (const socket of sockets) socket.destroy();
  }

  return {
    port: (server.address() as AddressInfo).port,
    shut() {
      isOpen = false;
      cut();
    },
    open() {
      isOpen = true;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}
