/**
 * `/openapi.json`: made from the schemas that validate the requests, so that they cannot differ.
 *
 * @module
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform } from 'fastify-type-provider-zod';

/** Registers the description; before the routes, which it watches being registered. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Adieu',
        version: '1',
        description:
          'Email delivery in which every message carries its own way out. Errors are RFC 9457 problem documents ' +
          'with a stable `code`.',
      },
      tags: [
        { name: 'Configuration', description: 'Subdomains, channel configurations, templates and lists' },
        { name: 'Profiles', description: 'People, what they consented to, and why' },
        {
          name: 'Consent',
          description: "Calls of landing pages and mailboxes of your own, as Journey Optimizer's",
        },
        { name: 'Executions', description: 'Sends and what became of them' },
        { name: 'Inbound', description: 'What comes back about mail' },
      ],
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
    },
    transform: describeCall,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}

/** Bodies by media type are JSON schemas already: the transform knows only one schema for all. */
const describeCall: typeof jsonSchemaTransform = (document) => {
  const { body, ...schema }: FastifySchema = document.schema ?? {};
  if (typeof body !== 'object' || body === null || !('content' in body)) return jsonSchemaTransform(document);
  const described = jsonSchemaTransform({ ...document, schema });
  return { ...described, schema: { ...described.schema, body } };
};
