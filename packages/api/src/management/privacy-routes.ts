/**
 * `GET /v1/profiles/{namespace}/{id}/export` and `DELETE /v1/profiles/{namespace}/{id}`: what is held about a person, and
 * forgetting it (X13).
 *
 * One rule: an erasure is answered when it is done. Asked again, it answers with the same receipt.
 *
 * @module
 */
import { Readable } from 'node:stream';
import type { RecordOptOut } from '@adieu/core';
import { type Database, eraseProfile, exportProfile } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS } from '../problem.ts';
import { callerOf, TenantHeaders, tenantOf } from './access.ts';
import type { ManagementApp } from './management-app.ts';
import { ProfileParams, requireProfile, unknownProfile } from './profile-routes.ts';

const Receipt = z.object({
  receiptId: z.string(),
  erasedAt: z.string(),
  counts: z.object({
    identities: z.int(),
    addresses: z.int().describe('Those that nobody else uses'),
    sharedAddresses: z.int().describe('Those that stay with others who use them'),
    messages: z.int().describe('They stay as counts, without a word'),
    stopped: z.int().describe('Those among them that were still to be sent'),
    executions: z.int().describe('Not expanded yet, and named the person'),
    listEntries: z.int(),
  }),
});

export async function privacyRoutes(
  app: ManagementApp,
  { database, recorder }: { readonly database: Database; readonly recorder: RecordOptOut },
): Promise<void> {
  const shared = { tags: ['Privacy'], params: ProfileParams, headers: TenantHeaders };
  const config = { needs: 'profiles' } as const;

  app.get(
    '/v1/profiles/:namespace/:id/export',
    {
      config,
      schema: {
        ...shared,
        summary: 'Everything held about a person',
        response: { 200: z.any().describe('One JSON document, streamed'), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const scope = tenantOf(request);
      const profile = await requireProfile(database, scope, request.params);
      const document = await exportProfile(database.db, scope, { profile, apiKeyId: callerOf(request) });
      reply.header('cache-control', 'no-store');
      reply.header('content-disposition', 'attachment; filename="profile.json"');
      reply.type('application/json; charset=utf-8');
      return reply.send(Readable.from(document));
    },
  );

  app.delete(
    '/v1/profiles/:namespace/:id',
    {
      config,
      schema: { ...shared, summary: 'Erase a person everywhere', response: { 202: Receipt, ...PROBLEMS } },
    },
    async (request, reply) => {
      const { params } = request;
      const erasure = { ...params, apiKeyId: callerOf(request), recordOptOut: recorder };
      const receipt = await eraseProfile(database.db, tenantOf(request), erasure);
      if (receipt === null) throw unknownProfile();
      const { receiptId, erasedAt, counts } = receipt;
      return reply.code(202).send({ receiptId: String(receiptId), erasedAt: erasedAt.toISOString(), counts });
    },
  );
}
