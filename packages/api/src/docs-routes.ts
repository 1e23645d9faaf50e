/**
 * `/docs`: the description of the API, rendered by Swagger UI in the browser.
 *
 * Two files of the package and a page of ours, from memory: its own file server asks for Node 22, and its policy
 * sends browsers to https where there is none.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { FastifyInstance } from 'fastify';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Adieu API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
</head>
<body>
<div id="docs"></div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const START = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#docs', deepLinking: true, validatorUrl: null });
`;

const ASSETS = [
  ['swagger-ui.css', 'text/css; charset=utf-8'],
  ['swagger-ui-bundle.js', 'text/javascript; charset=utf-8'],
] as const;

export async function docsRoutes(app: FastifyInstance): Promise<void> {
  const schema = { hide: true };
  const { resolve } = createRequire(import.meta.url);
  app.addHook('onRequest', async (_request, reply) => void reply.header('content-security-policy', POLICY));
  app.get('/docs', { schema }, async (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE));
  app.get('/docs/start.js', { schema }, async (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(START),
  );
  for (const [name, type] of ASSETS) {
    const path = resolve(`@fastify/swagger-ui/static/${name}`);
    let asset: Promise<Buffer> | undefined;
    app.get(`/docs/${name}`, { schema }, async (_request, reply) => {
      asset ??= readFile(path);
      return reply
        .type(type)
        .header('cache-control', 'public, max-age=3600')
        .send(await asset);
    });
  }
}
