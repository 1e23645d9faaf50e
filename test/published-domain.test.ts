/**
 * What a subdomain publishes, as the world sees it: the built program prints DNS records and serves the policy, and its own
 * `adieu doctor` looks at both (S2, IN-15).
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Backend, openBackend } from './backend.ts';
import { bring } from './returned-mail.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const MAIN = fileURLToPath(new URL('../packages/app/dist/main.js', import.meta.url));
const ZONE = fileURLToPath(new URL('./published-zone.js', import.meta.url));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../packages/worker/src/testing/fixtures/${name}`, import.meta.url));
/** Its certificate names it, and the authority of the tests signed that. */
const DOMAIN = 'elsewhere.example';
/** The same listener takes its mail, and no certificate names it. */
const UNNAMED = 'news.example.com';
const TLS = {
  SMTP_TLS_CERT: fixture('elsewhere.pem'),
  SMTP_TLS_KEY: fixture('elsewhere.key'),
  PUBLIC_AUTHORITY: fixture('ca.pem'),
};

interface DnsRecord {
  readonly type: string;
  readonly name: string;
  readonly value: string;
}

interface Finding {
  readonly check: string;
  readonly verdict: string;
  readonly says: string;
  readonly publish?: DnsRecord;
}

let backend: Backend;
let adieu: RunningAdieu;
let printed: readonly DnsRecord[];

beforeAll(async () => {
  backend = await openBackend();
  adieu = await runAdieu({
    backend,
    relayUrl: 'smtp://127.0.0.1:9',
    env: TLS,
    nodeArguments: ['--import', ZONE],
  });
  const answers = [
    await adieu.call('PUT', `/v1/subdomains/${DOMAIN}`, {}),
    await adieu.call('PUT', `/v1/subdomains/${UNNAMED}`, {}),
  ];
  printed = answers.flatMap(({ body }) => body.dns);
});
afterAll(async () => {
  await adieu?.stop();
  await backend?.close();
});

/** DNS as an operator makes it of what was printed, with the addresses of the hosts. */
function published(): Record<string, string[]> {
  const zone: Record<string, string[]> = { [`${DOMAIN} A`]: ['192.0.2.7'], [`${UNNAMED} A`]: ['192.0.2.7'] };
  for (const { type, name, value } of printed) {
    const at = `${name} ${type}`;
    zone[at] = [...(zone[at] ?? []), value];
  }
  return zone;
}

/** Runs `adieu doctor` in a world with this DNS. */
async function doctor(
  zone: object,
  { options = [], smtpPort = adieu.smtpPort }: { options?: readonly string[]; smtpPort?: number } = {},
): Promise<{ code: number; text: string }> {
  const child = spawn(process.execPath, ['--import', ZONE, MAIN, 'doctor', ...options], {
    env: {
      PATH: process.env.PATH ?? '',
      ...backend.env,
      ADIEU_DATA_DIR: adieu.dataDir,
      SMTP_PORT: String(smtpPort),
      PUBLIC_AUTHORITY: TLS.PUBLIC_AUTHORITY,
      ZONE: JSON.stringify(zone),
      POLICY_HOST: adieu.url,
    },
  });
  let text = '';
  let complaint = '';
  child.stdout.on('data', (chunk) => (text += chunk));
  child.stderr.on('data', (chunk) => (complaint += chunk));
  const [code] = await once(child, 'close');
  if (text === '') throw new Error(complaint);
  return { code, text };
}

async function findings(zone: object, smtpPort = adieu.smtpPort) {
  const { code, text } = await doctor(zone, { options: ['--json'], smtpPort });
  const { findings } = JSON.parse(text) as { findings: Finding[] };
  const of = (domain: string) =>
    new Map(
      findings
        .filter(({ check }) => check.endsWith(` of ${domain}`))
        .map((finding) => [finding.check.replace(` of ${domain}`, ''), finding] as const),
    );
  const verdicts = (domain: string) =>
    Object.fromEntries([...of(domain)].map(([check, { verdict }]) => [check, verdict]));
  return { code, findings, of, verdicts };
}

describe('the DNS of a subdomain', () => {
  test('IN-15: published as printed, it has nothing wrong, and its policy is enforced where the certificate allows', async () => {
    // An operator's own, longer than one string of DNS.
    const spf = `v=spf1 ${'include:relay.example '.repeat(20)}~all`;
    const found = await findings({ ...published(), [`${UNNAMED} TXT`]: [spf] });
    const fine = {
      MX: 'ok',
      SPF: 'ok',
      'DKIM s1': 'ok',
      'DKIM s1-ed': 'ok',
      DMARC: 'ok',
      'MTA-STS record': 'ok',
      'MTA-STS policy': 'ok',
      'TLS reports': 'ok',
    };
    expect(found.verdicts(DOMAIN)).toEqual(fine);
    expect(found.verdicts(UNNAMED)).toEqual({ ...fine, 'MTA-STS policy': 'warning' });
    expect(found.of(UNNAMED).get('SPF')?.says).toContain(spf);
    expect(found.of(UNNAMED).get('MTA-STS policy')?.says).toContain(`does not name ${UNNAMED}`);
    expect(found.findings.find(({ check }) => check === 'inbound listener')).toMatchObject({ verdict: 'ok' });
    expect(found.code).toBe(0);
  }, 120_000);

  test('IN-15: a listener that does not show the certificate of an enforced policy is found', async () => {
    const { dataDir } = adieu;
    const bare = await runAdieu({ backend, relayUrl: 'smtp://127.0.0.1:9', roles: 'inbound', dataDir });
    try {
      const found = await findings(published(), bare.smtpPort);
      expect(found.of(DOMAIN).get('MTA-STS policy')).toMatchObject({
        verdict: 'wrong',
        says: expect.stringContaining('no certificate'),
      });
      expect(found.code).toBe(1);
    } finally {
      await bare.stop();
    }
  }, 120_000);

  test('IN-15: where nothing is published, each record is asked for as it was printed', async () => {
    const found = await findings({});
    const wanted = found.findings.flatMap(({ publish }) => (publish === undefined ? [] : [publish]));
    // While nothing is served, it is the policy that would be.
    expect(new Set(wanted.map((record) => JSON.stringify(record)))).toEqual(
      new Set(printed.map((record) => JSON.stringify(record))),
    );
    expect(found.code).toBe(1);
    const page = await doctor({});
    for (const { name, type, value } of printed) {
      expect(page.text).toContain(`Publish: ${name} ${type} ${value}\n`);
    }
  }, 120_000);

  test('IN-15: TLS reports find their address, and are kept for a person', async () => {
    const record = printed.find(({ name }) => name === `_smtp._tls.${DOMAIN}`)?.value ?? '';
    const address = /^v=TLSRPTv1; rua=mailto:(.+)$/.exec(record)?.[1] ?? '';
    expect(
      await bring(adieu, address, { content: TLS_REPORT, sender: 'noreply@reports.example.net' }),
    ).toMatch(/^250 /);
    const { items } = (await adieu.call('GET', '/v1/inbound/review')).body;
    expect(items).toMatchObject([
      { recipient: 'postmaster', subject: expect.stringContaining('Report Domain') },
    ]);
  });
});

/** As RFC 8460 section 5.3 has it. */
const TLS_REPORT = [
  'From: tlsrpt@reports.example.net',
  `To: postmaster@${DOMAIN}`,
  `Subject: Report Domain: ${DOMAIN} Submitter: reports.example.net`,
  'Message-ID: <2026.11.22@reports.example.net>',
  `TLS-Report-Domain: ${DOMAIN}`,
  'TLS-Report-Submitter: reports.example.net',
  'MIME-Version: 1.0',
  'Content-Type: multipart/report; report-type="tlsrpt"; boundary="b"',
  '',
  '--b',
  'Content-Type: text/plain',
  '',
  'This is an aggregate TLS report.',
  '--b',
  'Content-Type: application/tlsrpt+json',
  '',
  '{"organization-name":"Reports","policies":[]}',
  '--b--',
  '',
].join('\r\n');
