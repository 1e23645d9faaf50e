/**
 * The management API under `/v1`: guarded by keys, validated by the schemas that also describe it.
 *
 * @module
 */
import type { CompileTemplate, KeyRing, Log, RecordAct, RecordOptOut, WakeUp } from '@adieu/core';
import type { Database } from '@adieu/store';
import type { FastifyInstance } from 'fastify';
import { serializerCompiler, validatorCompiler, type ZodTypeProvider } from 'fastify-type-provider-zod';
import { limitBodyTime } from '../body-deadline.ts';
import { parseJson } from '../json-text.ts';
import { Problem, sendProblem, toProblem } from '../problem.ts';
import type { InboundPolicy } from '../public/sts-routes.ts';
import { guard } from './access.ts';
import { allowedListRoutes } from './allowed-list-routes.ts';
import { brandRoutes } from './brand-routes.ts';
import { configurationRoutes } from './configuration-routes.ts';
import { consentDefaultsRoutes } from './consent-defaults-routes.ts';
import { consentRoutes } from './consent-routes.ts';
import { executionControlRoutes } from './execution-control-routes.ts';
import { executionRoutes } from './execution-routes.ts';
import { importRoutes } from './import-routes.ts';
import { listRoutes } from './list-routes.ts';
import { openOptOutLinks } from './opt-out-links.ts';
import { policyRoutes } from './policy-routes.ts';
import { privacyRoutes } from './privacy-routes.ts';
import { profileRoutes } from './profile-routes.ts';
import { reviewRoutes } from './review-routes.ts';
import { sendingRoutes } from './sending-routes.ts';
import { softBounceRoutes } from './soft-bounce-routes.ts';
import { subdomainRoutes } from './subdomain-routes.ts';
import { suppressionRoutes } from './suppression-routes.ts';
import { templateRoutes } from './template-routes.ts';
import { uploadRoutes } from './upload-routes.ts';

export interface ManagementDeps extends InboundPolicy {
  readonly database: Database;
  readonly ring: KeyRing;
  readonly recorder: RecordOptOut;
  readonly recordAct: RecordAct;
  readonly wake: WakeUp;
  readonly compile: CompileTemplate;
  readonly log: Log;
  /** Told after a subdomain was stored. */
  readonly onSubdomainStored: () => void;
}

/** Milliseconds for a body to arrive where it is not a stream. */
const BODY_DEADLINE = 60_000;

export async function managementRoutes(instance: FastifyInstance, deps: ManagementDeps): Promise<void> {
  const app = instance.withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    // Many clients name a type even where they send nothing.
    if (body.length === 0 && request.routeOptions.schema?.body === undefined) return done(null);
    const json = parseJson(body.toString());
    if (json.ok) done(null, json.value);
    else done(new Problem(400, json.code, { detail: json.detail }));
  });
  guard(app, deps.database);
  limitBodyTime(app, BODY_DEADLINE);
  app.setErrorHandler(async (error, request, reply) => {
    const problem = toProblem(error);
    request.fault = error;
    // Bytes of a body that nobody reads any more would be taken for the next request.
    if (!request.raw.complete) reply.header('connection', 'close');
    return sendProblem(reply, problem);
  });

  const { database, ring, compile, wake, log, recordAct, now } = deps;
  const { inboundHost, onSubdomainStored: onStored } = deps;
  await subdomainRoutes(app, { database, ring, inboundHost, stsMode: deps.stsMode, now: deps.now, onStored });
  await brandRoutes(app, { database, onStored });
  await configurationRoutes(app, database);
  await templateRoutes(app, { database, compile });
  await listRoutes(app, database);
  await policyRoutes(app, database);
  await consentDefaultsRoutes(app, database);
  await profileRoutes(app, database);
  await privacyRoutes(app, deps);
  await consentRoutes(app, { database, recordAct, now });
  await suppressionRoutes(app, database);
  await allowedListRoutes(app, database);
  await executionRoutes(app, { database, wake, log, optOutLinks: openOptOutLinks(compile) });
  await executionControlRoutes(app, database);
  await sendingRoutes(app, database);
  await softBounceRoutes(app, database);
  await reviewRoutes(app, database);
  // Apart, since it takes bodies of its own kind.
  await app.register(async (part) => importRoutes(part.withTypeProvider<ZodTypeProvider>(), database));
  await app.register(async (part) => uploadRoutes(part.withTypeProvider<ZodTypeProvider>(), database));
}
