/**
 * `/healthz`: the process lives. `/readyz`: every role of it can work, or the one that is asked for, or why not. `/metrics`: what
 * it counts, for Prometheus.
 *
 * One rule: numbers are for those inside. They need no key, as scrapers have none; a request that came through a proxy, or under
 * a name that mails lead to, comes from the world and finds nothing.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';
import { within } from './deadline.ts';
import { Problem, sendProblem } from './problem.ts';

/** Answers for each role of the process null when it is ready, else the reason in words that may be public. */
export type Readiness = () => Promise<ReadonlyMap<string, string | null>>;

/** Milliseconds after which a part that does not say whether it is ready is not. */
const PATIENCE = 5_000;

/** `?role=api,worker` or `?role=api&role=worker`; every role of the process where nothing is asked. */
interface RoleQuery {
  readonly role?: string | readonly string[];
}

/** Whoever asks for it has the wrong process, or a name misspelt: nothing should be sent here on the strength of that. */
const NO_SUCH_ROLE = 'This process does not have that role.';

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
  app.get<{ Querystring: RoleQuery }>('/readyz', { schema }, async ({ query: { role } }, reply) => {
    const roles = await within(PATIENCE, readiness(), () => new Error('late')).catch(() => null);
    if (roles === null) return sendProblem(reply, new Problem(503, 'not_ready', { detail: 'not known' }));
    const asked = role === undefined ? [...roles.keys()] : [role].flat().flatMap((names) => names.split(','));
    const ill = asked.flatMap((name): [string, string][] => {
      const reason = roles.has(name) ? roles.get(name) : NO_SUCH_ROLE;
      return typeof reason === 'string' ? [[name, reason]] : [];
    });
    const [first] = ill;
    if (first === undefined) return { status: 'ready', ...facts?.() };
    const extra = { notReady: Object.fromEntries(ill) };
    return sendProblem(reply, new Problem(503, 'not_ready', { detail: first[1], extra }));
  });
  if (exposition === undefined) return;
  app.get('/metrics', { schema }, async (request, reply) => {
    if (FORWARDED.some((name) => request.headers[name] !== undefined)) return reply.callNotFound();
    if (await isPublic?.(request.host)) return reply.callNotFound();
    return reply.type(exposition.type).send(await exposition.read());
  });
}
