/**
 * What the world reads in DNS about a sending subdomain: where its mail goes (MX), who may send for it (SPF), whose signature it
 * bears (DKIM), and what becomes of mail that fails both (DMARC).
 *
 * One rule: each finding stands on what a receiver would do with the answer, and what cannot be known from here is said.
 *
 * @module
 */
import { isIP } from 'node:net';
import { type DkimKey, type DnsRecord, dkimRecord, parseDomain } from '@adieu/core';
import { type Finding, unknown } from './finding.ts';
import type { Looked, NameServer } from './name-server.ts';

/** A subdomain, and what Adieu would have published for it. */
export interface ExpectedDomain {
  readonly domain: string;
  /** Else what is said about them. */
  readonly keys: readonly DkimKey[] | Pick<Finding, 'verdict' | 'says'>;
  readonly records: readonly DnsRecord[];
}

/** The exchangers that a domain has, with everything that keeps mail from them (RFC 5321 section 5.1, RFC 2181 section 10.3). */
export async function checkExchangers(expected: ExpectedDomain, dns: NameServer): Promise<Finding> {
  const check = `MX of ${expected.domain}`;
  const publish = expected.records.find(({ type }) => type === 'MX');
  const found = await dns(expected.domain, 'MX');
  if (found.kind === 'silent') return unknown(check, found);
  if (found.kind === 'none') {
    return { check, verdict: 'wrong', says: 'There is none: nothing comes back to it.', publish };
  }
  const names = await Promise.all(found.values.map((name) => nameExchanger(name, dns)));
  const fault =
    names.find(({ verdict }) => verdict === 'wrong') ?? names.find(({ verdict }) => verdict !== 'ok');
  if (fault !== undefined) return { check, ...fault, ...(fault.verdict === 'wrong' ? { publish } : {}) };
  const says = `${found.values.join(', ')}. It has to lead to the inbound listener.`;
  return { check, verdict: 'ok', says };
}

async function nameExchanger(name: string, dns: NameServer): Promise<Pick<Finding, 'verdict' | 'says'>> {
  const wrong = (says: string) => ({ verdict: 'wrong', says }) as const;
  if (name === '' || name === '.') return wrong('It says that the domain takes no mail (RFC 7505).');
  if (isIP(name) !== 0) return wrong(`${name} is an address, and a name has to stand there.`);
  if (parseDomain(name.replace(/\.$/, '')) === null) return wrong(`${name} is no host name.`);
  const [alias, four, six] = await Promise.all([dns(name, 'CNAME'), dns(name, 'A'), dns(name, 'AAAA')]);
  if (alias.kind === 'found') return wrong(`${name} is an alias (CNAME), which many senders do not follow.`);
  if (four.kind === 'found' || six.kind === 'found') return { verdict: 'ok', says: name };
  const silent = [four, six].find((answer) => answer.kind === 'silent');
  if (silent?.kind === 'silent') return { verdict: 'unknown', says: `DNS does not answer (${silent.code}).` };
  return wrong(`${name} has no address.`);
}

/** Who may send with a return path at the domain (RFC 7208 section 4.5). */
export async function checkSpf({ domain, records }: ExpectedDomain, dns: NameServer): Promise<Finding> {
  const check = `SPF of ${domain}`;
  const publish = records.find(({ name, value }) => name === domain && value.startsWith('v=spf1'));
  const found = await dns(domain, 'TXT');
  if (found.kind === 'silent') return unknown(check, found);
  const [one, ...more] = matching(found, /^v=spf1(?: |$)/i);
  if (one === undefined) return { check, verdict: 'wrong', says: 'There is none.', publish };
  if (more.length > 0) {
    return { check, verdict: 'wrong', says: 'There is more than one, so none counts.', publish };
  }
  return {
    check,
    verdict: 'ok',
    says: `${one}. Whether it lets your relay through cannot be known from here.`,
  };
}

/** Each selector's public key, beside the private one that signs (RFC 6376 section 3.6.1). */
export async function checkKeys(
  { domain, keys }: ExpectedDomain,
  dns: NameServer,
): Promise<readonly Finding[]> {
  if ('verdict' in keys) return [{ check: `DKIM of ${domain}`, ...keys }];
  return Promise.all(keys.map((key) => checkKey(domain, key, dns)));
}

async function checkKey(domain: string, key: DkimKey, dns: NameServer): Promise<Finding> {
  const check = `DKIM ${key.selector} of ${domain}`;
  const publish = dkimRecord(domain, key);
  // Receivers need the RSA signature; the second is good to have.
  const verdict = key.algorithm === 'rsa-sha256' ? 'wrong' : 'warning';
  const found = await dns(publish.name, 'TXT');
  if (found.kind === 'silent') return unknown(check, found);
  const [one, ...more] = found.kind === 'found' ? found.values : [];
  if (one === undefined)
    return { check, verdict, says: 'There is none: its signature counts for nothing.', publish };
  if (more.length > 0)
    return { check, verdict, says: 'There is more than one record at this name.', publish };
  const [ours, theirs] = [tagsOf(publish.value), tagsOf(one)];
  if (theirs.get('p') === '') return { check, verdict, says: 'The key is revoked (p= is empty).', publish };
  if (theirs.get('p') !== ours.get('p') || (theirs.get('k') ?? 'rsa') !== ours.get('k')) {
    return { check, verdict, says: 'It is another key than the one that signs.', publish };
  }
  return { check, verdict: 'ok', says: 'It is the key that signs.' };
}

/** The policy of the domain or of one above it, as receivers walk up the tree (RFC 9989). */
export async function checkDmarc({ domain, records }: ExpectedDomain, dns: NameServer): Promise<Finding> {
  const check = `DMARC of ${domain}`;
  for (const name of treeOf(domain)) {
    const found = await dns(`_dmarc.${name}`, 'TXT');
    if (found.kind === 'silent') return unknown(check, found);
    const [one, ...more] = matching(found, /^v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)/);
    if (one !== undefined && more.length === 0) {
      return { check, verdict: 'ok', says: name === domain ? `${one}.` : `${one}, of ${name}.` };
    }
  }
  const publish = records.find(({ name }) => name === `_dmarc.${domain}`);
  return { check, verdict: 'wrong', says: 'There is none, or more than one.', publish };
}

/** The domain, then what is above it, from at most seven labels on. */
function treeOf(domain: string): readonly string[] {
  const labels = domain.split('.');
  const above = labels.slice(1).map((_, at) => labels.slice(at + 1));
  return [domain, ...above.filter(({ length }) => length <= 7).map((name) => name.join('.'))];
}

/** The records of a kind among those at a name. */
export function matching(found: Looked, kind: RegExp): readonly string[] {
  return found.kind === 'found' ? found.values.filter((value) => kind.test(value)) : [];
}

/** Tags of a record; blanks within a value do not count, as in a key that was folded. */
export function tagsOf(record: string): ReadonlyMap<string, string> {
  const pairs = record.split(';').map((tag) => tag.split(/=(.*)/s));
  return new Map(pairs.map(([name = '', value = '']) => [name.trim(), value.replace(/\s+/g, '')]));
}
