import { describe, expect, test } from '@jest/globals';
import { generateKeyRing, parseKeyRing } from './keyring.ts';
import { openUnsignedUrlToken, openUrlSealer } from './urltoken.ts';

const ring = parseKeyRing(generateKeyRing());
const audience = { purpose: 'customer', organisation: 'default' } as const;
const CLAIMS = {
  messageId: '019a8d00-1234-7abc-8def-0123456789ab',
  sandbox: 'prod',
  scope: 'channel',
  profileId: '5142',
  profileNamespace: 'CRMID',
  address: 'john@example.com',
  addressNamespace: 'Email',
} as const;
const sealer = openUrlSealer(ring, 'customer', 'default');
const { params, pid } = sealer.seal(CLAIMS);

test('U7 the two halves say what was sealed, without a sig', () => {
  expect(openUnsignedUrlToken(ring, audience, { params, pid })).toEqual(CLAIMS);
});

describe('TK-1 without a sig nothing else opens either', () => {
  test('not for another purpose, organisation or sandbox', () => {
    for (const other of [{ purpose: 'landing' }, { organisation: 'other' }, { sandbox: 'dev' }] as const) {
      expect(openUnsignedUrlToken(ring, { ...audience, ...other }, { params, pid })).toBeNull();
    }
  });

  test('not two halves of different mails of one batch, nor halves that changed places', () => {
    const other = sealer.seal({ ...CLAIMS, profileId: '9' });
    expect(openUnsignedUrlToken(ring, audience, { params, pid: other.pid })).toBeNull();
    expect(openUnsignedUrlToken(ring, audience, { params: other.params, pid })).toBeNull();
    expect(openUnsignedUrlToken(ring, audience, { params: pid, pid: params })).toBeNull();
  });

  test('TK-10 not with any bit turned', () => {
    for (const half of ['params', 'pid'] as const) {
      const sealed = Buffer.from({ params, pid }[half], 'base64url');
      for (let bit = 0; bit < sealed.length * 8; bit += 1) {
        const turned = Buffer.from(sealed);
        turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        const token = { params, pid, [half]: turned.toString('base64url') };
        expect(openUnsignedUrlToken(ring, audience, token)).toBeNull();
      }
    }
  });
});
