import { describe, expect, test } from '@jest/globals';
import { dnsRecords, exchangerOf, type SubdomainRecords } from './dnsrecord.ts';
import { coversExchanger, readStsPolicy, STS_MAX_AGE, stsId, stsPolicy } from './mta-sts.ts';

const SUBDOMAIN: SubdomainRecords = {
  domain: 'news.example.com',
  linkBaseUrl: 'https://links.example.com',
  keys: [],
  inboundHost: 'mx.example.com',
  stsMode: 'testing',
};

describe('a policy', () => {
  test('IN-15 has version, mode, exchanger and age, each on a line that CRLF ends', () => {
    expect(stsPolicy('mx.example.com', 'enforce')).toBe(
      'version: STSv1\r\nmode: enforce\r\nmx: mx.example.com\r\nmax_age: 604800\r\n',
    );
  });

  test('IN-15 has another id as soon as its text is another, and the same while it is the same', () => {
    const policies = (['enforce', 'testing'] as const).flatMap((mode) =>
      ['mx.example.com', 'mx.example.org'].map((exchanger) => stsPolicy(exchanger, mode)),
    );
    const ids = policies.map(stsId);
    expect(new Set(ids).size).toBe(4);
    expect(policies.map(stsId)).toEqual(ids);
    for (const id of ids) expect(id).toMatch(/^[A-Za-z0-9]{1,32}$/);
  });

  test('is read as a sender reads it', () => {
    expect(readStsPolicy(stsPolicy('mx.example.com', 'testing'))).toEqual({
      mode: 'testing',
      exchangers: ['mx.example.com'],
      maxAge: STS_MAX_AGE,
    });
    const strange =
      'mode: enforce\nmode: none\nx-note: hello\nversion: STSv1\nmx: A.example\nmx: *.b.example\nmax_age: 1';
    expect(readStsPolicy(strange)).toEqual({
      mode: 'enforce',
      exchangers: ['a.example', '*.b.example'],
      maxAge: 1,
    });
    expect(readStsPolicy('version: STSv1\nmode: none\nmax_age: 86400\n')).toMatchObject({ mode: 'none' });
  });

  test.each([
    ['no version', 'mode: none\nmax_age: 1\n'],
    ['another version', 'version: STSv2\nmode: none\nmax_age: 1\n'],
    ['no mode', 'version: STSv1\nmx: a.example\nmax_age: 1\n'],
    ['no exchanger', 'version: STSv1\nmode: testing\nmax_age: 1\n'],
    ['no age', 'version: STSv1\nmode: testing\nmx: a.example\n'],
    ['a page', '<!doctype html><p>version: STSv1'],
  ])('with %s is none', (_what, text) => {
    expect(readStsPolicy(text)).toBeNull();
  });

  test('covers a name, and by a star one whole label', () => {
    const policy = {
      mode: 'enforce',
      exchangers: ['mx.example.com', '*.in.example.com'],
      maxAge: 1,
    } as const;
    for (const name of ['mx.example.com', 'MX.example.com.', 'a.in.example.com']) {
      expect([name, coversExchanger(policy, name)]).toEqual([name, true]);
    }
    for (const name of ['in.example.com', 'a.b.in.example.com', 'example.com', 'a.mx.example.com']) {
      expect([name, coversExchanger(policy, name)]).toEqual([name, false]);
    }
  });
});

describe('the records of a subdomain where mail comes in', () => {
  const valueAt = (records: ReturnType<typeof dnsRecords>, name: string) =>
    records.filter((record) => record.name === name).map(({ type, value }) => `${type} ${value}`);

  test('IN-15 are the host of the policy, its id, and where TLS reports go', () => {
    const records = dnsRecords(SUBDOMAIN);
    expect(valueAt(records, 'mta-sts.news.example.com')).toEqual(['CNAME links.example.com']);
    expect(valueAt(records, '_mta-sts.news.example.com')).toEqual([
      `TXT v=STSv1; id=${stsId(stsPolicy('mx.example.com', 'testing'))}`,
    ]);
    expect(valueAt(records, '_smtp._tls.news.example.com')).toEqual([
      'TXT v=TLSRPTv1; rua=mailto:postmaster@news.example.com',
    ]);
  });

  test('IN-15 are not there where none comes in', () => {
    const records = dnsRecords({ ...SUBDOMAIN, stsMode: undefined });
    expect(records.filter(({ name }) => /sts|_tls/.test(name))).toEqual([]);
  });

  test('IN-15 name an exchanger that has a name: the listener, else the links, else the domain itself', () => {
    expect(exchangerOf(SUBDOMAIN)).toBe('mx.example.com');
    expect(exchangerOf({ ...SUBDOMAIN, inboundHost: undefined })).toBe('links.example.com');
    for (const linkBaseUrl of ['https://192.0.2.7', 'https://[2001:db8::7]', 'http://localhost:3000']) {
      const records = dnsRecords({ ...SUBDOMAIN, linkBaseUrl, inboundHost: undefined });
      expect(records.find(({ type }) => type === 'MX')?.value).toBe('10 news.example.com');
      expect(valueAt(records, 'mta-sts.news.example.com')).toEqual(['CNAME news.example.com']);
    }
  });
});
