import { createHmac } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase32, encodeBase32 } from './base32.ts';
import { isFailure } from './failure.ts';
import { generateKeyRing, parseKeyRing, rotateKeyRing } from './keyring.ts';
import type { MailClaims } from './mailtoken.ts';
import { mailTokenAddress, openMailToken, readMailLocalPart, sealMailToken } from './mailtoken.ts';

const json = generateKeyRing();
const ring = parseKeyRing(json);
const audience = { organisation: 'default', sandbox: 'prod' };
const claims: MailClaims = {
  profile: 2 ** 40 - 1,
  address: 654_321,
  list: 7,
  scope: 'identity',
  day: 20_781,
};
const seal = (said: MailClaims = claims) => sealMailToken(ring, 'mailto', audience, said);
const open = (token: string) => openMailToken(ring, 'mailto', audience, token);

const anyClaims = fc.record<MailClaims>({
  profile: fc.nat(2 ** 31 - 1).map((n) => n * 512),
  address: fc.nat(2 ** 31 - 1),
  list: fc.nat(2 ** 24 - 1),
  scope: fc.constantFrom('channel', 'identity', 'subscription'),
  day: fc.nat(2 ** 22 - 1),
});

describe('sealing and opening', () => {
  test('gives back what was said', () => {
    fc.assert(fc.property(anyClaims, (said) => expect(open(seal(said))).toEqual(said)));
  });

  test('refuses numbers that do not fit, instead of cutting them', () => {
    const wrong: Partial<MailClaims>[] = [
      { profile: 2 ** 40 },
      { address: 2 ** 40 },
      { list: 2 ** 24 },
      { day: 2 ** 22 },
      { profile: -1 },
      { profile: 1.5 },
      { address: Number.NaN },
      { scope: 'everything' as MailClaims['scope'] },
    ];
    for (const part of wrong) {
      let code = '';
      try {
        seal({ ...claims, ...part });
      } catch (error) {
        code = isFailure(error) ? error.code : '';
      }
      expect([part, code]).toEqual([part, 'mail_token_range']);
    }
  });

  test('another day, person or list gives another token', () => {
    const tokens = [claims, { ...claims, day: 1 }, { ...claims, profile: 1 }, { ...claims, list: 8 }].map(
      seal,
    );
    expect(new Set(tokens).size).toBe(4);
  });
});

describe('in a local part', () => {
  test('MT-2 is 45 lower-case letters and digits, and the local part stays under 64 octets', () => {
    fc.assert(
      fc.property(anyClaims, (said) => {
        expect(seal(said)).toMatch(/^[a-z2-7]{45}$/);
        for (const purpose of ['mailto', 'verp'] as const) {
          const token = sealMailToken(ring, purpose, audience, said);
          const [localPart = ''] = mailTokenAddress(purpose, token, 'news.example.com').split('@');
          expect(localPart.length).toBeLessThanOrEqual(63);
          expect(localPart).toMatch(/^[a-z]+\+[a-z2-7]+$/);
        }
      }),
    );
  });

  test('MT-2 is read in any case', () => {
    const token = seal();
    expect(open(token.toUpperCase())).toEqual(claims);
    expect(open(Array.from(token, (c, i) => (i % 2 === 0 ? c.toUpperCase() : c)).join(''))).toEqual(claims);
  });

  test('MT-3 needs no percent-encoding in a mailto URI', () => {
    fc.assert(
      fc.property(anyClaims, (said) => {
        const address = mailTokenAddress('mailto', seal(said), 'news.example.com');
        expect(encodeURIComponent(address).replace('%2B', '+').replace('%40', '@')).toBe(address);
        expect(/[=&;/?#[\]%]/.test(address)).toBe(false);
      }),
    );
  });

  test('the local part tells purpose and token, split at its first plus', () => {
    const token = seal();
    expect(readMailLocalPart(`UNSUBSCRIBE+${token.toUpperCase()}`)).toEqual({ purpose: 'mailto', token });
    expect(readMailLocalPart(`bounce+${token}`)).toEqual({ purpose: 'verp', token });
    expect(readMailLocalPart(`bounce+a+b`)).toEqual({ purpose: 'verp', token: 'a+b' });
    for (const other of ['unsubscribe', 'abuse+x', '+x', '', 'unsubscribe-x'])
      expect(readMailLocalPart(other)).toBeNull();
  });
});

describe('separation', () => {
  test('TK-1 a token opens for its purpose, organisation and sandbox only', () => {
    const token = seal();
    expect(openMailToken(ring, 'verp', audience, token)).toBeNull();
    expect(open(sealMailToken(ring, 'verp', audience, claims))).toBeNull();
    expect(openMailToken(ring, 'mailto', { ...audience, organisation: 'other' }, token)).toBeNull();
    expect(openMailToken(ring, 'mailto', { ...audience, sandbox: 'dev' }, token)).toBeNull();
    // Names that run together are not the same names.
    expect(openMailToken(ring, 'mailto', { organisation: 'defaultp', sandbox: 'rod' }, token)).toBeNull();
    expect(openMailToken(parseKeyRing(generateKeyRing()), 'mailto', audience, token)).toBeNull();
  });

  test('TK-3 a token shows none of its numbers', () => {
    const bytes = decodeBase32(seal({ ...claims, profile: 0x0102030405, address: 0x0607080910 }));
    expect(bytes?.includes(Buffer.from([1, 2, 3, 4, 5]))).toBe(false);
    expect(bytes?.includes(Buffer.from([6, 7, 8, 9, 0x10]))).toBe(false);
  });

  test('TK-5 the old key still opens after a rotation, and an unknown key id is a null', () => {
    const old = seal();
    const rotated = parseKeyRing(rotateKeyRing(json));
    const fresh = sealMailToken(rotated, 'mailto', audience, claims);
    expect(openMailToken(rotated, 'mailto', audience, old)).toEqual(claims);
    expect(openMailToken(rotated, 'mailto', audience, fresh)).toEqual(claims);
    expect(open(fresh)).toBeNull();
  });
});

describe('hostile input', () => {
  test('TK-10 any single bit flipped is refused', () => {
    const bytes = decodeBase32(seal()) ?? Buffer.alloc(0);
    expect(bytes).toHaveLength(28);
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect([bit, open(encodeBase32(flipped))]).toEqual([bit, null]);
    }
  });

  test('TK-10 any truncation or addition is refused', () => {
    const token = seal();
    for (let length = 0; length < token.length; length += 1) {
      expect(open(token.slice(0, length))).toBeNull();
      expect(open(token.slice(length + 1))).toBeNull();
    }
    for (const more of ['a', '=', ' ', '\n', 'aaaaaaaa']) expect(open(token + more)).toBeNull();
  });

  test('TK-2 the bit that hangs over in the last character must be zero', () => {
    const token = seal();
    const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
    const last = alphabet.indexOf(token.at(-1) ?? '');
    expect(last % 2).toBe(0);
    expect(open(token.slice(0, -1) + alphabet.charAt(last + 1))).toBeNull();
  });

  test('TK-1 a version that is not known is refused, though its MAC is right', () => {
    const key = ring.subkey(1, 'token/mailto/mac');
    if (key === null) throw new Error('no key');
    const relabel = (version: number): string => {
      const clear = Buffer.from(decodeBase32(seal()) ?? []).subarray(0, 18);
      clear.writeUInt8(version, 0);
      const parts = ['mailto', 'default', 'prod'].flatMap((text) => [
        Buffer.from([0, 0, 0, text.length]),
        Buffer.from(text),
      ]);
      const mac = createHmac('sha256', key)
        .update(Buffer.concat(parts))
        .update(clear)
        .digest()
        .subarray(0, 10);
      return encodeBase32(Buffer.concat([clear, mac]));
    };
    expect(open(relabel(1))).toEqual(claims);
    expect(open(relabel(2))).toBeNull();
  });

  test('never throws', () => {
    for (const odd of [
      undefined,
      null,
      45,
      {},
      [seal()],
      Array.from(seal()),
      'x'.repeat(100_000),
      '\u212a'.repeat(45),
    ]) {
      expect(open(odd as unknown as string)).toBeNull();
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[a-z2-7]{45}$/)), (text) => {
        expect(open(text)).toBeNull();
      }),
    );
  });
});
