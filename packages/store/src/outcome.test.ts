import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { commitIntent } from './intent.ts';
import { releaseBatch, reread } from './lease.ts';
import { exclude, giveBack, settle } from './outcome.ts';
import type { Scope } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import type { ScratchLedger } from './testing/scratch-ledger.ts';
import { openScratchLedger } from './testing/scratch-ledger.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
  SCRATCH,
} from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let scope: Scope;
let ledger: ScratchLedger;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importScratchProfiles(scratch.db, scope, 5);
  ledger = await openLedger();
});

async function openLedger(
  differing: Parameters<typeof createScratchExecution>[2] = {},
): Promise<ScratchLedger> {
  const executionId = await createScratchExecution(scratch.db, scope, differing);
  await expandAll(scratch.db, executionId);
  return openScratchLedger(scratch.db, executionId);
}

describe('outcomes', () => {
  test('S8: each outcome is written once, with its event', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    expect(await commitIntent(scratch.db, lease, { attemptId, messages })).toEqual(
      new Set(messages.map(({ messageId }) => messageId)),
    );
    const notBefore = new Date(Date.now() + 60_000);
    const outcomes = (['sent', 'deferred', 'bounced', 'failed', 'unknown'] as const).map((state, index) => ({
      messageId: messages[index]?.messageId ?? '',
      attemptId,
      state,
      code: '4.2.1',
      reply: `reply ${state}`,
      ...(state === 'deferred' ? { notBefore } : {}),
    }));
    expect(await settle(scratch.db, outcomes)).toBe(5);
    expect(await settle(scratch.db, outcomes)).toBe(0);
    const rows = await scratch.db
      .selectFrom('message')
      .select(['id', 'state', 'code', 'reply', 'attempts', 'not_before'])
      .where('execution_id', '=', ledger.executionId)
      .execute();
    for (const { messageId, state, reply } of outcomes) {
      expect(rows.find(({ id }) => id === messageId)).toEqual({
        id: messageId,
        state,
        code: '4.2.1',
        reply,
        attempts: 1,
        not_before: state === 'deferred' ? notBefore : null,
      });
    }
    const events = await scratch.db
      .selectFrom('event')
      .select(['type', 'message_id', 'profile_id'])
      .where('execution_id', '=', ledger.executionId)
      .execute();
    expect(events.map(({ type }) => type).sort()).toEqual([
      'bounced',
      'deferred',
      'failed',
      'sent',
      'unknown',
    ]);
    expect(events.every(({ message_id, profile_id }) => message_id !== null && profile_id !== null)).toBe(
      true,
    );
  });

  test('an outcome of another attempt is not written', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages });
    const foreign = messages.map(({ messageId }) => ({
      messageId,
      attemptId: randomUUID(),
      state: 'sent' as const,
    }));
    expect(await settle(scratch.db, foreign)).toBe(0);
    expect(await giveBack(scratch.db, foreign)).toBe(0);
    expect(await ledger.stateSet()).toEqual(['sending']);
  });

  test('S9: a late truth wins over unknown', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    await settle(
      scratch.db,
      messages.map(({ messageId }) => ({ messageId, attemptId, state: 'unknown' as const })),
    );
    expect(
      await settle(
        scratch.db,
        messages.map(({ messageId }) => ({ messageId, attemptId, state: 'sent' as const })),
      ),
    ).toBe(5);
    expect(await ledger.stateSet()).toEqual(['sent']);
  });

  test('S9: what is excluded after an attempt that may have been accepted says so, and a late truth still wins', async () => {
    ledger = await openLedger({ channelConfiguration: SCRATCH.transactional });
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    const tried = messages.slice(0, 2);
    await commitIntent(scratch.db, lease, { attemptId, messages: tried });
    const outcomes = tried.map(({ messageId }) => ({ messageId, attemptId, state: 'unknown' as const }));
    await settle(
      scratch.db,
      outcomes.map((outcome) => ({ ...outcome, notBefore: new Date(0) })),
    );
    const exclusions = messages.map(({ messageId }) => ({ messageId, code: '050101' as const }));
    expect(await exclude(scratch.db, lease, exclusions)).toBe(5);
    expect(Object.values(await ledger.states()).sort()).toEqual([
      'excluded',
      'excluded',
      'excluded',
      'unknown',
      'unknown',
    ]);
    const late = outcomes.map((outcome) => ({ ...outcome, state: 'sent' as const }));
    expect(await settle(scratch.db, late)).toBe(2);
    expect(await ledger.stateSet()).toEqual(['excluded', 'sent']);
    const events = (await ledger.events()).filter((type) => type === 'excluded');
    expect(events).toHaveLength(3);
  });

  test('an attempt that is given back was never made, and the message is due at once', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    await releaseBatch(scratch.db, lease, {});
    expect((await ledger.batch()).due_at).toBeNull();
    expect(
      await giveBack(
        scratch.db,
        messages.map(({ messageId }) => ({ messageId, attemptId })),
      ),
    ).toBe(5);
    const again = await claimScratchBatch(scratch.db, ledger.executionId);
    expect(again.messages.map(({ attempts, firstAttemptAt }) => [attempts, firstAttemptAt])).toEqual(
      messages.map(() => [0, null]),
    );
  });

  test('a retry that is given back stays deferred with its first attempt', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const first = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId: first, messages });
    await settle(
      scratch.db,
      messages.map(({ messageId }) => ({
        messageId,
        attemptId: first,
        state: 'deferred' as const,
        notBefore: new Date(0),
      })),
    );
    const second = randomUUID();
    const retry = await reread(
      scratch.db,
      lease,
      messages.map(({ messageId }) => messageId),
    );
    expect((await commitIntent(scratch.db, lease, { attemptId: second, messages: retry })).size).toBe(5);
    await giveBack(
      scratch.db,
      messages.map(({ messageId }) => ({ messageId, attemptId: second })),
    );
    const [row] = await reread(
      scratch.db,
      lease,
      messages.map(({ messageId }) => messageId),
    );
    expect(row).toMatchObject({ attempts: 1, firstAttemptAt: retry[0]?.firstAttemptAt });
    expect(await ledger.stateSet()).toEqual(['deferred']);
  });

  test('a message that is deferred or given back while its batch is being released is not forgotten', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    for (let round = 0; round < 20; round += 1) {
      const again =
        round === 0 ? { lease, messages } : await claimScratchBatch(scratch.db, ledger.executionId);
      const attemptId = randomUUID();
      await commitIntent(scratch.db, again.lease, { attemptId, messages: again.messages });
      const attempts = again.messages.map(({ messageId }) => ({ messageId, attemptId }));
      const late =
        round % 2 === 0
          ? giveBack(scratch.db, attempts)
          : settle(
              scratch.db,
              attempts.map((attempt) => ({ ...attempt, state: 'deferred' as const, notBefore: new Date(0) })),
            );
      await Promise.all([late, releaseBatch(scratch.db, again.lease, {})]);
      expect((await ledger.batch()).due_at).not.toBeNull();
    }
  });
});
