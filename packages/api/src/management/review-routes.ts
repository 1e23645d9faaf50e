/**
 * `/v1/inbound/review`: mail that nobody but a person can judge, who asks to leave first (IN-7, MT-9, MT-13, BC-12).
 *
 * One rule: nothing here acts. Who is to leave is taken out by the calls for that; then the mail is acknowledged or deleted.
 *
 * @module
 */
import {
  acknowledgeReview,
  type Database,
  findReview,
  listReviews,
  type ReviewCursor,
  removeReview,
  type StoredReview,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import type { ManagementApp } from './management-app.ts';

const Params = z.object({ id: z.string().regex(/^\d{1,15}$/) });
const Mail = z.object({
  id: z.string(),
  receivedAt: z.string(),
  recipient: z.string().describe('The address it came to, without domain and token'),
  why: z
    .enum(['role', 'unverified', 'unknown_sender', 'no_report', 'malformed', 'no_token'])
    .describe(
      'Role mail; a wish to leave that DMARC does not vouch for, or of nobody known; no report that could be read; a complaint ' +
        'against the format; a complaint without a token of ours',
    ),
  detail: z.string().optional(),
  from: z.string().optional().describe('The From field as it stands: anybody can write it'),
  subject: z.string().optional(),
  size: z.int().describe('Octets of the whole mail'),
  asksToLeave: z.boolean().describe('Somebody wants to leave; these come first, then the newest'),
  acknowledgedAt: z.string().optional(),
});
const Query = z.strictObject({
  state: z.enum(['open', 'acknowledged']).default('open'),
  cursor: z
    .string()
    .regex(/^l?\d{1,15}$/)
    .optional(),
  limit: z.coerce.number().optional().describe('At most 1,000; 100 unless said'),
});

export async function reviewRoutes(app: ManagementApp, { db }: Database): Promise<void> {
  const url = '/v1/inbound/review';
  const config = { needs: 'profiles' } as const;
  const shared = { tags: ['Inbound'], headers: TenantHeaders };

  app.get(
    url,
    {
      config,
      schema: {
        ...shared,
        summary: 'Mail that a person has to read',
        querystring: Query,
        response: { 200: z.object({ items: z.array(Mail), next: z.string().nullable() }), ...PROBLEMS },
      },
    },
    async (request) => {
      const { state, cursor, limit } = request.query;
      const { items, next } = await listReviews(db, tenantOf(request), {
        state,
        ...(cursor === undefined ? {} : { cursor: readCursor(cursor) }),
        ...(limit === undefined ? {} : { limit }),
      });
      return { items: items.map(mailDocument), next: next === null ? null : cursorOf(next) };
    },
  );

  app.get(
    `${url}/:id`,
    {
      config,
      schema: {
        ...shared,
        summary: 'Read one, with its beginning',
        params: Params,
        response: {
          200: Mail.extend({
            source: z
              .string()
              .describe('Who brought it (Return-Path, Received), and how it begins: 65,536 characters'),
          }),
          ...PROBLEMS,
        },
      },
    },
    async (request, reply) => {
      const found = await findReview(db, tenantOf(request), Number(request.params.id));
      if (found === null) throw unknownMail();
      reply.header('cache-control', 'no-store');
      return { ...mailDocument(found), source: found.source };
    },
  );

  app.post(
    `${url}/:id/acknowledge`,
    {
      config,
      schema: {
        ...shared,
        summary: 'Say that it was seen to',
        params: Params,
        response: { 204: z.null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      if (!(await acknowledgeReview(db, tenantOf(request), Number(request.params.id)))) throw unknownMail();
      return reply.code(204).send(null);
    },
  );

  app.delete(
    `${url}/:id`,
    {
      config,
      schema: {
        ...shared,
        summary: 'Take it away',
        params: Params,
        response: { 204: z.null(), ...PROBLEMS },
      },
    },
    async (request, reply) => {
      if (!(await removeReview(db, tenantOf(request), Number(request.params.id)))) throw unknownMail();
      return reply.code(204).send(null);
    },
  );
}

function mailDocument(mail: StoredReview): z.input<typeof Mail> {
  const { id, receivedAt, recipient, why, detail, sender, subject, size, asksToLeave, acknowledgedAt } = mail;
  return {
    id: String(id),
    receivedAt: receivedAt.toISOString(),
    recipient,
    why,
    ...(detail === null ? {} : { detail }),
    ...(sender === null ? {} : { from: sender }),
    ...(subject === null ? {} : { subject }),
    size,
    asksToLeave,
    ...(acknowledgedAt === null ? {} : { acknowledgedAt: acknowledgedAt.toISOString() }),
  };
}

function cursorOf({ id, asksToLeave }: ReviewCursor): string {
  return `${asksToLeave ? 'l' : ''}${id}`;
}

function readCursor(cursor: string): ReviewCursor {
  return { id: Number(cursor.replace('l', '')), asksToLeave: cursor.startsWith('l') };
}

function unknownMail(): Problem {
  return new Problem(404, 'unknown_mail', { detail: 'There is no such mail.' });
}
