/**
 * One line per request, without what must not be kept: no URL, no query, no header, no body (OC-18).
 *
 * The route's pattern says which call it was; an error is told by its name, its code and its scrubbed message.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import type { FastifyInstance } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** What made the answer a server error; told in the line of the request. */
    fault: unknown;
  }
}

/** Writes a line when an answer has left, or could not leave. */
export function logRequests(app: FastifyInstance, log: Log): void {
  app.decorateRequest('fault', null);
  app.addHook('onResponse', (request, reply, next) => {
    const fields = {
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      milliseconds: Math.round(reply.elapsedTime),
    };
    if (reply.statusCode < 500) log.info(fields, 'request answered');
    else
      log.error(
        { ...fields, ...(request.fault === null ? {} : errorFields(request.fault)) },
        'request failed',
      );
    next();
  });
}

/** An error as log fields; addresses and anything as long as a token are cut out of its text. */
export function errorFields(error: unknown): object {
  if (!(error instanceof Error)) return { error: typeof error };
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const place = error.stack?.split('\n').find((line) => line.startsWith('    at '));
  return {
    error: error.name,
    ...(code === undefined ? {} : { code }),
    message: scrub(error.message),
    ...(place === undefined ? {} : { place: place.trim() }),
    ...(error.cause instanceof Error ? { cause: errorFields(error.cause) } : {}),
  };
}

const ADDRESS = /\S*@\S*/g;
const TOKEN = /[A-Za-z0-9_-]{24,}/g;

function scrub(text: string): string {
  return text.slice(0, 1_000).replace(ADDRESS, '<address>').replace(TOKEN, '<token>');
}
