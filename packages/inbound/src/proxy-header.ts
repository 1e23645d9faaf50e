/**
 * The header by which a proxy says whom it speaks for: PROXY protocol versions 1 and 2, as HAProxy defines them.
 *
 * Pure. The rule: a header is read to the letter or refused; what is not whole yet is asked for again with more, up to
 * a bound. Whether the peer may send one at all is not decided here.
 *
 * @module
 */
import { isIP, SocketAddress } from 'node:net';

/** The beginning of a connection. `source` is null where the proxy speaks for itself (a health check). */
export type ProxyHeader =
  | { readonly kind: 'partial' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'header'; readonly octets: number; readonly source: ProxySource | null };

/** Where the client comes from. */
export interface ProxySource {
  readonly address: string;
  readonly port: number;
}

/** With its CRLF. */
const MAX_LINE_OCTETS = 107;
/** With what follows the addresses, such as what the proxy knows of TLS; the specification's 216 and room. */
const MAX_BINARY_OCTETS = 2048;
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const FIXED_OCTETS = 16;
const REFUSED = { kind: 'refused' } as const;
const PARTIAL = { kind: 'partial' } as const;

/** Reads what has arrived so far. */
export function readProxyHeader(read: Buffer): ProxyHeader {
  if (read.length === 0) return PARTIAL;
  return read[0] === SIGNATURE[0] ? readBinary(read) : readLine(read);
}

/** `PROXY TCP4 192.0.2.1 198.51.100.1 56324 25` (section 2.1). */
function readLine(read: Buffer): ProxyHeader {
  const beginning = Buffer.from('PROXY ');
  const seen = Math.min(read.length, beginning.length);
  if (!read.subarray(0, seen).equals(beginning.subarray(0, seen))) return REFUSED;
  const end = read.subarray(0, MAX_LINE_OCTETS).indexOf('\r\n');
  if (end < 0) return read.length < MAX_LINE_OCTETS ? PARTIAL : REFUSED;
  const line = read.toString('latin1', 0, end);
  const octets = end + 2;
  if (/^PROXY UNKNOWN(?: [^\r\n]*)?$/.test(line)) return { kind: 'header', octets, source: null };
  const [, version, from = '', to = '', port = '', toPort = ''] =
    /^PROXY TCP([46]) (\S+) (\S+) (\d{1,5}) (\d{1,5})$/.exec(line) ?? [];
  if (version === undefined || isIP(from) !== Number(version) || isIP(to) !== Number(version)) return REFUSED;
  if (Number(port) > 65_535 || Number(toPort) > 65_535) return REFUSED;
  const address = version === '6' ? plain(from) : from;
  return { kind: 'header', octets, source: { address, port: Number(port) } };
}

/** Section 2.2: signature, version and command, family and protocol, length, addresses, and what else the proxy says. */
function readBinary(read: Buffer): ProxyHeader {
  const seen = Math.min(read.length, SIGNATURE.length);
  if (!read.subarray(0, seen).equals(SIGNATURE.subarray(0, seen))) return REFUSED;
  if (read.length < FIXED_OCTETS) return PARTIAL;
  const command = read.readUInt8(12);
  const family = read.readUInt8(13);
  const octets = FIXED_OCTETS + read.readUInt16BE(14);
  if (octets > MAX_BINARY_OCTETS || (command !== 0x20 && command !== 0x21)) return REFUSED;
  if (read.length < octets) return PARTIAL;
  // LOCAL: whatever else stands there means nothing.
  if (command === 0x20) return { kind: 'header', octets, source: null };
  const addresses = read.subarray(FIXED_OCTETS, octets);
  if (family === 0x11 && addresses.length >= 12) {
    const source = { address: [...addresses.subarray(0, 4)].join('.'), port: addresses.readUInt16BE(8) };
    return { kind: 'header', octets, source };
  }
  if (family === 0x21 && addresses.length >= 36) {
    const groups = Array.from({ length: 8 }, (_, at) => addresses.readUInt16BE(at * 2).toString(16));
    return {
      kind: 'header',
      octets,
      source: { address: plain(groups.join(':')), port: addresses.readUInt16BE(32) },
    };
  }
  // UNSPEC is a connection the proxy knows nothing of; datagrams and local sockets bring no mail here.
  return family === 0x00 ? { kind: 'header', octets, source: null } : REFUSED;
}

/** IPv6 in its one spelling, of no link; IPv4 inside it as itself, or all its callers would be one network and no sender of any. */
function plain(address: string): string {
  const [bare = ''] = address.split('%');
  return new SocketAddress({ address: bare, family: 'ipv6' }).address.replace(/^::ffff:(?=\d+\.)/, '');
}
