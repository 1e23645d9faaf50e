/**
 * `/v1/sending`: whether this installation sends at all, for every organisation and sandbox of it.
 *
 * Everybody who may send may know; only an administrator decides. Opt-outs are taken in either state.
 *
 * @module
 */
import {
  type Database,
  pauseSending,
  REASON_LIMIT,
  readSending,
  resumeSending,
  type Sending,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS } from '../problem.ts';
import { TenantHeaders } from './access.ts';
import type { ManagementApp } from './management-app.ts';

const State = z.object({
  state: z.enum(['running', 'paused']),
  why: z.string().optional().describe('Why it is paused'),
  since: z.string().optional(),
  alreadyPaused: z
    .boolean()
    .optional()
    .describe('Of a pause: it was paused before, and the earlier reason stands'),
});
const Reason = z.strictObject({
  why: z.string().describe(`For whoever finds it paused: one line of 1 to ${REASON_LIMIT} characters`),
});

export async function sendingRoutes(app: ManagementApp, { db }: Database): Promise<void> {
  const shared = { tags: ['Sending'], headers: TenantHeaders, response: { 200: State, ...PROBLEMS } };

  app.get(
    '/v1/sending',
    { config: { needs: 'executions' }, schema: { ...shared, summary: 'Whether anything is sent' } },
    async () => asAnswer(await readSending(db)),
  );
  app.post(
    '/v1/sending/pause',
    {
      config: { needs: 'admin' },
      schema: { ...shared, summary: 'Send nothing more, in no sandbox', body: Reason },
    },
    async (request) => {
      const { sending, alreadyPaused } = await pauseSending(db, request.body.why);
      return { ...asAnswer(sending), alreadyPaused };
    },
  );
  app.post(
    '/v1/sending/resume',
    { config: { needs: 'admin' }, schema: { ...shared, summary: 'Go on with what is due' } },
    async () => asAnswer(await resumeSending(db)),
  );
}

function asAnswer(sending: Sending): z.output<typeof State> {
  if (sending.state === 'running') return sending;
  return { ...sending, since: sending.since.toISOString() };
}
