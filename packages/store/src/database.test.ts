import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import pg from 'pg';
import { checkDatabase, openDatabase } from './database.ts';
import { prepared, run } from './statement.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';

describe('a pool', () => {
  let scratch: ScratchDatabase;
  let admin: pg.Client;
  beforeAll(async () => {
    scratch = await openScratchDatabase();
    admin = new pg.Client({ connectionString: scratch.url });
    await admin.connect();
  });
  afterAll(async () => {
    await admin.end();
    await scratch.close();
  });

  const disconnectAll = () =>
    admin.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );

  test('every session has the settings the statements rely on, whatever the server’s are', async () => {
    const { rows } = await sql<Record<string, string>>`
      SELECT current_setting('default_transaction_isolation') AS isolation, current_setting('synchronous_commit') AS durable,
        current_setting('timezone') AS timezone, current_setting('plan_cache_mode') AS plans`.execute(
      scratch.db,
    );
    expect(rows[0]).toEqual({
      isolation: 'read committed',
      durable: 'on',
      timezone: 'UTC',
      plans: 'force_generic_plan',
    });
  });

  test('numbers, dates and instants come back as what they are', async () => {
    const { rows } = await sql<Record<string, unknown>>`
      SELECT 1099511627775::int8 AS number, date '2026-11-01' AS month, '2026-11-21T10:00:00Z'::timestamptz AS at, NULL::int8 AS none`.execute(
      scratch.db,
    );
    expect(rows[0]).toEqual({
      number: 1_099_511_627_775,
      month: '2026-11-01',
      at: new Date('2026-11-21T10:00:00Z'),
      none: null,
    });
  });

  test('a prepared statement is planned once per connection', async () => {
    const statement = prepared<{ twice: number }>('test_twice', 'SELECT $1::int * 2 AS twice');
    const { db, close } = openDatabase({ url: scratch.url, poolSize: 1 });
    for (const number of [1, 2, 3])
      expect(await run(db, statement, [number])).toEqual([{ twice: 2 * number }]);
    const { rows } = await sql<{ plans: number }>`
      SELECT generic_plans + custom_plans AS plans FROM pg_prepared_statements WHERE name = 'test_twice'`.execute(
      db,
    );
    expect(rows[0]?.plans).toBe(3);
    await close();
  });

  test('connections that the server closed, idle or busy, are replaced', async () => {
    const { db, close } = openDatabase({ url: scratch.url, poolSize: 3 });
    const busy = sql`SELECT pg_sleep(60)`.execute(db);
    busy.catch(() => undefined);
    await sql`SELECT 1`.execute(db);
    await disconnectAll();
    await expect(busy).rejects.toMatchObject({ code: 'database_unavailable', temporary: true });
    for (;;) {
      try {
        await checkDatabase(db);
        break;
      } catch (error) {
        expect(error).toMatchObject({ code: 'database_unavailable' });
      }
    }
    await close();
  });

  test('a transaction whose connection is lost fails as temporary, wherever it was', async () => {
    const { db, close } = openDatabase({ url: scratch.url, poolSize: 2 });
    const lost = db.transaction().execute(async (transaction) => {
      await sql`SELECT 1`.execute(transaction);
      await disconnectAll();
      await sql`SELECT 1`.execute(transaction);
    });
    await expect(lost).rejects.toMatchObject({ code: 'database_unavailable', temporary: true });
    await sql`SELECT 1`.execute(db).catch(() => undefined);
    await checkDatabase(db);
    await close();
  });

  test('a database that is not there is unavailable, and closing is still possible, twice', async () => {
    const nowhere = openDatabase({ url: scratch.url.replace(/:\d+\//, ':1/') });
    await expect(checkDatabase(nowhere.db)).rejects.toMatchObject({
      code: 'database_unavailable',
      temporary: true,
    });
    await nowhere.close();
    await nowhere.close();
    await expect(checkDatabase(nowhere.db)).rejects.toMatchObject({ code: 'database_unavailable' });
    const unused = openDatabase({ url: scratch.url });
    await unused.close();
  });

  test('a pool whose connections are all busy fails as temporary instead of hanging', async () => {
    const { db, close } = openDatabase({ url: scratch.url, poolSize: 1 });
    const holding = sql`SELECT pg_sleep(7)`.execute(db);
    await expect(checkDatabase(db)).rejects.toMatchObject({ code: 'database_unavailable' });
    await holding;
    await close();
  });
});
