/**
 * A wire between two programs that can be cut, closed, slowed, silenced and torn in the middle of what it carries.
 *
 * One rule: octets are never changed or reordered. They come late, in part, or not at all, as on a real network.
 *
 * @module
 */
import { connect, createServer, type Socket } from 'node:net';

/** Which way octets go: to the service, or back from it. */
export type Way = 'there' | 'back';

/** What a wire does to its connections. */
export type Disorder =
  /** Every connection is cut, with what is still in it; new ones are welcome. */
  | { readonly kind: 'cut'; readonly reset: boolean }
  /** Every connection is cut, and new ones are cut at once, until healed. */
  | { readonly kind: 'refuse' }
  /** What is said comes that much later. */
  | { readonly kind: 'delay'; readonly ways: readonly Way[]; readonly milliseconds: number }
  /** Whatever is said is swallowed and nobody is told, until healed; then those connections are reset. */
  | { readonly kind: 'hush' }
  /** The next octets of each connection arrive in part, then it is cut. `share` of them, 0 to 1. */
  | { readonly kind: 'truncate'; readonly way: Way; readonly share: number; readonly reset: boolean };

/** An open wire. */
export interface Wire {
  readonly port: number;
  /** Connections there are now. */
  connections(): number;
  disturb(disorder: Disorder): void;
  /** Back to order; answers how many connections the disorder met. */
  heal(): number;
  close(): Promise<void>;
}

interface Connection {
  readonly near: Socket;
  readonly far: Socket;
  hushed: boolean;
}

/** Opens a wire to a port of loopback. */
export async function openWire(target: number): Promise<Wire> {
  const open = new Set<Connection>();
  let disorder: Disorder | null = null;
  let met = new Set<Connection>();

  function drop(connection: Connection, reset: boolean): void {
    for (const socket of [connection.near, connection.far]) {
      // A socket that is connecting has nothing to reset.
      if (reset && !socket.connecting) socket.resetAndDestroy();
      else socket.destroy();
    }
  }

  /** Carries one way: in order, late by what is the delay at the time, whole unless torn. */
  function carry(connection: Connection, way: Way): void {
    const [from, to] =
      way === 'there' ? [connection.near, connection.far] : [connection.far, connection.near];
    let lastAt = 0;
    const inOrder = (act: () => void): void => {
      const delay = disorder?.kind === 'delay' && disorder.ways.includes(way) ? disorder.milliseconds : 0;
      if (delay > 0) met.add(connection);
      const now = performance.now();
      const at = Math.max(lastAt, now + delay);
      lastAt = at;
      if (at <= now) act();
      else setTimeout(act, at - now);
    };
    from.on('data', (chunk: Buffer) => {
      if (disorder?.kind === 'hush') {
        met.add(connection);
        connection.hushed = true;
      }
      if (connection.hushed) return;
      if (disorder?.kind === 'truncate' && disorder.way === way && !met.has(connection)) {
        met.add(connection);
        const { reset, share } = disorder;
        const part = chunk.subarray(0, Math.floor(chunk.length * share));
        // What is left of it must have gone before the cut, or nothing of it would arrive.
        if (part.length > 0) to.write(part, () => drop(connection, reset));
        else drop(connection, reset);
        return;
      }
      inOrder(() => {
        if (!to.destroyed && !(disorder?.kind === 'truncate' && met.has(connection))) to.write(chunk);
      });
    });
    from.on('end', () => {
      if (!connection.hushed) inOrder(() => to.end());
    });
    from.on('error', () => to.destroy());
    from.on('close', () => {
      open.delete(connection);
      if (!connection.hushed) inOrder(() => to.destroy());
    });
  }

  const server = createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
    if (disorder?.kind === 'refuse') {
      met.add({ near, far: near, hushed: false });
      near.on('error', () => undefined);
      near.resetAndDestroy();
      return;
    }
    const far = connect({ port: target, host: '127.0.0.1', allowHalfOpen: true, noDelay: true });
    const connection: Connection = { near, far, hushed: false };
    open.add(connection);
    carry(connection, 'there');
    carry(connection, 'back');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');

  return {
    port: address.port,
    connections: () => open.size,
    disturb(next) {
      disorder = next;
      met = new Set();
      if (next.kind !== 'cut' && next.kind !== 'refuse') return;
      for (const connection of [...open]) {
        met.add(connection);
        drop(connection, next.kind === 'cut' && next.reset);
      }
    },
    heal() {
      disorder = null;
      for (const connection of [...open]) if (connection.hushed) drop(connection, true);
      return met.size;
    },
    async close() {
      for (const connection of [...open]) drop(connection, false);
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
