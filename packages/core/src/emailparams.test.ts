import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EmailParamsClaims } from './emailparams.ts';
import { openEmailParams, openEmailParamsSealer } from './emailparams.ts';
import { generateKeyRing, parseKeyRing, rotateKeyRing } from './keyring.ts';
import { openUrlSealer } from './urltoken.ts';

const json = generateKeyRing();
const ring = parseKeyRing(json);
const CLAIMS: EmailParamsClaims = {
  profileId: '5142733041546020095851529937068211571',
  profileNamespace: 'CRMID',
  address: 'john@example.com',
  addressNamespace: 'Email',
  campaignId: 'spring-2026',
  journeyVersionId: '6b1c6a6e-5ab5-4f4e-9d32-3b6ae3d3a6c1',
  journeyActionId: '0e2d6a6e-5ab5-4f4e-9d32-3b6ae3d3a6c1',
  sandbox: 'prod',
  scope: 'channel',
};
const sealer = openEmailParamsSealer(ring, 'default');
const token = sealer.seal(CLAIMS);
const open = (text: string, organisation = 'default') => openEmailParams(ring, { organisation }, text);

const text = fc.string({ minLength: 0, maxLength: 40, unit: 'grapheme' });

test('says what was sealed, begins with v1., and is short', () => {
  expect(open(token)).toEqual(CLAIMS);
  expect(token).toMatch(/^v1\.[A-Za-z0-9_-]+$/);
  expect(token.length).toBeLessThan(250);
});

test('whatever is sealed opens again', () => {
  const claims = fc.record(
    {
      profileId: text,
      profileNamespace: text,
      address: text,
      addressNamespace: text,
      campaignId: text,
      journeyVersionId: text,
      journeyActionId: text,
      sandbox: text,
      scope: fc.constantFrom('channel', 'identity', 'subscription'),
      list: text,
      shadow: fc.constant(true),
    },
    { requiredKeys: ['profileId', 'profileNamespace', 'address', 'addressNamespace', 'sandbox', 'scope'] },
  ) as fc.Arbitrary<EmailParamsClaims>;
  fc.assert(
    fc.property(claims, (given) => {
      try {
        expect(open(sealer.seal(given))).toEqual(given);
      } catch (error) {
        expect(error).toMatchObject({ code: 'token_too_long' });
      }
    }),
  );
});

test('never passes 512 characters', () => {
  const seal = (length: number) => sealer.seal({ ...CLAIMS, profileId: 'é'.repeat(length) });
  expect(() => seal(200)).toThrow(expect.objectContaining({ code: 'token_too_long' }));
  for (let length = 100; length < 200; length += 1) {
    try {
      const sealed = seal(length);
      expect(sealed.length).toBeLessThanOrEqual(512);
      expect(open(sealed)?.profileId).toHaveLength(length);
    } catch (error) {
      expect(error).toMatchObject({ code: 'token_too_long' });
    }
  }
});

describe('TK-2: nothing else opens', () => {
  test('not with any bit turned, a character more or less, or another spelling', () => {
    const sealed = Buffer.from(token.slice(3), 'base64url');
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const turned = Buffer.from(sealed);
      turned.writeUInt8(turned.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(open(`v1.${turned.toString('base64url')}`)).toBeNull();
    }
    const spellings = [
      `${token}=`,
      `${token} `,
      ` ${token}`,
      token.slice(0, -1),
      `${token}A`,
      token.slice(3),
    ];
    for (const other of [...spellings, `V1.${token.slice(3)}`, `v2.${token.slice(3)}`, `v1.${token}`]) {
      expect(open(other)).toBeNull();
    }
  });

  test('not for another organisation, sandbox or key', () => {
    expect(open(token, 'other')).toBeNull();
    expect(openEmailParams(ring, { organisation: 'default', sandbox: 'dev' }, token)).toBeNull();
    expect(openEmailParams(ring, { organisation: 'default', sandbox: 'prod' }, token)).toEqual(CLAIMS);
    const stranger = parseKeyRing(generateKeyRing());
    expect(openEmailParams(stranger, { organisation: 'default' }, token)).toBeNull();
    const rotated = parseKeyRing(rotateKeyRing(json));
    expect(openEmailParams(rotated, { organisation: 'default' }, token)).toEqual(CLAIMS);
  });

  test('not a half of a URL token', () => {
    for (const purpose of ['customer', 'landing', 'one-click'] as const) {
      const { params, pid } = openUrlSealer(ring, purpose, 'default').seal({ ...CLAIMS, messageId: 'm' });
      expect([open(`v1.${params}`), open(`v1.${pid}`)]).toEqual([null, null]);
    }
  });

  test('not anything at all', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (junk) => open(junk) === null));
    fc.assert(fc.property(fc.anything(), (junk) => open(junk as string) === null));
    fc.assert(fc.property(fc.base64String({ maxLength: 509 }), (junk) => open(`v1.${junk}`) === null));
  });
});
