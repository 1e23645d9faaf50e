import { randomUUID } from 'node:crypto';
import type { OptOut, OptOutScope } from '@adieu/core';
import { type Meter, SILENT } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { openDatabase } from './database.ts';
import { commitIntent } from './intent.ts';
import type { OptOutRecorder } from './opt-out-recorder.ts';
import { openOptOutRecorder } from './opt-out-recorder.ts';
import { settle } from './outcome.ts';
import type { Scope } from './scope.ts';
import { openSettleWatch } from './settle-watch.ts';
import { openCuttableLine } from './testing/cuttable-line.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
  SCRATCH,
} from './testing/scratch-tenant.ts';
import { lockTable } from './testing/table-lock.ts';
import { rowVersions } from './testing/table-walk.ts';

let scratch: ScratchDatabase;
let scope: Scope;
let recorder: OptOutRecorder;

beforeAll(async () => {
  scratch = await openScratchDatabase();
  recorder = openOptOutRecorder(scratch.database, { log: SILENT, patienceSeconds: 60 });
});
afterAll(async () => {
  await recorder.close();
  await scratch.close();
});
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
  await importScratchProfiles(scratch.db, scope, 40);
});

function optOut(person: number, level: OptOutScope = 'channel', differing: Partial<OptOut> = {}): OptOut {
  return {
    organisation: scope.organisation,
    sandbox: scope.sandbox,
    who: {
      by: 'identity',
      namespace: 'CRMID',
      id: `p${person}`,
      addressNamespace: 'Email',
      address: `p${person}@example.com`,
    },
    scope: level,
    source: 'header_post',
    fingerprint: 'f',
    at: new Date(),
    ...(level === 'subscription' ? { list: SCRATCH.list } : {}),
    ...differing,
  };
}

/** Puts everybody's message of a new execution on the wire. */
async function sendAll(differing: Parameters<typeof createScratchExecution>[2] = {}) {
  const executionId = await createScratchExecution(scratch.db, scope, differing);
  await expandAll(scratch.db, executionId);
  const { lease, messages } = await claimScratchBatch(scratch.db, executionId);
  const attemptId = randomUUID();
  expect((await commitIntent(scratch.db, lease, { attemptId, messages })).size).toBe(messages.length);
  const messageOf = (person: number) => messages.find(({ identity }) => identity === `p${person}`);
  return {
    messageOf,
    settleOf: async (person: number) => {
      const messageId = messageOf(person)?.messageId ?? '';
      await settle(scratch.db, [{ messageId, attemptId, state: 'sent' }]);
    },
  };
}

/** A meter that remembers what it was told, by metric and number; durations without. */
function openCounting(): { readonly meter: Meter; readonly counted: readonly string[] } {
  const counted: string[] = [];
  const meter: Meter = {
    counter:
      ({ name }) =>
      (_labels, by) => {
        if (by !== 0) counted.push(`${name} ${by}`);
      },
    histogram:
      ({ name }) =>
      (_labels, value) =>
        void counted.push(name.endsWith('_seconds') ? name : `${name} ${value}`),
    gauge: () => undefined,
  };
  return { meter, counted };
}

/** Tells whether a promise has been kept by now, after everything that was under way had its turn. */
async function isAnswered(answer: Promise<unknown>): Promise<boolean> {
  const late = new Promise<false>((resolve) => setTimeout(() => resolve(false), 200));
  return Promise.race([answer.then(() => true), late]);
}

describe('the recorder', () => {
  test('those who come together are stored by few commits, and each gets an answer of its own', async () => {
    const before = recorder.stats();
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        recorder.record(optOut(index % 50, index < 100 ? 'channel' : 'identity')),
      ),
    );
    // Twenty people had no row: their links are as valid as any.
    expect(answers.filter(({ changed }) => changed)).toHaveLength(100);
    expect(answers.filter(({ known }) => !known)).toHaveLength(0);
    expect(recorder.stats().recorded - before.recorded).toBe(200);
    expect(recorder.stats().groups - before.groups).toBeLessThan(20);
  });

  test('a poisonous row loses nobody else’s opt-out', async () => {
    // A row that the database refuses, as a future defect might make one.
    await sql`ALTER TABLE consent_history ADD CONSTRAINT poison CHECK (fingerprint <> 'poison')`.execute(
      scratch.db,
    );
    const answers = await Promise.allSettled([
      recorder.record(optOut(1)),
      recorder.record(optOut(2, 'channel', { fingerprint: 'poison' })),
      recorder.record(optOut(3)),
    ]);
    await sql`ALTER TABLE consent_history DROP CONSTRAINT poison`.execute(scratch.db);
    expect(answers).toMatchObject([
      { status: 'fulfilled', value: { changed: true, known: true } },
      { status: 'rejected', reason: { code: 'opt_out_not_stored', temporary: true } },
      { status: 'fulfilled', value: { changed: true, known: true } },
    ]);
    expect(await recorder.record(optOut(2))).toEqual({ changed: true, known: true });
  });

  test('an opt-out of a list that names no list is refused before it meets the others', async () => {
    const nameless = recorder.record({ ...optOut(1), scope: 'subscription' });
    await expect(nameless).rejects.toMatchObject({ code: 'list_required', temporary: false });
    await expect(recorder.record(optOut(1, 'channel', { at: new Date(Number.NaN) }))).rejects.toMatchObject({
      code: 'time_invalid',
    });
  });

  test('a rehearsal takes the way of an opt-out, with others and alone, and leaves nothing', async () => {
    const { meter, counted } = openCounting();
    const counting = openOptOutRecorder(scratch.database, { log: SILENT, meter });
    const before = await rowVersions(scratch.db);
    await counting.rehearse();
    expect(await rowVersions(scratch.db)).toEqual(before);
    expect(counted).toEqual([]);
    expect(counting.stats()).toEqual({ recorded: 0, groups: 0, acts: 0, reports: 0, overtaken: 0 });
    const [receipt] = await Promise.all([counting.record(optOut(1)), counting.rehearse()]);
    expect(receipt).toEqual({ changed: true, known: true });
    expect(counting.stats()).toMatchObject({ recorded: 1, groups: 1 });
    expect(counted).toEqual(['adieu_optout_group_size 1', 'adieu_optouts_total 1', 'adieu_optout_seconds']);
    await counting.close();
    await expect(counting.rehearse()).rejects.toMatchObject({ temporary: true });
  });

  test('a rehearsal waits as opt-outs do while one is not written, and fails as they do', async () => {
    const release = await lockTable(scratch.db, 'event');
    const answers = [recorder.record(optOut(1)), recorder.rehearse()];
    try {
      expect(await isAnswered(Promise.race(answers))).toBe(false);
      for (const answer of await Promise.allSettled(answers))
        expect(answer).toMatchObject({ reason: { code: 'database_unavailable', temporary: true } });
    } finally {
      await release();
    }
    await recorder.rehearse();
  });

  test('OC-7: while the database is away the answer is a temporary failure', async () => {
    const away = openDatabase({ url: scratch.url.replace(/:\d+\//, ':1/') });
    const deaf = openOptOutRecorder(away, { log: SILENT });
    const answers = await Promise.allSettled([deaf.record(optOut(1)), deaf.record(optOut(2))]);
    for (const answer of answers)
      expect(answer).toMatchObject({ reason: { code: 'database_unavailable', temporary: true } });
    await deaf.close();
    await away.close();
  });

  test('OC-7: a connection that goes silent is given up, and others are answered', async () => {
    const line = await openCuttableLine(scratch.url);
    const database = openDatabase({ url: line.url, poolSize: 1 });
    const recorder = openOptOutRecorder(database, { log: SILENT });
    expect(await recorder.record(optOut(0))).toMatchObject({ known: true });
    line.hush();
    await expect(recorder.record(optOut(1))).rejects.toMatchObject({
      code: 'database_unavailable',
      temporary: true,
    });
    expect(await recorder.record(optOut(1))).toMatchObject({ known: true });
    await recorder.close();
    await database.close();
    await line.cut();
  });

  test('a closed recorder has answered what it took, and takes no more', async () => {
    const short = openOptOutRecorder(scratch.database, { log: SILENT });
    const answers = [short.record(optOut(1)), short.record(optOut(2))];
    await short.close();
    expect(await Promise.all(answers)).toHaveLength(2);
    await expect(short.record(optOut(3))).rejects.toMatchObject({ temporary: true });
  });
});

describe('waiting for the wire', () => {
  test.each<[OptOutScope]>([['channel'], ['identity'], ['subscription']])(
    'OH-27: an opt-out of the %s is answered when the person’s messages of that scope have settled, and only those',
    async (level) => {
      const { settleOf } = await sendAll({ list: SCRATCH.list });
      const answer = recorder.record(optOut(1, level));
      expect(await isAnswered(answer)).toBe(false);
      await settleOf(2);
      expect(await isAnswered(answer)).toBe(false);
      await settleOf(1);
      expect(await answer).toEqual({ changed: true, known: true });
    },
  );

  test('OH-27: those who come while others are waiting are waited for as well', async () => {
    const { settleOf } = await sendAll();
    const people = Array.from({ length: 40 }, (_, person) => person);
    const answered: number[] = [];
    const answers: Promise<unknown>[] = [];
    for (const person of people) {
      answers.push(recorder.record(optOut(person)).then(() => answered.push(person)));
      // At any moment of the poll that the first of them began.
      await new Promise((resolve) => setTimeout(resolve, person % 7));
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(answered).toEqual([]);
    for (const person of people) await settleOf(person);
    await Promise.all(answers);
  });

  test('a repeat waits like the first', async () => {
    const { settleOf } = await sendAll();
    const first = recorder.record(optOut(1));
    const second = recorder.record(optOut(1));
    expect(await isAnswered(Promise.race([first, second]))).toBe(false);
    await settleOf(1);
    expect([await first, await second]).toEqual([
      { changed: true, known: true },
      { changed: false, known: true },
    ]);
  });

  test('an opt-out of an address waits for everybody who is being written to there', async () => {
    const recipients = [1, 2].map((person) => ({
      namespace: 'CRMID',
      id: `p${person}`,
      address: 'both@example.com',
    }));
    const { settleOf } = await sendAll({ recipients });
    const who = { ...optOut(1).who, address: 'Both@example.com' } as OptOut['who'];
    const answer = recorder.record(optOut(1, 'identity', { who }));
    await settleOf(1);
    expect(await isAnswered(answer)).toBe(false);
    await settleOf(2);
    expect(await answer).toEqual({ changed: true, known: true });
  });

  test('mail that is owed, and other lists, are not waited for', async () => {
    const before = recorder.stats().overtaken;
    await sendAll({ channelConfiguration: SCRATCH.transactional });
    expect(await recorder.record(optOut(1))).toEqual({ changed: true, known: true });
    await sendAll();
    expect(await recorder.record(optOut(2, 'subscription'))).toEqual({ changed: true, known: true });
    // Had they been waited for, they would have been given up in the end, and counted.
    expect(recorder.stats().overtaken).toBe(before);
  });

  test('what is still being sent when the time is over is counted as overtaken, and the log names the message', async () => {
    const { messageOf } = await sendAll();
    const lines: object[] = [];
    const log = { ...SILENT, warn: (fields: object) => void lines.push(fields) };
    const hasty = openOptOutRecorder(scratch.database, { log, patienceSeconds: 0.05 });
    expect(await hasty.record(optOut(1))).toEqual({ changed: true, known: true });
    expect(hasty.stats()).toEqual({ recorded: 1, groups: 1, acts: 0, reports: 0, overtaken: 1 });
    expect(lines).toEqual([{ messages: [messageOf(1)?.messageId] }]);
    await hasty.close();
  });

  test('OH-27: a database that goes away after the commit is asked again what is being sent', async () => {
    const { messageOf, settleOf } = await sendAll();
    const line = await openCuttableLine(scratch.url);
    const database = openDatabase({ url: line.url });
    const recorded = {
      known: true,
      changed: true,
      scope: 'channel',
      profileId: messageOf(1)?.profileId ?? null,
      addressId: null,
      listNumber: null,
    } as const;
    await line.cut();
    const answer = openSettleWatch(database.db, 60).wait([recorded]);
    expect(await isAnswered(answer)).toBe(false);
    await line.mend();
    expect(await isAnswered(answer)).toBe(false);
    await settleOf(1);
    expect(await answer).toEqual([[]]);
    await database.close();
    await line.cut();
  });
});
