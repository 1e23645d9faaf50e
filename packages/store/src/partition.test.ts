import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { sql } from 'kysely';
import { ensurePartitions, findMonthOf, firstOfMonth, monthOf, withPartitions } from './partition.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';

describe('months', () => {
  let scratch: ScratchDatabase;
  beforeAll(async () => {
    scratch = await openScratchDatabase();
  });
  afterAll(() => scratch.close());

  test('the id of a message tells its month, as the database itself would', async () => {
    const instants = fc.sample(
      fc.date({ min: new Date(0), max: new Date('2200-01-01'), noInvalidDate: true }),
      200,
    );
    const { rows } = await sql<{ id: string; month: string }>`
      SELECT new_message_id(t) AS id, date_trunc('month', t AT TIME ZONE 'UTC')::date AS month
      FROM unnest(${instants.map((instant) => instant.toISOString())}::timestamptz[]) AS t`.execute(
      scratch.db,
    );
    for (const { id, month } of rows) expect(monthOf(id)).toBe(month);
  });

  test('message ids are UUIDs of version 7 that differ', async () => {
    const { rows } = await sql<{ id: string }>`
      SELECT new_message_id(now()) AS id FROM generate_series(1, 10000)`.execute(scratch.db);
    expect(new Set(rows.map(({ id }) => id)).size).toBe(10_000);
    for (const { id } of rows)
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  test.each([
    '',
    'x',
    '00000000-0000-4000-8000-000000000000',
    'ffffffff-ffff-7fff-bfff-ffffffffffff',
    "'; DROP TABLE message; --",
  ])('what is no message id has no month: %j', (text) => {
    expect(findMonthOf(text)).toBeNull();
    expect(() => monthOf(text)).toThrow(RangeError);
  });

  test('the last millisecond of a month belongs to it', () => {
    expect(firstOfMonth(new Date('2026-11-30T23:59:59.999Z'))).toBe('2026-11-01');
    expect(firstOfMonth(new Date('2026-12-01T00:00:00.000Z'))).toBe('2026-12-01');
  });

  test('ten processes may ensure the partitions at once', async () => {
    await sql`DROP TABLE ${sql.table(`message_${firstOfMonth(new Date()).slice(0, 7).replace('-', '_')}`)}`.execute(
      scratch.db,
    );
    await Promise.all(Array.from({ length: 10 }, () => ensurePartitions(scratch.db)));
    const { rows } = await sql<{ count: number }>`
      SELECT count(*)::int AS count FROM pg_class WHERE relispartition AND relkind = 'r'`.execute(scratch.db);
    expect(rows[0]?.count).toBe(4);
  });

  test('a statement that finds its month without a table creates it and runs again', async () => {
    const now = sql`date_trunc('month', now() AT TIME ZONE 'UTC')::date`;
    await sql`DROP TABLE ${sql.table(`event_${firstOfMonth(new Date()).slice(0, 7).replace('-', '_')}`)}`.execute(
      scratch.db,
    );
    await withPartitions(scratch.db, () =>
      sql`INSERT INTO event (month, sandbox_id, type) VALUES (${now}, 1, 'sent')`.execute(scratch.db),
    );
    expect(await scratch.db.selectFrom('event').select('type').execute()).toEqual([{ type: 'sent' }]);
  });
});
