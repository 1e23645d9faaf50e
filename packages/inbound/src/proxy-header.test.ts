import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readProxyHeader } from './proxy-header.ts';
import { binaryHeader } from './testing/proxy.ts';

const V1 = 'PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n';
const V4 = Buffer.from([192, 0, 2, 7, 198, 51, 100, 1, 0xdc, 0x04, 0, 25]);
const V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000007', 'hex'),
  Buffer.alloc(16),
  Buffer.from([0xdc, 0x04, 0, 25]),
]);

const MAPPED = Buffer.concat([
  Buffer.from('00000000000000000000ffffc0000207', 'hex'),
  Buffer.alloc(16),
  Buffer.from([0xdc, 0x04, 0, 25]),
]);

describe('a PROXY header', () => {
  test.each([
    ['version 1, IPv4', Buffer.from(V1), '192.0.2.7'],
    ['version 1, IPv6', Buffer.from('PROXY TCP6 2001:db8::7 ::1 56324 25\r\n'), '2001:db8::7'],
    ['version 2, IPv4', binaryHeader(0x21, 0x11, V4), '192.0.2.7'],
    ['version 1, IPv6 of one link', Buffer.from('PROXY TCP6 fe80::7%eth0 ::1 56324 25\r\n'), 'fe80::7'],
    ['version 2, IPv6', binaryHeader(0x21, 0x21, V6), '2001:db8::7'],
    // A proxy that listens for both families names IPv4 callers so.
    ['version 1, IPv4 in IPv6', Buffer.from('PROXY TCP6 ::ffff:c000:207 ::1 56324 25\r\n'), '192.0.2.7'],
    ['version 2, IPv4 in IPv6', binaryHeader(0x21, 0x21, MAPPED), '192.0.2.7'],
    [
      'version 2 with TLVs',
      binaryHeader(0x21, 0x11, Buffer.concat([V4, Buffer.from([4, 0, 1, 0])])),
      '192.0.2.7',
    ],
  ])('IN-12 of %s names the caller, however it is cut, and ends where it ends', (_, header, address) => {
    const whole = Buffer.concat([header, Buffer.from('EHLO caller.example\r\n')]);
    for (let seen = 0; seen < header.length; seen += 1)
      expect(readProxyHeader(whole.subarray(0, seen))).toEqual({ kind: 'partial' });
    for (let seen = header.length; seen <= whole.length; seen += 1)
      expect(readProxyHeader(whole.subarray(0, seen))).toEqual({
        kind: 'header',
        octets: header.length,
        source: { address, port: 56_324 },
      });
  });

  test.each([
    ['version 1, UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
    ['version 1, UNKNOWN with more', Buffer.from('PROXY UNKNOWN ffff::1 ::2 1 2\r\n')],
    ['version 2, LOCAL', binaryHeader(0x20, 0x11, V4)],
    ['version 2, unspecified', binaryHeader(0x21, 0x00, Buffer.alloc(0))],
  ])('IN-12 of %s is the proxy’s own', (_, header) => {
    expect(readProxyHeader(header)).toEqual({ kind: 'header', octets: header.length, source: null });
  });

  test.each([
    'EHLO caller.example\r\n',
    'PROXY\r\n',
    'proxy TCP4 192.0.2.7 198.51.100.1 56324 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\n\r\n',
    'PROXY TCP4 192.0.2.777 198.51.100.1 56324 25\r\n',
    'PROXY TCP4 ::1 ::2 56324 25\r\n',
    'PROXY TCP6 192.0.2.7 198.51.100.1 56324 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 65536 25\r\n',
    'PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n',
    'PROXY TCP4 192.0.2.7  198.51.100.1 56324 25\r\n',
    'PROXY UDP4 192.0.2.7 198.51.100.1 56324 25\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    `PROXY ${'x'.repeat(200)}`,
    '\r\nEHLO caller.example\r\n',
  ])('IN-12 is refused when it is %j', (text) => {
    expect(readProxyHeader(Buffer.from(text, 'latin1'))).toEqual({ kind: 'refused' });
  });

  test.each([
    ['another version', binaryHeader(0x11, 0x11, V4)],
    ['another command', binaryHeader(0x22, 0x11, V4)],
    ['datagrams', binaryHeader(0x21, 0x12, V4)],
    ['a local socket', binaryHeader(0x21, 0x31, Buffer.alloc(216))],
    ['addresses that are cut off', binaryHeader(0x21, 0x21, V4)],
    ['too much to say', binaryHeader(0x21, 0x11, Buffer.alloc(3000)).subarray(0, 16)],
  ])('IN-12 of version 2 is refused with %s', (_, header) => {
    expect(readProxyHeader(header)).toEqual({ kind: 'refused' });
  });

  test('IN-12 whatever comes, more than 2,048 octets are never waited for', () => {
    const beginning = fc.constantFrom(
      ...['PROXY ', 'PROXY UNKNOWN ', '', '\r\n\r\n\0\r\nQUIT\n', '\r\n\r\n\0\r\nQUIT\n!\x11'],
    );
    fc.assert(
      fc.property(beginning, fc.uint8Array({ maxLength: 200 }), (text, noise) => {
        const bytes = Buffer.concat([Buffer.from(text, 'latin1'), noise]);
        const read = readProxyHeader(bytes);
        if (read.kind === 'header') expect(read.octets).toBeLessThanOrEqual(bytes.length);
        const padded = readProxyHeader(Buffer.concat([bytes, Buffer.alloc(2048, 'x')]));
        expect(padded.kind).not.toBe('partial');
      }),
      { numRuns: 2_000 },
    );
  });
});
