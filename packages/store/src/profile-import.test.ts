import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import pg from 'pg';
import { consentHistory } from './consent-history.ts';
import type { StoredProfile } from './profile.ts';
import { findProfile, profileConsents } from './profile.ts';
import { importProfiles } from './profile-import.ts';
import type { ProfileRecord } from './profile-record.ts';
import type { Scope } from './scope.ts';
import { ensureSandbox } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { createScratchTenant } from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let scope: Scope;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scope = await createScratchTenant(scratch.db);
});

async function take(...records: Omit<ProfileRecord, 'line'>[]) {
  return importProfiles(
    scratch.db,
    scope,
    records.map((record, index) => ({ line: index + 1, ...record })),
  );
}

async function profile(namespace: string, id: string): Promise<StoredProfile> {
  const found = await findProfile(scratch.db, scope, namespace, id);
  if (found === null) throw new Error(`no profile ${namespace} ${id}`);
  return found;
}

async function countProfiles(): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM profile WHERE sandbox_id = ${scope.sandboxId}`.execute(scratch.db);
  return rows[0]?.count ?? 0;
}

const email = (val: string) => ({ marketing: { email: { val } } });
const idSpecific = (address: string, val: string, namespace = 'Email') => ({
  idSpecific: { [namespace]: { [address]: email(val) } },
});

describe('matching people', () => {
  test('a record creates a profile with its identities, address and attributes', async () => {
    const attributes = { person: { name: { firstName: 'Zoë' } } };
    const identities = { CRMID: '514', Email: 'John.Doe@Example.COM' };
    expect(await take({ identities, attributes })).toMatchObject({ upserted: 1, rejected: [] });
    expect(await profile('CRMID', '514')).toMatchObject({
      namespace: 'CRMID',
      identity: '514',
      identities,
      attributes,
      consents: {},
      address: { namespace: 'Email', key: 'john.doe@example.com', spelling: 'John.Doe@example.com' },
    });
  });

  test('X5: namespaces in any case, and spellings of an address, mean one person', async () => {
    await take({ identities: { Email: 'Anna@Exämple.com' }, attributes: { a: 1 } });
    await take({ identities: { EMAIL: ' anna@xn--exmple-cua.com ' }, attributes: { b: 2 } });
    expect(await countProfiles()).toBe(1);
    expect(await profile('email', 'ANNA@EXÄMPLE.COM')).toMatchObject({ attributes: { a: 1, b: 2 } });
    await take({ identities: { CrmId: '1' } }, { identities: { CRMID: '1' } });
    expect(await countProfiles()).toBe(2);
    await take({ identities: { CRMID: 'a' } }, { identities: { CRMID: 'A' } });
    expect(await countProfiles()).toBe(4);
  });

  test('an identity other than Email decides; the Email is then replaced', async () => {
    await take({ identities: { CRMID: '1', Email: 'old@example.com' } });
    await take({ identities: { CRMID: '1', Email: 'new@example.com' } });
    expect(await countProfiles()).toBe(1);
    expect(await profile('CRMID', '1')).toMatchObject({
      identities: { CRMID: '1', Email: 'new@example.com' },
      address: { key: 'new@example.com' },
    });
    expect(await findProfile(scratch.db, scope, 'Email', 'old@example.com')).toBeNull();
    // Somebody else may have the old address now.
    await take({ identities: { Email: 'old@example.com' } });
    expect(await countProfiles()).toBe(2);
    // And the person may come back to it.
    await take({ identities: { CRMID: '1', Email: 'old@example.com' } });
    expect((await profile('CRMID', '1')).address?.key).toBe('old@example.com');
  });

  test('an Email finds its person unless that person has another id in the same namespace', async () => {
    await take({ identities: { Email: 'shared@example.com' }, attributes: { first: true } });
    await take({ identities: { CRMID: '1', Email: 'shared@example.com' } });
    expect(await countProfiles()).toBe(1);
    expect((await profile('CRMID', '1')).attributes).toEqual({ first: true });
    await take({ identities: { CRMID: '2', Email: 'shared@example.com' } });
    expect(await countProfiles()).toBe(2);
    expect((await profile('CRMID', '2')).attributes).toEqual({});
    await take({ identities: { LoyaltyId: 'x', Email: 'shared@example.com' } });
    expect((await profile('LoyaltyId', 'x')).identities).toMatchObject({ CRMID: '1' });
  });

  test('identities that name two people are a conflict, and change nothing', async () => {
    await take({ identities: { CRMID: '1' } }, { identities: { LoyaltyId: 'x' } });
    const { upserted, rejected } = await take(
      { identities: { CRMID: '1', LoyaltyId: 'x' }, attributes: { lost: true } },
      { identities: { CRMID: '3' } },
    );
    expect({ upserted, rejected }).toMatchObject({
      upserted: 1,
      rejected: [{ line: 1, code: 'identity_conflict' }],
    });
    expect((await profile('CRMID', '1')).attributes).toEqual({});
    await take({ identities: { CRMID: '1', LoyaltyId: 'y' } });
    const again = await take({ identities: { LoyaltyId: 'y', CRMID: '9' } });
    expect(again.rejected).toMatchObject([{ code: 'identity_conflict' }]);
  });

  test('records of one person in one call are taken in order', async () => {
    const outcome = await take(
      { identities: { CRMID: '1', Email: 'a@example.com' }, attributes: { n: 1, first: true } },
      { identities: { Email: 'a@example.com' }, attributes: { n: 2 }, consents: email('y') },
      { identities: { CRMID: '1', Email: 'b@example.com' }, attributes: { n: 3 }, consents: email('n') },
      { identities: { Email: 'b@example.com' }, attributes: { n: 4 }, consents: email('y') },
    );
    expect(outcome).toMatchObject({ upserted: 4, rejected: [] });
    expect(await countProfiles()).toBe(1);
    expect(await profile('CRMID', '1')).toMatchObject({
      attributes: { n: 4, first: true },
      consents: { marketing: { email: { val: 'n' } } },
      address: { key: 'b@example.com' },
    });
    const history = await consentHistory(scratch.db, scope, await profile('CRMID', '1'));
    expect(history.map(({ from, to }) => `${from}>${to}`)).toEqual(['y>n', 'u>y']);
  });

  test('imports at once of the same people make each of them once', async () => {
    const records = Array.from({ length: 50 }, (_, index) => ({
      identities: { CRMID: `c${index}`, Email: `c${index}@example.com` },
      consents: { ...email('y'), ...idSpecific(`c${(index + 7) % 50}@example.com`, 'y') },
    }));
    await Promise.all([
      take(...records),
      take(...records.toReversed()),
      take(...records),
      take(...records.toReversed()),
    ]);
    expect(await countProfiles()).toBe(50);
  });

  test('people of one sandbox are unknown to another', async () => {
    await take({ identities: { CRMID: '1', Email: 'a@example.com' } });
    const other = await ensureSandbox(scratch.db, scope.organisation, 'dev');
    expect(await findProfile(scratch.db, other, 'CRMID', '1')).toBeNull();
    await importProfiles(scratch.db, other, [{ line: 1, identities: { Email: 'a@example.com' } }]);
    expect((await findProfile(scratch.db, other, 'Email', 'a@example.com'))?.identities).toEqual({
      Email: 'a@example.com',
    });
  });

  test('a bad record is rejected with its line and code; the others are taken', async () => {
    const bad: [Omit<ProfileRecord, 'line'>, string][] = [
      [{}, 'identities_required'],
      [{ identities: {} }, 'identities_required'],
      [{ identities: ['x'] }, 'identities_required'],
      [{ identities: { CRMID: 5 } }, 'identity_invalid'],
      [{ identities: { CRMID: ' ' } }, 'identity_invalid'],
      [{ identities: { CRMID: 'a\0b' } }, 'identity_invalid'],
      [{ identities: { CRMID: 'x'.repeat(513) } }, 'identity_invalid'],
      [{ identities: { crmid: 'a', CRMID: 'b' } }, 'identity_invalid'],
      [{ identities: { Email: 'no address' } }, 'address_malformed'],
      [{ identities: { CRMID: '1' }, attributes: [] }, 'attributes_invalid'],
      [{ identities: { CRMID: '1' }, attributes: { a: 'x\0' } }, 'attributes_invalid'],
      [{ identities: { CRMID: '1' }, attributes: { a: '\ud800' } }, 'attributes_invalid'],
      [{ identities: { CRMID: '1' }, consents: email('maybe') }, 'consents_invalid'],
    ];
    const { upserted, rejected } = await take(...bad.map(([record]) => record), {
      identities: { CRMID: 'good' },
    });
    expect(upserted).toBe(1);
    expect(rejected.map(({ line, code }) => [line, code])).toEqual(
      bad.map(([, code], index) => [index + 1, code]),
    );
  });
});

describe('consents of an import', () => {
  test('X1: what a profile says and what is said of its address come back as one document', async () => {
    const consents = {
      marketing: {
        any: { val: 'y' },
        email: {
          val: 'y',
          time: '2026-01-01T00:00:00Z',
          subscriptions: { weekly: { start: '2026-01-01T00:00:00Z' } },
        },
      },
      personalize: { content: { val: 'n' } },
      idSpecific: {
        Email: {
          'a@example.com': { marketing: { email: { val: 'n', reason: 'bounced' } }, adID: { val: 'n' } },
        },
      },
    };
    await take({ identities: { Email: 'a@example.com' }, consents });
    const stored = await profile('Email', 'a@example.com');
    expect(profileConsents(stored)).toEqual(consents);
    expect(stored.consents).not.toHaveProperty('idSpecific');
    expect(stored.address?.consents).toEqual({ email: { val: 'n', reason: 'bounced' } });
  });

  test('X7: an import never lifts a no: not of the channel, of an address, of a list', async () => {
    await take({
      identities: { CRMID: '1', Email: 'a@example.com' },
      consents: { ...email('n'), ...idSpecific('a@example.com', 'n') },
    });
    const list = (subscription: object) => ({
      marketing: { email: { subscriptions: { weekly: subscription } } },
    });
    await take({ identities: { CRMID: '1' }, consents: list({ end: '2026-01-01T00:00:00Z' }) });
    const before = await profile('CRMID', '1');
    const { upserted } = await take(
      {
        identities: { CRMID: '1' },
        consents: { ...email('y'), ...idSpecific('A@example.com', 'y', 'EMAIL') },
      },
      { identities: { CRMID: '1' }, consents: list({ start: '2026-06-01T00:00:00Z' }) },
    );
    expect(upserted).toBe(2);
    const after = await profile('CRMID', '1');
    expect(profileConsents(after)).toEqual(profileConsents(before));
    expect(after.standingVersion).toBe(before.standingVersion);
    expect(after.address?.standingVersion).toBe(before.address?.standingVersion);
    expect(await consentHistory(scratch.db, scope, after)).toHaveLength(3);
  });

  test.each(['profile', 'address'])(
    'X7: a no that commits while an import waits for the %s is not written over',
    async (table) => {
      await take({ identities: { CRMID: '1', Email: 'a@example.com' } });
      const session = new pg.Client({ connectionString: scratch.url });
      await session.connect();
      await session.query('BEGIN');
      await session.query(
        `UPDATE ${table} SET consents = '{"marketing":{"email":{"val":"n"}}}', standing_version = standing_version + 1
       WHERE sandbox_id = ${scope.sandboxId}`,
      );
      const imported = take({
        identities: { CRMID: '1' },
        consents: { ...email('y'), ...idSpecific('a@example.com', 'y') },
      });
      for (;;) {
        const { rows } = await session.query<{ waiting: boolean }>(
          "SELECT bool_or(wait_event_type = 'Lock') AS waiting FROM pg_stat_activity WHERE datname = current_database()",
        );
        if (rows[0]?.waiting === true) break;
      }
      await session.query('COMMIT');
      await session.end();
      expect(await imported).toMatchObject({ upserted: 1 });
      const { consents, address } = await profile('CRMID', '1');
      expect([consents.marketing?.email?.val, address?.consents.email?.val]).toEqual(
        table === 'profile' ? ['n', 'y'] : ['y', 'n'],
      );
    },
  );

  test('X8, C10: changes are in the history with their source, others are not', async () => {
    await take({
      identities: { CRMID: '1', Email: 'a@example.com' },
      consents: { marketing: { email: { val: 'y' }, sms: { val: 'n' } } },
    });
    await take({
      identities: { CRMID: '1' },
      consents: { marketing: { email: { val: 'y', time: '2026-02-02T00:00:00Z' } } },
    });
    await take({ identities: { CRMID: '1' }, consents: idSpecific('A@example.com', 'n') });
    expect(await consentHistory(scratch.db, scope, await profile('CRMID', '1'))).toEqual([
      {
        at: expect.any(String),
        scope: 'identity',
        channel: 'email',
        address: 'a@example.com',
        from: 'u',
        to: 'n',
        source: 'import',
      },
      { at: expect.any(String), scope: 'channel', channel: 'sms', from: 'u', to: 'n', source: 'import' },
      { at: expect.any(String), scope: 'channel', channel: 'email', from: 'u', to: 'y', source: 'import' },
    ]);
    const events = await scratch.db
      .selectFrom('event')
      .select(['type', 'source'])
      .where('sandbox_id', '=', scope.sandboxId)
      .execute();
    expect(events).toEqual([{ type: 'opted_out', source: 'import' }]);
  });

  test('a version grows exactly when consents change', async () => {
    await take({ identities: { CRMID: '1', Email: 'a@example.com' }, consents: email('y') });
    const first = await profile('CRMID', '1');
    await take({ identities: { CRMID: '1', Email: 'b@example.com' }, attributes: { a: 1 } });
    expect((await profile('CRMID', '1')).standingVersion).toBe(first.standingVersion);
    await take({ identities: { CRMID: '1' }, consents: email('n') });
    expect((await profile('CRMID', '1')).standingVersion).toBe(first.standingVersion + 1);
  });

  test('consents that change without their version are refused by the database itself', async () => {
    await take({ identities: { CRMID: '1', Email: 'a@example.com' } });
    const where = sql`WHERE sandbox_id = ${scope.sandboxId}`;
    for (const table of ['profile', 'address']) {
      const silent = sql`UPDATE ${sql.table(table)} SET consents = '{"marketing":{"email":{"val":"y"}}}' ${where}`;
      await expect(silent.execute(scratch.db)).rejects.toThrow('standing_version did not grow');
    }
  });
});
