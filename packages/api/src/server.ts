/**
 * The HTTP server: the management API under any `Host`, the public endpoints under the hosts of links.
 *
 * Limits are set so that no client holds what others need: headers must arrive in seconds, bodies within the
 * limit of their route, and a close waits for answers that are on their way, but not for ever.
 *
 * @module
 */
import {
  type CompileTemplate,
  type KeyRing,
  type Log,
  type Meter,
  type RecordAct,
  type RecordOptOut,
  type StsMode,
  type TakeNotification,
  UNMETERED,
  type WakeUp,
} from '@adieu/core';
import type { Database } from '@adieu/store';
import Fastify, { type FastifyInstance } from 'fastify';
import { docsRoutes } from './docs-routes.ts';
import { type Exposition, healthRoutes, type Readiness } from './health-routes.ts';
import { impRoutes } from './imp/imp-routes.ts';
import { sesRoutes } from './inbound/ses-routes.ts';
import { managementRoutes } from './management/management-routes.ts';
import { describeApi } from './openapi.ts';
import { Problem, sendProblem, toProblem } from './problem.ts';
import { openLinkHosts } from './public/link-host.ts';
import { PUBLIC_HEADERS } from './public/page.ts';
import { publicRoutes } from './public/public-routes.ts';
import { stsRoutes } from './public/sts-routes.ts';
import { logRequests } from './request-log.ts';
import { measureRequests } from './request-meter.ts';
import { refuseUnreadable } from './unreadable-request.ts';

export interface ApiOptions {
  readonly database: Database;
  readonly recorder: RecordOptOut;
  readonly recordAct: RecordAct;
  readonly ring: KeyRing;
  readonly wake: WakeUp;
  readonly compile: CompileTemplate;
  /** What Amazon SES has to say is handed to it. */
  readonly takeSes: TakeNotification;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Addresses or networks whose `X-Forwarded-*` headers count; none when empty. */
  readonly trustProxy: readonly string[];
  readonly log: Log;
  readonly readiness: Readiness;
  /** Of `/readyz`, beside that it is ready. */
  readonly facts?: (() => object) | undefined;
  /** What `/metrics` answers; without it there is no such route. */
  readonly exposition?: Exposition | undefined;
  readonly meter?: Meter | undefined;
  /** Where inbound mail is received, when it is: MX records point there. */
  readonly inboundHost?: string | undefined;
  /** What the MTA-STS policy of an exchanger says at a time; absent where no mail comes in, and then there is none. */
  readonly stsMode?: ((exchanger: string, now: Date) => StsMode) | undefined;
  /** Somebody listens at `unsubscribe@` the subdomains, so that a wrong link may name it. */
  readonly takesMail: boolean;
  /** Default: the clock of this machine. */
  readonly now?: () => Date;
}

export interface Api {
  /** `http://host:port`. */
  readonly url: string;
  /** Stops listening, finishes what is in flight, and gives up on what takes too long. */
  close(): Promise<void>;
}

/** Octets of a management body, where the route does not say otherwise. */
const BODY_LIMIT = 1024 * 1024;
/** Milliseconds for the headers of a request; bodies have deadlines of their own. */
const HEADERS_TIMEOUT = 10_000;
/** Milliseconds without a byte in either direction. */
const IDLE_TIMEOUT = 120_000;
/** Milliseconds an idle connection is kept; longer than the minute after which proxies let go of theirs. */
const KEEP_ALIVE_TIMEOUT = 65_000;
/** Milliseconds that a close waits for answers. */
const CLOSE_TIMEOUT = 15_000;
/** Characters of one path parameter, percent-encoded; ids may have 255. */
const MAX_PARAM_LENGTH = 4_096;

const LOOPBACK = /^(?:localhost|127\.[\d.]+|\[::1\])(?::|$)/i;

/** Starts the server and answers once it listens. */
export async function startApi(options: ApiOptions): Promise<Api> {
  const app = await buildApi(options);
  const address = await app.listen({ host: options.host, port: options.port });
  return {
    url: address,
    async close() {
      const timer = setTimeout(() => app.server.closeAllConnections(), CLOSE_TIMEOUT);
      await app.close().finally(() => clearTimeout(timer));
    },
  };
}

async function buildApi(options: ApiOptions): Promise<FastifyInstance> {
  const { database, recorder, recordAct, ring, wake, compile, log, inboundHost, stsMode } = options;
  const app: FastifyInstance = Fastify({
    logger: false,
    trustProxy: options.trustProxy.length === 0 ? false : [...options.trustProxy],
    bodyLimit: BODY_LIMIT,
    connectionTimeout: IDLE_TIMEOUT,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT,
    // Imports may take any time; every other body has its deadline in its route.
    requestTimeout: 0,
    http: { headersTimeout: HEADERS_TIMEOUT, connectionsCheckingInterval: 2_000 },
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: MAX_PARAM_LENGTH },
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(reply.headers(PUBLIC_HEADERS), toProblem(error)),
    clientErrorHandler: refuseUnreadable,
  });
  logRequests(app, log);
  measureRequests(app, options.meter ?? UNMETERED);
  // What a route does not say for itself is said for it. No promise: this runs before every one-click.
  app.addHook('onRequest', (_request, reply, next) => {
    reply.headers(PUBLIC_HEADERS);
    next();
  });
  // Every part reads bodies in its own way; where there is nothing, nothing is read.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  app.setNotFoundHandler(async (request, reply) => {
    if (!request.raw.complete) reply.header('connection', 'close');
    const detail = 'Nothing has this method and path. /docs lists every call.';
    return sendProblem(reply, new Problem(404, 'not_found', { detail }));
  });
  app.setErrorHandler(async (error, request, reply) => {
    request.fault = error;
    return sendProblem(reply, toProblem(error));
  });

  await describeApi(app);

  const hosts = openLinkHosts(database);
  const now = options.now ?? (() => new Date());
  app.register(docsRoutes);
  app.register(healthRoutes, {
    readiness: options.readiness,
    facts: options.facts,
    exposition: options.exposition,
    // While nobody can tell, the outage should be seen. The demo's links lead to this machine.
    isPublic: async (host) => !LOOPBACK.test(host) && (await hosts.find(host).catch(() => null)) !== null,
  });
  app.register(managementRoutes, {
    database,
    ring,
    recorder,
    recordAct,
    wake,
    compile,
    inboundHost,
    stsMode,
    log,
    now,
    onSubdomainStored: hosts.forget,
  });
  app.register((part) => sesRoutes(part, options.takeSes));
  app.register(impRoutes, { database, ring, recorder, recordAct, now });
  app.register(stsRoutes, { database, inboundHost, stsMode, now });
  const { takesMail } = options;
  app.register(publicRoutes, { hosts, ring, database, recorder, recordAct, takesMail, now });
  return app;
}
