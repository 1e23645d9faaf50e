import { generateKeyRing, parseKeyRing, rotateKeyRing } from '@adieu/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import type { ErasureScene } from './testing/erasure-scene.ts';
import { openErasureScene } from './testing/erasure-scene.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { claimScratchBatch, createScratchExecution, expandAll, SCRATCH } from './testing/scratch-tenant.ts';
import { whereFound } from './testing/table-walk.ts';
import { attachKeyRing, checkTombstoneKeys } from './tombstone.ts';

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

const replay = {
  organisation: '',
  sandbox: 'prod',
  scope: 'channel',
  source: 'header_post',
  fingerprint: 'f',
} as const;

describe('who was erased (LG-6)', () => {
  beforeEach(async () => {
    await scene.take(scene.person);
    await scene.suppress('hard');
    await scene.erase();
  });

  test('stays out when a file says yes, and the suppression comes back with the address', async () => {
    await scene.take({
      ...scene.person,
      consents: {
        marketing: { email: { val: 'y', time: '2099-01-01T00:00:00Z' } },
        idSpecific: { Email: { [scene.person.identities.Email]: { marketing: { email: { val: 'y' } } } } },
      },
    });
    const { consents, address: own } = await scene.find('CRMID', scene.person.identities.CRMID);
    expect(consents.marketing?.email).toMatchObject({ val: 'n', reason: 'erased' });
    expect(own?.consents.email).toMatchObject({ val: 'n', reason: 'erased' });
    const standing = await scene.standing();
    expect(standing.listings.suppressed).toBe('hard');
  });

  test('stays out by each of their names alone', async () => {
    await scene.take(
      { identities: { CRMID: scene.person.identities.CRMID } },
      { identities: { Email: scene.person.identities.Email } },
    );
    await scene.take({ identities: { CRMID: 'another' } });
    await scene.take({ identities: { CRMID: 'another', loyalty: '1' } });
    expect((await scene.find('CRMID', scene.person.identities.CRMID)).consents.marketing?.email?.val).toBe(
      'n',
    );
    expect((await scene.find('Email', scene.person.identities.Email)).consents.marketing?.email?.val).toBe(
      'n',
    );
    expect((await scene.find('CRMID', 'another')).consents).toEqual({});
  });

  test('takes a profile along that is given one of their ids, with a row of history', async () => {
    await scene.take({ identities: { loyalty: '7' }, consents: { marketing: { email: { val: 'y' } } } });
    await scene.take({
      identities: { loyalty: '7', CRMID: scene.person.identities.CRMID },
      consents: { marketing: { email: { val: 'y' } } },
    });
    const { id, consents } = await scene.find('loyalty', '7');
    expect(consents.marketing?.email).toMatchObject({ val: 'n', reason: 'erased' });
    const { rows } = await sql<{
      from_value: string;
      to_value: string;
    }>`SELECT from_value, to_value FROM consent_history
      WHERE profile_id = ${id} ORDER BY id DESC LIMIT 1`.execute(scratch.db);
    expect(rows).toEqual([{ from_value: 'y', to_value: 'n' }]);
  });

  test('is not written to as a recipient of an execution, nor is whoever else is given the address', async () => {
    const executionId = await createScratchExecution(scratch.db, scene.scope, {
      channelConfiguration: SCRATCH.transactional,
      recipients: [
        { namespace: 'CRMID', id: scene.person.identities.CRMID, address: 'elsewhere@example.com' },
        { namespace: 'CRMID', id: 'another', address: scene.person.identities.Email },
      ],
    });
    await expandAll(scratch.db, executionId);
    const { messages: claimed } = await claimScratchBatch(scratch.db, executionId);
    const states = claimed.map(({ consents, addressConsents, suppressed }) => [
      consents.marketing?.email?.val,
      addressConsents.email?.val,
      suppressed,
    ]);
    expect(states.sort()).toEqual(
      [
        ['n', 'n', 'hard'],
        ['n', undefined, null],
      ].sort(),
    );
  });

  test('is told of by explain before the address is there again', async () => {
    const standing = await scene.standing();
    expect(standing).toMatchObject({
      address: { email: { val: 'n', reason: 'erased' } },
      listings: { suppressed: 'hard' },
    });
  });

  test('is not brought back by a complaint about what was hard', async () => {
    await scene.suppress('complaint');
    const standing = await scene.standing();
    expect(standing.listings.suppressed).toBe('hard');
  });

  test('is another person in another sandbox', async () => {
    const other = await openErasureScene(scratch, parseKeyRing(KEYS));
    await other.take(scene.person);
    expect((await other.find('CRMID', scene.person.identities.CRMID)).consents).toEqual({});
    await other.recorder.close();
  });

  test('can be erased again, and is still known', async () => {
    await scene.take(scene.person);
    const second = await scene.erase();
    expect(second?.counts).toMatchObject({ identities: 2, addresses: 1, listEntries: 1 });
    await scene.take(scene.person);
    const standing = await scene.standing();
    expect(standing.listings.suppressed).toBe('hard');
  });

  test('is recognised with every key of the ring, and without theirs nobody is created', async () => {
    const rotated = parseKeyRing(rotateKeyRing(KEYS));
    attachKeyRing(scratch.db, rotated);
    await checkTombstoneKeys(scratch.db, rotated);
    await scene.take(scene.person);
    expect((await scene.find('CRMID', scene.person.identities.CRMID)).consents.marketing?.email?.val).toBe(
      'n',
    );

    const { k2 } = JSON.parse(rotateKeyRing(KEYS)).keys;
    const foreign = parseKeyRing(JSON.stringify({ primary: 'k2', keys: { k2 } }));
    attachKeyRing(scratch.db, foreign);
    await expect(checkTombstoneKeys(scratch.db, foreign)).rejects.toMatchObject({
      code: 'keyring_cannot_open',
    });
    await expect(scene.take({ identities: { CRMID: 'somebody-new' } })).rejects.toMatchObject({
      code: 'keyring_cannot_open',
    });
  });
});

describe('a replay of an old link', () => {
  test('is answered as before and brings nobody back', async () => {
    await scene.take(scene.person);
    const { id, address: own } = await scene.find('CRMID', scene.person.identities.CRMID);
    await scene.erase();
    const base = { ...replay, organisation: scene.scope.organisation, at: new Date() };
    const byName = {
      by: 'identity',
      namespace: 'CRMID',
      id: scene.person.identities.CRMID,
      addressNamespace: 'Email',
      address: scene.person.identities.Email,
    } as const;
    const byNumber = { by: 'number', profile: id, address: own?.id ?? 0 } as const;
    for (const who of [byName, byNumber]) {
      for (const level of ['channel', 'identity'] as const) {
        expect(await scene.recorder.record({ ...base, who, scope: level })).toEqual({
          known: true,
          changed: false,
        });
      }
    }
    expect(await whereFound(scratch.db, scene.canary)).toEqual([]);
    const unknown = { ...byNumber, profile: 99_999_999, address: 99_999_999 };
    expect(await scene.recorder.record({ ...base, who: unknown })).toEqual({ known: false, changed: false });
  });

  test('brings nobody back by an address that others use still', async () => {
    await scene.take(scene.person, { identities: { CRMID: 'other', Email: scene.person.identities.Email } });
    await scene.erase();
    const who = {
      by: 'identity',
      namespace: 'CRMID',
      id: scene.person.identities.CRMID,
      addressNamespace: 'Email',
      address: scene.person.identities.Email,
    } as const;
    const said = { ...replay, organisation: scene.scope.organisation, who, at: new Date() };
    expect(await scene.recorder.record(said)).toEqual({ known: true, changed: false });
    await expect(scene.find('CRMID', scene.person.identities.CRMID)).rejects.toThrow('no profile');
    expect((await scene.find('CRMID', 'other')).consents).toEqual({});
  });

  test('stops mail to an address that others use still, where that is what it says', async () => {
    await scene.take(scene.person, { identities: { CRMID: 'other', Email: scene.person.identities.Email } });
    await scene.erase();
    const who = {
      by: 'identity',
      namespace: 'CRMID',
      id: scene.person.identities.CRMID,
      addressNamespace: 'Email',
      address: scene.person.identities.Email,
    } as const;
    const change = { scope: 'identity', channel: 'email' } as const;
    const { organisation, sandbox } = scene.scope;
    const act = { organisation, sandbox, who, source: 'landing_page', at: new Date() } as const;
    const changes = [
      { ...change, to: 'n' },
      { ...change, scope: 'channel', to: 'y' },
    ] as const;
    expect(await scene.recorder.recordAct({ ...act, changes })).toEqual({
      known: true,
      changed: [changes[0]],
      kept: [{ ...changes[1], why: 'erasure' }],
    });
    expect((await scene.standing()).address.email?.val).toBe('n');
    await expect(scene.find('CRMID', scene.person.identities.CRMID)).rejects.toThrow('no profile');
    // Said again it is known, and no change.
    expect(await scene.recorder.recordAct({ ...act, changes })).toMatchObject({ known: true, changed: [] });
  });

  test('of somebody else that names an address which was erased is heard in everything else it says', async () => {
    // As after the restore of a backup from before the mail: nobody knows any more who used the address.
    await scene.take(scene.person, { identities: { CRMID: 'other', Email: 'other@example.com' } });
    await scene.erase();
    const { organisation, sandbox } = scene.scope;
    const change = { channel: 'email', to: 'n' } as const;
    const changes = [
      { ...change, scope: 'channel' },
      { ...change, scope: 'identity' },
      { ...change, scope: 'identity', to: 'y' },
    ] as const;
    const receipt = await scene.recorder.recordAct({
      organisation,
      sandbox,
      who: {
        by: 'identity',
        namespace: 'CRMID',
        id: 'other',
        addressNamespace: 'Email',
        address: scene.person.identities.Email,
      },
      changes,
      source: 'consent_api',
      at: new Date(),
    });
    expect(receipt).toEqual({
      known: true,
      changed: [changes[0]],
      kept: [{ ...changes[2], why: 'erasure' }],
    });
    expect((await scene.find('CRMID', 'other')).consents.marketing?.email?.val).toBe('n');
    expect(await whereFound(scratch.db, scene.canary)).toEqual([]);
  });
});
