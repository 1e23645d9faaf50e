/**
 * `/openapi.json`: made from the schemas that validate the requests, so that they cannot differ.
 *
 * @module
 */
import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
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
        { name: 'Executions', description: 'Sends and what became of them' },
      ],
      components: { securitySchemes: { key: { type: 'http', scheme: 'bearer' } } },
      security: [{ key: [] }],
    },
    transform: jsonSchemaTransform,
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
}
