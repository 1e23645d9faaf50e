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
import { type ChoiceDeps, type FormFields, notStored } from './choice.ts';
import { LANDING_PATH, landingRoutes } from './landing-routes.ts';
import { ONE_CLICK_PATH, oneClickRoutes } from './one-click-routes.ts';
import { sendPage } from './page.ts';
import { PREFERENCES_PATH, preferenceRoutes } from './preference-routes.ts';
import { problemPage } from './problem-page.ts';
import { settingOf } from './visit.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** The `Content-Type` of a public POST as it came. */
    formType: string | undefined;
    /** What its form said, once it was read. */
    formFields: FormFields | undefined;
  }
}

export async function publicRoutes(app: FastifyInstance, deps: ChoiceDeps): Promise<void> {
  app.decorateRequest('formType');
  app.decorateRequest('formFields');
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
    const setting = settingOf(request, deps.hosts.last(request.host));
    const failed = { problem, fields: request.formFields, takesMail: deps.takesMail };
    return sendPage(reply, problem.status, problemPage(failed, setting), setting);
  });

  for (const path of [LANDING_PATH, PREFERENCES_PATH, ONE_CLICK_PATH]) {
    app.options(path, { schema: { hide: true } }, async (_request, reply) =>
      reply.code(204).header('allow', 'GET, HEAD, POST, OPTIONS').send(),
    );
  }
  await app.register(oneClickRoutes, deps);
  await app.register(landingRoutes, deps);
  await app.register(preferenceRoutes, deps);
}

/** Browsers ask for HTML by name; robots ask for anything. */
function wantsPage(accept: string | undefined): boolean {
  return accept?.includes('text/html') === true;
}
