/**
 * Requests as numbers: by door, and by what they were answered.
 *
 * One rule: the door is told by the pattern of the route, never by the URL that was asked for, which holds tokens.
 *
 * @module
 */
import { type Meter, WAITING_SECONDS } from '@adieu/core';
import type { FastifyInstance } from 'fastify';

/** Doors by the beginning of their routes; the first that fits. */
const DOORS = [
  ['/unsubscribe/one-click', 'one_click'],
  ['/unsubscribe', 'landing'],
  ['/preferences', 'preferences'],
  ['/mirror', 'mirror'],
  ['/journey/imp/', 'imp'],
  ['/imp/', 'imp'],
  ['/v1/inbound/ses', 'ses'],
  ['/v1/', 'management'],
  ['/ajo/', 'management'],
  ['/healthz', 'watch'],
  ['/readyz', 'watch'],
  ['/metrics', 'watch'],
] as const;
const NAMES = [...new Set(DOORS.map(([, door]) => door)), 'other' as const];
const CLASSES = ['2xx', '3xx', '4xx', '5xx'] as const;

/** Counts answers when they have left, or could not leave. */
export function measureRequests(app: FastifyInstance, meter: Meter): void {
  const answers = meter.counter({
    name: 'adieu_http_requests_total',
    meaning: 'Answered HTTP requests, by door and class of status.',
    labels: { door: NAMES, status: CLASSES },
  });
  const duration = meter.histogram({
    name: 'adieu_http_request_seconds',
    meaning: 'From a request until its answer has left.',
    labels: { door: NAMES },
    buckets: WAITING_SECONDS,
  });
  app.addHook('onResponse', (request, reply, next) => {
    const door = doorOf(request.routeOptions.url ?? '');
    answers({ door, status: CLASSES[Math.floor(reply.statusCode / 100) - 2] ?? '5xx' }, 1);
    duration({ door }, reply.elapsedTime / 1000);
    next();
  });
}

function doorOf(route: string): (typeof NAMES)[number] {
  return DOORS.find(([prefix]) => route.startsWith(prefix))?.[1] ?? 'other';
}
