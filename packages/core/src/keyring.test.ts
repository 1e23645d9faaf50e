import { describe, expect, test } from '@jest/globals';
import { isFailure } from './failure.ts';
import {
  describeKeyRing,
  generateKeyRing,
  openSecret,
  parseKeyRing,
  rotateKeyRing,
  sealSecret,
} from './keyring.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return isFailure(error) ? error.code : 'no failure';
  }
  return 'nothing thrown';
}

describe('the document', () => {
  test('what is generated can be read, and keeps its bytes to itself', () => {
    const json = generateKeyRing();
    const ring = parseKeyRing(json);
    expect(describeKeyRing(ring)).toEqual({ primary: 'k1', ids: ['k1'] });
    expect(JSON.stringify(ring)).toBe('{"primary":1,"ids":[1]}');
    expect(generateKeyRing()).not.toBe(json);
  });

  test('TK-5 rotating adds a key that seals and keeps every other', () => {
    const first = generateKeyRing();
    const second = rotateKeyRing(first);
    expect(describeKeyRing(parseKeyRing(second))).toEqual({ primary: 'k2', ids: ['k1', 'k2'] });
    expect(JSON.parse(second).keys.k1).toBe(JSON.parse(first).keys.k1);
    expect(JSON.parse(second).keys.k2).not.toBe(JSON.parse(first).keys.k1);
  });

  test('rotating past k255 takes a free id, and a ring that is full says so', () => {
    const keys = Object.fromEntries(Array.from({ length: 256 }, (_, id) => [`k${id}`, KEY]));
    expect(codeOf(() => rotateKeyRing(JSON.stringify({ primary: 'k0', keys })))).toBe('keyring_full');
    const { k7: _, ...rest } = keys;
    expect(JSON.parse(rotateKeyRing(JSON.stringify({ primary: 'k0', keys: rest }))).primary).toBe('k7');
  });

  test('a broken document is refused without quoting it', () => {
    const broken = [
      'not json',
      `{"primary":"k1","keys":{"k1":"${KEY}"}`,
      '[]',
      'null',
      '{"primary":"k1"}',
      `{"primary":"k2","keys":{"k1":"${KEY}"}}`,
      `{"primary":"toString","keys":{"k1":"${KEY}"}}`,
      `{"primary":"k01","keys":{"k01":"${KEY}"}}`,
      `{"primary":"k256","keys":{"k256":"${KEY}"}}`,
      `{"primary":"K1","keys":{"K1":"${KEY}"}}`,
      `{"primary":"k1","keys":{"k1":"${KEY.slice(0, -4)}"}}`,
      `{"primary":"k1","keys":{"k1":"${KEY.replace('=', '')}"}}`,
      '{"primary":"k1","keys":{"k1":7}}',
    ];
    for (const json of broken) {
      expect([json, codeOf(() => parseKeyRing(json))]).toEqual([json, 'keyring_invalid']);
      let shown = '';
      try {
        parseKeyRing(json);
      } catch (error) {
        shown = `${String(error)} ${String((error as Error).cause)}`;
      }
      expect(shown).not.toContain(KEY.slice(0, 12));
    }
  });
});

describe('sealed secrets', () => {
  const ring = parseKeyRing(generateKeyRing());
  const secret = Buffer.from('-----BEGIN PRIVATE KEY-----');

  test('open for their purpose only', () => {
    const sealed = sealSecret(ring, 'dkim', secret);
    expect(openSecret(ring, 'dkim', sealed)).toEqual(secret);
    expect(openSecret(ring, 'webhook', sealed)).toBeNull();
    expect(sealed.includes(secret)).toBe(false);
    expect(sealSecret(ring, 'dkim', secret).equals(sealed)).toBe(false);
  });

  test('are null when any bit is flipped, any byte is missing, or the key is not there', () => {
    const sealed = sealSecret(ring, 'dkim', secret);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const flipped = Buffer.from(sealed);
      flipped.writeUInt8(flipped.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      expect(openSecret(ring, 'dkim', flipped)).toBeNull();
    }
    for (let length = 0; length < sealed.length; length += 1) {
      expect(openSecret(ring, 'dkim', sealed.subarray(0, length))).toBeNull();
    }
    expect(openSecret(parseKeyRing(generateKeyRing()), 'dkim', sealed)).toBeNull();
    expect(openSecret(ring, 'dkim', 'text' as unknown as Buffer)).toBeNull();
  });

  test('survive a rotation', () => {
    const json = generateKeyRing();
    const sealed = sealSecret(parseKeyRing(json), 'dkim', secret);
    expect(openSecret(parseKeyRing(rotateKeyRing(json)), 'dkim', sealed)).toEqual(secret);
  });

  test('a subkey is 32 bytes, the same every time, and another for every purpose and key', () => {
    const twin = parseKeyRing(
      JSON.stringify({ primary: 'k1', keys: { k1: KEY, k2: Buffer.alloc(32, 8).toString('base64') } }),
    );
    const bytes = (id: number, purpose: string) => twin.subkey(id, purpose)?.export().toString('hex');
    expect(bytes(1, 'token/landing')).toMatch(/^[0-9a-f]{64}$/);
    expect(bytes(1, 'token/landing')).toBe(bytes(1, 'token/landing'));
    expect(bytes(1, 'token/landing')).not.toBe(bytes(1, 'token/one-click'));
    expect(bytes(1, 'token/landing')).not.toBe(bytes(2, 'token/landing'));
    expect(twin.subkey(3, 'token/landing')).toBeNull();
  });
});
