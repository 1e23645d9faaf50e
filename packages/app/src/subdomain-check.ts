/**
 * Everything that the world reads about the sending subdomains of an installation, held against what Adieu would have published.
 *
 * @module
 */
import { type DkimKey, type DnsRecord, dnsRecords, exchangerOf, isFailure, type KeyRing } from '@adieu/core';
import { ROLES, readRecipient } from '@adieu/inbound';
import { type Db, listSubdomains, openSubdomainKeys, type StoredSubdomain } from '@adieu/store';
import { type Config, publicName } from './config.ts';
import { checkDmarc, checkExchangers, checkKeys, checkSpf } from './dns-check.ts';
import type { Finding } from './finding.ts';
import { findKeyRing } from './keys.ts';
import { systemNameServer } from './name-server.ts';
import { checkSts, checkTlsReports, type ExpectedPolicy, type PolicySources } from './policy-check.ts';
import { publicPolicyHost } from './policy-host.ts';
import type { JudgeSts } from './sts-mode.ts';

/** What is known of the installation beside its database. */
export interface Surroundings {
  readonly config: Config;
  /** By what the inbound listener shows; null while nobody knows. */
  readonly judge: JudgeSts | null;
}

/** Looks at every subdomain, one after the other: name servers drop what comes in floods. */
export async function checkSubdomains(db: Db, { config, judge }: Surroundings): Promise<readonly Finding[]> {
  const subdomains = await listSubdomains(db);
  const ring = await findKeyRing(config);
  const ours = new Set(subdomains.map(({ domain }) => domain));
  const sources = {
    dns: systemNameServer(),
    policyHost: publicPolicyHost,
    refuses: (address: string) => refuses(address, ours),
  };
  const findings: Finding[] = [];
  for (const subdomain of subdomains) {
    const expected = expectedOf(subdomain, { inboundHost: publicName(config), ring, judge });
    findings.push(...(await checkSubdomain(expected, sources, config.inbound.port !== null)));
  }
  return findings;
}

/** Looks at one; what concerns mail that comes in only where it does. */
export async function checkSubdomain(
  expected: ExpectedPolicy,
  sources: PolicySources,
  mailComesIn: boolean,
): Promise<readonly Finding[]> {
  const { dns } = sources;
  const found = await Promise.all([
    checkExchangers(expected, dns),
    checkSpf(expected, dns),
    checkKeys(expected, dns),
    checkDmarc(expected, dns),
    mailComesIn ? checkSts(expected, sources) : [],
    mailComesIn ? checkTlsReports(expected, sources) : [],
  ]);
  return found.flat();
}

interface Installation {
  readonly inboundHost: string | undefined;
  readonly ring: KeyRing | null;
  readonly judge: JudgeSts | null;
}

/** What Adieu would have published for a subdomain. Keys that stay shut leave all else to be looked at. */
export function expectedOf(
  subdomain: StoredSubdomain,
  { inboundHost, ring, judge }: Installation,
): ExpectedPolicy {
  const { domain, linkBaseUrl, relay } = subdomain;
  const exchanger = exchangerOf({ domain, linkBaseUrl, inboundHost });
  const judgement = judge?.(exchanger, new Date()) ?? null;
  const recordsWith = (keys: readonly DkimKey[]): readonly DnsRecord[] =>
    dnsRecords({
      ...{ domain, linkBaseUrl, relay, inboundHost, keys },
      stsMode: judgement?.mode ?? 'testing',
    });
  const expected = { domain, exchanger, judgement };
  const without = (keys: Pick<Finding, 'verdict' | 'says'>) => ({
    ...expected,
    keys,
    records: recordsWith([]),
  });
  if (ring === null)
    return without({ verdict: 'unknown', says: 'There is no key ring to open our keys with.' });
  try {
    const keys = openSubdomainKeys(ring, subdomain);
    return { ...expected, keys, records: recordsWith(keys) };
  } catch (error) {
    if (!isFailure(error)) throw error;
    return without({ verdict: 'wrong', says: error.detail });
  }
}

/** Whether an address at one of our domains is none that takes reports: an address with a token is about one message. */
export function refuses(address: string, ours: ReadonlySet<string>): boolean {
  const recipient = readRecipient(address);
  if (recipient?.domain == null || !ours.has(recipient.domain)) return false;
  return !ROLES.some((role) => role === recipient.localPart.toLowerCase());
}
