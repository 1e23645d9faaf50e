/**
 * `/v1/subdomains/{domain}/brand`: how the pages of a subdomain look and speak.
 *
 * A PUT replaces the whole brand: what it leaves out is gone. This process shows it at once, others within five seconds.
 *
 * @module
 */
import { type Database, findBrand, putBrand } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { Brand, readBrand } from '../public/brand.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { DomainName } from './field.ts';
import type { ManagementApp } from './management-app.ts';

export interface BrandDeps {
  readonly database: Database;
  /** Told after a brand was stored. */
  readonly onStored: () => void;
}

export async function brandRoutes(app: ManagementApp, { database, onStored }: BrandDeps): Promise<void> {
  const shared = {
    tags: ['Configuration'],
    params: z.object({ domain: DomainName }),
    headers: TenantHeaders,
    response: { 200: Brand, ...PROBLEMS },
  };
  const config = { needs: 'configuration' } as const;
  const path = '/v1/subdomains/:domain/brand';

  app.put(
    path,
    { config, schema: { ...shared, summary: 'Store how the pages of a subdomain look', body: Brand } },
    async (request) => {
      if (!(await putBrand(database.db, tenantOf(request), request.params.domain, request.body))) {
        throw unknownSubdomain();
      }
      onStored();
      return request.body;
    },
  );

  app.get(
    path,
    { config, schema: { ...shared, summary: 'Read how the pages of a subdomain look' } },
    async (request) => {
      const stored = await findBrand(database.db, tenantOf(request), request.params.domain);
      if (stored === null) throw unknownSubdomain();
      return readBrand(stored);
    },
  );
}

function unknownSubdomain(): Problem {
  return new Problem(404, 'unknown_subdomain', { detail: 'There is no such subdomain.' });
}
