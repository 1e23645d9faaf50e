import { createCipheriv, createHmac, createSecretKey } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isFailure } from './failure.ts';
import { generateKeyRing, parseKeyRing, rotateKeyRing } from './keyring.ts';
import { readUrlToken } from './token-query.ts';
import type { UrlClaims } from './urlclaims.ts';
import type { UrlPurpose, UrlToken } from './urltoken.ts';
import { openUrlSealer, openUrlToken, tokenFingerprint } from './urltoken.ts';

const json = generateKeyRing();
const ring = parseKeyRing(json);
const audience = { purpose: 'one-click', organisation: 'default' } as const;
const sealer = openUrlSealer(ring, 'one-click', 'default');

const claims: UrlClaims = {
  messageId: '019a8d00-1234-7abc-8def-0123456789ab',
  campaignId: 'spring-2026',
  journeyVersionId: '1b4e28ba-2fa1-11d2-883f-0016d3cca427',
  journeyActionId: '6fa459ea-ee8a-3ca4-894e-db77e160355e',
  sandbox: 'prod',
  scope: 'channel',
  profileId: '51427330415460200958515299370682115711',
  profileNamespace: 'CRMID',
  address: 'john.smith@example.com',
  addressNamespace: 'Email',
};

const bare: UrlClaims = {
  messageId: 'm',
  sandbox: 'dev',
  scope: 'identity',
  profileId: 'p',
  profileNamespace: 'Loyalty',
  address: 'jürgen@example.com',
  addressNamespace: 'Email',
};

const PARTS = ['params', 'pid', 'sig'] as const;

function query(token: UrlToken): string {
  return `params=${token.params}&pid=${token.pid}&sig=${token.sig}`;
}

function flip(value: string, bit: number): string {
  const bytes = Buffer.from(value, 'base64url');
  bytes.writeUInt8(bytes.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
  return bytes.toString('base64url');
}

describe('sealing and opening', () => {
  test('gives back what was said, with everything optional and with nothing', () => {
    expect(openUrlToken(ring, audience, sealer.seal(claims))).toEqual(claims);
    expect(openUrlToken(ring, audience, sealer.seal(bare))).toEqual(bare);
    const full: UrlClaims = {
      ...claims,
      scope: 'subscription',
      list: 'weekly',
      page: 'https://brand.example/bye?a=1',
    };
    expect(openUrlToken(ring, audience, sealer.seal(full))).toEqual(full);
  });

  test('gives back whatever texts were sealed', () => {
    const word = fc.string({ maxLength: 40 });
    fc.assert(
      fc.property(
        word,
        word,
        word,
        fc.string({ unit: 'grapheme', maxLength: 20 }),
        (messageId, sandbox, profileId, page) => {
          const said: UrlClaims = { ...bare, messageId, sandbox, profileId, page };
          expect(openUrlToken(ring, audience, sealer.seal(said))).toEqual(said);
        },
      ),
    );
  });

  test('the whole one-click URL stays under 500 octets for ordinary ids', () => {
    const url = `https://news.example.com/unsubscribe/one-click?${query(sealer.seal(claims))}`;
    expect(Buffer.byteLength(url)).toBeLessThan(500);
    const uuids = {
      ...claims,
      campaignId: claims.journeyActionId ?? '',
      list: 'weekly-digest',
      scope: 'subscription' as const,
    };
    const longer = `https://newsletter.a-long-brand-name.example/unsubscribe/one-click?${query(sealer.seal(uuids))}`;
    expect(Buffer.byteLength(longer)).toBeLessThan(500);
  });

  test('TK-3 neither address nor ids nor list stand in a token', () => {
    const token = sealer.seal({ ...claims, list: 'weekly', scope: 'subscription' });
    const seen = [token.params, token.pid, token.sig]
      .map((value) => Buffer.from(value, 'base64url').toString('latin1'))
      .join();
    for (const secret of ['john', 'example', 'spring', 'weekly', 'CRMID', 'prod']) {
      expect(seen).not.toContain(secret);
      expect(query(token)).not.toContain(secret);
    }
    expect(Buffer.from(token.pid, 'base64url').includes(Buffer.from('51427330415460200958', 'hex'))).toBe(
      false,
    );
  });

  test('a nonce is never used twice, and every sealer has a salt of its own', () => {
    const heads = new Set<string>();
    const nonces = new Set<string>();
    for (const each of [sealer, openUrlSealer(ring, 'one-click', 'default')]) {
      for (let index = 0; index < 600; index += 1) {
        const { params, pid } = each.seal(claims);
        for (const value of [params, pid]) {
          const bytes = Buffer.from(value, 'base64url');
          heads.add(bytes.toString('hex', 0, 10));
          nonces.add(bytes.toString('hex', 10, 22));
        }
      }
    }
    expect(heads.size).toBe(2);
    expect(nonces.size).toBe(2400);
  });

  test('a value that nobody could open again is not sealed', () => {
    const page = `https://brand.example/${'x'.repeat(400)}`;
    let code = '';
    try {
      sealer.seal({ ...claims, page });
    } catch (error) {
      code = isFailure(error) ? error.code : '';
    }
    expect(code).toBe('token_too_long');
    // The longest that is sealed does open.
    for (let length = 150; length < 400; length += 1) {
      const said = { ...bare, page: 'x'.repeat(length) };
      let token: UrlToken;
      try {
        token = sealer.seal(said);
      } catch {
        expect(length).toBeGreaterThan(250);
        return;
      }
      expect(readUrlToken(query(token))).toEqual(token);
      expect(openUrlToken(ring, audience, token)).toEqual(said);
    }
    throw new Error('no length was refused');
  });
});

describe('TK-1 a token opens only for what it was made for', () => {
  const token = sealer.seal(claims);

  test('another purpose, in either direction, opens nothing', () => {
    const purposes: UrlPurpose[] = ['one-click', 'landing', 'preferences', 'mirror', 'customer'];
    for (const sealedFor of purposes) {
      const made = openUrlSealer(ring, sealedFor, 'default').seal(claims);
      for (const openedFor of purposes) {
        const opened = openUrlToken(ring, { purpose: openedFor, organisation: 'default' }, made);
        expect([sealedFor, openedFor, opened !== null]).toEqual([
          sealedFor,
          openedFor,
          sealedFor === openedFor,
        ]);
      }
    }
  });

  test('another organisation opens nothing, and names that run together are not one name', () => {
    expect(openUrlToken(ring, { ...audience, organisation: 'other' }, token)).toBeNull();
    expect(openUrlToken(ring, { ...audience, organisation: 'defaul' }, token)).toBeNull();
    expect(openUrlToken(ring, { ...audience, organisation: '' }, token)).toBeNull();
  });

  test('another sandbox opens nothing, and where none is asked the token tells its own', () => {
    expect(openUrlToken(ring, { ...audience, sandbox: 'prod' }, token)).toEqual(claims);
    expect(openUrlToken(ring, { ...audience, sandbox: 'dev' }, token)).toBeNull();
    expect(openUrlToken(ring, { ...audience, sandbox: '' }, token)).toBeNull();
    expect(openUrlToken(ring, audience, token)?.sandbox).toBe('prod');
  });

  test('two halves of different mails never open, not even of one batch or with a fresh sig', () => {
    const other = sealer.seal({ ...claims, address: 'jane@example.com', profileId: '2' });
    const foreign = openUrlSealer(ring, 'one-click', 'default').seal(claims);
    for (const mixed of [other, foreign]) {
      expect(openUrlToken(ring, audience, { ...token, pid: mixed.pid })).toBeNull();
      expect(openUrlToken(ring, audience, { ...token, pid: mixed.pid, sig: mixed.sig })).toBeNull();
      expect(openUrlToken(ring, audience, { ...token, params: mixed.params })).toBeNull();
      expect(openUrlToken(ring, audience, { ...token, sig: mixed.sig })).toBeNull();
      // Whoever could sign still could not mix: the halves are bound inside the encryption as well.
      expect(openUrlToken(ring, audience, resign({ ...token, pid: mixed.pid }))).toBeNull();
    }
  });

  test('the halves do not change places', () => {
    expect(openUrlToken(ring, audience, { ...token, params: token.pid, pid: token.params })).toBeNull();
    expect(openUrlToken(ring, audience, { ...token, pid: token.params })).toBeNull();
  });

  test('another ring opens nothing', () => {
    expect(openUrlToken(parseKeyRing(generateKeyRing()), audience, token)).toBeNull();
  });
});

describe('hostile input', () => {
  test('TK-10 any single bit flipped anywhere is refused', () => {
    for (const said of [claims, bare]) {
      const token = sealer.seal(said);
      for (const part of PARTS) {
        const bits = Buffer.from(token[part], 'base64url').length * 8;
        for (let bit = 0; bit < bits; bit += 1) {
          const opened = openUrlToken(ring, audience, { ...token, [part]: flip(token[part], bit) });
          expect([part, bit, opened]).toEqual([part, bit, null]);
        }
      }
    }
  });

  test('TK-10 any truncation and any addition is refused', () => {
    const token = sealer.seal(claims);
    for (const part of PARTS) {
      for (let length = 0; length < token[part].length; length += 1) {
        expect(openUrlToken(ring, audience, { ...token, [part]: token[part].slice(0, length) })).toBeNull();
        expect(openUrlToken(ring, audience, { ...token, [part]: token[part].slice(length + 1) })).toBeNull();
      }
      for (const more of ['A', 'AA', 'AAAA', '=', '==', '.', ' ']) {
        expect(openUrlToken(ring, audience, { ...token, [part]: token[part] + more })).toBeNull();
      }
    }
  });

  test('TK-2 a value has one spelling: padding, the other alphabet, white space and loose bits are refused', () => {
    // Enough tokens that every value holds characters which the other alphabet spells otherwise.
    let others = 0;
    for (let round = 0; round < 20; round += 1) {
      const token = sealer.seal({ ...claims, profileId: `${round}`.repeat((round % 3) + 1) });
      for (const part of PARTS) {
        const value = token[part];
        const spellings = [
          `${value}=`,
          `${value}==`,
          `${value}\n`,
          ` ${value}`,
          value.replaceAll('-', '+').replaceAll('_', '/'),
        ];
        const last = value.at(-1) ?? '';
        const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
        for (const character of alphabet)
          if (character !== last) spellings.push(value.slice(0, -1) + character);
        for (const spelling of spellings.filter((each) => each !== value)) {
          const bytes = Buffer.from(spelling, 'base64url');
          // Those that a lenient decoder reads as the very same bytes are the ones that matter.
          if (bytes.equals(Buffer.from(value, 'base64url'))) others += 1;
          expect(openUrlToken(ring, audience, { ...token, [part]: spelling })).toBeNull();
        }
      }
    }
    expect(others).toBeGreaterThan(100);
  });

  test('TK-6 whatever is wrong, the answer is the same null and nothing is thrown', () => {
    const token = sealer.seal(claims);
    const odd = [
      undefined,
      null,
      0,
      {},
      [],
      ['x'],
      [token.params],
      { toString: () => token.params },
      'x'.repeat(100_000),
      '\0',
      '💥',
      '%',
    ];
    for (const value of odd) {
      for (const part of PARTS) {
        expect(openUrlToken(ring, audience, { ...token, [part]: value } as unknown as UrlToken)).toBeNull();
      }
      expect(openUrlToken(ring, audience, value as unknown as UrlToken)).toBeNull();
    }
    fc.assert(
      fc.property(fc.string(), fc.base64String(), fc.string({ unit: 'binary' }), (params, pid, sig) => {
        expect(openUrlToken(ring, audience, { params, pid, sig })).toBeNull();
      }),
    );
  });

  test('TK-9 a value over 512 characters is not decoded, though its seal would hold', () => {
    // The same forger, just within the limit, is believed.
    const short = forge({ version: 1, page: 200 });
    expect(short.params.length).toBeLessThanOrEqual(512);
    expect(openUrlToken(ring, audience, short)).toMatchObject({
      messageId: 'm',
      scope: 'channel',
      profileId: 'p',
    });
    const long = forge({ version: 1, page: 400 });
    expect(long.params.length).toBeGreaterThan(512);
    expect(openUrlToken(ring, audience, long)).toBeNull();
    expect(readUrlToken(query(long))).toBeNull();
  });

  test('TK-1 a version that is not known is refused, though its seal would hold', () => {
    expect(openUrlToken(ring, audience, forge({ version: 1, page: 1 }))).not.toBeNull();
    expect(openUrlToken(ring, audience, forge({ version: 2, page: 1 }))).toBeNull();
  });

  test('TK-2 whoever could sign could still not spell a value in another way', () => {
    const token = sealer.seal(claims);
    expect(openUrlToken(ring, audience, resign(token))).toEqual(claims);
    expect(openUrlToken(ring, audience, resign({ ...token, pid: `${token.pid}=` }))).toBeNull();
    // Version, key id and salt stand in clear in both halves: no bit of them is free.
    for (let bit = 0; bit < 80; bit += 1) {
      expect(openUrlToken(ring, audience, resign({ ...token, pid: flip(token.pid, bit) }))).toBeNull();
    }
  });
});

/** The same token with a signature that holds, whatever was done to its halves. */
function resign(token: UrlToken): UrlToken {
  const key = ring.subkey(1, 'token/one-click/sig');
  if (key === null) throw new Error('no key');
  const signed = createHmac('sha256', key).update(`one-click.${token.params}.${token.pid}`).digest();
  return { ...token, sig: signed.subarray(0, 16).toString('base64url') };
}

/** The format, written a second time: a token of this version whose page has this many octets. */
function forge({ version, page }: { readonly version: number; readonly page: number }): UrlToken {
  const purposeKey = ring.subkey(1, 'token/one-click');
  if (purposeKey === null) throw new Error('no key');
  const head = Buffer.from([version, 1, 1, 2, 3, 4, 5, 6, 7, 8]);
  const key = createSecretKey(createHmac('sha256', purposeKey).update(head.subarray(2)).digest());
  const bind = (texts: string[]) =>
    Buffer.concat(texts.flatMap((each) => [Buffer.from([0, 0, 0, each.length]), Buffer.from(each)]));
  const seal = (half: 'params' | 'pid', plain: Buffer, bound: string) => {
    const nonce = Buffer.alloc(12, half === 'params' ? 1 : 2);
    const cipher = createCipheriv('aes-256-gcm', key, nonce);
    cipher.setAAD(
      Buffer.concat([head.subarray(0, 2), bind(['one-click', 'default', half]), Buffer.from(bound)]),
    );
    const sealed = [head, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()];
    return Buffer.concat(sealed).toString('base64url');
  };
  const absent = Buffer.from([0x80]);
  const one = (letter: string) => Buffer.from([1, letter.charCodeAt(0)]);
  const longText = Buffer.from([0x83, page >> 8, page & 255, ...Buffer.alloc(page, 'x')]);
  const said = [one('m'), absent, absent, absent, one('s'), one('0'), absent, longText];
  const params = seal('params', Buffer.concat(said), '');
  const pid = seal('pid', Buffer.concat([one('p'), one('n'), one('a'), one('e')]), params);
  return resign({ params, pid, sig: '' });
}

describe('TK-5 rotation', () => {
  test('the new key seals, the old one still opens, and an unknown key id is a null', () => {
    const old = sealer.seal(claims);
    const rotated = parseKeyRing(rotateKeyRing(json));
    const fresh = openUrlSealer(rotated, 'one-click', 'default').seal(claims);
    expect(openUrlToken(rotated, audience, old)).toEqual(claims);
    expect(openUrlToken(rotated, audience, fresh)).toEqual(claims);
    expect(Buffer.from(fresh.params, 'base64url')[1]).toBe(2);
    expect(openUrlToken(ring, audience, fresh)).toBeNull();
  });

  test('a key of another id cannot be claimed', () => {
    const { keys } = JSON.parse(json);
    const twin = parseKeyRing(JSON.stringify({ primary: 'k1', keys: { k1: keys.k1, k2: keys.k1 } }));
    const token = openUrlSealer(twin, 'one-click', 'default').seal(claims);
    const relabelled = (value: string) => {
      const bytes = Buffer.from(value, 'base64url');
      bytes.writeUInt8(2, 1);
      return bytes.toString('base64url');
    };
    const params = relabelled(token.params);
    expect(openUrlToken(twin, audience, { ...token, params, pid: relabelled(token.pid) })).toBeNull();
  });
});

test('TK-4 a token holds no time after which it would not open', () => {
  expect(Object.keys(openUrlToken(ring, audience, sealer.seal(claims)) ?? {})).toEqual(Object.keys(claims));
});

test('a fingerprint is 16 hexadecimal digits, the same for the same token only', () => {
  expect(tokenFingerprint('abc')).toMatch(/^[0-9a-f]{16}$/);
  expect(tokenFingerprint('abc')).toBe(tokenFingerprint('abc'));
  expect(tokenFingerprint('abc')).not.toBe(tokenFingerprint('abd'));
});
