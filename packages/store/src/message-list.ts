/**
 * The messages of an execution, page by page.
 *
 * One rule: in the order of batches, then of ids; neither ever changes, so a cursor stays valid while states do.
 *
 * @module
 */
import type { Db } from './database.ts';
import { findExecution } from './execution.ts';
import { findMonthOf } from './partition.ts';
import type { MessageState } from './schema.ts';
import type { Scope } from './scope.ts';
import { preparedMonthly, run } from './statement.ts';

/** One message, as `GET …/messages` answers it. */
export interface ListedMessage {
  readonly messageId: string;
  readonly namespace: string;
  readonly id: string;
  readonly address: string | null;
  readonly state: MessageState;
  readonly code?: string;
  readonly attempts: number;
  /** ISO 8601. */
  readonly firstAttemptAt?: string;
  /** Of a deferred message: not tried again before. ISO 8601. */
  readonly nextAttemptAt?: string;
  readonly reply?: string;
  /** ISO 8601. */
  readonly updatedAt: string;
}

/** A page; `next` is null at the end. */
export interface MessagePage {
  readonly messages: ListedMessage[];
  readonly next: string | null;
}

/** Which page. A `limit` is clamped to 1…1,000 (default 100); a cursor that is none of ours starts at the beginning. */
export interface MessagePageRequest {
  readonly state?: MessageState;
  readonly cursor?: string;
  readonly limit?: number;
}

interface Row {
  readonly batch: number;
  readonly message: ListedMessage;
}

const iso = (column: string): string =>
  `to_char(m.${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const PAGE = preparedMonthly<Row>(
  'message_page',
  (
    messages,
  ) => `SELECT m.batch_no AS batch, jsonb_strip_nulls(jsonb_build_object('messageId', m.id, 'namespace', m.namespace,
     'id', m.identity, 'state', m.state, 'code', m.code, 'attempts', m.attempts, 'reply', m.reply,
     'firstAttemptAt', ${iso('first_attempt_at')}, 'nextAttemptAt', CASE m.state WHEN 'deferred' THEN ${iso('not_before')} END,
     'updatedAt', ${iso('updated_at')}))
     || jsonb_build_object('address', a.spelling) AS message
   FROM ${messages} m LEFT JOIN address a ON a.id = m.address_id
   WHERE m.execution_id = $1 AND ($2::message_state IS NULL OR m.state = $2)
     AND m.batch_no >= $3 AND (m.batch_no, m.id) > ($3, $4)
   ORDER BY m.batch_no, m.id LIMIT $5`,
);

const FIRST = { batch: -1, id: '00000000-0000-0000-0000-000000000000' };

/** A page of messages, or null where there is no such execution. */
export async function listMessages(
  db: Db,
  scope: Scope,
  executionId: number,
  request: MessagePageRequest = {},
): Promise<MessagePage | null> {
  const execution = await findExecution(db, scope, executionId);
  if (execution === null) return null;
  const limit = Math.min(Math.max(Math.trunc(request.limit ?? 100) || 1, 1), 1_000);
  const after = readCursor(request.cursor);
  const parameters = [executionId, request.state ?? null, after.batch, after.id, limit + 1];
  const rows = await run(db, PAGE(execution.month), parameters);
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  const next = last === undefined ? null : `${last.batch}.${last.message.messageId}`;
  return { messages: page.map((row) => row.message), next };
}

function readCursor(cursor: string | undefined): typeof FIRST {
  const [batch = '', id = ''] = cursor?.split('.') ?? [];
  return /^\d{1,9}$/.test(batch) && findMonthOf(id) !== null ? { batch: Number(batch), id } : FIRST;
}
