/**
 * `/v1/subdomains/{domain}`: a sending subdomain, its DKIM keys, and the DNS records to publish (S2).
 *
 * Private keys go in and never come out. A PUT that brings no key keeps the keys that are there: repeating a
 * call must not break the signatures that DNS already vouches for.
 *
 * @module
 */
import {
  checkDkimKey,
  checkSelector,
  type DkimKey,
  dnsRecords,
  ed25519Key,
  generateDkimKeys,
  type KeyRing,
} from '@adieu/core';
import {
  type Database,
  findSubdomain,
  openSubdomainKeys,
  putSubdomain,
  type Scope,
  type StoredSubdomain,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { type InboundPolicy, stsModeOf } from '../public/sts-routes.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { DomainName } from './field.ts';
import type { ManagementApp } from './management-app.ts';

export interface SubdomainDeps extends InboundPolicy {
  readonly database: Database;
  readonly ring: KeyRing;
  /** Told after a subdomain was stored. */
  readonly onStored: () => void;
}

const Params = z.object({ domain: DomainName });
const Body = z.strictObject({
  dkim: z
    .strictObject({
      selector: z.string().max(200).default('s1'),
      privateKey: z
        .string()
        .max(20_000)
        .optional()
        .describe('PEM; generated when absent, kept when there is one'),
    })
    .optional(),
  linkBaseUrl: z.string().max(300).optional().describe('https; default: `https://{domain}`'),
  relay: z.enum(['plain', 'ses']).optional().describe('Default: `plain`'),
});
const Subdomain = z
  .object({
    domain: z.string(),
    linkBaseUrl: z.string(),
    relay: z.enum(['plain', 'ses']),
    dns: z.array(z.object({ type: z.string(), name: z.string(), value: z.string() })),
  })
  .describe('A subdomain and every DNS record to publish for it');

export async function subdomainRoutes(app: ManagementApp, deps: SubdomainDeps): Promise<void> {
  const shared = { tags: ['Configuration'], params: Params, headers: TenantHeaders };
  const config = { needs: 'configuration' } as const;

  app.put(
    '/v1/subdomains/:domain',
    {
      config,
      schema: {
        ...shared,
        summary: 'Store a sending subdomain',
        body: Body,
        response: { 200: Subdomain, ...PROBLEMS },
      },
    },
    async (request) => {
      const scope = tenantOf(request);
      const { domain } = request.params;
      const { dkim, linkBaseUrl, relay } = request.body;
      const existing = await findSubdomain(deps.database.db, scope, domain);
      const stored = await putSubdomain(deps.database.db, scope, {
        domain,
        linkBaseUrl: readLinkBaseUrl(linkBaseUrl ?? existing?.linkBaseUrl ?? `https://${domain}`),
        relay: relay ?? existing?.relay ?? 'plain',
        keys: chooseKeys(dkim, existing === null ? [] : openSubdomainKeys(deps.ring, existing)),
        ring: deps.ring,
      });
      deps.onStored();
      return describe(stored, deps);
    },
  );

  app.get(
    '/v1/subdomains/:domain',
    {
      config,
      schema: { ...shared, summary: 'Read a sending subdomain', response: { 200: Subdomain, ...PROBLEMS } },
    },
    async (request) =>
      describe(await requireSubdomain(deps.database, tenantOf(request), request.params.domain), deps),
  );
}

async function requireSubdomain(database: Database, scope: Scope, domain: string): Promise<StoredSubdomain> {
  const found = await findSubdomain(database.db, scope, domain);
  if (found === null) throw new Problem(404, 'unknown_subdomain', { detail: 'There is no such subdomain.' });
  return found;
}

/** A key that is given signs from now on; none given keeps what signs, unless the selector is another. */
function chooseKeys(dkim: z.output<typeof Body>['dkim'], existing: readonly DkimKey[]): readonly DkimKey[] {
  const rsa = existing.find((key) => key.algorithm === 'rsa-sha256');
  if (dkim === undefined) return existing.length > 0 ? existing : generateDkimKeys('s1');
  const { selector, privateKey } = dkim;
  checkSelector(selector);
  if (privateKey === undefined) return rsa?.selector === selector ? existing : generateDkimKeys(selector);
  checkDkimKey(privateKey, 'rsa-sha256');
  // The second signature keeps its key for as long as the selector stays: DNS has it already.
  const second = existing.find((key) => key.selector === `${selector}-ed`) ?? ed25519Key(`${selector}-ed`);
  return [{ selector, algorithm: 'rsa-sha256', privateKey }, second];
}

/** Links must be https (RFC 8058 section 3.1), and a subdomain whose mails could never be composed is not stored. */
function readLinkBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) throw badBase('This is not a URL.');
  if (url.protocol !== 'https:') throw badBase('The URL must start with https://.');
  if (
    url.pathname !== '/' ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== '' ||
    url.password !== ''
  ) {
    throw badBase('Only a scheme, a host and a port are allowed.');
  }
  return url.origin;
}

function badBase(detail: string): Problem {
  return new Problem(422, 'link_base_url_invalid', { detail, field: 'linkBaseUrl' });
}

function describe(stored: StoredSubdomain, deps: SubdomainDeps): z.output<typeof Subdomain> {
  const { domain, linkBaseUrl, relay } = stored;
  const keys = openSubdomainKeys(deps.ring, stored);
  const { inboundHost } = deps;
  const dns = dnsRecords({ domain, linkBaseUrl, keys, relay, inboundHost, stsMode: stsModeOf(deps, stored) });
  return { domain, linkBaseUrl, relay, dns };
}
