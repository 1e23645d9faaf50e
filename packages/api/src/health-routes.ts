/**
 * `/healthz`: the process lives. `/readyz`: every role of it can work, or why not.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { within } from './deadline.ts';
import { Problem, sendProblem } from './problem.ts';

/** Answers null when everything is ready, else the reason in words that may be public. */
export type Readiness = () => Promise<string | null>;

/** Milliseconds after which a part that does not say whether it is ready is not. */
const PATIENCE = 5_000;

export async function healthRoutes(
  app: FastifyInstance,
  deps: { readonly readiness: Readiness },
): Promise<void> {
  const schema = { hide: true };
  app.get('/healthz', { schema }, async () => ({ status: 'alive' }));
  app.get('/readyz', { schema }, async (_request, reply) => {
    const reason = await within(PATIENCE, deps.readiness(), () => new Error('late')).catch(() => 'not known');
    if (reason === null) return { status: 'ready' };
    return sendProblem(reply, new Problem(503, 'not_ready', { detail: reason }));
  });
}
