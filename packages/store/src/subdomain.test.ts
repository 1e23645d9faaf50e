import type { DkimKey, KeyRing } from '@adieu/core';
import { generateKeyRing, parseKeyRing } from '@adieu/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Scope } from './scope.ts';
import { ensureSandbox } from './scope.ts';
import type { SubdomainRequest } from './subdomain.ts';
import {
  checkSealedKeys,
  findSubdomain,
  findSubdomainByDomain,
  findSubdomainByHost,
  openSubdomainKeys,
  putSubdomain,
} from './subdomain.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';

const KEYS: DkimKey[] = [
  { selector: 's1', algorithm: 'rsa-sha256', privateKey: '-----BEGIN PRIVATE KEY-----\nsecret' },
];

describe('subdomains', () => {
  let scratch: ScratchDatabase;
  let ours: Scope;
  let theirs: Scope;
  let ring: KeyRing;

  beforeAll(async () => {
    scratch = await openScratchDatabase();
    ours = await ensureSandbox(scratch.db, 'ours', 'prod');
    theirs = await ensureSandbox(scratch.db, 'theirs', 'prod');
    ring = parseKeyRing(generateKeyRing());
  });
  afterAll(() => scratch.close());

  function request(domain: string, differing: Partial<SubdomainRequest> = {}): SubdomainRequest {
    return { domain, linkBaseUrl: `https://${domain}`, relay: 'plain', keys: KEYS, ring, ...differing };
  }

  test('S2: keys are sealed, and open with the ring that sealed them', async () => {
    const stored = await putSubdomain(scratch.db, ours, request('news.example.com'));
    expect(stored.sealedKeys.includes('secret')).toBe(false);
    expect(openSubdomainKeys(ring, stored)).toEqual(KEYS);
    await expect(checkSealedKeys(scratch.db, ring)).resolves.toBeUndefined();
    const other = parseKeyRing(generateKeyRing());
    expect(() => openSubdomainKeys(other, stored)).toThrow(
      expect.objectContaining({ code: 'keyring_cannot_open' }),
    );
    await expect(checkSealedKeys(scratch.db, other)).rejects.toMatchObject({ code: 'keyring_cannot_open' });
  });

  test('a subdomain is found by its domain and by the host of its links, in any case', async () => {
    await putSubdomain(
      scratch.db,
      ours,
      request('Mail.Example.COM', { linkBaseUrl: 'http://Links.example.com:8080/go/' }),
    );
    const found = await findSubdomain(scratch.db, ours, 'MAIL.example.com');
    expect(found).toMatchObject({
      domain: 'mail.example.com',
      linkBaseUrl: 'http://links.example.com:8080/go',
    });
    expect(await findSubdomainByHost(scratch.db, 'LINKS.example.com:8080')).toEqual({
      subdomain: found,
      scope: ours,
      brand: {},
    });
    expect(await findSubdomainByDomain(scratch.db, 'mail.Example.com')).toEqual({
      subdomain: found,
      scope: ours,
      brand: {},
    });
    expect(await findSubdomainByHost(scratch.db, 'links.example.com')).toBeNull();
    expect(await findSubdomainByDomain(scratch.db, 'not a domain')).toBeNull();
  });

  test('putting it again replaces it', async () => {
    const first = await putSubdomain(scratch.db, ours, request('again.example.com'));
    const second = await putSubdomain(scratch.db, ours, request('again.example.com', { relay: 'ses' }));
    expect(second).toMatchObject({ id: first.id, relay: 'ses' });
  });

  test('another organisation neither takes nor sees a subdomain', async () => {
    await putSubdomain(scratch.db, ours, request('own.example.com'));
    await expect(
      putSubdomain(scratch.db, theirs, request('own.example.com', { linkBaseUrl: 'https://x.example.com' })),
    ).rejects.toMatchObject({
      code: 'subdomain_taken',
    });
    expect(await findSubdomain(scratch.db, theirs, 'own.example.com')).toBeNull();
  });

  test.each(['https://base.example.com', 'https://base.example.com/', 'https://BASE.example.com/other/path'])(
    'a link base URL leads to one subdomain only: %s',
    async (linkBaseUrl) => {
      await putSubdomain(scratch.db, ours, request('base.example.com'));
      await expect(
        putSubdomain(scratch.db, theirs, request('base.example.net', { linkBaseUrl })),
      ).rejects.toMatchObject({
        code: 'link_base_url_taken',
        field: 'linkBaseUrl',
      });
    },
  );

  test.each([
    'ftp://a.example.com',
    'a.example.com',
    'https://u:p@a.example.com',
    'https://a.example.com/?q',
    'https://a.example.com/#f',
    '',
  ])('a link base URL is an http URL without more: %j', async (linkBaseUrl) => {
    await expect(
      putSubdomain(scratch.db, ours, request('bad.example.com', { linkBaseUrl })),
    ).rejects.toMatchObject({
      code: 'link_base_url_invalid',
    });
  });

  test('a domain must be one', async () => {
    await expect(putSubdomain(scratch.db, ours, request('localhost'))).rejects.toMatchObject({
      code: 'domain_invalid',
    });
  });
});
