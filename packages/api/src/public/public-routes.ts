/**
 * Everything a recipient or a mailbox provider may reach: served by the `Host` of a link base URL.
 *
 * Safe methods show, POST acts, and every answer, refusals included, forbids caching, indexing and referring
 * (OC-17). No cookie is read or set.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { RETRY_AFTER_SECONDS, sendProblem, toProblem } from '../problem.ts';
import { type ChoiceDeps, notStored } from './choice.ts';
import { problemPage } from './choice-page.ts';
import { LANDINGS, landingRoutes } from './landing-routes.ts';
import { oneClickRoutes } from './one-click-routes.ts';
import { sendPage } from './page.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The `Content-Type` of a public POST as it came. */
    formType: string | undefined;
  }
}

export async function publicRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.decorateRequest('formType');
  app.removeAllContentTypeParsers();
  // Bodies are read by our own reader, in the handler; a media type nobody can parse is its business too.
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.addHook('onRequest', (request, _reply, next) => {
    const headers = request.raw.headers;
    request.formType = headers['content-type'];
    if (request.formType !== undefined) headers['content-type'] = 'application/octet-stream';
    next();
  });

  app.setErrorHandler(async (error, request, reply) => {
    request.fault = error;
    const found = toProblem(error);
    // What nobody foresaw is temporary: an opt-out that comes again is better than one that is lost.
    const problem = found.status === 500 ? notStored(error) : found;
    // The rest of a body that was refused is not waited for.
    if (problem.status === 408 || problem.status === 413) reply.header('connection', 'close');
    if (!wantsPage(request.headers.accept)) return sendProblem(reply, problem);
    if (problem.status === 503) reply.header('retry-after', RETRY_AFTER_SECONDS);
    return sendPage(reply, problem.status, problemPage(problem));
  });

  for (const path of [...LANDINGS.map((landing) => landing.path), '/unsubscribe/one-click']) {
    app.options(path, { schema: { hide: true } }, async (_request, reply) =>
      reply.code(204).header('allow', 'GET, HEAD, POST, OPTIONS').send(),
    );
  }
  await app.register(oneClickRoutes, deps);
  await app.register(landingRoutes, deps);
}

/** Browsers ask for HTML by name; robots ask for anything. */
function wantsPage(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true;
}
