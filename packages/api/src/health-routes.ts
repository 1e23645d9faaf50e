/**
 * `/healthz`: the process lives. `/readyz`: every role of it can work, or why not. `/metrics`: what it counts, for Prometheus.
 *
 * One rule: numbers are for those inside. They need no key, as scrapers have none; a request that came through a proxy, or under
 * a name that mails lead to, comes from the world and finds nothing.
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

/** What is answered. */
export interface HealthDeps {
  readonly readiness: Readiness;
  /** Added to the answer of a process that is ready. */
  readonly facts?: (() => object) | undefined;
  readonly exposition?: Exposition | undefined;
  /** Whether the world knows this process by that `Host`. */
  readonly isPublic?: ((host: string) => Promise<boolean>) | undefined;
}

/** Metrics as text. */
export interface Exposition {
  /** Its media type. */
  readonly type: string;
  read(): Promise<string>;
}

/** What proxies add to a request (RFC 7239 and custom). */
const FORWARDED = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
];

export async function healthRoutes(
  app: FastifyInstance,
  { readiness, facts, exposition, isPublic }: HealthDeps,
): Promise<void> {
  const schema = { hide: true };
  app.get('/healthz', { schema }, async () => ({ status: 'alive' }));
  app.get('/readyz', { schema }, async (_request, reply) => {
    const reason = await within(PATIENCE, readiness(), () => new Error('late')).catch(() => 'not known');
    if (reason === null) return { status: 'ready', ...facts?.() };
    return sendProblem(reply, new Problem(503, 'not_ready', { detail: reason }));
  });
  if (exposition === undefined) return;
  app.get('/metrics', { schema }, async (request, reply) => {
    if (FORWARDED.some((name) => request.headers[name] !== undefined)) return reply.callNotFound();
    if (await isPublic?.(request.host)) return reply.callNotFound();
    return reply.type(exposition.type).send(await exposition.read());
  });
}
