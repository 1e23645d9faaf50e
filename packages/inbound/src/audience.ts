/**
 * Whose a domain of mail and a host of links are, asked of the database and remembered.
 *
 * @module
 */
import type { MailAudience } from '@adieu/core';
import { type Database, findSubdomainByDomain, findSubdomainByHost, type OwnedSubdomain } from '@adieu/store';
import { type Domains, openDomains } from './domains.ts';

/** Both memories. */
export interface Audiences {
  readonly domains: Domains;
  /** The same for the hosts of links. */
  readonly hosts: Domains;
}

/** Opens both. */
export function openAudiences({ db }: Database): Audiences {
  return {
    domains: openDomains({ find: async (domain) => audienceOf(await findSubdomainByDomain(db, domain)) }),
    hosts: openDomains({ find: async (host) => audienceOf(await findSubdomainByHost(db, host)) }),
  };
}

function audienceOf(found: OwnedSubdomain | null): MailAudience | null {
  return found === null ? null : { organisation: found.scope.organisation, sandbox: found.scope.sandbox };
}
