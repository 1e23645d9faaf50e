/**
 * `/v1/profiles/{namespace}/{id}`: one person, the history of their choices, and whether they may be written to.
 *
 * @module
 */
import { gateMessage } from '@adieu/core';
import {
  consentHistory,
  type Database,
  findChannelConfiguration,
  findProfile,
  profileConsents,
  type Scope,
  type StoredProfile,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { explain } from './explanation.ts';
import { ConfigurationName, PlainName } from './field.ts';
import type { ManagementApp } from './management-app.ts';

/** Who is meant, in a path. */
export const ProfileParams = z.object({
  namespace: z.string().min(1).max(64),
  id: z.string().min(1).max(255),
});
const Profile = z.object({
  identities: z.record(z.string(), z.string()),
  attributes: z.record(z.string(), z.unknown()),
  consents: z.looseObject({}).describe('XDM consents and preferences'),
});
const Change = z.looseObject({
  at: z.string(),
  scope: z.enum(['channel', 'identity', 'subscription']),
  channel: z.string(),
  address: z.string().optional(),
  list: z.string().optional(),
  from: z.string(),
  to: z.string(),
  source: z.string(),
  messageId: z.string().optional(),
  executionId: z.string().optional(),
  reference: z.string().optional().describe('Where an operator keeps the proof'),
});
const Explanation = z.object({
  allowed: z.boolean(),
  code: z.string().optional().describe('The exclusion code, when not allowed'),
  rules: z.array(
    z.object({ rule: z.string(), value: z.string(), verdict: z.enum(['stop', 'allow', 'skip']) }),
  ),
});
const Question = z.strictObject({
  channelConfiguration: ConfigurationName,
  address: z.string().max(1_000).optional().describe("Default: the profile's own"),
  list: PlainName.optional().describe('The list of the message, when it has one'),
});

export async function profileRoutes(app: ManagementApp, database: Database): Promise<void> {
  const shared = { tags: ['Profiles'], params: ProfileParams, headers: TenantHeaders };
  const config = { needs: 'profiles' } as const;

  app.get(
    '/v1/profiles/:namespace/:id',
    { config, schema: { ...shared, summary: 'Read a profile', response: { 200: Profile, ...PROBLEMS } } },
    async (request) => {
      const profile = await requireProfile(database, tenantOf(request), request.params);
      const { identities, attributes } = profile;
      return {
        identities: { ...identities },
        attributes: { ...attributes },
        consents: { ...profileConsents(profile) },
      };
    },
  );

  app.get(
    '/v1/profiles/:namespace/:id/consent-history',
    {
      config,
      schema: {
        ...shared,
        summary: 'Every change of consent, newest first',
        response: { 200: z.array(Change), ...PROBLEMS },
      },
    },
    async (request) => {
      const scope = tenantOf(request);
      const profile = await requireProfile(database, scope, request.params);
      const history = await consentHistory(database.db, scope, profile);
      return history.map(({ executionId, ...change }) => ({
        ...change,
        ...(executionId === undefined ? {} : { executionId: String(executionId) }),
      }));
    },
  );

  app.get(
    '/v1/profiles/:namespace/:id/explain',
    {
      config,
      schema: {
        ...shared,
        summary: 'May this go to this person, and why',
        querystring: Question,
        response: { 200: Explanation, ...PROBLEMS },
      },
    },
    async (request) => {
      const scope = tenantOf(request);
      const { channelConfiguration, address, list } = request.query;
      const profile = await requireProfile(database, scope, request.params);
      const found = await findChannelConfiguration(database.db, scope, channelConfiguration);
      if (found === null) {
        const detail = 'There is no such channel configuration.';
        throw new Problem(404, 'unknown_channel_configuration', { detail, field: 'channelConfiguration' });
      }
      return explain(database, scope, {
        profile,
        message: gateMessage(found.configuration, list ?? null),
        address: address ?? null,
      });
    },
  );
}

/** The profile of a path; throws {@link unknownProfile}, also of who was erased. */
export async function requireProfile(
  database: Database,
  scope: Scope,
  { namespace, id }: z.output<typeof ProfileParams>,
): Promise<StoredProfile> {
  const found = await findProfile(database.db, scope, namespace, id);
  if (found === null) throw unknownProfile();
  return found;
}

export function unknownProfile(): Problem {
  return new Problem(404, 'unknown_profile', { detail: 'There is no such profile.' });
}
