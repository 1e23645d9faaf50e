import { randomUUID } from 'node:crypto';
import { type Log, SILENT } from '@adieu/core';
import { type Claim, claimBatch, commitIntent, expandStep } from '@adieu/store';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { keepLease } from './lease.ts';
import { openLedger } from './ledger.ts';
import { openScene, type Scene, until } from './testing/scene.ts';

let scene: Scene;
let execution: number;
let claim: Claim;
beforeEach(async () => {
  scene = await openScene();
  await scene.people(4);
  execution = await scene.enqueue();
  await expandStep(scene.db, execution);
  const claimed = await claimBatch(scene.db, {
    executionId: execution,
    batch: 0,
    owner: 'a',
    leaseSeconds: 60,
  });
  if (claimed === null) throw new Error('nothing to claim');
  claim = claimed;
});
afterEach(() => scene.close());

function open(log: Log = SILENT) {
  const ledger = openLedger(scene.db, log);
  scene.later(ledger.close);
  return ledger;
}

const counts = async () => (await scene.counts(execution)).counts;

describe('the ledger', () => {
  test('S8: outcomes, attempts given back and the release of the lease are written', async () => {
    const ledger = open();
    const attemptId = randomUUID();
    await commitIntent(scene.db, claim.lease, { attemptId, messages: claim.messages });
    const [first, second, ...rest] = claim.messages.map(({ messageId }) => ({ messageId, attemptId }));
    if (first === undefined || second === undefined) throw new Error('too few');
    await Promise.all([
      ledger.settle({ ...first, state: 'sent', code: '2.0.0' }),
      ledger.settle({ ...second, state: 'bounced', code: '5.1.1' }),
      ledger.giveBack(rest),
    ]);
    expect(await counts()).toMatchObject({ sent: 1, bounced: 1, queued: 2, sending: 0 });
    const other = { executionId: execution, batch: 0, owner: 'b', leaseSeconds: 60 };
    expect(await claimBatch(scene.db, other)).toBeNull();
    await ledger.release(claim.lease, {});
    expect((await claimBatch(scene.db, other))?.messages).toHaveLength(2);
    expect([ledger.away(), ledger.held()]).toEqual([false, 0]);
  });

  test('an entry that the database refuses does not hold up the others', async () => {
    const lines: string[] = [];
    const ledger = open({ ...SILENT, error: (_fields, message) => void lines.push(message) });
    const attemptId = randomUUID();
    await commitIntent(scene.db, claim.lease, { attemptId, messages: claim.messages });
    await Promise.all([
      ledger.settle({ messageId: 'no message of ours', attemptId, state: 'sent' }),
      ...claim.messages.map(({ messageId }) => ledger.settle({ messageId, attemptId, state: 'sent' })),
    ]);
    expect(await counts()).toMatchObject({ sent: 4 });
    expect(lines).toEqual(['ledger refused an entry']);
  });

  test('an intent whose commit was not answered is given back, even when it is committed later', async () => {
    const ledger = open();
    const attemptId = randomUUID();
    const attempts = claim.messages.map(({ messageId }) => ({ messageId, attemptId }));
    await scene.db.transaction().execute(async (transaction) => {
      expect(
        await commitIntent(transaction, claim.lease, { attemptId, messages: claim.messages }),
      ).toHaveProperty('size', 4);
      void ledger.disown(attempts);
      // The first try finds nothing, since nothing is committed yet.
      await new Promise((resolve) => setTimeout(resolve, 200));
    });
    await until(async () => (await counts()).queued === 4);
  });
});

describe('a lease', () => {
  const keep = (leaseSeconds: number) => {
    const lease = { ...claim.lease, leaseSeconds };
    const kept = keepLease(scene.db, lease, { since: performance.now(), log: SILENT });
    scene.later(kept.stop);
    return kept;
  };

  test('is prolonged for as long as it is kept', async () => {
    const kept = keep(1);
    expect(await kept.confirm()).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(kept.held()).toBe(true);
    expect(await kept.confirm()).toBe(true);
  });

  test('that another took is lost, and stays lost', async () => {
    const kept = keep(60);
    const until = new Date(Date.now() + 60_000);
    await scene.db.updateTable('batch').set({ owner: 'b', fence: 9, lease_until: until }).execute();
    expect(kept.held()).toBe(true);
    expect(await kept.confirm()).toBe(false);
    await scene.db.updateTable('batch').set({ owner: 'a', fence: claim.lease.fence }).execute();
    await kept.confirm();
    expect(kept.held()).toBe(false);
  });

  test('whose process did nothing for as long as it lasts says so from then on', async () => {
    const kept = keep(1);
    expect(kept.stalled()).toBe(false);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1100);
    expect(kept.stalled()).toBe(true);
    await kept.confirm();
    expect(kept.stalled()).toBe(true);
  });

  test('that could not be prolonged in time is lost', async () => {
    const kept = keep(1);
    kept.stop();
    await new Promise((resolve) => setTimeout(resolve, 1100));
    expect(kept.held()).toBe(false);
  });
});
