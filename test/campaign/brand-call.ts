/**
 * The brand of the campaign and its mailings, by the management API, past every wire.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import type { Stage } from './stage.ts';

const DOMAIN = 'news.example.com';

/** Subdomain, configuration and a small template. */
export async function createBrand(stage: Stage): Promise<void> {
  await call(stage, 'PUT', `/v1/subdomains/${DOMAIN}`, { linkBaseUrl: `https://${DOMAIN}` });
  await call(stage, 'PUT', '/v1/channel-configurations/newsletter', {
    subdomain: DOMAIN,
    emailType: 'marketing',
    from: { name: 'Brand', email: `hello@${DOMAIN}` },
  });
  await call(stage, 'PUT', '/v1/templates/spring', {
    subject: 'Spring, {{profile.name}}',
    html: '<p>Hello {{profile.name}}</p><p><a href="#" data-link-type="one-click">Leave</a></p>',
  });
}

/** Imports the people of a block. */
export async function importBlock(stage: Stage, block: number, people: readonly string[]): Promise<void> {
  const lines = people.map((person) =>
    JSON.stringify({
      identities: { CRMID: person, Email: `${person}@example.org` },
      attributes: { name: `Ada ${person}`, block },
    }),
  );
  const { upserted } = await call(stage, 'POST', '/v1/profiles', `${lines.join('\n')}\n`);
  if (upserted !== people.length) throw new Error(`${upserted} of ${people.length} people were imported`);
}

/** Asks for a mailing to a block, or to everybody; answers the execution's id. */
export async function mailTo(stage: Stage, block: number | null): Promise<number> {
  const { executionId } = await call(stage, 'POST', '/v1/executions', {
    requestId: randomUUID(),
    channelConfiguration: 'newsletter',
    template: 'spring',
    campaignId: 'campaign',
    audience: block === null ? { all: true } : { attributes: { block } },
  });
  return Number(executionId);
}

/** What `GET /v1/executions/{id}` says. */
export async function stateOf(stage: Stage, executionId: number): Promise<string> {
  return (await call(stage, 'GET', `/v1/executions/${executionId}`)).state as string;
}

async function call(
  stage: Stage,
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'application/x-ndjson' : 'application/json';
  const response = await fetch(`${stage.apiUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${stage.key}`,
      ...(text === undefined ? {} : { 'content-type': type }),
    },
    ...(text === undefined ? {} : { body: text }),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${answer}`);
  return JSON.parse(answer) as Record<string, unknown>;
}
