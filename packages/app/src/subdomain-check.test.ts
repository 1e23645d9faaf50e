import {
  type DnsRecord,
  dnsRecords,
  generateDkimKeys,
  generateKeyRing,
  type KeyRing,
  parseKeyRing,
  sealSecret,
  stsId,
  stsPolicy,
} from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import type { Finding } from './finding.ts';
import type { Looked, RecordType } from './name-server.ts';
import type { ExpectedPolicy } from './policy-check.ts';
import type { Served } from './policy-host.ts';
import { checkSubdomain, expectedOf, refuses } from './subdomain-check.ts';

const DOMAIN = 'news.example.com';
const EXCHANGER = 'mx.example.com';
const keys = generateDkimKeys('s1');
const records = dnsRecords({
  ...{ domain: DOMAIN, linkBaseUrl: 'https://links.example.com', inboundHost: EXCHANGER },
  ...{ keys, relay: 'plain', stsMode: 'enforce' },
});
const ring = parseKeyRing(generateKeyRing());

type Zone = ReadonlyMap<string, readonly string[] | 'silent'>;

/** What Adieu prints, and the address of the exchanger; `changes` by `name type`, null takes away. */
function zone(changes: Readonly<Record<string, readonly string[] | 'silent' | null>> = {}): Zone {
  const all = new Map<string, readonly string[] | 'silent'>([[`${EXCHANGER} A`, ['192.0.2.7']]]);
  for (const { type, name, value } of records) {
    const answer = type === 'MX' ? value.replace(/^\d+ /, '') : value;
    all.set(`${name} ${type}`, [answer]);
  }
  for (const [name, values] of Object.entries(changes)) {
    if (values === null) all.delete(name);
    else all.set(name, values);
  }
  return all;
}

interface World {
  readonly zone?: Zone;
  readonly served?: Served;
  readonly mode?: 'enforce' | 'testing' | null;
  readonly mailComesIn?: boolean;
  readonly expected?: ExpectedPolicy;
}

const SERVED: Served = { kind: 'served', text: stsPolicy(EXCHANGER, 'enforce') };

/** Findings by check, without the domain's name. */
async function look(world: World = {}): Promise<ReadonlyMap<string, Finding>> {
  const { zone: published = zone(), served = SERVED, mode = 'enforce', mailComesIn = true } = world;
  const dns = async (name: string, type: RecordType): Promise<Looked> => {
    const values = published.get(`${name} ${type}`);
    if (values === 'silent') return { kind: 'silent', code: 'ETIMEOUT' };
    return values === undefined ? { kind: 'none' } : { kind: 'found', values };
  };
  const judgement = mode === null ? null : { mode, why: mode === 'enforce' ? null : 'it ends soon' };
  const { expected = { domain: DOMAIN, exchanger: EXCHANGER, keys, records, judgement } } = world;
  const findings = await checkSubdomain(
    expected,
    {
      dns,
      policyHost: async () => served,
      refuses: (address) => refuses(address, new Set([DOMAIN])),
    },
    mailComesIn,
  );
  return new Map(findings.map((finding) => [finding.check.replace(` of ${DOMAIN}`, ''), finding]));
}

const record = (name: string): DnsRecord | undefined =>
  records.find((each) => (each.type === 'MX' ? 'MX' : each.name) === name);
const at = (name: string): string => `${name}.${DOMAIN} TXT`;

describe('a subdomain that publishes what Adieu prints', () => {
  test('IN-15 DK-8 DK-9 has nothing wrong', async () => {
    const found = await look();
    expect([...found].map(([check, { verdict }]) => [check, verdict])).toEqual([
      ['MX', 'ok'],
      ['SPF', 'ok'],
      ['DKIM s1', 'ok'],
      ['DKIM s1-ed', 'ok'],
      ['DMARC', 'ok'],
      ['MTA-STS record', 'ok'],
      ['MTA-STS policy', 'ok'],
      ['TLS reports', 'ok'],
    ]);
    expect(found.get('SPF')?.says).toContain('cannot be known');
  });

  test('IN-15 is asked for no policy where no mail comes in', async () => {
    const found = await look({
      zone: zone({ [at('_mta-sts')]: null, [at('_smtp._tls')]: null }),
      mailComesIn: false,
    });
    expect([...found.values()].map(({ verdict }) => verdict)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok']);
  });

  test('is not wrong while name servers are silent: nobody could say', async () => {
    const silent = new Map([...zone()].map(([name]) => [name, 'silent'] as const));
    const found = await look({ zone: silent, served: { kind: 'silent', says: 'no way out' } });
    expect(new Set([...found.values()].map(({ verdict }) => verdict))).toEqual(new Set(['unknown']));
  });
});

describe('keys of a subdomain', () => {
  const found = (sealed: unknown, openedBy: KeyRing | null = ring) => {
    const sealedKeys = sealSecret(ring, 'dkim', Buffer.from(JSON.stringify(sealed)));
    const linkBaseUrl = 'https://links.example.com';
    const expected = expectedOf(
      { id: 1, domain: DOMAIN, linkBaseUrl, linkHost: 'links.example.com', relay: 'plain', sealedKeys },
      {
        inboundHost: EXCHANGER,
        ring: openedBy,
        judge: () => ({ mode: 'enforce', why: null }),
      },
    );
    return look({ expected });
  };

  test('are held against what is published', async () => {
    expect((await found(keys)).get('DKIM s1')?.verdict).toBe('ok');
  });

  test.each([
    ['there is no key ring', keys, null, 'unknown', /no key ring/],
    ['another ring sealed them', keys, parseKeyRing(generateKeyRing()), 'wrong', /cannot open the DKIM keys/],
    [
      'they cannot sign',
      keys.map((key) => ({ ...key, privateKey: 'nonsense' })),
      ring,
      'wrong',
      /private key/i,
    ],
  ] as const)('hide nothing else where %s', async (_what, sealed, openedBy, verdict, says) => {
    const { DKIM, ...others } = Object.fromEntries(await found(sealed, openedBy));
    expect(DKIM).toMatchObject({ verdict, says: expect.stringMatching(says) });
    expect(Object.values(others).map((finding) => finding.verdict)).toEqual(Array(6).fill('ok'));
  });
});

describe('IN-15: the exchanger', () => {
  test.each([
    ['is missing', { [`${DOMAIN} MX`]: null }, /There is none/],
    ['is an address', { [`${DOMAIN} MX`]: ['192.0.2.7'] }, /is an address/],
    ['is an address of six', { [`${DOMAIN} MX`]: ['2001:db8::7'] }, /is an address/],
    ['is no name', { [`${DOMAIN} MX`]: ['localhost'] }, /no host name/],
    ['is nobody', { [`${DOMAIN} MX`]: [''] }, /takes no mail/],
    ['is an alias', { [`${EXCHANGER} CNAME`]: ['other.example'] }, /alias/],
    ['has no address', { [`${EXCHANGER} A`]: null }, /has no address/],
    [
      'is one of two that is wrong',
      { [`${DOMAIN} MX`]: [EXCHANGER, 'b.example.com'] },
      /b\.example\.com has no address/,
    ],
  ])('that %s is wrong', async (_what, changes, says) => {
    const found = (await look({ zone: zone(changes as Record<string, string[] | null>) })).get('MX');
    expect(found).toMatchObject({
      verdict: 'wrong',
      says: expect.stringMatching(says),
      publish: record('MX'),
    });
  });

  test('may have an address of six alone, and may not be known', async () => {
    const six = zone({ [`${EXCHANGER} A`]: null, [`${EXCHANGER} AAAA`]: ['2001:db8::7'] });
    expect((await look({ zone: six })).get('MX')?.verdict).toBe('ok');
    const silent = zone({ [`${EXCHANGER} A`]: 'silent' });
    expect((await look({ zone: silent })).get('MX')?.verdict).toBe('unknown');
  });
});

describe('who may send', () => {
  test.each([
    ['is said by nobody', ['some=text']],
    ['is said twice', ['v=spf1 mx ~all', 'v=spf1 -all']],
    ['is said in a version that is none', ['v=spf10 mx']],
  ])('DK-9 SPF that %s is wrong', async (_what, values) => {
    const found = (await look({ zone: zone({ [`${DOMAIN} TXT`]: values }) })).get('SPF');
    expect(found).toMatchObject({ verdict: 'wrong', publish: record(DOMAIN) });
  });

  test("DK-9 SPF of somebody else's making, beside other records, is theirs to know", async () => {
    const own = zone({
      [`${DOMAIN} TXT`]: ['google-site-verification=x', 'v=spf1 include:relay.example -all'],
    });
    expect((await look({ zone: own })).get('SPF')?.verdict).toBe('ok');
  });
});

describe('a key in DNS', () => {
  const other = new Map(
    dnsRecords({ domain: DOMAIN, linkBaseUrl: 'https://x.example', keys: generateDkimKeys('s1') }).map(
      ({ name, value }) => [name, value],
    ),
  );
  const name = (selector: string): string => `${selector}._domainkey.${DOMAIN}`;
  const ours = (selector: string): string => record(name(selector))?.value ?? '';

  test.each([
    ['missing', () => null],
    ['another one', (selector: string) => [other.get(name(selector)) ?? '']],
    ['revoked', () => ['v=DKIM1; k=rsa; p=']],
    ['there twice', (selector: string) => [ours(selector), ours(selector)]],
  ])('DK-8 that is %s is wrong for RSA, and a warning for Ed25519', async (_what, answer) => {
    for (const [selector, verdict] of [
      ['s1', 'wrong'],
      ['s1-ed', 'warning'],
    ] as const) {
      const found = await look({ zone: zone({ [`${name(selector)} TXT`]: answer(selector) }) });
      expect(found.get(`DKIM ${selector}`)).toMatchObject({ verdict, publish: record(name(selector)) });
      expect([...found.values()].filter((finding) => finding.verdict !== 'ok')).toHaveLength(1);
    }
  });

  test('DK-8 is ours however its tags are ordered and its key is folded', async () => {
    const p = /p=(.*)/.exec(ours('s1'))?.[1] ?? '';
    const spelled = [`p=${p.slice(0, 100)} ${p.slice(100)} ;  v=DKIM1`];
    expect((await look({ zone: zone({ [`${name('s1')} TXT`]: spelled }) })).get('DKIM s1')?.verdict).toBe(
      'ok',
    );
  });
});

describe('DMARC', () => {
  const own = at('_dmarc');

  test('DK-9 that is missing, or there twice, is wrong', async () => {
    for (const values of [null, ['v=DMARC1; p=none', 'v=DMARC1; p=reject'], ['v=DMARC10; p=none']]) {
      expect((await look({ zone: zone({ [own]: values }) })).get('DMARC')).toMatchObject({
        verdict: 'wrong',
        publish: record(`_dmarc.${DOMAIN}`),
      });
    }
  });

  test('DK-10 is found by walking up the tree', async () => {
    const above = zone({ [own]: null, '_dmarc.example.com TXT': ['v=DMARC1; p=reject'] });
    expect((await look({ zone: above })).get('DMARC')).toMatchObject({
      verdict: 'ok',
      says: 'v=DMARC1; p=reject, of example.com.',
    });
  });
});

describe('IN-15: the policy', () => {
  const publish = {
    type: 'TXT',
    name: `_mta-sts.${DOMAIN}`,
    value: `v=STSv1; id=${stsId(stsPolicy(EXCHANGER, 'enforce'))}`,
  };

  test.each([
    ['is missing', null, 'wrong'],
    ['is there twice', [publish.value, publish.value], 'wrong'],
    ['has no id', ['v=STSv1;'], 'wrong'],
    ['has an id that is none', ['v=STSv1; id=2026-11-22'], 'wrong'],
    ['has the id of another policy', ['v=STSv1; id=20261122'], 'warning'],
  ])('whose record %s is told so, with the record to publish', async (_what, values, verdict) => {
    const found = (await look({ zone: zone({ [at('_mta-sts')]: values }) })).get('MTA-STS record');
    expect(found).toMatchObject({ verdict, publish });
  });

  test('that somebody else wrote may have ids of its own', async () => {
    const text = 'version: STSv1\nmode: enforce\nmx: *.example.com\nmax_age: 1000000\n';
    const found = await look({
      zone: zone({ [at('_mta-sts')]: ['v=STSv1; id=20261122'] }),
      served: { kind: 'served', text },
    });
    expect(found.get('MTA-STS record')?.verdict).toBe('ok');
    expect(found.get('MTA-STS policy')?.verdict).toBe('ok');
  });

  test.each([
    ['is no policy', 'hello', 'wrong', /is no policy/],
    ['keeps senders from the exchanger', stsPolicy('old.example.com', 'enforce'), 'wrong', /deliver nothing/],
    [
      'would keep senders from the exchanger',
      stsPolicy('old.example.com', 'testing'),
      'wrong',
      /not be enforced/,
    ],
    ['is testing', stsPolicy(EXCHANGER, 'testing'), 'warning', /not insist/],
    ['is none', 'version: STSv1\r\nmode: none\r\nmax_age: 86400\r\n', 'warning', /Mode none/],
  ])('that %s is told so', async (_what, text, verdict, says) => {
    const found = (await look({ served: { kind: 'served', text } })).get('MTA-STS policy');
    expect(found).toMatchObject({ verdict, says: expect.stringMatching(says) });
  });

  test('is held against the certificate that the listener shows', async () => {
    const policy = async (mode: 'enforce' | 'testing' | null, served: Served) =>
      (await look({ served, mode })).get('MTA-STS policy');
    const testing: Served = { kind: 'served', text: stsPolicy(EXCHANGER, 'testing') };
    expect(await policy('testing', testing)).toMatchObject({ says: expect.stringContaining('it ends soon') });
    expect(await policy('testing', SERVED)).toMatchObject({
      verdict: 'wrong',
      says: expect.stringContaining('it ends soon'),
    });
    expect(await policy('enforce', testing)).toMatchObject({
      says: expect.stringContaining('was not started with'),
    });
    expect(await policy(null, SERVED)).toMatchObject({ verdict: 'ok' });
    const own: Served = { kind: 'served', text: stsPolicy(EXCHANGER, 'enforce').replace('604800', '86400') };
    expect(await policy('testing', own)).toMatchObject({ verdict: 'ok' });
  });

  test('whose host is missing gets one; one that answers wrongly does not', async () => {
    const host = record(`mta-sts.${DOMAIN}`);
    const found = async (kind: 'absent' | 'none' | 'silent') =>
      (await look({ served: { kind, says: 'x' } })).get('MTA-STS policy');
    expect(await found('absent')).toMatchObject({ verdict: 'wrong', publish: host });
    expect(await found('none')).toEqual({ check: expect.anything(), verdict: 'wrong', says: 'x' });
    expect((await found('silent'))?.verdict).toBe('unknown');
  });
});

describe('IN-15: TLS reports', () => {
  test.each([
    ['nobody', null, /none/],
    [
      'two records',
      ['v=TLSRPTv1; rua=mailto:a@b.example', 'v=TLSRPTv1; rua=mailto:a@b.example'],
      /more than one/,
    ],
    ['no address', ['v=TLSRPTv1; rua='], /names no address/],
    ['what is none', ['v=TLSRPTv1; rua=ftp://x.example'], /names no address/],
    ['an address that we refuse', [`v=TLSRPTv1; rua=mailto:tls@${DOMAIN}`], /refuses mail to tls@/],
    [
      'one of two that we refuse',
      [`v=TLSRPTv1;rua=https://x.example/r,mailto:tls%2Bx@${DOMAIN}`],
      /refuses mail to tls\+x@/,
    ],
  ])('that go to %s are wrong', async (_what, values, says) => {
    const found = (await look({ zone: zone({ [at('_smtp._tls')]: values }) })).get('TLS reports');
    expect(found).toMatchObject({
      verdict: 'wrong',
      says: expect.stringMatching(says),
      publish: record(`_smtp._tls.${DOMAIN}`),
    });
  });

  test('may go to addresses of ours that are taken, and to others', async () => {
    for (const place of [`mailto:Abuse@${DOMAIN}`, 'mailto:tls@example.org', 'https://reports.example/v1']) {
      const published = zone({ [at('_smtp._tls')]: [`v=TLSRPTv1; rua=${place}`] });
      expect([place, (await look({ zone: published })).get('TLS reports')?.verdict]).toEqual([place, 'ok']);
    }
  });
});
