import { generateKeyRing, parseKeyRing } from '@adieu/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { countBounces } from './bounce.ts';
import { commitIntent } from './intent.ts';
import { giveBack, settle } from './outcome.ts';
import { listReviews, putReview } from './review.ts';
import type { ErasureScene } from './testing/erasure-scene.ts';
import { openErasureScene } from './testing/erasure-scene.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import {
  claimScratchBatch,
  createScratchExecution,
  expandAll,
  importScratchProfiles,
  SCRATCH,
} from './testing/scratch-tenant.ts';
import { whereFound } from './testing/table-walk.ts';

const KEYS = generateKeyRing();

let scratch: ScratchDatabase;
let scene: ErasureScene;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scene = await openErasureScene(scratch, parseKeyRing(KEYS));
});
afterEach(() => scene.recorder.close());

async function messages(executionId: number) {
  const { rows } = await sql<{
    state: string;
    code: string | null;
    profile_id: number | null;
    reply: string | null;
  }>`
    SELECT state, code, profile_id, reply FROM message WHERE execution_id = ${executionId} ORDER BY profile_id NULLS FIRST`.execute(
    scratch.db,
  );
  return rows;
}

const review = (more: object) => ({
  ...{
    organisation: scene.scope.organisation,
    sandbox: scene.scope.sandbox,
    recipient: 'abuse',
    why: 'role' as const,
  },
  ...{ digest: Buffer.alloc(32, JSON.stringify(more)), detail: null, sender: null, subject: null, size: 1 },
  ...{ source: '', mentions: [], ...more },
});

const replay = {
  organisation: '',
  sandbox: 'prod',
  scope: 'channel',
  source: 'header_post',
  fingerprint: 'f',
} as const;

describe('an erasure', () => {
  test('takes mail that names the person, however it is written, and the bounces of their address', async () => {
    await scene.take(scene.person);
    const email = scene.person.identities.Email;
    const { address } = await scene.find('CRMID', scene.person.identities.CRMID);
    await countBounces(scratch.db, [
      { addressId: address?.id ?? 0, executionId: null, messageId: null, kind: 'soft', status: '5.2.2' },
    ]);
    await putReview(scratch.db, review({ sender: `Anna <${email.toUpperCase()}>`, subject: scene.canary }));
    await putReview(scratch.db, review({ source: `text\r\nabout ${email}` }));
    // An encoding hides it from whoever looks for it in the mail itself.
    await putReview(
      scratch.db,
      review({ source: 'base64', subject: `${scene.canary} again`, mentions: [email.toLowerCase()] }),
    );
    await putReview(scratch.db, review({ source: 'of somebody else', mentions: ['other@example.com'] }));
    expect(await whereFound(scratch.db, scene.canary)).toContain('review_mail');
    await scene.erase();
    expect(await whereFound(scratch.db, scene.canary)).toEqual([]);
    expect((await listReviews(scratch.db, scene.scope, {})).items).toHaveLength(1);
    const left = await scratch.db
      .selectFrom('soft_bounce')
      .selectAll()
      .where('address_id', '=', address?.id ?? 0)
      .execute();
    expect(left).toEqual([]);
  });

  test('leaves nothing of a person in any table, and the counts of what they were sent', async () => {
    await scene.take({
      ...scene.person,
      consents: { marketing: { email: { val: 'y', reason: scene.canary } } },
    });
    await scene.take({
      identities: { CRMID: scene.person.identities.CRMID, Email: `new.${scene.canary}@example.com` },
    });
    await importScratchProfiles(scratch.db, scene.scope, 2);
    await scene.suppress('hard');
    const all = await createScratchExecution(scratch.db, scene.scope);
    await expandAll(scratch.db, all);
    const named = await createScratchExecution(scratch.db, scene.scope, {
      recipients: [
        { namespace: 'CRMID', id: scene.person.identities.CRMID, context: { coupon: scene.canary } },
        { namespace: 'CRMID', id: `${scene.canary}-unknown`, address: 'not an address' },
      ],
    });
    await expandAll(scratch.db, named);
    const nobody = await createScratchExecution(scratch.db, scene.scope, {
      recipients: [
        {
          namespace: 'CRMID',
          id: scene.person.identities.CRMID,
          address: 'broken@',
          context: { coupon: scene.canary },
        },
      ],
    });
    await expandAll(scratch.db, nobody);
    const waiting = await createScratchExecution(scratch.db, scene.scope, {
      recipients: [
        { namespace: 'crmid', id: scene.person.identities.CRMID },
        { namespace: 'CRMID', id: 'somebody', address: scene.person.identities.Email.toUpperCase() },
        { namespace: 'CRMID', id: 'p0' },
      ],
    });
    const filtered = await createScratchExecution(scratch.db, scene.scope, {
      audience: { attributes: { crm: [scene.person.identities.CRMID] } },
    });
    // Somebody of whom nobody knows who it is; the walk has to find the others first.
    await sql`UPDATE message SET identity = 'x' WHERE identity = ${`${scene.canary}-unknown`}`.execute(
      scratch.db,
    );
    expect(await whereFound(scratch.db, scene.canary)).toEqual(
      expect.arrayContaining(['address', 'identity', 'profile', 'delivery_list', 'execution']),
    );

    const receipt = await scene.erase();
    expect(receipt?.counts).toEqual({
      identities: 3,
      addresses: 2,
      sharedAddresses: 0,
      messages: 3,
      stopped: 2,
      executions: 2,
      listEntries: 1,
    });
    expect(await whereFound(scratch.db, scene.canary)).toEqual([]);
    expect(await messages(all)).toMatchObject([
      { state: 'excluded', code: '050101', profile_id: null },
      { state: 'queued' },
      { state: 'queued' },
    ]);
    await expandAll(scratch.db, waiting);
    expect(await messages(waiting)).toMatchObject([
      { state: 'excluded', code: '050101' },
      { state: 'excluded', code: '050101' },
      { state: 'queued' },
    ]);
    await expandAll(scratch.db, filtered);
    expect(await messages(filtered)).toEqual([]);
    expect(await whereFound(scratch.db, scene.canary)).toEqual([]);
  });

  test('keeps the evidence as numbers, and tells nobody who it was about', async () => {
    await scene.take(scene.person);
    const { id, address: own } = await scene.find('CRMID', scene.person.identities.CRMID);
    await scene.recorder.record({
      ...replay,
      organisation: scene.scope.organisation,
      who: { by: 'number', profile: id, address: own?.id ?? 0 },
      fingerprint: scene.canary,
      scope: 'identity',
      at: new Date(),
    });
    await scene.erase();
    const { rows } = await sql<{ source: string; reference: string | null; fingerprint: string | null }>`
      SELECT source, reference, fingerprint FROM consent_history WHERE profile_id = ${id} OR address_id = ${own?.id} ORDER BY id`.execute(
      scratch.db,
    );
    expect(rows.map(({ source }) => source)).toEqual(['header_post', 'admin']);
    expect(rows.every((row) => row.reference === null && row.fingerprint === null)).toBe(true);
    const events = await sql<{ profile_id: number | null }>`SELECT profile_id FROM event
      WHERE sandbox_id = ${scene.scope.sandboxId} AND type = 'erased'`.execute(scratch.db);
    expect(events.rows).toEqual([{ profile_id: null }]);
    await expect(
      sql`UPDATE consent_history SET reference = 'changed' WHERE profile_id = ${id}`.execute(scratch.db),
    ).rejects.toThrow('append-only');
  });

  test('asked again is answered with the same receipt; of nobody there is none', async () => {
    await scene.take(scene.person);
    const first = await scene.erase();
    expect(await scene.erase()).toEqual(first);
    expect(await scene.erase('email', scene.person.identities.Email)).toEqual(first);
    expect(await scene.erase('CRMID', 'never-known')).toBeNull();
    const audit = await scratch.db
      .selectFrom('privacy_audit')
      .select(['act', 'api_key_id'])
      .where('sandbox_id', '=', scene.scope.sandboxId)
      .execute();
    expect(audit).toEqual([{ act: 'erasure', api_key_id: 'tests' }]);
  });

  test('two at once are one', async () => {
    await scene.take(scene.person);
    const [one, other] = await Promise.all([scene.erase(), scene.erase()]);
    expect(one).toEqual(other);
  });

  test('leaves an address to whoever else uses it, and says nothing about them', async () => {
    await scene.take(scene.person, { identities: { CRMID: 'other', Email: scene.person.identities.Email } });
    await scene.suppress('manual');
    const before = await scene.find('CRMID', 'other');
    const receipt = await scene.erase();
    expect(receipt?.counts).toMatchObject({ addresses: 0, sharedAddresses: 1, listEntries: 0 });
    const after = await scene.find('CRMID', 'other');
    expect(after).toEqual(before);
    expect(after.consents).toEqual({});
    expect((await scene.standing()).listings.suppressed).toBe('manual');
  });

  test('asked again by an Email that others use means nobody else', async () => {
    await scene.take(
      { identities: { Email: scene.person.identities.Email } },
      { identities: { CRMID: 'other', Email: scene.person.identities.Email } },
    );
    const persons = await sql`SELECT FROM profile WHERE sandbox_id = ${scene.scope.sandboxId}`.execute(
      scratch.db,
    );
    if (persons.rows.length === 1)
      await scene.take({ identities: { CRMID: 'another', Email: scene.person.identities.Email } });
    const first = await scene.erase('Email', scene.person.identities.Email);
    expect(await scene.erase('Email', scene.person.identities.Email)).toEqual(first);
    const left = await sql`SELECT FROM profile WHERE sandbox_id = ${scene.scope.sandboxId}`.execute(
      scratch.db,
    );
    expect(left.rows).toHaveLength(1);
  });

  test('that waited while somebody else came with the same Email does not take them for the one who came back', async () => {
    const { Email } = scene.person.identities;
    await scene.take(scene.person);
    let erasing: ReturnType<ErasureScene['erase']> = Promise.resolve(null);
    // As an expansion does.
    await scratch.db.transaction().execute(async (expansion) => {
      await sql`SELECT pg_advisory_xact_lock_shared(hashtext('adieu erasure'), ${scene.scope.sandboxId})`.execute(
        expansion,
      );
      erasing = scene.erase();
      const waiting = () =>
        sql`SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
          AND objid = ${scene.scope.sandboxId}`.execute(scratch.db);
      while ((await waiting()).rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      await scene.take({ identities: { CRMID: 'other', Email } });
    });
    const first = await erasing;
    expect(await scene.erase('Email', Email)).toEqual(first);
    expect((await scene.find('CRMID', 'other')).consents).toEqual({});
  });

  test('looks into months whose tables were detached', async () => {
    await scene.take(scene.person);
    const executionId = await createScratchExecution(scratch.db, scene.scope);
    await expandAll(scratch.db, executionId);
    const { rows } = await sql<{
      name: string;
    }>`SELECT to_char(month, '"message_"YYYY_MM') AS name FROM execution WHERE id = ${executionId}`.execute(
      scratch.db,
    );
    const table = sql.table(rows[0]?.name ?? '');
    await sql`UPDATE message SET state = 'excluded', code = '050101' WHERE execution_id = ${executionId}`.execute(
      scratch.db,
    );
    await sql`ALTER TABLE message DETACH PARTITION ${table}`.execute(scratch.db);
    try {
      await scene.erase();
      const found = await sql`SELECT FROM ${table} t WHERE t::text LIKE ${`%${scene.canary}%`}`.execute(
        scratch.db,
      );
      expect(found.rows).toEqual([]);
    } finally {
      const month = `${rows[0]?.name.slice(-7).replace('_', '-')}-01`;
      await sql`ALTER TABLE message ATTACH PARTITION ${table}
        FOR VALUES FROM (${sql.lit(month)}) TO (${sql.lit(after(month))})`.execute(scratch.db);
    }
  });

  test('a database that fails before the end leaves the person opted out, and the next one finishes', async () => {
    await scene.take(scene.person);
    await sql`CREATE FUNCTION refuse_tombstones() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$`.execute(
      scratch.db,
    );
    await sql`CREATE TRIGGER refuse BEFORE INSERT ON tombstone EXECUTE FUNCTION refuse_tombstones()`.execute(
      scratch.db,
    );
    await expect(scene.erase()).rejects.toThrow('no');
    await sql`DROP TRIGGER refuse ON tombstone`.execute(scratch.db);
    expect((await scene.find('CRMID', scene.person.identities.CRMID)).consents.marketing?.email?.val).toBe(
      'n',
    );
    expect((await scene.erase())?.counts.identities).toBe(2);
    expect(await whereFound(scratch.db, scene.canary)).toEqual([]);
  });
});

describe('a message on the wire', () => {
  async function onTheWire() {
    await scene.take(scene.person);
    const executionId = await createScratchExecution(scratch.db, scene.scope, {
      channelConfiguration: SCRATCH.transactional,
    });
    await expandAll(scratch.db, executionId);
    const { lease, messages: claimed } = await claimScratchBatch(scratch.db, executionId);
    const attemptId = '0190a5d0-0000-7000-8000-000000000001';
    expect((await commitIntent(scratch.db, lease, { attemptId, messages: claimed })).size).toBe(1);
    await scene.erase();
    expect(await messages(executionId)).toMatchObject([{ state: 'sending', profile_id: null }]);
    return { executionId, attempt: { messageId: claimed[0]?.messageId ?? '', attemptId } };
  }
  const refused = () => `450 4.2.0 <${scene.address.key}> is busy`;

  test('that is accepted counts as sent, and the reply is not kept', async () => {
    const { executionId, attempt } = await onTheWire();
    await settle(scratch.db, [{ ...attempt, state: 'sent', code: '2.0.0', reply: refused() }]);
    expect(await messages(executionId)).toMatchObject([{ state: 'sent', code: '2.0.0', reply: null }]);
    expect(await whereFound(scratch.db, scene.canary)).toEqual([]);
  });

  test('that would be tried again is excluded', async () => {
    const { executionId, attempt } = await onTheWire();
    const notBefore = new Date(Date.now() + 60_000);
    await settle(scratch.db, [{ ...attempt, state: 'deferred', code: '4.2.0', reply: refused(), notBefore }]);
    expect(await messages(executionId)).toMatchObject([{ state: 'excluded', code: '050101', reply: null }]);
  });

  test('that is given back is excluded', async () => {
    const { executionId, attempt } = await onTheWire();
    await giveBack(scratch.db, [attempt]);
    expect(await messages(executionId)).toMatchObject([{ state: 'excluded', code: '050101' }]);
    const { rows } = await sql<{
      type: string;
    }>`SELECT type FROM event WHERE execution_id = ${executionId}`.execute(scratch.db);
    expect(rows).toEqual([{ type: 'excluded' }]);
  });

  test('of an unknown outcome that would be resent stays unknown', async () => {
    const { executionId, attempt } = await onTheWire();
    await settle(scratch.db, [{ ...attempt, state: 'unknown', notBefore: new Date() }]);
    expect(await messages(executionId)).toMatchObject([{ state: 'unknown' }]);
  });
});

function after(month: string): string {
  const date = new Date(month);
  date.setUTCMonth(date.getUTCMonth() + 1);
  return date.toISOString().slice(0, 10);
}
