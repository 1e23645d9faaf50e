/**
 * Expansion: from an execution to its messages and batches.
 *
 * One rule: a step is one transaction that moves the execution's cursor and writes at most 10,000 messages. The
 * execution's row is locked, so two expanders take turns, and a step that was killed never happened.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { retrying } from './database-error.ts';
import { rehearse } from './dry-run.ts';
import type { Recipient } from './execution.ts';
import type { PlannedMessage } from './recipient-plan.ts';
import { planRecipients } from './recipient-plan.ts';
import { prepared, preparedMonthly, run } from './statement.ts';
import { keepStatistics, messagesOf, PROFILE_TABLES } from './statistics.ts';

/** What a step wrote. */
export interface ExpansionStep {
  /** Every message of the execution exists. */
  readonly done: boolean;
  /** Batches with something to send, with the fence to claim them under. */
  readonly batches: { readonly batch: number; readonly fence: number }[];
}

interface ExecutionRow {
  readonly sandboxId: number;
  readonly month: string;
  readonly createdAt: Date;
  readonly cursor: number;
  readonly nextBatch: number;
  readonly audience: { readonly attributes?: object; readonly consents?: object } | null;
  readonly dryRun: boolean;
}

interface StepRow {
  readonly cursor: number | null;
  readonly taken: number;
  readonly batches: number[] | null;
}

const STEP = 10_000;
const BATCH = 200;

/** No step is under way while somebody is erased: its snapshot would still see them. Waits for the erasures of its sandbox. */
const KEEP_ERASURES_OUT = prepared<never>(
  'keep_erasures_out',
  `SELECT pg_advisory_xact_lock_shared(hashtext('adieu erasure'), sandbox_id) FROM execution WHERE id = $1`,
);

const LOCK = prepared<ExecutionRow>(
  'lock_execution',
  `SELECT sandbox_id AS "sandboxId", month, created_at AS "createdAt", expand_cursor AS cursor, next_batch AS "nextBatch",
     audience, dry_run AS "dryRun"
   FROM execution WHERE id = $1 AND expanded_at IS NULL FOR UPDATE`,
);

/**
 * What both kinds of expansion do with the rows of `chunk (place, cursor, profile_id, …, code)`. Nothing is returned from
 * the insert, which would keep every row twice: the ids are drawn beforehand.
 */
const write = (messages: string, events: string) => `numbered AS MATERIALIZED (
     SELECT c.*, new_message_id($2::timestamptz) AS id, $4::integer + (place / ${BATCH})::integer AS batch_no FROM chunk c
   ), written AS (
     INSERT INTO ${messages} (month, id, execution_id, batch_no, profile_id, address_id, namespace, identity, context,
       state, code)
     SELECT $1::date, id, $3::bigint, batch_no, profile_id, address_id, namespace, identity, context,
       CASE WHEN code IS NULL THEN 'queued' ELSE 'excluded' END::message_state, code
     FROM numbered
   ), noted AS (
     INSERT INTO ${events} (month, sandbox_id, type, message_id, execution_id, profile_id, code)
     SELECT $1::date, $5::integer, 'excluded', id, $3::bigint, profile_id, code FROM numbered WHERE code IS NOT NULL
   ), batches AS (
     INSERT INTO batch (execution_id, no, month, due_at, ends_at)
     SELECT $3::bigint, batch_no, $1::date, CASE WHEN bool_or(code IS NULL) THEN clock_timestamp() END,
       CASE WHEN bool_or(code IS NULL) THEN (SELECT expires_at FROM execution WHERE id = $3::bigint) END
     FROM numbered GROUP BY batch_no RETURNING no, due_at
   )
   SELECT (SELECT max(cursor) FROM numbered) AS cursor, (SELECT count(*) FROM numbered) AS taken,
     (SELECT array_agg(no ORDER BY no) FROM batches WHERE due_at IS NOT NULL) AS batches`;

const EXPAND_AUDIENCE = preparedMonthly<StepRow>(
  'expand_audience',
  (messages, events) => `WITH page AS MATERIALIZED (
     SELECT id, namespace, identity, address_id FROM profile
     WHERE sandbox_id = $5 AND id > $6 AND ($7::jsonb IS NULL OR attributes @> $7) AND ($8::jsonb IS NULL OR consents @> $8)
     ORDER BY id LIMIT ${STEP}
   ), chunk AS (
     SELECT row_number() OVER (ORDER BY id) - 1 AS place, id AS cursor, id AS profile_id, address_id, namespace, identity,
       NULL::jsonb AS context, CASE WHEN address_id IS NULL THEN '050020' END AS code
     FROM page
   ), ${write(messages, events)}`,
);

/** Nobody stands among them twice: the plan saw to that. */
const EXPAND_RECIPIENTS = preparedMonthly<StepRow>(
  'expand_recipients',
  (messages, events) => `WITH chunk AS (
     SELECT r.place - 1 AS place, r.place AS cursor, r.profile_id, r.address_id, r.namespace, r.identity, r.context,
       r.code
     FROM unnest($6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::jsonb[], $11::text[]) WITH ORDINALITY
       AS r (profile_id, address_id, namespace, identity, context, code, place)
   ), ${write(messages, events)}`,
);

/** Once everybody has a message, nobody has to be named twice. */
const MOVE = prepared<never>(
  'move_expansion',
  `UPDATE execution SET expand_cursor = $2, next_batch = $3, expanded_at = CASE WHEN $4 THEN clock_timestamp() END,
     recipients = CASE WHEN $4 AND recipients IS NOT NULL THEN '[]'::json ELSE recipients END,
     audience = CASE WHEN $4 AND audience IS NOT NULL THEN '{}'::jsonb ELSE audience END
   WHERE id = $1`,
);

/** Expands an execution by one step. One that is expanded or unknown is `done` with no batches; a dry run has none, either. */
export async function expandStep(db: Db, executionId: number): Promise<ExpansionStep> {
  const { tables, ...expanded } = await expandOnce(db, executionId);
  await keepStatistics(db, tables);
  return expanded;
}

async function expandOnce(
  db: Db,
  executionId: number,
): Promise<ExpansionStep & { readonly tables: string[] }> {
  return retrying(() =>
    db.transaction().execute(async (transaction) => {
      await run(transaction, KEEP_ERASURES_OUT, [executionId]);
      const [execution] = await run(transaction, LOCK, [executionId]);
      if (execution === undefined) return { done: true, batches: [], tables: [] };
      await sql`SELECT ensure_month(${execution.month}::date)`.execute(transaction);
      const step = execution.audience === null ? stepRecipients : stepAudience;
      const take = () => step(transaction, executionId, execution);
      const { month, nextBatch } = execution;
      const { row, done } = execution.dryRun
        ? await rehearse(transaction, { executionId, month, nextBatch }, take)
        : await take();
      const batches = execution.dryRun ? [] : (row?.batches ?? []);
      const after = nextBatch + Math.ceil((row?.taken ?? 0) / BATCH);
      await run(transaction, MOVE, [executionId, row?.cursor ?? execution.cursor, after, done]);
      const tables = [
        'batch',
        messagesOf(execution.month),
        ...(execution.audience === null ? PROFILE_TABLES : []),
      ];
      return { done, batches: batches.map((batch) => ({ batch, fence: 0 })), tables };
    }),
  );
}

interface Step {
  readonly row: StepRow | undefined;
  readonly done: boolean;
}

async function stepAudience(db: Db, executionId: number, execution: ExecutionRow): Promise<Step> {
  const { attributes, consents } = execution.audience ?? {};
  const [row] = await run(db, EXPAND_AUDIENCE(execution.month), [
    ...commonParameters(executionId, execution),
    execution.cursor,
    attributes === undefined ? null : JSON.stringify(attributes),
    consents === undefined ? null : JSON.stringify(consents),
  ]);
  return { row, done: (row?.taken ?? 0) < STEP };
}

/** Recipients are at most as many as one step takes. */
async function stepRecipients(db: Db, executionId: number, execution: ExecutionRow): Promise<Step> {
  const { rows } = await sql<{ recipients: Recipient[] | null }>`
    SELECT recipients FROM execution WHERE id = ${executionId}`.execute(db);
  const messages: PlannedMessage[] = await planRecipients(db, execution.sandboxId, rows[0]?.recipients ?? []);
  const [row] = await run(db, EXPAND_RECIPIENTS(execution.month), [
    ...commonParameters(executionId, execution),
    messages.map((message) => message.profileId),
    messages.map((message) => message.addressId),
    messages.map((message) => message.namespace),
    messages.map((message) => message.identity),
    messages.map((message) => message.context),
    messages.map((message) => message.code),
  ]);
  return { row, done: true };
}

function commonParameters(executionId: number, execution: ExecutionRow): unknown[] {
  return [execution.month, execution.createdAt, executionId, execution.nextBatch, execution.sandboxId];
}
