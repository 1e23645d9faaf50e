/**
 * Where public keys are found when a signature is checked: the subdomains of an installation, a file, public DNS.
 *
 * A lookup asks one source after the other and takes the first answer, so mail of an own subdomain verifies before
 * its records are published anywhere.
 *
 * @module
 */
import { resolveTxt } from 'node:dns/promises';
import { dnsRecords, Failure, type KeyRing, type ResolveTxt } from '@adieu/core';
import { type Db, findSubdomainByDomain, openSubdomainKeys } from '@adieu/store';
import { z } from 'zod';
import { readText } from './template-file.ts';

const Value = z.union([z.string(), z.array(z.string())]);
const Records = z.array(z.looseObject({ type: z.string().optional(), name: z.string(), value: Value }));
/** As `PUT /v1/subdomains/{domain}` answers, its `dns` alone, or names with their values. */
const RecordsFile = z.union([z.looseObject({ dns: Records }), Records, z.record(z.string(), Value)]);

/** Asks each source in turn; the first that has an answer gives it. */
export function firstOf(sources: readonly ResolveTxt[]): ResolveTxt {
  return async (name) => {
    for (const resolve of sources) {
      const found = await resolve(name).catch(() => []);
      if (found.length > 0) return found;
    }
    return [];
  };
}

/** The DKIM keys of an installation's own subdomains, as DNS would publish them. */
export function ownKeys(db: Db, ring: KeyRing): ResolveTxt {
  return async (name) => {
    const [, domain] = /^[^.]+(?:\.[^.]+)*?\._domainkey\.(.+?)\.?$/.exec(name.toLowerCase()) ?? [];
    if (domain === undefined) return [];
    const owned = await findSubdomainByDomain(db, domain);
    if (owned === null) return [];
    const { linkBaseUrl } = owned.subdomain;
    const records = dnsRecords({ domain, linkBaseUrl, keys: openSubdomainKeys(ring, owned.subdomain) });
    return valuesOf(records, name);
  };
}

/** The records of a JSON file. */
export async function keysOfFile(path: string): Promise<ResolveTxt> {
  const parsed = RecordsFile.safeParse(parseJson(await readText(path)));
  if (!parsed.success) {
    const detail = `${path} holds no DNS records: [{"type":"TXT","name":"s1._domainkey.…","value":"v=DKIM1; …"}].`;
    throw new Failure('dns_file_invalid', detail);
  }
  const file = parsed.data;
  if (Array.isArray(file)) return async (name) => valuesOf(file, name);
  const { dns } = file;
  if (Array.isArray(dns) && dns.every((record) => typeof record === 'object')) {
    return async (name) => valuesOf(dns, name);
  }
  const records = Object.entries(file).map(([name, value]) => ({ name, value: value as string | string[] }));
  return async (name) => valuesOf(records, name);
}

/** Public DNS. A TXT record's strings are joined without a space (RFC 6376 §3.6.2.2). */
export const publicKeys: ResolveTxt = async (name) => {
  const records = await resolveTxt(name);
  return records.map((strings) => strings.join(''));
};

interface AnyRecord {
  readonly type?: string | undefined;
  readonly name: string;
  readonly value: string | readonly string[];
}

function valuesOf(records: readonly AnyRecord[], name: string): string[] {
  const wanted = bare(name);
  return records
    .filter((record) => (record.type ?? 'TXT').toUpperCase() === 'TXT' && bare(record.name) === wanted)
    .map(({ value }) => (typeof value === 'string' ? value : value.join('')));
}

function bare(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
