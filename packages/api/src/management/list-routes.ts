/**
 * `/v1/lists/{name}`: a subscription list, which messages and subscriptions refer to by its name.
 *
 * @module
 */
import { type Database, putList } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { headerText, PlainName } from './field.ts';
import type { ManagementApp } from './management-app.ts';

const Body = z.strictObject({
  title: headerText(200).optional().describe('What people see. Default: the name'),
});
const List = z.object({ name: z.string(), title: z.string() });

export async function listRoutes(app: ManagementApp, database: Database): Promise<void> {
  app.put(
    '/v1/lists/:name',
    {
      config: { needs: 'configuration' },
      schema: {
        tags: ['Configuration'],
        summary: 'Store a subscription list',
        params: z.object({ name: PlainName }),
        headers: TenantHeaders,
        body: Body,
        response: { 200: List, ...PROBLEMS },
      },
    },
    async (request) => {
      const { name } = request.params;
      const list = { name, title: request.body.title ?? name };
      await putList(database.db, tenantOf(request), list);
      return list;
    },
  );
}
