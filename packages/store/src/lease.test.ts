import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { commitIntent } from './intent.ts';
import { releaseBatch, renewLease, reread } from './lease.ts';
import { recordOptOuts } from './opt-out.ts';
import { exclude, settle } from './outcome.ts';
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

describe('leases', () => {
  test('of ten workers that claim at once, one gets the batch', async () => {
    const claims = await Promise.all(
      Array.from({ length: 10 }, (_, index) => ledger.claim(`worker-${index}`)),
    );
    expect(claims.filter((found) => found !== null)).toHaveLength(1);
  });

  test('a claim reads everything a gate and a composer need', async () => {
    const found = await ledger.claim('w');
    expect(found?.defaults).toEqual({ strict: false, meanings: {}, allowedList: 'off', policies: [] });
    expect(found?.lease).toEqual({
      executionId: ledger.executionId,
      batch: 0,
      month: expect.any(String),
      fence: 1,
      owner: 'w',
      leaseSeconds: 60,
    });
    expect(found?.messages).toHaveLength(5);
    expect(found?.messages.find(({ identity }) => identity === 'p1')).toEqual({
      messageId: expect.any(String),
      profileId: expect.any(Number),
      profileVersion: 1,
      addressId: expect.any(Number),
      addressVersion: 1,
      namespace: 'CRMID',
      identity: 'p1',
      spelling: 'p1@example.com',
      attributes: { number: 1 },
      consents: {},
      addressConsents: {},
      suppressed: null,
      domainSuppressed: false,
      allowed: false,
      context: {},
      attempts: 0,
      firstAttemptAt: null,
    });
  });

  test('X3: sandbox defaults count from the next claim', async () => {
    await sql`UPDATE sandbox SET strict = true WHERE id = ${scope.sandboxId}`.execute(scratch.db);
    expect((await ledger.claim('w'))?.defaults).toEqual({
      strict: true,
      meanings: {},
      allowedList: 'off',
      policies: [],
    });
  });

  test('a wake-up that was handed out before the last claim claims nothing', async () => {
    const first = await ledger.claim('a', 0);
    await releaseBatch(scratch.db, first?.lease as never, {});
    expect(await ledger.claim('b', 0)).toBeNull();
    expect((await ledger.claim('b', 1))?.lease.fence).toBe(2);
  });

  test('a lease that ran out is another worker’s, and the first one’s writes have no effect', async () => {
    const mine = await claimScratchBatch(scratch.db, ledger.executionId);
    const [{ messageId } = { messageId: '' }] = mine.messages;
    await ledger.letTimePass(61);
    expect(await renewLease(scratch.db, mine.lease)).toBe(false);
    expect(
      await commitIntent(scratch.db, mine.lease, { attemptId: randomUUID(), messages: mine.messages }),
    ).toEqual(new Set());
    const theirs = await ledger.claim('worker-2');
    expect(theirs?.lease.fence).toBe(2);
    expect(await renewLease(scratch.db, mine.lease)).toBe(false);
    expect(await exclude(scratch.db, mine.lease, [{ messageId, code: '050101' }])).toBe(0);
    expect(
      await commitIntent(scratch.db, mine.lease, { attemptId: randomUUID(), messages: mine.messages }),
    ).toEqual(new Set());
    await releaseBatch(scratch.db, mine.lease, {});
    expect((await ledger.batch()).owner).toBe('worker-2');
    expect(await renewLease(scratch.db, theirs?.lease as never)).toBe(true);
  });

  test('a released batch is due when its earliest message is, not before what the worker says, and never when all is done', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    const soon = new Date(Date.now() + 60_000);
    const later = new Date(Date.now() + 120_000);
    await settle(
      scratch.db,
      messages.map(({ messageId }, index) => ({
        messageId,
        attemptId,
        state: 'deferred' as const,
        notBefore: index === 0 ? soon : later,
      })),
    );
    await releaseBatch(scratch.db, lease, {});
    expect(await ledger.batch()).toMatchObject({ due_at: soon, owner: null, lease_until: null });
    expect(await ledger.claim('w')).toBeNull();
    await ledger.makeDue();
    // Nothing is due in it: the claim gives it back with its time.
    expect(await ledger.claim('w')).toBeNull();
    expect((await ledger.batch()).due_at).toEqual(soon);
    await sql`UPDATE message SET not_before = now() WHERE execution_id = ${ledger.executionId}`.execute(
      scratch.db,
    );
    await ledger.makeDue();
    const again = await claimScratchBatch(scratch.db, ledger.executionId);
    await releaseBatch(scratch.db, again.lease, { notBefore: later });
    expect((await ledger.batch()).due_at).toEqual(later);
    await ledger.makeDue();
    const last = await claimScratchBatch(scratch.db, ledger.executionId);
    await exclude(
      scratch.db,
      last.lease,
      last.messages.map(({ messageId }) => ({ messageId, code: '050101' })),
    );
    await releaseBatch(scratch.db, last.lease, {});
    expect((await ledger.batch()).due_at).toBeNull();
  });

  test('OH-27: what the intent sent back is read again with the standing of now', async () => {
    const { lease, messages } = await claimScratchBatch(scratch.db, ledger.executionId);
    const [{ messageId, profileVersion, namespace, identity, spelling } = messages[0] as never] = messages;
    await recordOptOuts(scratch.db, [
      {
        organisation: scope.organisation,
        sandbox: scope.sandbox,
        who: { by: 'identity', namespace, id: identity, addressNamespace: 'Email', address: spelling },
        scope: 'channel',
        source: 'header_post',
        fingerprint: 'f',
        at: new Date(),
      },
    ]);
    const [fresh] = await reread(scratch.db, lease, [messageId]);
    expect(fresh).toMatchObject({
      messageId,
      profileVersion: profileVersion + 1,
      consents: { marketing: { email: { val: 'n' } } },
    });
    await exclude(scratch.db, lease, [{ messageId, code: '050101' }]);
    expect(await reread(scratch.db, lease, [messageId])).toEqual([]);
  });
});
