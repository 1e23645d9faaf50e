import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { Db } from './database.ts';
import { createExecution, executionCounts } from './execution.ts';
import { listMessages } from './message-list.ts';
import { recordOptOuts } from './opt-out.ts';
import { forgetReports } from './report.ts';
import { dropOldMonths } from './retention.ts';
import type { Scope } from './scope.ts';
import { sweep } from './sweep.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
} from './testing/scratch-tenant.ts';

describe('retention', () => {
  let scratch: ScratchDatabase;
  let db: Db;
  let scope: Scope;
  beforeEach(async () => {
    scratch = await openScratchDatabase();
    db = scratch.db;
    scope = await createScratchTenant(db);
    await importScratchProfiles(db, scope, 3);
  });
  afterEach(() => scratch.close());

  /** An execution of so many days ago; `done`: nothing in it will be sent any more. */
  async function executionOf(daysAgo: number, done = true): Promise<number> {
    const id = await createScratchExecution(db, scope);
    const days = sql`make_interval(days => ${daysAgo})`;
    await sql`UPDATE execution SET created_at = created_at - ${days} WHERE id = ${id}`.execute(db);
    await expandAll(db, id);
    if (done)
      await sql`UPDATE batch SET due_at = NULL, ends_at = NULL WHERE execution_id = ${id}`.execute(db);
    return id;
  }

  async function months(): Promise<string[]> {
    const { rows } = await sql<{ name: string }>`SELECT relname AS name FROM pg_class
      WHERE relispartition AND relkind = 'r' ORDER BY 1`.execute(db);
    return rows.map(({ name }) => name);
  }

  test('drops what is old with its executions and batches, and nothing else', async () => {
    const before = await months();
    const old = [await executionOf(200), await executionOf(900)];
    const kept = [await executionOf(0), await executionOf(40)];
    const { dropped, open, busy } = await dropOldMonths(db, 90);
    expect([dropped.length, open, busy]).toEqual([2, [], []]);
    for (const id of old) {
      expect(await executionCounts(db, scope, id)).toBeNull();
      expect(await listMessages(db, scope, id)).toBeNull();
      const rows = await db.selectFrom('batch').select('no').where('execution_id', '=', id).execute();
      expect(rows).toEqual([]);
    }
    for (const id of kept)
      expect(await executionCounts(db, scope, id)).toMatchObject({ counts: { queued: 3 } });
    expect(await months()).toEqual(expect.arrayContaining(before));
    expect((await months()).length - before.length).toBeLessThanOrEqual(4);
    // Nothing that is left stumbles over what is gone.
    await sweep(db, { dataTimeoutSeconds: 600 });
    expect(await dropOldMonths(db, 90)).toEqual({ dropped: [], open: [], busy: [] });
  });

  test('a month is old when its last day is', async () => {
    const { rows } = await sql<{ ends: number }>`SELECT (now() AT TIME ZONE 'UTC')::date
      - date_trunc('month', now() AT TIME ZONE 'UTC')::date AS ends`.execute(db);
    // The last month ended so many days ago.
    const ended = rows[0]?.ends ?? 0;
    await executionOf(ended + 10);
    expect((await dropOldMonths(db, ended + 1)).dropped).toEqual([]);
    expect((await dropOldMonths(db, ended)).dropped).toHaveLength(1);
  });

  test('a month in which something may still be sent stays whole', async () => {
    const id = await executionOf(200, false);
    await sql`UPDATE batch SET ends_at = NULL WHERE execution_id = ${id}`.execute(db);
    expect(await dropOldMonths(db, 90)).toMatchObject({ dropped: [], open: [expect.any(String)] });
    expect(await executionCounts(db, scope, id)).toMatchObject({ counts: { queued: 3 } });

    await sql`UPDATE batch SET due_at = NULL, ends_at = NULL, owner = 'w', lease_until = now() WHERE execution_id = ${id}`.execute(
      db,
    );
    expect((await dropOldMonths(db, 90)).dropped).toEqual([]);
    await sql`UPDATE batch SET owner = NULL, lease_until = NULL WHERE execution_id = ${id}`.execute(db);
    await sql`UPDATE execution SET expanded_at = NULL WHERE id = ${id}`.execute(db);
    expect((await dropOldMonths(db, 90)).dropped).toEqual([]);
    await sql`UPDATE execution SET expanded_at = now() WHERE id = ${id}`.execute(db);
    expect((await dropOldMonths(db, 90)).dropped).toHaveLength(1);
  });

  test('a month that somebody reads is left for later, and what was begun is finished then', async () => {
    const id = await executionOf(200);
    await db.transaction().execute(async (reader) => {
      await sql`SELECT count(*) FROM message`.execute(reader);
      expect(await dropOldMonths(db, 90)).toMatchObject({ dropped: [], busy: [expect.any(String)] });
    });
    expect(await executionCounts(db, scope, id)).toBeNull();
    expect((await dropOldMonths(db, 90)).dropped).toHaveLength(1);
  });

  test('several processes may at once', async () => {
    await executionOf(200);
    await executionOf(300);
    const rounds = await Promise.all(Array.from({ length: 5 }, () => dropOldMonths(db, 90)));
    expect(rounds.flatMap(({ open }) => open)).toEqual([]);
    await dropOldMonths(db, 90);
    expect(await dropOldMonths(db, 90)).toEqual({ dropped: [], open: [], busy: [] });
  });

  test('who was written to in a month long gone can still leave, and the request id is free again', async () => {
    const id = await executionOf(200);
    const message = await db
      .selectFrom('message')
      .select('id')
      .where('execution_id', '=', id)
      .executeTakeFirstOrThrow();
    const { request_id: requestId } = await db
      .selectFrom('execution')
      .select('request_id')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    await dropOldMonths(db, 90);
    const [recorded] = await recordOptOuts(db, [
      {
        organisation: scope.organisation,
        sandbox: scope.sandbox,
        who: {
          by: 'identity',
          namespace: 'CRMID',
          id: 'p1',
          addressNamespace: 'Email',
          address: 'p1@example.com',
        },
        scope: 'channel',
        source: 'header_post',
        messageId: message.id,
        fingerprint: '0123456789abcdef',
        at: new Date(),
      },
    ]);
    expect(recorded).toMatchObject({ known: true, changed: true });
    const history = await db.selectFrom('consent_history').select(['to_value', 'message_id']).execute();
    expect(history).toEqual([{ to_value: 'n', message_id: message.id }]);
    const again = await createExecution(db, scope, {
      requestId,
      channelConfiguration: 'newsletter',
      template: 'spring',
      audience: { all: true },
    });
    expect(again.created).toBe(true);
  });

  describe('IN-21 of reports that were heard', () => {
    /** One of each of these ages in days, each of them a digest of its own. */
    async function hear(...ages: readonly number[]): Promise<void> {
      for (const [index, age] of ages.entries())
        await sql`INSERT INTO heard_report (sandbox_id, digest, heard_at)
          VALUES (${scope.sandboxId}, ${Buffer.alloc(32, index)}, now() - make_interval(days => ${age}))`.execute(
          db,
        );
    }

    async function heard(): Promise<number[]> {
      const rows = await db.selectFrom('heard_report').select('digest').orderBy('heard_at', 'desc').execute();
      return rows.map(({ digest }) => digest[0] ?? -1);
    }

    test('those that are old are forgotten', async () => {
      await hear(91, 89, 0);
      await dropOldMonths(db, 90);
      expect(await heard()).toEqual([2, 1]);
    });

    test('those of a flood that came first are forgotten', async () => {
      await hear(3, 1, 2, 0);
      await forgetReports(db, 90, 4);
      expect(await heard()).toHaveLength(4);
      await forgetReports(db, 90, 2);
      expect(await heard()).toEqual([3, 1]);
    });
  });
});
