import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { DkimAlgorithm } from './dkimkey.ts';
import { checkDkimKey, checkSelector, generateDkimKeys } from './dkimkey.ts';
import { dnsRecords } from './dnsrecord.ts';
import { isFailure } from './failure.ts';

const pem = { type: 'pkcs8', format: 'pem' } as const;
const keys = generateDkimKeys('s1');
const [rsa, ed25519] = keys;
if (rsa === undefined || ed25519 === undefined) throw new Error('two keys are made');

function failure(act: () => void): { code: string; detail: string } {
  try {
    act();
  } catch (error) {
    if (isFailure(error)) return { code: error.code, detail: error.detail };
    throw error;
  }
  return { code: 'taken', detail: '' };
}

const check = (key: string, algorithm: DkimAlgorithm) => failure(() => checkDkimKey(key, algorithm));

describe('keys', () => {
  test('DK-5 DK-6 RSA-2048 and Ed25519 are made, each under its selector', () => {
    expect(keys.map(({ selector, algorithm }) => [selector, algorithm])).toEqual([
      ['s1', 'rsa-sha256'],
      ['s1-ed', 'ed25519-sha256'],
    ]);
    expect(createPrivateKey(rsa.privateKey).asymmetricKeyDetails?.modulusLength).toBe(2048);
    for (const key of keys) expect(check(key.privateKey, key.algorithm).code).toBe('taken');
  });

  test('DK-5 DK-8 a key that cannot sign in its slot is refused', () => {
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export(pem).toString();
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export(pem).toString();
    const locked = generateKeyPairSync('ed25519')
      .privateKey.export({ ...pem, cipher: 'aes-256-cbc', passphrase: 'x' })
      .toString();
    const publicOnly = createPublicKey(rsa.privateKey).export({ type: 'spki', format: 'pem' }).toString();
    expect(check(weak, 'rsa-sha256')).toMatchObject({
      code: 'dkim_key_invalid',
      detail: expect.stringContaining('1024'),
    });
    expect(check(ed25519.privateKey, 'rsa-sha256').code).toBe('dkim_key_invalid');
    expect(check(rsa.privateKey, 'ed25519-sha256').code).toBe('dkim_key_invalid');
    for (const key of [
      ec,
      locked,
      publicOnly,
      '',
      'nonsense',
      rsa.privateKey.slice(0, 400),
      undefined as unknown as string,
    ]) {
      const refused = check(key, 'rsa-sha256');
      expect(refused.code).toBe('dkim_key_invalid');
      expect(refused.detail).not.toContain('BEGIN');
    }
  });

  test('a brought RSA key in the older PKCS #1 form is taken', () => {
    const old = createPrivateKey(rsa.privateKey).export({ type: 'pkcs1', format: 'pem' }).toString();
    expect(check(old, 'rsa-sha256').code).toBe('taken');
  });

  test('a selector is made of DNS labels', () => {
    for (const selector of ['s1', 'a', '2026-03', 'march.2026', 'x'.repeat(60)]) {
      expect(failure(() => checkSelector(selector)).code).toBe('taken');
    }
    for (const selector of [
      '',
      'S1',
      's_1',
      '-s',
      's-',
      'a..b',
      '.a',
      's1;',
      's 1',
      'x'.repeat(61),
      's1\n',
      'é',
    ]) {
      expect([selector, failure(() => generateDkimKeys(selector)).code]).toEqual([
        selector,
        'dkim_selector_invalid',
      ]);
    }
  });
});

describe('DNS records', () => {
  const records = dnsRecords({ domain: 'news.example.com', linkBaseUrl: 'https://links.example.com', keys });
  const value = (name: string, type = 'TXT') =>
    records.filter((each) => each.name === name && each.type === type).map((each) => each.value);
  const tags = (record: string) =>
    Object.fromEntries(record.split('; ').map((tag) => tag.split(/=(.*)/s).slice(0, 2)));

  test('DK-5 the published RSA key verifies what the private key signs', () => {
    const record = tags(value('s1._domainkey.news.example.com')[0] ?? '');
    expect(record).toMatchObject({ v: 'DKIM1', k: 'rsa' });
    const published = createPublicKey({
      key: Buffer.from(record.p ?? '', 'base64'),
      type: 'spki',
      format: 'der',
    });
    const signature = sign('sha256', Buffer.from('mail'), rsa.privateKey);
    expect(verify('sha256', Buffer.from('mail'), published, signature)).toBe(true);
  });

  test('DK-6 the published Ed25519 key is 32 raw bytes, and verifies', () => {
    const record = tags(value('s1-ed._domainkey.news.example.com')[0] ?? '');
    expect(record).toMatchObject({ v: 'DKIM1', k: 'ed25519' });
    expect(record.p).toHaveLength(44);
    const x = Buffer.from(record.p ?? '', 'base64').toString('base64url');
    const published = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    expect(
      verify(null, Buffer.from('mail'), published, sign(null, Buffer.from('mail'), ed25519.privateKey)),
    ).toBe(true);
  });

  test('DK-10 DMARC has a policy and none of the tags that RFC 9989 removed', () => {
    const [dmarc = ''] = value('_dmarc.news.example.com');
    expect(dmarc).toBe('v=DMARC1; p=none');
    for (const removed of ['pct', 'rf', 'ri']) expect(tags(dmarc)).not.toHaveProperty(removed);
  });

  test('one SPF record and one MX are published, and a relay of Amazon is named', () => {
    expect(value('news.example.com')).toEqual(['v=spf1 mx ~all']);
    expect(value('news.example.com', 'MX')).toEqual(['10 links.example.com']);
    const ses = dnsRecords({
      domain: 'news.example.com',
      linkBaseUrl: 'https://links.example.com:8443',
      keys: [],
      inboundHost: 'mx.example.com',
      relay: 'ses',
    });
    expect(ses.map((each) => each.value)).toEqual([
      'v=spf1 mx include:amazonses.com ~all',
      'v=DMARC1; p=none',
      '10 mx.example.com',
    ]);
  });
});
