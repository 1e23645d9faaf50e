/**
 * What a proxy writes before the words of its caller.
 *
 * @module
 */

/** A header of version 2: command, family and protocol, and what follows the length. */
export function binaryHeader(command: number, family: number, rest: Buffer): Buffer {
  const fixed = Buffer.alloc(16);
  fixed.write('\r\n\r\n\0\r\nQUIT\n', 'latin1');
  fixed.writeUInt8(command, 12);
  fixed.writeUInt8(family, 13);
  fixed.writeUInt16BE(rest.length, 14);
  return Buffer.concat([fixed, rest]);
}

/** The header of a caller with this address, in either version. */
export function headerOf(address: string, version: 1 | 2): Buffer {
  if (version === 1) return Buffer.from(`PROXY TCP4 ${address} 127.0.0.1 40000 25\r\n`);
  const octets = address.split('.').map(Number);
  return binaryHeader(0x21, 0x11, Buffer.from([...octets, 127, 0, 0, 1, 0x9c, 0x40, 0, 25]));
}
