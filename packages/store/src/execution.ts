/**
 * Executions: one enqueue each.
 *
 * One rule: a request id is an execution, once per sandbox. The second call with it answers with the first
 * execution and writes nothing (S4).
 *
 * @module
 */
import { type ChannelConfiguration, type ExclusionCode, Failure, type TemplateSource } from '@adieu/core';
import { findChannelConfiguration } from './channel-configuration.ts';
import type { Db } from './database.ts';
import { findList } from './list.ts';
import { checkAudience, storableRecipients } from './recipient.ts';
import type { Audience, DryResult, MessageState } from './schema.ts';
import type { Scope } from './scope.ts';
import { prepared, preparedMonthly, run } from './statement.ts';
import { storableText } from './storable.ts';
import { findTemplate } from './template.ts';

/** One recipient as given. What is wrong with it becomes its exclusion, never the call's failure. */
export interface Recipient {
  readonly namespace?: string;
  readonly id?: string;
  readonly address?: string;
  readonly context?: Readonly<Record<string, unknown>>;
}

/** What `POST /v1/executions` takes. Exactly one of `recipients` and `audience`. */
export interface ExecutionRequest {
  readonly requestId: string;
  readonly channelConfiguration: string;
  readonly template: string;
  readonly campaignId?: string;
  readonly journey?: { readonly versionId?: string; readonly actionId?: string };
  readonly list?: string;
  readonly recipients?: readonly Recipient[];
  readonly audience?: Audience;
  readonly dryRun?: boolean;
  /** What was not tried so long after the request is not sent any more. Default: the configuration's retry period. */
  readonly maxLatenessMinutes?: number;
}

/** The execution of a request. */
export interface CreatedExecution {
  readonly executionId: number;
  readonly requestId: string;
  /** False when the request had come before. */
  readonly created: boolean;
}

/** What was said about an execution as a whole. */
export type ExecutionControl = 'running' | 'paused' | 'cancelled';

/** What holds of it: a pause of what has finished keeps nothing from anybody. */
export function controlNow(control: ExecutionControl, finished: boolean): ExecutionControl {
  return control === 'paused' && finished ? 'running' : control;
}

/** An execution as it is kept. */
export interface StoredExecution {
  readonly executionId: number;
  readonly requestId: string;
  readonly configurationName: string;
  readonly configurationVersion: number;
  readonly templateId: string;
  readonly templateVersion: number;
  readonly listNumber: number | null;
  readonly dryRun: boolean;
  /** What a dry run has found so far. */
  readonly dryResult: DryResult | null;
  readonly control: ExecutionControl;
  readonly expandedAt: Date | null;
  readonly createdAt: Date;
  /** What was never tried until then is not sent any more. */
  readonly expiresAt: Date;
  /** `YYYY-MM-01`: where its messages live. */
  readonly month: string;
}

/**
 * Progress of an execution (S8). Finished when no message can change any more by our doing; a dry run, when everybody was
 * counted: who would be sent stands under `queued`.
 */
export interface ExecutionCounts
  extends Pick<
    StoredExecution,
    'executionId' | 'requestId' | 'configurationName' | 'templateId' | 'dryRun' | 'createdAt' | 'expiresAt'
  > {
  readonly state: 'running' | 'finished';
  readonly control: ExecutionControl;
  readonly counts: Readonly<Record<MessageState, number>>;
  readonly exclusions: Readonly<Partial<Record<ExclusionCode, number>>>;
}

const CREATE = prepared<{ readonly id: number }>(
  'create_execution',
  `INSERT INTO execution (sandbox_id, request_id, configuration_name, configuration_version, template_id,
     template_version, email_type, campaign_id, journey_version_id, journey_action_id, list_number, recipients, audience,
     dry_run, expires_at)
   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::json, $13::jsonb, $14,
     now() + make_interval(mins => $15))
   ON CONFLICT (sandbox_id, request_id) DO NOTHING RETURNING id`,
);

const COUNTS = preparedMonthly<{
  readonly state: MessageState;
  readonly code: string | null;
  readonly count: number;
}>(
  'execution_counts',
  (messages) => `SELECT state, CASE WHEN state = 'excluded' THEN code END AS code, count(*) AS count
   FROM ${messages} WHERE execution_id = $1 GROUP BY 1, 2`,
);

/** What an execution is made of, in the versions that it will keep. */
export interface ExecutionParts {
  readonly configuration: ChannelConfiguration;
  readonly configurationVersion: number;
  readonly template: TemplateSource;
  readonly listNumber: number | null;
}

/** Throws when the parts do not fit together. */
export type CheckParts = (parts: ExecutionParts) => void | Promise<void>;

/**
 * Creates the execution of a request, or answers the one that has it. `check` sees exactly the versions that are kept, so
 * nothing stored meanwhile slips past it; a request that came before is not checked again. Throws `request_id_taken` when it
 * came before as a dry run and this is none, or the other way round, `unknown_channel_configuration`, `unknown_template`, `unknown_list`, `recipients_invalid`, `audience_invalid`,
 * `request_id_invalid`, and what `check` throws.
 */
export async function createExecution(
  db: Db,
  scope: Scope,
  { check, ...request }: ExecutionRequest & { readonly check?: CheckParts },
): Promise<CreatedExecution> {
  checkRequest(request);
  const earlier = await findRequest(db, scope, request);
  if (earlier !== null) return earlier;
  const parts = await findParts(db, scope, request);
  await check?.(parts);
  const parameters = [
    scope.sandboxId,
    request.requestId,
    request.channelConfiguration,
    parts.configurationVersion,
    request.template,
    parts.template.version,
    parts.configuration.emailType,
    storableOrNull(request.campaignId),
    storableOrNull(request.journey?.versionId),
    storableOrNull(request.journey?.actionId),
    parts.listNumber,
    request.recipients === undefined ? null : storableRecipients(request.recipients),
    request.audience === undefined ? null : JSON.stringify(request.audience),
    request.dryRun ?? false,
    request.maxLatenessMinutes ?? parts.configuration.retryMinutes,
  ];
  const [row] = await run(db, CREATE, parameters);
  if (row !== undefined) return { executionId: row.id, requestId: request.requestId, created: true };
  const first = await findRequest(db, scope, request);
  if (first === null) throw new Error('an execution vanished');
  return first;
}

/** An execution of this sandbox, or null. */
export async function findExecution(
  db: Db,
  scope: Scope,
  executionId: number,
): Promise<StoredExecution | null> {
  if (!Number.isSafeInteger(executionId)) return null;
  const row = await db
    .selectFrom('execution')
    .select([
      'id as executionId',
      'request_id as requestId',
      'configuration_name as configurationName',
      'configuration_version as configurationVersion',
      'template_id as templateId',
      'template_version as templateVersion',
      'list_number as listNumber',
      'dry_run as dryRun',
      'dry_result as dryResult',
      'control',
      'expanded_at as expandedAt',
      'created_at as createdAt',
      'expires_at as expiresAt',
      'month',
    ])
    .where('sandbox_id', '=', scope.sandboxId)
    .where('id', '=', executionId)
    .executeTakeFirst();
  return row ?? null;
}

/** Counts of an execution's messages by state and exclusion code, or null where there is no such execution. */
export async function executionCounts(
  db: Db,
  scope: Scope,
  executionId: number,
): Promise<ExecutionCounts | null> {
  // Read before the counts: an expansion that ends in between may only make "running" last one poll longer.
  const execution = await findExecution(db, scope, executionId);
  if (execution === null) return null;
  const counts: Record<MessageState, number> = {
    queued: 0,
    sending: 0,
    sent: 0,
    deferred: 0,
    excluded: 0,
    bounced: 0,
    failed: 0,
    unknown: 0,
  };
  const { requestId, configurationName, templateId, dryRun, createdAt, expiresAt, expandedAt } = execution;
  const answer = (finished: boolean) => ({
    ...{ executionId, requestId, configurationName, templateId, dryRun, createdAt, expiresAt },
    state: finished ? ('finished' as const) : ('running' as const),
    control: controlNow(execution.control, finished),
  });
  if (dryRun) {
    const { queued, exclusions } = execution.dryResult ?? { queued: 0, exclusions: {} };
    const excluded = Object.values(exclusions).reduce((sum, count) => sum + count, 0);
    return { ...answer(expandedAt !== null), counts: { ...counts, queued, excluded }, exclusions };
  }
  const exclusions: Partial<Record<ExclusionCode, number>> = {};
  for (const { state, code, count } of await run(db, COUNTS(execution.month), [executionId])) {
    counts[state] += count;
    if (code !== null) exclusions[code as ExclusionCode] = count;
  }
  const open = counts.queued + counts.sending + counts.deferred;
  return { ...answer(expandedAt !== null && open === 0), counts, exclusions };
}

async function findRequest(
  db: Db,
  scope: Scope,
  { requestId, dryRun = false }: ExecutionRequest,
): Promise<CreatedExecution | null> {
  const row = await db
    .selectFrom('execution')
    .select(['id', 'dry_run as dryRun'])
    .where('sandbox_id', '=', scope.sandboxId)
    .where('request_id', '=', requestId)
    .executeTakeFirst();
  if (row === undefined) return null;
  if (row.dryRun === dryRun) return { executionId: row.id, requestId, created: false };
  // Answered as a repetition, a send would silently not happen.
  const detail = row.dryRun
    ? 'This request id is the one of a dry run. Send with another.'
    : 'This request id is the one of an execution that is no dry run. Try with another.';
  throw new Failure('request_id_taken', detail, { field: 'requestId' });
}

async function findParts(db: Db, scope: Scope, request: ExecutionRequest): Promise<ExecutionParts> {
  const found = await findChannelConfiguration(db, scope, request.channelConfiguration);
  if (found === null) throw unknown('channel_configuration', 'channelConfiguration');
  const template = await findTemplate(db, scope, request.template);
  if (template === null) throw unknown('template', 'template');
  const list = request.list === undefined ? null : await findList(db, scope, request.list);
  if (request.list !== undefined && list === null) throw unknown('list', 'list');
  const { configuration, version } = found;
  return { configuration, configurationVersion: version, template, listNumber: list?.number ?? null };
}

function checkRequest(request: ExecutionRequest): void {
  if (request.requestId === '' || request.requestId.length > 255 || /\0/.test(request.requestId)) {
    throw new Failure('request_id_invalid', 'A request id has 1 to 255 characters.', { field: 'requestId' });
  }
  checkAudience(request);
}

function storableOrNull(text: string | undefined): string | null {
  return text === undefined ? null : storableText(text);
}

function unknown(what: 'channel_configuration' | 'template' | 'list', field: string): Failure {
  return new Failure(`unknown_${what}`, `There is no such ${what.replace('_', ' ')}.`, { field });
}
