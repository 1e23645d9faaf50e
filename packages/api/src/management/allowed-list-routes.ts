/**
 * `/v1/sandboxes/{name}/allowed-list`: whether only those on the allowed list get mail (X11).
 *
 * Active and empty sends nothing, transactional mail included: the answer says how many entries there are.
 *
 * @module
 */
import { allowedListSize, type Database, findScope, type Scope, setAllowedList } from '@adieu/store';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import type { ManagementApp } from './management-app.ts';

const State = z.object({
  active: z.boolean(),
  addresses: z.number().int(),
  domains: z.number().int(),
});

export async function allowedListRoutes(app: ManagementApp, database: Database): Promise<void> {
  const url = '/v1/sandboxes/:name/allowed-list';
  const shared = {
    tags: ['Suppression'],
    params: z.object({ name: z.string().min(1).max(64) }),
    headers: TenantHeaders,
    response: { 200: State, ...PROBLEMS },
  };

  app.get(
    url,
    { config: { needs: 'profiles' }, schema: { ...shared, summary: 'Read the state of the allowed list' } },
    async (request) => allowedListSize(database.db, await named(database, request, request.params.name)),
  );

  app.put(
    url,
    {
      config: { needs: 'admin' },
      schema: {
        ...shared,
        summary: 'Switch the allowed list',
        description: 'Counts from the next claim. Active and empty: nothing is sent.',
        body: z.strictObject({ active: z.boolean() }),
      },
    },
    async (request) => {
      const scope = await named(database, request, request.params.name);
      await setAllowedList(database.db, scope, request.body.active);
      return allowedListSize(database.db, scope);
    },
  );
}

/** The sandbox of the path, in the organisation of the key. */
async function named({ db }: Database, request: FastifyRequest, sandbox: string): Promise<Scope> {
  const found = await findScope(db, tenantOf(request).organisation, sandbox);
  if (found !== null) return found;
  throw new Problem(404, 'unknown_sandbox', { detail: 'There is no such sandbox.', field: 'name' });
}
