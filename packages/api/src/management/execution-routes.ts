/**
 * `/v1/executions`: one enqueue each, answered at once; what becomes of it is read from the counts (S4, S8).
 *
 * The execution is committed before anybody is woken, and waking may fail: the sweep finds what nobody was
 * told about. A request id that came before is answered with its first execution. A dry run is counted while its caller
 * waits, as far as that goes.
 *
 * @module
 */
import { checkExecutionList, type Log, type WakeUp } from '@adieu/core';
import {
  createExecution,
  type Database,
  type Db,
  type ExecutionCounts,
  type ExecutionParts,
  type ExecutionRequest,
  executionCounts,
  expandStep,
  findBadRecipients,
  listMessages,
  readSending,
  type Scope,
} from '@adieu/store';
import { z } from 'zod';
import { PROBLEMS, Problem } from '../problem.ts';
import { errorFields } from '../request-log.ts';
import { TenantHeaders, tenantOf } from './access.ts';
import { EXECUTION_LIMIT, ExecutionBody, readExecution } from './execution-body.ts';
import { ExecutionParams, executionIdOf, unknownExecution } from './execution-id.ts';
import type { ManagementApp } from './management-app.ts';
import type { FindOptOutLinks } from './opt-out-links.ts';
import { present } from './present.ts';

export interface ExecutionDeps {
  readonly database: Database;
  readonly wake: WakeUp;
  readonly optOutLinks: FindOptOutLinks;
  readonly log: Log;
}

const MAX_MESSAGES = 1_000;
const MAX_BAD = 100;
/** A caller waits so long for a dry run; what is larger goes on in a worker. */
const DRY_RUN_PATIENCE_MS = 5_000;
const STATES = ['queued', 'sending', 'sent', 'deferred', 'excluded', 'bounced', 'failed', 'unknown'] as const;

const CountsByState = z.record(z.enum(STATES), z.number().int());
const Exclusions = z.record(z.string(), z.number().int()).describe('Messages by exclusion code');
const Accepted = z.object({
  executionId: z.string(),
  requestId: z.string(),
  state: z.enum(['running', 'finished']),
  counts: CountsByState.optional().describe('Of a dry run: who would be sent stands under `queued`'),
  exclusions: Exclusions.optional().describe('Of a dry run'),
  badRecipients: z
    .array(z.object({ recipient: z.int(), code: z.string(), detail: z.string() }))
    .optional()
    .describe(
      'Who of this call cannot be sent to, as they were given; the first 100, `recipient` counts from 0. Absent: nobody',
    ),
  badRecipientCount: z.int().optional(),
});
const Counts = z.object({
  executionId: z.string(),
  requestId: z.string(),
  channelConfiguration: z.string(),
  template: z.string(),
  createdAt: z.string(),
  expiresAt: z
    .string()
    .describe('What was never tried until then ends as `failed` with 4.4.7, paused or not'),
  dryRun: z.literal(true).optional().describe('Nothing is sent; `queued` is who would be'),
  state: z.enum(['running', 'finished']),
  control: z.enum(['running', 'paused', 'cancelled']).describe('What was said by pause, resume and cancel'),
  sendingPaused: z
    .object({ why: z.string(), since: z.string() })
    .optional()
    .describe('Of what is running while nothing is sent at all: `/v1/sending` says it, and ends it'),
  counts: CountsByState,
  exclusions: Exclusions,
});
const Messages = z.object({
  messages: z.array(
    z.object({
      messageId: z.string(),
      namespace: z.string(),
      id: z.string(),
      address: z.string().nullable(),
      state: z.enum(STATES),
      code: z.string().optional(),
      attempts: z.number().int(),
      firstAttemptAt: z.string().optional().describe('The retry period counts from here'),
      nextAttemptAt: z.string().optional().describe('Of a deferred message: not tried again before'),
      reply: z.string().optional(),
      updatedAt: z.string(),
    }),
  ),
  next: z.string().nullable().describe('Give it as `cursor` to go on; null at the end'),
});
const Page = z.strictObject({
  state: z.enum(STATES).optional(),
  cursor: z.string().max(200).optional(),
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'a number from 1')
    .optional()
    .describe('Default 100, clamped at 1,000'),
});

export async function executionRoutes(app: ManagementApp, deps: ExecutionDeps): Promise<void> {
  const { database } = deps;
  const shared = { tags: ['Executions'], headers: TenantHeaders };
  const config = { needs: 'executions' } as const;

  app.post(
    '/v1/executions',
    {
      config,
      bodyLimit: EXECUTION_LIMIT,
      schema: {
        ...shared,
        summary: 'Send a template to recipients',
        body: ExecutionBody,
        response: { 202: Accepted, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const scope = tenantOf(request);
      const wanted = readExecution(request.body);
      const check = (parts: ExecutionParts) => checkWayOut(deps, scope, { wanted, parts });
      const { executionId, requestId, created } = await createExecution(database.db, scope, {
        ...wanted,
        check,
      });
      const counted = wanted.dryRun === true && (await countSome(database.db, executionId));
      if (created && !counted) await wakeUp(deps, executionId);
      const progress =
        created && wanted.dryRun !== true ? null : await executionCounts(database.db, scope, executionId);
      reply.code(202);
      return {
        executionId: String(executionId),
        requestId,
        state: progress?.state ?? 'running',
        ...(progress?.dryRun === true ? numbersOf(progress) : {}),
        ...badOnes(wanted),
      };
    },
  );

  app.get(
    '/v1/executions/:id',
    {
      config,
      schema: {
        ...shared,
        summary: 'Progress of an execution',
        params: ExecutionParams,
        response: { 200: Counts, ...PROBLEMS },
      },
    },
    async (request) => {
      const counts = await executionCounts(database.db, tenantOf(request), executionIdOf(request.params));
      if (counts === null) throw unknownExecution();
      const { state, control, dryRun } = counts;
      return {
        executionId: String(counts.executionId),
        requestId: counts.requestId,
        channelConfiguration: counts.configurationName,
        template: counts.templateId,
        createdAt: counts.createdAt.toISOString(),
        expiresAt: counts.expiresAt.toISOString(),
        ...(dryRun ? { dryRun } : {}),
        state,
        control,
        ...(state === 'running' && !dryRun ? await pauseOf(database.db) : {}),
        ...numbersOf(counts),
      };
    },
  );

  app.get(
    '/v1/executions/:id/messages',
    {
      config,
      schema: {
        ...shared,
        summary: 'Messages of an execution',
        params: ExecutionParams,
        querystring: Page,
        response: { 200: Messages, ...PROBLEMS },
      },
    },
    async (request) => {
      const { state, cursor, limit } = request.query;
      const page = { limit: Math.min(Number(limit ?? 100), MAX_MESSAGES), ...present({ state, cursor }) };
      const found = await listMessages(database.db, tenantOf(request), executionIdOf(request.params), page);
      if (found === null) throw unknownExecution();
      return found;
    },
  );
}

/**
 * A message without a way out is refused: a marketing one without a link in its body, unless its configuration says why
 * it may leave (U8), and one that leaves a list without naming it (U3).
 */
async function checkWayOut(
  deps: ExecutionDeps,
  scope: Scope,
  { wanted, parts }: { readonly wanted: ExecutionRequest; readonly parts: ExecutionParts },
): Promise<void> {
  const { configuration, template } = parts;
  const { count, levels } = await deps.optOutLinks(scope, template);
  checkExecutionList(configuration.listUnsubscribe, wanted.list, levels);
  if (configuration.emailType !== 'marketing' || count > 0) return;
  const why = configuration.allowNoOptOutLink;
  if (why === undefined) {
    const detail = 'A marketing template needs an opt-out link in its body.';
    throw new Problem(422, 'template_without_opt_out', { detail, field: 'template' });
  }
  const { organisation, sandbox } = scope;
  const { channelConfiguration, requestId } = wanted;
  deps.log.warn(
    { organisation, sandbox, channelConfiguration, template: wanted.template, requestId, why },
    'a marketing template without an opt-out link was allowed',
  );
}

/** Takes steps of a dry run for a while, and answers whether they were all. A worker that is at it, too, takes turns. */
async function countSome(db: Db, executionId: number): Promise<boolean> {
  const until = performance.now() + DRY_RUN_PATIENCE_MS;
  while (performance.now() < until) {
    if ((await expandStep(db, executionId)).done) return true;
  }
  return false;
}

/** Why an execution may stand that nobody has paused. */
async function pauseOf(db: Db) {
  const sending = await readSending(db);
  if (sending.state === 'running') return {};
  return { sendingPaused: { why: sending.why, since: sending.since.toISOString() } };
}

/** Of this call, so that who repeats it for a lost answer is told the same. */
function badOnes({ recipients = [] }: ExecutionRequest) {
  const found = findBadRecipients(recipients);
  if (found.length === 0) return {};
  return { badRecipients: found.slice(0, MAX_BAD), badRecipientCount: found.length };
}

function numbersOf({ counts, exclusions }: ExecutionCounts) {
  return { counts: { ...counts }, exclusions: present(exclusions) };
}

async function wakeUp(deps: ExecutionDeps, executionId: number): Promise<void> {
  try {
    await deps.wake({ kind: 'expand', executionId });
  } catch (error) {
    deps.log.warn(
      { executionId, ...errorFields(error) },
      'no worker was woken; the sweep will find the execution',
    );
  }
}
