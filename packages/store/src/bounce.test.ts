import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { putEntries } from './delivery-list.ts';
import { findEntries } from './delivery-list-page.ts';
import { commitIntent } from './intent.ts';
import { type Outcome, settle } from './outcome.ts';
import { recordReport } from './report.ts';
import type { Scope } from './scope.ts';
import { setSoftBounceThreshold } from './soft-bounce-rule.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { openScratchLedger } from './testing/scratch-ledger.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
} from './testing/scratch-tenant.ts';

const EMAIL = 'p0@example.com';

let scratch: ScratchDatabase;
let scope: Scope;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importScratchProfiles(scratch.db, scope, 1);
  await setSoftBounceThreshold(scratch.db, scope, 3);
});

interface Sending {
  readonly executionId: number;
  readonly messageId: string;
  readonly attemptId: string;
  readonly profileId: number;
  readonly addressId: number;
}

/** A batch of one message, claimed and put before the gate. */
async function claim() {
  const executionId = await createScratchExecution(scratch.db, scope);
  await expandAll(scratch.db, executionId);
  return { executionId, ...(await claimScratchBatch(scratch.db, executionId)) };
}

/** A message on the wire. */
async function begin(): Promise<Sending> {
  const { executionId, lease, messages } = await claim();
  const [message] = messages;
  if (message === undefined) throw new Error('nothing to send');
  const attemptId = randomUUID();
  expect((await commitIntent(scratch.db, lease, { attemptId, messages })).size).toBe(1);
  const { messageId, profileId, addressId } = message;
  return { executionId, messageId, attemptId, profileId, addressId };
}

const end = ({ messageId, attemptId }: Sending, outcome: Omit<Outcome, 'messageId' | 'attemptId'>) =>
  settle(scratch.db, [{ messageId, attemptId, ...outcome }]);

async function sent(): Promise<Sending> {
  const sending = await begin();
  expect(await end(sending, { state: 'sent' })).toBe(1);
  return sending;
}

const refused = async (bounce: 'hard' | 'soft') =>
  end(await begin(), { state: 'bounced', code: bounce === 'hard' ? '5.1.1' : '5.2.2', bounce });

const report = (
  { profileId, addressId, messageId }: Sending,
  { status = '5.2.2', kind = 'soft' as 'soft' | 'hard' | 'sender', ...more } = {},
) =>
  recordReport(scratch.db, {
    organisation: scope.organisation,
    sandbox: scope.sandbox,
    who: { by: 'number', profile: profileId, address: addressId },
    messageId,
    reported: { kind: 'bounce', fates: [{ kind, status, reason: 'words', action: 'failed' }] },
    digest: Buffer.from(randomUUID().replaceAll('-', '').repeat(2), 'hex'),
    fingerprint: 'f',
    at: new Date(),
    ...more,
  });

async function reason(): Promise<string | null> {
  const [entry] = await findEntries(scratch.db, scope, { list: 'suppressed', kind: 'email', keys: [EMAIL] });
  return entry?.reason ?? null;
}

async function bounces(): Promise<number> {
  const rows = await scratch.db
    .selectFrom('soft_bounce as b')
    .innerJoin('address as a', 'a.id', 'b.address_id')
    .where('a.sandbox_id', '=', scope.sandboxId)
    .select('b.count')
    .execute();
  return rows[0]?.count ?? 0;
}

describe('X10 bounces of an address', () => {
  test('BC-5 a hard one in session suppresses in the commit of its outcome, and the next intent sees it', async () => {
    const sending = await begin();
    const waiting = await claim();
    expect(await end(sending, { state: 'bounced', code: '5.1.1', bounce: 'hard' })).toBe(1);
    expect(await reason()).toBe('hard');
    // Told again, the attempt is over.
    expect(await end(sending, { state: 'bounced', code: '5.1.1', bounce: 'hard' })).toBe(0);
    const intent = { attemptId: randomUUID(), messages: waiting.messages };
    expect(await commitIntent(scratch.db, waiting.lease, intent)).toEqual(new Set());
    expect(await openScratchLedger(scratch.db, sending.executionId).events()).toEqual([
      'bounced',
      'suppressed',
    ]);
  });

  test('soft ones in session suppress at the threshold', async () => {
    await refused('soft');
    await refused('soft');
    expect([await bounces(), await reason()]).toEqual([2, null]);
    await refused('soft');
    expect([await bounces(), await reason()]).toEqual([0, 'soft']);
  });

  test('a message that was taken, and did not come back, begins anew', async () => {
    await refused('soft');
    await refused('soft');
    await sent();
    await refused('soft');
    expect(await bounces()).toBe(1);
  });

  test('messages that were all taken first, and all come back, are in a row', async () => {
    const all = [await sent(), await sent(), await sent()];
    for (const one of all) await report(one);
    expect(await reason()).toBe('soft');
  });

  test('what is still under way when an earlier one comes back is no success', async () => {
    await report(await sent());
    const [second, third] = [await sent(), await sent()];
    await report(second);
    expect(await bounces()).toBe(2);
    await report(third);
    expect(await reason()).toBe('soft');
  });

  test('what was taken before the one that comes back is a success', async () => {
    await report(await sent());
    await sent();
    await report(await sent());
    expect(await bounces()).toBe(1);
  });

  test('an address that does not bounce has no row', async () => {
    await sent();
    expect(await bounces()).toBe(0);
  });

  test('of a group each is counted, and an address is suppressed once', async () => {
    const all = [await begin(), await begin(), await begin(), await begin()];
    const outcome = { state: 'bounced', code: '5.2.2', bounce: 'soft' } as const;
    const told = all.map(({ messageId, attemptId }) => ({ messageId, attemptId, ...outcome }));
    expect(await settle(scratch.db, told)).toBe(4);
    expect(await reason()).toBe('soft');
  });

  test('a complaint gives way to a hard bounce, and to nothing else does a reason change', async () => {
    const entry = { kind: 'email', key: EMAIL, spelling: EMAIL, comment: null, author: null } as const;
    await putEntries(scratch.db, scope, {
      list: 'suppressed',
      source: 'admin',
      entries: [{ ...entry, reason: 'complaint' }],
    });
    const sending = await begin();
    await end(sending, { state: 'bounced', code: '5.1.1', bounce: 'hard' });
    expect(await reason()).toBe('hard');
    await report(sending, { reported: { kind: 'complaint' } } as object);
    expect(await reason()).toBe('hard');
  });
});

describe('a report', () => {
  test('IN-21 brought twice at once has one effect', async () => {
    const sending = await sent();
    const digest = Buffer.alloc(32, 7);
    const receipts = await Promise.all(
      Array.from({ length: 5 }, () => report(sending, { digest } as object)),
    );
    const outcomes = receipts.map(({ receipt }) => receipt.outcome).sort();
    expect(outcomes).toEqual(['recorded', 'repeated', 'repeated', 'repeated', 'repeated']);
    expect(await bounces()).toBe(1);
    expect(await openScratchLedger(scratch.db, sending.executionId).events()).toEqual(['bounced', 'sent']);
  });

  test('BC-5 of one message a soft one counts once, in session or in however many reports', async () => {
    const sending = await sent();
    for (let time = 0; time < 5; time += 1) await report(sending);
    expect([await bounces(), await reason()]).toEqual([1, null]);
    const told = await begin();
    await end(told, { state: 'bounced', code: '5.2.2', bounce: 'soft' });
    expect((await report(told)).receipt).toEqual({ outcome: 'noted', suppressed: false });
    expect(await bounces()).toBe(2);
    // Of a mailbox that is not there it is heard all the same.
    await report(told, { kind: 'hard', status: '5.1.1' });
    expect(await reason()).toBe('hard');
  });

  test('wins over an outcome that is still to be written, and over one that nobody knows', async () => {
    const sending = await begin();
    await report(sending);
    expect(await openScratchLedger(scratch.db, sending.executionId).stateSet()).toEqual(['bounced']);
    expect(await end(sending, { state: 'sent' })).toBe(0);
    const lost = await begin();
    await end(lost, { state: 'unknown' });
    await report(lost, { kind: 'sender', status: '5.7.1' });
    expect(await openScratchLedger(scratch.db, lost.executionId).stateSet()).toEqual(['failed']);
  });

  test('BC-1 of nobody, or of another sandbox, changes nothing', async () => {
    const sending = await sent();
    const elsewhere = await createScratchTenant(scratch.db);
    const { organisation } = elsewhere;
    expect((await report(sending, { organisation } as object)).receipt.outcome).toBe('nobody');
    expect((await report({ ...sending, profileId: 1e9, addressId: 1e9 })).receipt.outcome).toBe('nobody');
    expect(await bounces()).toBe(0);
    expect(await openScratchLedger(scratch.db, sending.executionId).stateSet()).toEqual(['sent']);
  });

  test('without an id means the newest message of the day of its token that has not come back', async () => {
    const [first, second] = [await sent(), await sent()];
    const day = Math.floor(Date.now() / 86_400_000);
    for (const sending of [second, first]) {
      await report({ ...sending, messageId: randomUUID() }, { day } as object);
      expect(await openScratchLedger(scratch.db, sending.executionId).stateSet()).toEqual(['bounced']);
    }
    const third = await sent();
    await report({ ...third, messageId: 'none' }, { day: day - 40 } as object);
    await report({ ...third, messageId: '00000000-0000-7000-8000-000000000000' }, {
      day: 4_000_000,
    } as object);
    expect(await openScratchLedger(scratch.db, third.executionId).stateSet()).toEqual(['sent']);
  });

  test('of two messages of a day, whose tokens are equal, each complaint is written down, and once', async () => {
    const messages = [await sent(), await sent()];
    for (const sending of [...messages, ...messages]) {
      await report(sending, { reported: { kind: 'complaint' } } as object);
    }
    const history = await scratch.db
      .selectFrom('consent_history')
      .select('message_id')
      .where('sandbox_id', '=', scope.sandboxId)
      .where('source', '=', 'complaint')
      .orderBy('id')
      .execute();
    expect(history.map(({ message_id }) => message_id)).toEqual(messages.map(({ messageId }) => messageId));
    for (const { executionId } of messages) {
      const events = await openScratchLedger(scratch.db, executionId).events();
      expect(events.filter((type) => type === 'complained')).toHaveLength(1);
    }
  });
});
