/**
 * The DNS records that a subdomain publishes: DKIM per key, SPF, DMARC, MX, and where mail comes in MTA-STS and TLS reports.
 *
 * Values are whole: a TXT value over 255 octets is published as several strings, which a resolver joins without
 * a space (RFC 6376 section 3.6.2.2). DMARC is RFC 9989's, so no `pct`, `rf` or `ri` (DK-10).
 *
 * @module
 */
import { createPublicKey } from 'node:crypto';
import { parseDomain } from './address.ts';
import type { DkimKey } from './dkimkey.ts';
import { readDkimKey } from './dkimkey.ts';
import { type StsMode, stsId, stsPolicy } from './mta-sts.ts';

/** One record to publish. */
export interface DnsRecord {
  readonly type: 'TXT' | 'MX' | 'CNAME';
  readonly name: string;
  readonly value: string;
}

/** What the records of a subdomain depend on. */
export interface SubdomainRecords {
  readonly domain: string;
  readonly linkBaseUrl: string;
  readonly keys: readonly DkimKey[];
  /** The host that the inbound listener is reached at; the host of the links when absent. */
  readonly inboundHost?: string | undefined;
  /** Amazon SES sends from its own addresses; a plain relay is expected to be the host that MX names. */
  readonly relay?: 'plain' | 'ses';
  /** What its MTA-STS policy says; absent where no mail comes in, and then there is none. */
  readonly stsMode?: StsMode | undefined;
}

/** What the name of the exchanger depends on. */
type Exchange = Pick<SubdomainRecords, 'domain' | 'linkBaseUrl' | 'inboundHost'>;

/** Every record to publish, DKIM first. Throws `dkim_key_invalid` for a key that cannot sign. */
export function dnsRecords(subdomain: SubdomainRecords): DnsRecord[] {
  const { domain } = subdomain;
  const exchanger = exchangerOf(subdomain);
  const senders = subdomain.relay === 'ses' ? 'mx include:amazonses.com' : 'mx';
  return [
    ...subdomain.keys.map((key) => dkimRecord(domain, key)),
    { type: 'TXT', name: domain, value: `v=spf1 ${senders} ~all` },
    { type: 'TXT', name: `_dmarc.${domain}`, value: 'v=DMARC1; p=none' },
    { type: 'MX', name: domain, value: `10 ${exchanger}` },
    ...inboundRecords(subdomain, exchanger),
  ];
}

/** The name that MX leads to. An address cannot stand there (RFC 5321 section 5.1), so the domain itself does where nothing else has a name. */
export function exchangerOf({ domain, linkBaseUrl, inboundHost }: Exchange): string {
  return parseDomain(inboundHost ?? '') ?? hostOf(linkBaseUrl) ?? domain;
}

/** How TLS is to be found at the exchanger, and who hears when it is not (RFC 8461, RFC 8460). `postmaster@` is always taken. */
function inboundRecords({ domain, linkBaseUrl, stsMode }: SubdomainRecords, exchanger: string): DnsRecord[] {
  if (stsMode === undefined) return [];
  const id = stsId(stsPolicy(exchanger, stsMode));
  return [
    { type: 'CNAME', name: `mta-sts.${domain}`, value: hostOf(linkBaseUrl) ?? domain },
    { type: 'TXT', name: `_mta-sts.${domain}`, value: `v=STSv1; id=${id}` },
    { type: 'TXT', name: `_smtp._tls.${domain}`, value: `v=TLSRPTv1; rua=mailto:postmaster@${domain}` },
  ];
}

function hostOf(url: string): string | null {
  return parseDomain(new URL(url).hostname);
}

/** The record of one key (RFC 6376 section 3.6.1; RFC 8463 section 4.2 for Ed25519). */
export function dkimRecord(domain: string, key: DkimKey): DnsRecord {
  const tags = key.algorithm === 'rsa-sha256' ? 'v=DKIM1; k=rsa' : 'v=DKIM1; k=ed25519';
  const name = `${key.selector}._domainkey.${domain}`;
  return { type: 'TXT', name, value: `${tags}; p=${publicKey(key)}` };
}

/** RSA publishes its SubjectPublicKeyInfo; Ed25519 only the 32 raw bytes that end it. */
function publicKey(key: DkimKey): string {
  const der = createPublicKey(readDkimKey(key.privateKey, key.algorithm)).export({
    type: 'spki',
    format: 'der',
  });
  return (key.algorithm === 'rsa-sha256' ? der : der.subarray(-32)).toString('base64');
}
