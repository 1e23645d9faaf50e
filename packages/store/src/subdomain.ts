/**
 * Subdomains: where mail comes from and where its links lead, with the DKIM keys sealed by the key ring.
 *
 * One rule: a domain, a link base URL and its host belong to one sandbox only; a public request is attributed by
 * its Host header, an inbound mail by the domain of its recipient.
 *
 * @module
 */
import type { DkimKey, KeyRing } from '@adieu/core';
import { Failure, openSecret, parseDomain, sealSecret } from '@adieu/core';
import type { StoredBrand } from './brand.ts';
import type { Db } from './database.ts';
import { violatedConstraint } from './database-error.ts';
import type { Scope } from './scope.ts';
import { storableText } from './storable.ts';

/** What rewrites headers on the way: Amazon SES replaces Message-ID and Date. */
export type Relay = 'plain' | 'ses';

/** A subdomain as it is put. */
export interface SubdomainRequest {
  readonly domain: string;
  readonly linkBaseUrl: string;
  readonly relay: Relay;
  readonly keys: readonly DkimKey[];
  readonly ring: KeyRing;
}

/** A subdomain as it is kept. */
export interface StoredSubdomain {
  readonly id: number;
  readonly domain: string;
  readonly linkBaseUrl: string;
  /** Host, and port where it is not the scheme's own: what a browser sends as `Host`. */
  readonly linkHost: string;
  readonly relay: Relay;
  /** Open with {@link openSubdomainKeys}. */
  readonly sealedKeys: Buffer;
}

/** A subdomain and whose it is. */
export interface OwnedSubdomain {
  readonly subdomain: StoredSubdomain;
  readonly scope: Scope;
  readonly brand: StoredBrand;
}

const PURPOSE = 'dkim';
const COLUMNS = [
  'subdomain.id',
  'subdomain.domain',
  'subdomain.link_base_url as linkBaseUrl',
  'subdomain.link_host as linkHost',
  'subdomain.relay',
  'subdomain.sealed_keys as sealedKeys',
] as const;

/** Creates or replaces a subdomain. Throws `domain_invalid`, `link_base_url_invalid`, `subdomain_taken`, `link_base_url_taken`. */
export async function putSubdomain(
  db: Db,
  scope: Scope,
  request: SubdomainRequest,
): Promise<StoredSubdomain> {
  const domain = parseDomain(request.domain);
  if (domain === null) throw new Failure('domain_invalid', 'Not a domain name.', { field: 'domain' });
  const { linkBaseUrl, linkHost } = parseLinkBase(request.linkBaseUrl);
  const row = {
    link_base_url: linkBaseUrl,
    link_host: linkHost,
    relay: request.relay,
    sealed_keys: sealSecret(request.ring, PURPOSE, Buffer.from(JSON.stringify(request.keys))),
  };
  try {
    const stored = await db
      .insertInto('subdomain')
      .values({ sandbox_id: scope.sandboxId, domain, ...row })
      .onConflict((conflict) =>
        conflict
          .column('domain')
          .doUpdateSet({ ...row, updated_at: new Date() })
          .where('subdomain.sandbox_id', '=', scope.sandboxId),
      )
      .returning(COLUMNS)
      .executeTakeFirst();
    if (stored !== undefined) return stored;
  } catch (error) {
    if (!violatedConstraint(error)?.startsWith('subdomain_link_')) throw error;
    throw new Failure('link_base_url_taken', 'Another subdomain has this link base URL.', {
      field: 'linkBaseUrl',
    });
  }
  throw new Failure('subdomain_taken', 'Another organisation or sandbox has this subdomain.', {
    field: 'domain',
  });
}

/** A subdomain of this sandbox, or null. */
export async function findSubdomain(db: Db, scope: Scope, domain: string): Promise<StoredSubdomain | null> {
  const row = await db
    .selectFrom('subdomain')
    .select(COLUMNS)
    .where('sandbox_id', '=', scope.sandboxId)
    .where('domain', '=', parseDomain(domain) ?? '')
    .executeTakeFirst();
  return row ?? null;
}

/** Whose links live at a host, as a `Host` header names it (with its port where there is one); null for nobody's. */
export async function findSubdomainByHost(db: Db, linkHost: string): Promise<OwnedSubdomain | null> {
  return findOwned(db, 'subdomain.link_host', storableText(linkHost.toLowerCase()));
}

/** Whose mail a domain takes; null for nobody's. */
export async function findSubdomainByDomain(db: Db, domain: string): Promise<OwnedSubdomain | null> {
  return findOwned(db, 'subdomain.domain', parseDomain(domain) ?? '');
}

/** The private keys of a subdomain. Throws `keyring_cannot_open` when they were sealed by a key the ring lacks. */
export function openSubdomainKeys(ring: KeyRing, subdomain: StoredSubdomain): DkimKey[] {
  const plain = openSecret(ring, PURPOSE, subdomain.sealedKeys);
  if (plain === null) {
    throw new Failure(
      'keyring_cannot_open',
      `The key ring cannot open the DKIM keys of ${subdomain.domain}; it is not the ring that sealed them.`,
    );
  }
  return JSON.parse(plain.toString()) as DkimKey[];
}

/** For the start of a process: throws `keyring_cannot_open` when any subdomain's keys stay shut. */
export async function checkSealedKeys(db: Db, ring: KeyRing): Promise<void> {
  const rows = await db.selectFrom('subdomain').select(COLUMNS).orderBy('id').execute();
  for (const row of rows) openSubdomainKeys(ring, row);
}

async function findOwned(
  db: Db,
  column: 'subdomain.link_host' | 'subdomain.domain',
  value: string,
): Promise<OwnedSubdomain | null> {
  const row = await db
    .selectFrom('subdomain')
    .innerJoin('sandbox', 'sandbox.id', 'subdomain.sandbox_id')
    .innerJoin('organisation', 'organisation.id', 'sandbox.organisation_id')
    .select(COLUMNS)
    .select([
      'sandbox.id as sandboxId',
      'sandbox.name as sandbox',
      'organisation.id as organisationId',
      'organisation.name as organisation',
      'subdomain.brand',
    ])
    .where(column, '=', value)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { sandboxId, sandbox, organisationId, organisation, brand, ...subdomain } = row;
  return { subdomain, scope: { organisation, organisationId, sandbox, sandboxId }, brand };
}

function parseLinkBase(linkBaseUrl: string): { linkBaseUrl: string; linkHost: string } {
  const url = URL.canParse(linkBaseUrl) ? new URL(linkBaseUrl) : null;
  const plain =
    url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (url === null || !plain || !/^https?:$/.test(url.protocol)) {
    throw new Failure('link_base_url_invalid', 'The link base URL must be http(s)://host[:port][/path].', {
      field: 'linkBaseUrl',
    });
  }
  return { linkBaseUrl: url.href.replace(/\/+$/, ''), linkHost: url.host };
}

/** The sending subdomains of every organisation, by name. */
export async function listSubdomains(db: Db): Promise<readonly StoredSubdomain[]> {
  return db.selectFrom('subdomain').select(COLUMNS).orderBy('domain').execute();
}
