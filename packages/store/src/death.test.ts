import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { commitIntent } from './intent.ts';
import { type Claim, markMessage, releaseBatch } from './lease.ts';
import { settle } from './outcome.ts';
import { sweep } from './sweep.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import type { ScratchLedger } from './testing/scratch-ledger.ts';
import { openScratchLedger } from './testing/scratch-ledger.ts';
import {
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
} from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let ledger: ScratchLedger;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  const scope = await createScratchTenant(scratch.db);
  await importScratchProfiles(scratch.db, scope, 5);
  const executionId = await createScratchExecution(scratch.db, scope);
  await expandAll(scratch.db, executionId);
  ledger = openScratchLedger(scratch.db, executionId);
});

async function claim(): Promise<Claim> {
  const found = await ledger.claim('w');
  if (found === null) throw new Error('nothing to claim');
  return found;
}

describe('workers that die over a batch', () => {
  test('are counted in a row, whether or not the sweep found the batch, and a release ends the row', async () => {
    expect((await claim()).deaths).toBe(0);
    await ledger.letTimePass(61);
    expect((await claim()).deaths).toBe(1);
    await ledger.letTimePass(700);
    await sweep(scratch.db, { dataTimeoutSeconds: 300 });
    const third = await claim();
    expect(third.deaths).toBe(2);
    await releaseBatch(scratch.db, third.lease, { deaths: third.deaths });
    const fourth = await claim();
    expect(fourth.deaths).toBe(2);
    await releaseBatch(scratch.db, fourth.lease, {});
    expect((await claim()).deaths).toBe(0);
  });

  test('are not counted where a batch was released while messages of it were on the wire', async () => {
    const { lease, messages } = await claim();
    await commitIntent(scratch.db, lease, { attemptId: randomUUID(), messages: messages.slice(0, 1) });
    await releaseBatch(scratch.db, lease, {});
    await ledger.letTimePass(1);
    expect((await claim()).deaths).toBe(0);
  });

  test('mark the message they touched; it comes last, and is cleared when one outlives it', async () => {
    const first = await claim();
    const [suspect] = first.messages;
    if (suspect === undefined) throw new Error('nothing to touch');
    expect(await markMessage(scratch.db, first.lease, suspect.messageId)).toBe(true);
    await ledger.letTimePass(61);
    const second = await claim();
    expect(second.messages.at(-1)?.messageId).toBe(suspect.messageId);
    // A worker that lost its lease marks nothing any more.
    expect(await markMessage(scratch.db, first.lease, second.messages[0]?.messageId ?? '')).toBe(false);
    await releaseBatch(scratch.db, second.lease, { deaths: 2, survivor: suspect.messageId });
    expect((await claim()).messages[0]?.messageId).toBe(suspect.messageId);
  });

  test('are not what a lease is that ran out because the database was away: who comes back clears its mark', async () => {
    let suspect = '';
    let before: Claim | null = null;
    for (let outage = 0; outage < 8; outage += 1) {
      // Another has the batch before the first one reaches the database again.
      const found = await claim();
      expect(found.messages).toHaveLength(5);
      suspect ||= found.messages[0]?.messageId ?? '';
      if (before !== null) await releaseBatch(scratch.db, before.lease, { survivor: suspect });
      expect((await ledger.batch()).owner).toBe('w');
      expect(await markMessage(scratch.db, found.lease, suspect)).toBe(true);
      await ledger.letTimePass(61);
      before = found;
    }
    expect(await ledger.stateSet()).toEqual(['queued']);
  });

  test('end it at the fourth, and only it', async () => {
    let suspect = '';
    for (let death = 0; death < 6; death += 1) {
      const { lease, messages, deaths } = await claim();
      if (suspect === '') suspect = messages[0]?.messageId ?? '';
      expect(messages).toHaveLength(5);
      if (deaths >= 2) await markMessage(scratch.db, lease, suspect);
      await ledger.letTimePass(61);
    }
    const { messages } = await claim();
    expect(messages).toHaveLength(4);
    const row = await scratch.db
      .selectFrom('message')
      .select(['state', 'code', 'reply'])
      .where('id', '=', suspect)
      .executeTakeFirst();
    expect(row).toEqual({ state: 'failed', code: 'poison', reply: 'Its delivery ended the worker 4 times.' });
    expect(await ledger.events()).toEqual(['failed']);
  });
});

describe('S9: a late truth', () => {
  test('that comes after the sweep called the message unknown wins, once', async () => {
    const { lease, messages } = await claim();
    const attemptId = randomUUID();
    await commitIntent(scratch.db, lease, { attemptId, messages });
    await ledger.letTimePass(400);
    expect((await sweep(scratch.db, { dataTimeoutSeconds: 300 })).unknown).toBe(5);
    expect(await ledger.stateSet()).toEqual(['unknown']);
    const [first, second] = messages.map(({ messageId }) => messageId) as [string, string];
    const told = [
      { messageId: first, attemptId, state: 'sent' as const },
      { messageId: second, attemptId, state: 'bounced' as const, code: '5.1.1' },
    ];
    expect(await settle(scratch.db, told)).toBe(2);
    expect(await settle(scratch.db, told)).toBe(0);
    expect(await ledger.stateSet()).toEqual(['bounced', 'sent', 'unknown']);
    expect((await ledger.batch()).due_at).not.toBeNull();
    expect(await ledger.claim('w')).toBeNull();
  });
});
