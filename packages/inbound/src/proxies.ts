/**
 * Proxies that may speak for others: their connections begin with a PROXY header, and who it names is the caller (IN-12).
 *
 * The rule: a listed peer always introduces a caller, and nobody else ever does. A header that is late, cut off, too large
 * or wrong ends the connection before a word of SMTP; from anybody else it is a command that ends it.
 *
 * @module
 */
import { BlockList, isIP, type Socket } from 'node:net';
import { type ProxySource, readProxyHeader } from './proxy-header.ts';

/** Addresses, networks such as `10.0.0.0/8`, or `loopback`, `linklocal`, `uniquelocal`. */
export type Networks = readonly string[];

export interface Proxies {
  /** Whether who comes from there has to introduce a caller. */
  lists(address: string): boolean;
  /** Calls back once it is known who calls; never when the connection ended before. */
  introduce(socket: Socket, onCaller: (source: ProxySource | null) => void): void;
  /** Hangs up on whoever has not been introduced. */
  close(): void;
}

/** A proxy says who it is before anything else, so it has it ready. */
const HEADER_MS = 5_000;
/** Connections that may wait for their header. */
const MAX_WAITING = 1_000;

const NAMED: Readonly<Record<string, Networks>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** Opens the door for such peers. `headerMs` is for tests. */
export function openProxies(networks: Networks, headerMs = HEADER_MS): Proxies {
  const isProxy = openMatcher(networks);
  const waiting = new Set<Socket>();

  function introduce(socket: Socket, onCaller: (source: ProxySource | null) => void): void {
    if (!isProxy(socket.remoteAddress ?? '')) {
      onCaller(null);
      return;
    }
    socket.on('error', ignore);
    if (waiting.size >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    waiting.add(socket);
    const late = setTimeout(() => socket.destroy(), headerMs).unref();
    let read = Buffer.alloc(0);
    const gone = (): void => {
      clearTimeout(late);
      waiting.delete(socket);
    };
    const look = (): void => {
      for (let chunk = socket.read(); chunk !== null; chunk = socket.read()) {
        read = Buffer.concat([read, chunk as Buffer]);
        const header = readProxyHeader(read);
        if (header.kind === 'partial') continue;
        gone();
        for (const [event, listener] of listeners) socket.off(event, listener);
        if (header.kind === 'refused') {
          socket.destroy();
          return;
        }
        // What the caller said behind it is the beginning of what we hear.
        if (read.length > header.octets) socket.unshift(read.subarray(header.octets));
        onCaller(header.source);
        socket.off('error', ignore);
        return;
      }
    };
    const cutOff = (): void => {
      socket.destroy();
    };
    const listeners = [
      ['readable', look],
      ['end', cutOff],
      ['close', gone],
    ] as const;
    for (const [event, listener] of listeners) socket.on(event, listener);
  }

  return {
    lists: isProxy,
    introduce,
    close: () => {
      for (const socket of waiting) socket.destroy();
    },
  };
}

function openMatcher(networks: Networks): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks.flatMap((one) => NAMED[one] ?? [one])) {
    const [address = '', bits] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, bits === undefined ? (family === 'ipv4' ? 32 : 128) : Number(bits), family);
  }
  return (address) => {
    const bare = address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
    const family = isIP(bare);
    return family !== 0 && list.check(bare, family === 6 ? 'ipv6' : 'ipv4');
  };
}

function ignore(): void {}
