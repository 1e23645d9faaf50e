/**
 * `/v1/sandboxes/{name}/allowed-list`: whether only those on the allowed list get mail (X11).
 *
 * Active and empty sends nothing, transactional mail included: the answer says how many entries there are.
 *
 * @module
 */
import { allowedListSize, type Database, setAllowedList } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS } from '../problem.ts';
import { TenantHeaders } from './access.ts';
import type { ManagementApp } from './management-app.ts';
import { SandboxParams, sandboxOf } from './sandbox-name.ts';

const State = z.object({
  active: z.boolean(),
  addresses: z.number().int(),
  domains: z.number().int(),
});

export async function allowedListRoutes(app: ManagementApp, database: Database): Promise<void> {
  const url = '/v1/sandboxes/:name/allowed-list';
  const shared = {
    tags: ['Suppression'],
    params: SandboxParams,
    headers: TenantHeaders,
    response: { 200: State, ...PROBLEMS },
  };

  app.get(
    url,
    { config: { needs: 'profiles' }, schema: { ...shared, summary: 'Read the state of the allowed list' } },
    async (request) => allowedListSize(database.db, await sandboxOf(database, request, request.params.name)),
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
      const scope = await sandboxOf(database, request, request.params.name);
      await setAllowedList(database.db, scope, request.body.active);
      return allowedListSize(database.db, scope);
    },
  );
}
