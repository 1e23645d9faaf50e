import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { openDatabase } from './database.ts';
import { listMigrations, migrate } from './migration.ts';
import { drawSchema } from './testing/schema-picture.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';

const GOLDEN = new URL('../schema.sql', import.meta.url);

describe('migrations', () => {
  let empty: ScratchDatabase;
  beforeAll(async () => {
    empty = await openScratchDatabase({ empty: true });
  });
  afterAll(() => empty.close());

  test('ten programs that start at once migrate once', async () => {
    const programs = Array.from({ length: 10 }, () => openDatabase({ url: empty.url, poolSize: 2 }));
    const outcomes = await Promise.all(programs.map(({ db }) => migrate(db)));
    await Promise.all(programs.map((program) => program.close()));
    const latest = listMigrations().length;
    expect(outcomes.every(({ to }) => to === latest)).toBe(true);
    const applied = await empty.db
      .selectFrom('migration')
      .select(['number', 'name'])
      .orderBy('number')
      .execute();
    expect(applied).toEqual(listMigrations());
    expect(await migrate(empty.db)).toEqual({ from: latest, to: latest });
  });

  test('the migrated database is the golden schema.sql', async () => {
    await migrate(empty.db);
    expect(await drawSchema(empty.db)).toBe(readFileSync(GOLDEN, 'utf8'));
  });

  test('this month and the next have their tables', async () => {
    await migrate(empty.db);
    const { rows } = await sql<{ name: string }>`
      SELECT relname AS name FROM pg_class WHERE relispartition AND relkind = 'r' ORDER BY 1`.execute(
      empty.db,
    );
    const { rows: months } = await sql<{ suffix: string }>`
      SELECT to_char(m, 'YYYY_MM') AS suffix FROM generate_series(date_trunc('month', now() AT TIME ZONE 'UTC'),
        date_trunc('month', now() AT TIME ZONE 'UTC') + interval '1 month', interval '1 month') m`.execute(
      empty.db,
    );
    expect(rows.map(({ name }) => name)).toEqual(
      ['event', 'message'].flatMap((table) => months.map(({ suffix }) => `${table}_${suffix}`)),
    );
  });

  test('a program that is older than its database refuses it', async () => {
    const newer = await openScratchDatabase();
    await newer.db.insertInto('migration').values({ number: 9_999, name: '9999-later.sql' }).execute();
    await expect(migrate(newer.db)).rejects.toMatchObject({ code: 'database_newer', temporary: false });
    await newer.close();
  });

  test('a migration that fails leaves nothing behind', async () => {
    const broken = await openScratchDatabase({ empty: true });
    // In the way of the first migration, near its end.
    await sql`CREATE FUNCTION ensure_month(wanted date) RETURNS integer LANGUAGE sql AS 'SELECT 1'`.execute(
      broken.db,
    );
    await expect(migrate(broken.db)).rejects.toThrow();
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::int AS count FROM pg_class WHERE relname IN ('organisation', 'message', 'migration')`.execute(
      broken.db,
    );
    expect(rows[0]?.count).toBe(0);
    await sql`DROP FUNCTION ensure_month(date)`.execute(broken.db);
    expect((await migrate(broken.db)).to).toBe(listMigrations().length);
    await broken.close();
  });
});
