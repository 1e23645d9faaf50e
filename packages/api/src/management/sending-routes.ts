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
import { headerText } from './field.ts';
import type { ManagementApp } from './management-app.ts';

const State = z.object({
  state: z.enum(['running', 'paused']),
  why: z.string().optional().describe('Why it is paused'),
  since: z.string().optional(),
});
const Reason = z.strictObject({ why: headerText(REASON_LIMIT).describe('For whoever finds it paused') });

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
    async (request) => asAnswer(await pauseSending(db, request.body.why)),
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
