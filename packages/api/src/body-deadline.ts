/**
 * How long a body may take to arrive. Fastify bounds the header only.
 *
 * One rule: a route whose handler reads the body as it comes says so (`streams`), and bounds it by itself.
 *
 * @module
 */
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is read by the handler as it comes, however long that takes. */
    streams?: boolean;
  }
}

/** Hangs up on whoever has not sent the whole body after so many milliseconds, at the routes of this instance. */
export function limitBodyTime(app: FastifyInstance, milliseconds: number): void {
  app.addHook('preParsing', async (request, reply, payload) => {
    if (request.routeOptions.config.streams === true) return payload;
    // The end of the stream does not tell: where there is no body, nobody reads up to it.
    const timer = setTimeout(() => {
      if (!request.raw.complete) request.raw.destroy();
    }, milliseconds);
    reply.raw.once('close', () => clearTimeout(timer));
    return payload;
  });
}
