/**
 * What the database and the logs say, asked directly, past every wire.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import type { LedgerFact } from './checker.ts';
import { monotonic } from './leavers.ts';
import type { Stage } from './stage.ts';

/** Where an execution stands. */
export interface Progress {
  /** `sending` or `sent`. */
  readonly under: number;
  /** `queued`, `deferred` or `sending`. */
  readonly open: number;
  readonly expanded: boolean;
}

/** Counts of an execution; null while the database does not answer. */
export async function progressOf(stage: Stage, executionId: number): Promise<Progress | null> {
  const text = `SELECT e.expanded_at IS NOT NULL AS expanded,
      count(m.id) FILTER (WHERE m.state IN ('sending', 'sent'))::int AS under,
      count(m.id) FILTER (WHERE m.state IN ('queued', 'deferred', 'sending'))::int AS open
    FROM execution e LEFT JOIN message m ON m.execution_id = e.id AND m.month = e.month WHERE e.id = $1 GROUP BY 1`;
  const rows = await ask<Progress>(stage, text, [executionId]);
  return rows?.[0] ?? null;
}

/** People who are being mailed now, and some who are next; empty while the database does not answer. */
export async function aboutToBeMailed(stage: Stage, executionId: number): Promise<readonly string[]> {
  const text = `(SELECT m.identity FROM message m WHERE m.execution_id = $1 AND m.state = 'sending' LIMIT 4)
    UNION (SELECT m.identity FROM batch b JOIN message m ON m.execution_id = b.execution_id AND m.batch_no = b.no
      WHERE b.execution_id = $1 AND b.lease_until IS NOT NULL AND m.state IN ('queued', 'deferred')
      ORDER BY random() LIMIT 4)`;
  return ((await ask<{ identity: string }>(stage, text, [executionId])) ?? []).map((row) => row.identity);
}

/** The whole ledger. The database's times become those of the monotonic clock by way of now, a moment earlier at most. */
export async function readLedger(stage: Stage): Promise<LedgerFact[]> {
  const { rows } = await stage.direct.query<LedgerFact>(
    `SELECT m.id, m.execution_id::int AS "executionId", m.identity AS person, m.state::text AS state, m.code,
       $1 + extract(epoch FROM e.unknown - now()) * 1000 AS "unknownAt",
       $1 + extract(epoch FROM e.excluded - now()) * 1000 AS "excludedAt"
     FROM message m LEFT JOIN (SELECT message_id, min(at) FILTER (WHERE type = 'unknown') AS unknown,
       min(at) FILTER (WHERE type = 'excluded') AS excluded FROM event GROUP BY 1) e ON e.message_id = m.id`,
    [monotonic()],
  );
  return rows.map((row) => ({
    ...row,
    unknownAt: asNumber(row.unknownAt),
    excludedAt: asNumber(row.excludedAt),
  }));
}

/** Whose leaving is in the history, once for each row. */
export async function readHistory(stage: Stage): Promise<string[]> {
  const { rows } = await stage.direct.query<{ person: string }>(
    `SELECT p.identity AS person FROM consent_history h JOIN profile p ON p.id = h.profile_id WHERE h.to_value = 'n'`,
  );
  return rows.map((row) => row.person);
}

/** Versions of what runs. */
export async function readVersions(stage: Stage): Promise<string> {
  const { rows } = await stage.direct.query<{ server_version: string }>('SHOW server_version');
  return `Node ${process.version}, PostgreSQL ${rows[0]?.server_version}`;
}

/** What Adieu itself said about opt-outs and mail on the wire. */
export interface Confessions {
  /** Messages that were still being sent when an opt-out was answered. */
  readonly overtaken: ReadonlySet<string>;
  /** Opt-outs were answered although nobody could see what was being sent. */
  readonly blind: number;
}

/** Reads the log of the API, over all of its lives. */
export async function readConfessions(stage: Stage): Promise<Confessions> {
  const overtaken = new Set<string>();
  let blind = 0;
  const text = await readFile(stage.logPath('api'), 'utf8');
  for (const line of text.split('\n')) {
    if (line.includes('could not see what was being sent')) blind++;
    if (!line.includes('an opt-out is answered while messages are being sent')) continue;
    for (const id of (JSON.parse(line) as { messages: string[] }).messages) overtaken.add(id);
  }
  return { overtaken, blind };
}

/** PostgreSQL's numeric comes as text. */
function asNumber(value: number | string | null): number | null {
  return value === null ? null : Number(value);
}

async function ask<T extends object>(
  stage: Stage,
  text: string,
  values: readonly unknown[],
): Promise<T[] | null> {
  try {
    return (await stage.direct.query<T>(text, [...values])).rows;
  } catch {
    // Killed or recovering.
    return null;
  }
}
