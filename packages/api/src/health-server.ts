/**
 * Health and readiness of a process that has no API: a worker or a listener on its own is watched like the rest.
 *
 * @module
 */
import Fastify from 'fastify';
import { type Exposition, healthRoutes, type Readiness } from './health-routes.ts';
import { Problem, sendProblem, toProblem } from './problem.ts';
import type { Api } from './server.ts';

export interface HealthOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly readiness: Readiness;
  readonly facts?: (() => object) | undefined;
  readonly exposition?: Exposition | undefined;
}

/** Serves `/healthz`, `/readyz` and `/metrics`, and nothing else. */
export async function startHealth({ host, port, ...deps }: HealthOptions): Promise<Api> {
  const app = Fastify({ logger: false, forceCloseConnections: true });
  app.setNotFoundHandler(async (_request, reply) =>
    sendProblem(reply, new Problem(404, 'not_found', { detail: 'This process serves health only.' })),
  );
  app.setErrorHandler(async (error, _request, reply) => sendProblem(reply, toProblem(error)));
  app.register(healthRoutes, deps);
  return { url: await app.listen({ host, port }), close: () => app.close() };
}
