/**
 * A scratch execution seen from outside: its batch, the states of its messages, its events, and time that passes.
 *
 * One rule: nothing waits. Time passes by moving what the database wrote down into the past.
 *
 * @module
 */
import { sql } from 'kysely';
import type { Db } from '../database.ts';
import type { Claim } from '../lease.ts';
import { claimBatch } from '../lease.ts';
import type { MessageState } from '../schema.ts';

/** An execution with one batch. */
export interface ScratchLedger {
  readonly executionId: number;
  claim(owner: string, fence?: number): Promise<Claim | null>;
  batch(): Promise<{ owner: string | null; lease_until: Date | null; due_at: Date | null; fence: number }>;
  /** States by the identity's id. */
  states(): Promise<Readonly<Record<string, MessageState>>>;
  /** The states that occur. */
  stateSet(): Promise<MessageState[]>;
  events(): Promise<string[]>;
  /** The lease runs out earlier by so much, and every attempt began earlier by so much. */
  letTimePass(seconds: number): Promise<void>;
  /** The batch is looked at now, whenever it would have been. */
  makeDue(): Promise<void>;
}

/** Opens the view on an execution that is expanded. */
export function openScratchLedger(db: Db, executionId: number): ScratchLedger {
  const states = async () => {
    const rows = await db
      .selectFrom('message')
      .select(['identity', 'state'])
      .where('execution_id', '=', executionId)
      .execute();
    return Object.fromEntries(rows.map(({ identity, state }) => [identity, state]));
  };
  return {
    executionId,
    claim: (owner, fence) =>
      claimBatch(db, {
        executionId,
        batch: 0,
        owner,
        leaseSeconds: 60,
        ...(fence === undefined ? {} : { fence }),
      }),
    batch: () =>
      db
        .selectFrom('batch')
        .select(['owner', 'lease_until', 'due_at', 'fence'])
        .where('execution_id', '=', executionId)
        .executeTakeFirstOrThrow(),
    states,
    stateSet: async () => [...new Set(Object.values(await states()))].sort(),
    events: async () => {
      const rows = await db
        .selectFrom('event')
        .select('type')
        .where('execution_id', '=', executionId)
        .execute();
      return rows.map(({ type }) => type).sort();
    },
    letTimePass: async (seconds) => {
      const past = sql`make_interval(secs => ${seconds})`;
      const own = sql`WHERE execution_id = ${executionId}`;
      await sql`UPDATE batch SET lease_until = lease_until - ${past}, claimed_at = claimed_at - ${past} ${own}`.execute(
        db,
      );
      await sql`UPDATE message SET updated_at = updated_at - ${past} ${own}`.execute(db);
    },
    makeDue: async () => {
      await sql`UPDATE batch SET due_at = now() WHERE execution_id = ${executionId}`.execute(db);
    },
  };
}
