/**
 * `/v1/sandboxes/{name}/soft-bounces`: how many in a row suppress an address (X10).
 *
 * @module
 */
import { type Database, findSoftBounceThreshold, setSoftBounceThreshold } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS } from '../problem.ts';
import { TenantHeaders } from './access.ts';
import type { ManagementApp } from './management-app.ts';
import { SandboxParams, sandboxOf } from './sandbox-name.ts';

const State = z.strictObject({
  threshold: z
    .int()
    .min(1)
    .max(20)
    .describe('Soft bounces in a row; a message that arrives begins anew. 5 unless said'),
});

export async function softBounceRoutes(app: ManagementApp, database: Database): Promise<void> {
  const { db } = database;
  const url = '/v1/sandboxes/:name/soft-bounces';
  const shared = { tags: ['Configuration'], params: SandboxParams, headers: TenantHeaders };

  app.get(
    url,
    {
      config: { needs: 'profiles' },
      schema: {
        ...shared,
        summary: 'Read after how many soft bounces an address is suppressed',
        response: { 200: State, ...PROBLEMS },
      },
    },
    async (request) => ({
      threshold: await findSoftBounceThreshold(db, await sandboxOf(database, request, request.params.name)),
    }),
  );

  app.put(
    url,
    {
      config: { needs: 'admin' },
      schema: {
        ...shared,
        summary: 'Say after how many soft bounces an address is suppressed',
        description: 'Counts from the next bounce on.',
        body: State,
        response: { 200: State, ...PROBLEMS },
      },
    },
    async (request) => {
      const { threshold } = request.body;
      await setSoftBounceThreshold(db, await sandboxOf(database, request, request.params.name), threshold);
      return { threshold };
    },
  );
}
