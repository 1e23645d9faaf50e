/**
 * The calls of Journey Optimizer's landing pages: storing a choice (C6), and reading what a link says (C7).
 *
 * One rule: the key says who calls, the token whom it is about, and neither is enough alone. A token that is wrong in any way is
 * one 404, and nothing is stored that the token does not cover.
 *
 * @module
 */
import type { KeyRing, RecordAct, RecordOptOut } from '@adieu/core';
import type { Database } from '@adieu/store';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { limitBodyTime } from '../body-deadline.ts';
import { parseJson } from '../json-text.ts';
import { authorise } from '../management/access.ts';
import { Problem, sendProblem, toProblem } from '../problem.ts';
import { decryptRoutes } from './decrypt-routes.ts';
import { preferenceRoutes } from './preference-routes.ts';

export interface ImpDeps {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly recorder: RecordOptOut;
  readonly recordAct: RecordAct;
  readonly now: () => Date;
}

declare module 'fastify' {
  interface FastifyRequest {
    /** The organisation whose key calls; every route here has one. */
    organisation: string | null;
  }
}

/** Octets of a body; an honest one has about a hundred. */
const BODY_LIMIT = 16 * 1024;
/** Milliseconds for a body to arrive. */
const BODY_DEADLINE = 10_000;

export async function impRoutes(instance: FastifyInstance, deps: ImpDeps): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeAllContentTypeParsers();
  const parser = { parseAs: 'string', bodyLimit: BODY_LIMIT } as const;
  app.addContentTypeParser('application/json', parser, (_request, body, done) => {
    const json = parseJson(withoutTrailingCommas(body.toString()));
    if (json.ok) done(null, json.value);
    else done(new Problem(400, json.code, { detail: json.detail }));
  });
  app.decorateRequest('organisation', null);
  app.addHook('onRequest', async (request) => {
    request.organisation = (await authorise(request, deps.database)).organisation;
  });
  limitBodyTime(app, BODY_DEADLINE);
  app.setErrorHandler(async (error, request, reply) => {
    request.fault = error;
    if (!request.raw.complete) reply.header('connection', 'close');
    return sendProblem(reply, toProblem(error));
  });
  await preferenceRoutes(app, deps);
  await decryptRoutes(app, deps);
}

/** The organisation of an authorised request. */
export function organisationOf(request: FastifyRequest): string {
  if (request.organisation === null) throw new Error('The route is not guarded.');
  return request.organisation;
}

/** What follows the first `?`, undecoded. */
export function rawQuery(request: FastifyRequest): string {
  return request.raw.url?.split('?').slice(1).join('?') ?? '';
}

export function unknownToken(): Problem {
  return new Problem(404, 'unknown_token', { detail: 'This token is not one of ours.' });
}

/** ISO 8601 with microseconds, as Journey Optimizer writes it; ours are always zero behind the milliseconds. */
export function timestamp(instant: Date): string {
  return instant.toISOString().replace('Z', '000Z');
}

/** Journey Optimizer's own example has a comma behind the last field. Commas within texts stay. */
function withoutTrailingCommas(json: string): string {
  return json.replace(/"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])/g, (found) => (found === ',' ? '' : found));
}
