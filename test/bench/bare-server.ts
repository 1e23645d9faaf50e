/**
 * The twin of one-click, a process of its own: the same Fastify, set up as Adieu's is, whose POST reads the body, does no work and
 * answers 200.
 *
 * @module
 */
import Fastify from 'fastify';

const app = Fastify({
  logger: false,
  trustProxy: false,
  bodyLimit: 8_192,
  connectionTimeout: 120_000,
  keepAliveTimeout: 65_000,
  requestTimeout: 0,
  http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
  routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4_096 },
});
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, body),
);
app.post('/unsubscribe/one-click', async (request, reply) => {
  if (request.body !== 'List-Unsubscribe=One-Click') return reply.code(400).send();
  return reply.type('text/plain; charset=utf-8').send('Unsubscribed.\n');
});

const url = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('disconnect', () => process.exit(0));
process.send?.({ url });
