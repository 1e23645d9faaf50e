/**
 * `GET /.well-known/mta-sts.txt` under the host `mta-sts.` of a sending subdomain: how its inbound mail is to be secured (RFC 8461).
 *
 * One rule: it says the same as the TXT record that the management API prints, and while nobody can tell, 503: a sender goes on
 * with what it remembers.
 *
 * @module
 */
import { exchangerOf, STS_PATH, type StsMode, stsPolicy } from '@adieu/core';
import { type Database, findSubdomainByDomain, type StoredSubdomain } from '@adieu/store';
import type { FastifyInstance } from 'fastify';
import { within } from '../deadline.ts';
import { databaseAway, Problem } from '../problem.ts';
import { linkHostName } from './link-host.ts';

/** What the policies of inbound mail depend on. */
export interface InboundPolicy {
  /** Where MX records point; the host of the links when absent. */
  readonly inboundHost?: string | undefined;
  /** What is said of an exchanger at a time; absent where no mail comes in, and then there is no policy. */
  readonly stsMode?: ((exchanger: string, now: Date) => StsMode) | undefined;
  readonly now: () => Date;
}

export interface StsDeps extends InboundPolicy {
  readonly database: Database;
}

/** Milliseconds that a database may take before it counts as away. */
const PATIENCE = 3_000;
const LABEL = 'mta-sts.';

export async function stsRoutes(app: FastifyInstance, deps: StsDeps): Promise<void> {
  app.get(STS_PATH, { schema: { hide: true } }, async (request, reply) => {
    const host = linkHostName(request.host) ?? '';
    const found = host.startsWith(LABEL) ? await find(deps.database, host.slice(LABEL.length)) : null;
    const mode = found === null ? undefined : stsModeOf(deps, found);
    if (found === null || mode === undefined) {
      throw new Problem(404, 'not_found', { detail: 'There is nothing here.' });
    }
    return reply.type('text/plain; charset=utf-8').send(stsPolicy(exchangerFor(deps, found), mode));
  });
}

/** What the policy of a subdomain says now. */
export function stsModeOf(policy: InboundPolicy, subdomain: StoredSubdomain): StsMode | undefined {
  return policy.stsMode?.(exchangerFor(policy, subdomain), policy.now());
}

function exchangerFor({ inboundHost }: InboundPolicy, { domain, linkBaseUrl }: StoredSubdomain): string {
  return exchangerOf({ domain, linkBaseUrl, inboundHost });
}

async function find({ db }: Database, domain: string): Promise<StoredSubdomain | null> {
  try {
    const found = await within(PATIENCE, findSubdomainByDomain(db, domain), databaseAway);
    return found?.subdomain ?? null;
  } catch (error) {
    throw databaseAway(error);
  }
}
