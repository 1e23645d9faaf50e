import type { DeliveryList, SuppressionReason } from '@adieu/core';
import { parseListedValue } from '@adieu/core';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type ListEntry, putEntries, removeEntry } from './delivery-list.ts';
import type { StoredEntry } from './delivery-list-page.ts';
import { allowedListSize, findEntries, listEntries, setAllowedList } from './delivery-list-page.ts';
import type { ClaimedMessage } from './lease.ts';
import type { Scope } from './scope.ts';
import { addressStanding, SANDBOX_RULES, STANDING, sandboxRules, standingOfEach } from './standing.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  createScratchTenant,
  expandAll,
  importScratchProfiles,
} from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let scope: Scope;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
});

function entry(value: string, reason: SuppressionReason = 'manual'): ListEntry {
  const kind = value.includes('@') ? 'email' : 'domain';
  const parsed = parseListedValue(kind, value);
  if (!parsed.ok) throw new Error(parsed.detail);
  return { kind, ...parsed.value, reason, comment: null, author: null };
}

async function findEntry(which: Parameters<typeof removeEntry>[2]): Promise<StoredEntry | null> {
  const [found] = await findEntries(scratch.db, scope, { ...which, keys: [which.key] });
  return found ?? null;
}

function put(list: DeliveryList, ...values: (string | ListEntry)[]): Promise<boolean[]> {
  const entries = values.map((value) => (typeof value === 'string' ? entry(value) : value));
  return putEntries(scratch.db, scope, { list, source: 'admin', entries });
}

async function versionOf(address: string): Promise<number | undefined> {
  const row = await scratch.db
    .selectFrom('address')
    .select('standing_version as version')
    .where('sandbox_id', '=', scope.sandboxId)
    .where('key', '=', address)
    .executeTakeFirst();
  return row?.version;
}

async function events(): Promise<{ type: string; profile_id: number | null; source: string | null }[]> {
  return scratch.db
    .selectFrom('event')
    .select(['type', 'profile_id', 'source'])
    .where('sandbox_id', '=', scope.sandboxId)
    .execute();
}

async function claimed(): Promise<Record<string, ClaimedMessage>> {
  const executionId = await createScratchExecution(scratch.db, scope);
  await expandAll(scratch.db, executionId);
  const { messages } = await claimScratchBatch(scratch.db, executionId);
  return Object.fromEntries(messages.map((message) => [message.identity, message]));
}

describe('writing', () => {
  test('X10 an address is suppressed once: its version and its event come with the first entry only', async () => {
    await importScratchProfiles(scratch.db, scope, 1);
    expect(await put('suppressed', 'P0@Example.com')).toEqual([true]);
    expect(await versionOf('p0@example.com')).toBe(2);
    expect(await put('suppressed', 'p0@example.com', 'p0@EXAMPLE.com')).toEqual([false, false]);
    expect(await versionOf('p0@example.com')).toBe(2);
    expect(await events()).toMatchObject([{ type: 'suppressed', source: 'admin' }]);
    const listings = { suppressed: 'manual', domainSuppressed: false, allowed: false };
    const parsed = { key: 'p0@example.com' } as Parameters<typeof addressStanding>[2];
    expect((await addressStanding(scratch.db, scope, parsed)).listings).toEqual(listings);
  });

  test('X10 an address without a row gets one, so that an intent has something to lock', async () => {
    expect(await put('suppressed', 'nobody@example.com')).toEqual([true]);
    expect(await versionOf('nobody@example.com')).toBe(2);
    expect(await events()).toEqual([]);
    expect(await put('allowed', 'somebody@example.com', 'example.com')).toEqual([true, true]);
    expect(await versionOf('somebody@example.com')).toBe(2);
  });

  test('X10 a complaint gives way to every other reason, and no other reason to anything', async () => {
    const reasonOf = async () =>
      (await findEntry({ list: 'suppressed', kind: 'email', key: 'a@example.com' }))?.reason;
    await put('suppressed', entry('a@example.com', 'complaint'));
    expect(await put('suppressed', entry('a@example.com', 'hard'))).toEqual([false]);
    expect(await reasonOf()).toBe('hard');
    expect(await versionOf('a@example.com')).toBe(3);
    await put('suppressed', entry('a@example.com', 'complaint'), entry('a@example.com', 'soft'));
    expect(await reasonOf()).toBe('hard');
    expect(await versionOf('a@example.com')).toBe(3);
    // Within one group, too.
    expect(await put('suppressed', entry('b@example.com', 'complaint'), entry('b@example.com'))).toEqual([
      true,
      false,
    ]);
    const b = { list: 'suppressed', kind: 'email', key: 'b@example.com' } as const;
    expect(await findEntry(b)).toMatchObject({ reason: 'manual' });
  });

  test('X10 taking an entry off raises the version again, and a second time does nothing', async () => {
    await put('suppressed', 'a@example.com', 'example.com');
    const which = { list: 'suppressed', kind: 'email', key: 'a@example.com' } as const;
    expect(await removeEntry(scratch.db, scope, { ...which, list: 'allowed' })).toBe(false);
    expect(await removeEntry(scratch.db, scope, which)).toBe(true);
    expect(await versionOf('a@example.com')).toBe(3);
    expect(await removeEntry(scratch.db, scope, which)).toBe(false);
    expect(await versionOf('a@example.com')).toBe(3);
    expect(await findEntry(which)).toBeNull();
    const domain = { list: 'suppressed', kind: 'domain', key: 'example.com' } as const;
    expect(await findEntry(domain)).toMatchObject({ spelling: 'example.com' });
  });

  test('writers of the same entries at the same time add each once', async () => {
    const values = Array.from({ length: 50 }, (_, index) => `p${index}@example.com`);
    const writers = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        put('suppressed', ...(index % 2 ? values : values.toReversed())),
      ),
    );
    expect(writers.flat().filter((isNew) => isNew)).toHaveLength(50);
    expect(await versionOf('p7@example.com')).toBe(2);
  });

  test('one sandbox knows nothing of the lists of another', async () => {
    await put('suppressed', 'p0@example.com', 'example.com');
    scope = await createScratchTenant(scratch.db);
    await importScratchProfiles(scratch.db, scope, 1);
    expect((await claimed()).p0).toMatchObject({ suppressed: null, domainSuppressed: false });
  });
});

describe('reading', () => {
  test('each look into a list goes by its primary key, also while the planner knows nothing of the table', async () => {
    const { rows } = await sql<{ 'QUERY PLAN': string }>`${sql.raw(
      `EXPLAIN SELECT ${STANDING} FROM message m ${standingOfEach('m')} WHERE m.execution_id = 1`,
    )}`.execute(scratch.db);
    const looks = rows.map((row) => row['QUERY PLAN']).filter((line) => line.includes('on delivery_list'));
    expect(looks).toHaveLength(4);
    for (const look of looks) expect(look).toContain('using delivery_list_pkey');
  });

  test('what is on the allowed list is asked by its primary key, also where both lists are long', async () => {
    await sql`DELETE FROM delivery_list`.execute(scratch.db);
    await sql`INSERT INTO delivery_list (sandbox_id, list, kind, key, spelling)
      SELECT ${scope.sandboxId}::integer, CASE WHEN n % 4 = 0 THEN 'allowed' ELSE 'suppressed' END, 'email', k, k
      FROM generate_series(1, 40000) n CROSS JOIN LATERAL (SELECT 'long' || n || '@example.com' AS k) x`.execute(
      scratch.db,
    );
    await sql`ANALYZE delivery_list`.execute(scratch.db);
    const { rows } = await sql<{ 'QUERY PLAN': string }>`${sql.raw(
      `EXPLAIN SELECT ${SANDBOX_RULES} FROM sandbox s WHERE s.id = ${scope.sandboxId}`,
    )}`.execute(scratch.db);
    const looks = rows.map((row) => row['QUERY PLAN']).filter((line) => line.includes('on delivery_list'));
    expect(looks).toHaveLength(2);
    for (const look of looks) expect(look).toContain('using delivery_list_pkey');
  });

  test('X10 X11 a claim brings what the lists say of each address, and domains are exact', async () => {
    await importScratchProfiles(scratch.db, scope, 4);
    await put('suppressed', entry('p1@example.com', 'complaint'), 'mail.example.com');
    await put('allowed', 'p2@example.com');
    const messages = await claimed();
    expect(messages.p0).toMatchObject({ suppressed: null, domainSuppressed: false, allowed: false });
    expect(messages.p1).toMatchObject({ suppressed: 'complaint', domainSuppressed: false, allowed: false });
    expect(messages.p2).toMatchObject({ suppressed: null, domainSuppressed: false, allowed: true });
    await put('suppressed', 'EXAMPLE.com');
    await put('allowed', 'example.com');
    const later = Object.values(await claimed());
    expect(later.map((message) => [message.domainSuppressed, message.allowed])).toEqual(
      later.map(() => [true, true]),
    );
  });

  test('X11 a claim tells whether the allowed list is active, and whether it holds domains only', async () => {
    const state = async () => (await sandboxRules(scratch.db, scope)).allowedList;
    expect(await state()).toBe('off');
    await put('allowed', 'example.com');
    expect(await state()).toBe('off');
    await setAllowedList(scratch.db, scope, true);
    expect(await state()).toBe('domains');
    await put('allowed', 'a@example.com');
    expect(await state()).toBe('on');
    expect(await allowedListSize(scratch.db, scope)).toEqual({ active: true, addresses: 1, domains: 1 });
    await removeEntry(scratch.db, scope, { list: 'allowed', kind: 'domain', key: 'example.com' });
    await removeEntry(scratch.db, scope, { list: 'allowed', kind: 'email', key: 'a@example.com' });
    expect(await state()).toBe('on');
    await importScratchProfiles(scratch.db, scope, 1);
    const executionId = await createScratchExecution(scratch.db, scope);
    await expandAll(scratch.db, executionId);
    expect((await claimScratchBatch(scratch.db, executionId)).defaults).toEqual({
      strict: false,
      meanings: {},
      allowedList: 'on',
      policies: [],
    });
  });

  test.each([
    ['created', true],
    ['created', false],
    ['key', true],
    ['key', false],
  ] as const)(
    'pages by %s (descending: %s) show each entry once, also those of one instant',
    async (order, descending) => {
      const values = Array.from({ length: 23 }, (_, index) => `p${index}@example.com`);
      await put('suppressed', ...values.slice(0, 15));
      await put('suppressed', ...values.slice(15));
      const seen: string[] = [];
      let start: Awaited<ReturnType<typeof listEntries>>['next'] | undefined;
      do {
        const request = { list: 'suppressed', kind: 'email', order, descending, limit: 4 } as const;
        const page = await listEntries(scratch.db, scope, start ? { ...request, start } : request);
        expect(page.total).toBe(23);
        expect(page.items.length).toBeLessThanOrEqual(4);
        seen.push(...page.items.map(({ key }) => key));
        start = page.next;
      } while (start !== null);
      expect([...seen].sort()).toEqual([...values].sort());
      const first = seen.indexOf('p0@example.com') < seen.indexOf('p22@example.com');
      if (order === 'created') expect(first).toBe(!descending);
      else expect(seen).toEqual(descending ? seen.toSorted().reverse() : seen.toSorted());
    },
  );
});
