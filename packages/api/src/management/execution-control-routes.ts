/**
 * `POST /v1/executions/{id}/pause`, `/resume`, `/cancel`.
 *
 * The answer says what holds from now on; messages follow, since what is on the wire settles first. Saying a thing
 * twice is no mistake, contradicting what is over is.
 *
 * @module
 */
import { controlExecution, type Database } from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { ExecutionParams, executionIdOf, unknownExecution } from './execution-id.ts';
import type { ManagementApp } from './management-app.ts';

const Controlled = z.object({
  executionId: z.string(),
  control: z.enum(['running', 'paused', 'cancelled']),
});
const SUMMARY = {
  pause: 'Send nothing of an execution until it is resumed',
  resume: 'Go on with a paused execution',
  cancel: 'End an execution: what has not left ends as `failed` with the code `cancelled`',
} as const;
const REFUSED = {
  cancelled: ['execution_cancelled', 'The execution was cancelled, which is final.'],
  finished: ['execution_finished', 'The execution has finished.'],
} as const;

export async function executionControlRoutes(app: ManagementApp, database: Database): Promise<void> {
  for (const action of ['pause', 'resume', 'cancel'] as const) {
    app.post(
      `/v1/executions/:id/${action}`,
      {
        config: { needs: 'executions' },
        schema: {
          tags: ['Executions'],
          headers: TenantHeaders,
          summary: SUMMARY[action],
          params: ExecutionParams,
          response: { 200: Controlled, ...PROBLEMS },
        },
      },
      async (request) => {
        const executionId = executionIdOf(request.params);
        const outcome = await controlExecution(database.db, tenantOf(request), { executionId, action });
        if (outcome.kind === 'unknown') throw unknownExecution();
        if (outcome.kind === 'refused') {
          const [code, detail] = REFUSED[outcome.because];
          throw new Problem(409, code, { detail });
        }
        return { executionId: String(executionId), control: outcome.control };
      },
    );
  }
}
