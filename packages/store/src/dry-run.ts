/**
 * Dry runs: what an execution would do now, told by the code that would do it.
 *
 * One rule: a step really expands, its messages go before the gate with the standing that a claim would read, and all of it
 * is rolled back but the numbers. So a dry run can hardly say anything else than the truth, and a step that was killed
 * never happened.
 *
 * @module
 */
import {
  type ChannelConfiguration,
  decide,
  type ExclusionCode,
  gateMessage,
  type SandboxRules,
} from '@adieu/core';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import type { DryResult } from './schema.ts';
import { SANDBOX_RULES, STANDING, type StandingRow, standingOf, standingOfEach } from './standing.ts';
import { prepared, preparedMonthly, run } from './statement.ts';

/** Which messages a step is about to write. */
export interface Rehearsal {
  readonly executionId: number;
  readonly month: string;
  /** The first batch that does not exist yet. */
  readonly nextBatch: number;
}

interface GateRow extends SandboxRules {
  readonly configuration: ChannelConfiguration;
  readonly list: string | null;
  readonly result: DryResult | null;
}

const GATE = prepared<GateRow>(
  'dry_gate',
  `SELECT c.body AS configuration, l.name AS list, e.dry_result AS result, ${SANDBOX_RULES}
   FROM execution e JOIN sandbox s ON s.id = e.sandbox_id
   JOIN channel_configuration c ON c.sandbox_id = e.sandbox_id AND c.name = e.configuration_name
     AND c.version = e.configuration_version
   LEFT JOIN list l ON l.number = e.list_number WHERE e.id = $1`,
);

const EXCLUDED = preparedMonthly<{ readonly code: ExclusionCode; readonly count: number }>(
  'dry_excluded',
  (messages) => `SELECT code, count(*) AS count FROM ${messages}
   WHERE execution_id = $1 AND batch_no >= $2 AND state = 'excluded' GROUP BY code`,
);

const BATCHES = prepared<{ readonly no: number }>(
  'dry_batches',
  `SELECT no FROM batch WHERE execution_id = $1 AND no >= $2 AND due_at IS NOT NULL ORDER BY no`,
);

/** A batch at a time, as a claim reads them: memory holds what a worker's would. */
const STANDINGS = preparedMonthly<StandingRow>(
  'dry_standings',
  (messages) => `SELECT ${STANDING} FROM ${messages} m ${standingOfEach('m')}
   WHERE m.execution_id = $1 AND m.batch_no = $2 AND m.state = 'queued'`,
);

const KEEP = prepared<never>('dry_keep', `UPDATE execution SET dry_result = $2::jsonb WHERE id = $1`);

/**
 * Runs a step that writes messages, adds what would become of them to the result, and leaves nothing else of it but gaps in
 * sequences. Locks that the step takes go with it.
 */
export async function rehearse<T>(transaction: Db, rehearsal: Rehearsal, step: () => Promise<T>): Promise<T> {
  await sql`SAVEPOINT rehearsal`.execute(transaction);
  const answer = await step();
  const result = await askGate(transaction, rehearsal);
  await sql`ROLLBACK TO SAVEPOINT rehearsal`.execute(transaction);
  await run(transaction, KEEP, [rehearsal.executionId, JSON.stringify(result)]);
  return answer;
}

/** What was found before, and what this step adds. */
async function askGate(db: Db, { executionId, month, nextBatch }: Rehearsal): Promise<DryResult> {
  const [row] = await run(db, GATE, [executionId]);
  if (row === undefined) throw new Error('an execution vanished');
  const { configuration, list, result, ...rules } = row;
  const gate = gateMessage(configuration, list);
  const exclusions = { ...result?.exclusions };
  let queued = result?.queued ?? 0;
  for (const { code, count } of await run(db, EXCLUDED(month), [executionId, nextBatch])) {
    exclusions[code] = (exclusions[code] ?? 0) + count;
  }
  for (const { no } of await run(db, BATCHES, [executionId, nextBatch])) {
    for (const standing of await run(db, STANDINGS(month), [executionId, no])) {
      const decision = decide(gate, standingOf(standing, rules));
      if (decision.kind === 'send') queued += 1;
      else exclusions[decision.code] = (exclusions[decision.code] ?? 0) + 1;
    }
  }
  return { queued, exclusions };
}
