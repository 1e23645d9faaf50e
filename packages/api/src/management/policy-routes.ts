/**
 * `/v1/policies/{id}`: what has to hold of a profile where a marketing action applies (X6).
 *
 * Shapes are checked here; what a condition may say, and whether it can ever hold, is core's to judge. What is merely
 * without effect, or in the way of another policy, is stored with a warning.
 *
 * @module
 */
import {
  CONDITION_LIMITS,
  contradictingPolicies,
  POLICY_LIMIT,
  type Policy,
  readCondition,
} from '@adieu/core';
import {
  type Database,
  findPolicy,
  listPolicies,
  marketingActionsInUse,
  putPolicy,
  removePolicy,
  type Scope,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { headerText, MarketingActions, PlainName } from './field.ts';
import type { ManagementApp } from './management-app.ts';
import { present } from './present.ts';

/** Octets: four times what a condition may have, since the caller may write it with blanks. */
const POLICY_BODY_LIMIT = 64 * 1024;

const Body = z.strictObject({
  title: headerText(200).optional(),
  enabled: z.boolean().optional().describe('Default: true'),
  marketingActions: MarketingActions.min(1).describe(
    'Those of the channel configurations that it binds; all enabled policies of a configuration have to pass',
  ),
  condition: z
    .looseObject({})
    .describe(
      'One of `{"all":[…]}`, `{"any":[…]}`, `{"not":…}`, or a path with one test: `{"path":"attributes.country","in":["DE","AT"]}`. ' +
        'Paths begin with `attributes.` or `consents.`; tests are `exists` (true or false), `equals`, `in`, `contains`, `greater`, ' +
        '`atLeast`, `less` and `atMost`. A value that is missing, or of another kind, satisfies no test but `exists`, negated or not. ' +
        `At most ${CONDITION_LIMITS.depth} levels, ${CONDITION_LIMITS.nodes} parts, ${CONDITION_LIMITS.octets} octets`,
    ),
});
const Stored = z.object({
  id: z.string(),
  title: z.string().optional(),
  enabled: z.boolean(),
  marketingActions: z.array(z.string()),
  condition: z.looseObject({}),
});

export async function policyRoutes(app: ManagementApp, { db }: Database): Promise<void> {
  const shared = { tags: ['Configuration'], headers: TenantHeaders };
  const config = { needs: 'configuration' } as const;
  const params = z.object({ id: PlainName });

  app.get(
    '/v1/policies',
    {
      config,
      schema: {
        ...shared,
        summary: 'Every policy of a sandbox',
        response: { 200: z.object({ policies: z.array(Stored) }), ...PROBLEMS },
      },
    },
    async (request) => ({ policies: (await listPolicies(db, tenantOf(request))).map(document) }),
  );

  app.put(
    '/v1/policies/:id',
    {
      config,
      bodyLimit: POLICY_BODY_LIMIT,
      schema: {
        ...shared,
        summary: 'Store a policy',
        description: `Counts from the next claim of a batch on, also for executions under way. At most ${POLICY_LIMIT} of a sandbox.`,
        params,
        body: Body,
        response: { 200: Stored.extend({ warnings: z.array(z.string()) }), ...PROBLEMS },
      },
    },
    async (request) => {
      const scope = tenantOf(request);
      const { enabled = true, condition, ...rest } = request.body;
      const policy: Policy = {
        id: request.params.id,
        ...present(rest),
        enabled,
        condition: readCondition(condition),
      };
      await putPolicy(db, scope, policy);
      return { ...document(policy), warnings: await warningsOf(policy, scope) };
    },
  );

  async function warningsOf(policy: Policy, scope: Scope): Promise<string[]> {
    const inUse = await marketingActionsInUse(db, scope);
    const unused = policy.marketingActions.filter((action) => !inUse.has(action));
    const contradicting = contradictingPolicies(policy, await listPolicies(db, scope));
    return [
      ...unused.map((action) => `No channel configuration has the marketing action ${action}.`),
      ...contradicting.map(
        ({ id }) => `Never holds together with the policy ${id}: mail of an action of both goes to nobody.`,
      ),
    ];
  }

  app.get(
    '/v1/policies/:id',
    {
      config,
      schema: { ...shared, summary: 'Read a policy', params, response: { 200: Stored, ...PROBLEMS } },
    },
    async (request) => {
      const found = await findPolicy(db, tenantOf(request), request.params.id);
      if (found === null) throw unknownPolicy();
      return document(found);
    },
  );

  app.delete(
    '/v1/policies/:id',
    {
      config,
      schema: { ...shared, summary: 'Take a policy away', params, response: { 204: z.null(), ...PROBLEMS } },
    },
    async (request, reply) => {
      if (!(await removePolicy(db, tenantOf(request), request.params.id))) throw unknownPolicy();
      reply.code(204);
      return null;
    },
  );
}

function document({ marketingActions, condition, ...rest }: Policy) {
  return { ...rest, marketingActions: [...marketingActions], condition: { ...condition } };
}

function unknownPolicy(): Problem {
  return new Problem(404, 'unknown_policy', { detail: 'There is no such policy.' });
}
