import { randomBytes } from 'node:crypto';
import type { OptOut } from '@adieu/core';
import { generateKeyRing, parseKeyRing } from '@adieu/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { consentHistory } from './consent-history.ts';
import { recordOptOuts } from './opt-out.ts';
import { readChoices } from './person-choices.ts';
import type { ErasureScene } from './testing/erasure-scene.ts';
import { openErasureScene } from './testing/erasure-scene.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { claimScratchBatch, createScratchExecution, expandAll, SCRATCH } from './testing/scratch-tenant.ts';

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

describe('an old link of somebody erased, who was mailed by an Email that others use still', () => {
  const nobodyElse = { known: true, changed: false };
  let linked: Omit<OptOut, 'at'>;
  let mailed: number;

  beforeEach(async () => {
    const { Email } = scene.person.identities;
    await scene.take({ identities: { Email } });
    await scene.take(scene.person, { identities: { CRMID: 'other', Email } });
    const executionId = await createScratchExecution(scratch.db, scene.scope, {
      recipients: [{ namespace: 'Email', id: Email }],
    });
    await expandAll(scratch.db, executionId);
    const { messages } = await claimScratchBatch(scratch.db, executionId);
    const [message] = messages;
    mailed = (await scene.find('CRMID', scene.person.identities.CRMID)).id;
    expect(message?.profileId).toBe(mailed);
    await scene.erase();
    linked = {
      ...replay,
      organisation: scene.scope.organisation,
      messageId: message?.messageId ?? '',
      who: {
        by: 'identity',
        namespace: 'Email',
        id: Email,
        addressNamespace: 'Email',
        address: Email,
      },
    };
  });

  test('opts none of those others out, alone or in a group, by any door', async () => {
    const at = new Date();
    const said = { ...linked, at };
    expect(await scene.recorder.record(said)).toEqual(nobodyElse);
    const list = { ...said, scope: 'subscription', list: SCRATCH.list } as const;
    const group = [said, list, said, { ...said, who: { ...said.who, id: 'nobody-else@example.com' } }];
    const answers = await recordOptOuts(scratch.db, group as OptOut[]);
    expect(answers.map(({ known, changed }) => ({ known, changed })).slice(0, 3)).toEqual([
      nobodyElse,
      nobodyElse,
      nobodyElse,
    ]);
    const { scope: _, ...evidence } = said;
    const changes = [
      { scope: 'channel', channel: 'email', to: 'n' },
      { scope: 'channel', channel: 'sms', to: 'y' },
    ] as const;
    expect(await scene.recorder.recordAct({ ...evidence, changes })).toEqual({
      known: true,
      changed: [],
      kept: [{ ...changes[1], why: 'erasure' }],
    });
    const complaint = { ...evidence, reported: { kind: 'complaint' }, digest: randomBytes(32) } as const;
    await scene.recorder.recordReport(complaint);
    expect((await scene.find('CRMID', 'other')).consents).toEqual({});
    expect(await consentHistory(scratch.db, scene.scope, await scene.find('CRMID', 'other'))).toEqual([]);
    await expect(scene.find('CRMID', scene.person.identities.CRMID)).rejects.toThrow('no profile');
  });

  describe('once its message is forgotten', () => {
    let numbered: OptOut;
    beforeEach(async () => {
      await sql`DELETE FROM message WHERE id = ${linked.messageId ?? ''}`.execute(scratch.db);
      numbered = { ...linked, who: { ...linked.who, number: mailed } as OptOut['who'], at: new Date() };
    });

    test('opts none of those others out, where the link says their number', async () => {
      expect(await scene.recorder.record(numbered)).toEqual(nobodyElse);
      const { scope: _, ...evidence } = numbered;
      const change = { scope: 'channel', channel: 'email', to: 'n' } as const;
      expect(await scene.recorder.recordAct({ ...evidence, changes: [change] })).toEqual({
        known: true,
        changed: [],
        kept: [],
      });
      const complaint = { ...evidence, reported: { kind: 'complaint' }, digest: randomBytes(32) } as const;
      await scene.recorder.recordReport(complaint);
      expect((await scene.find('CRMID', 'other')).consents).toEqual({});
    });

    test('is of whoever came back under that Email', async () => {
      await scene.take({ identities: scene.person.identities });
      const back = await scene.find('CRMID', scene.person.identities.CRMID);
      const who = { by: 'number', profile: back.id, address: back.address?.id ?? 0 } as const;
      const yes = { scope: 'channel', channel: 'email', to: 'y' } as const;
      const form = { ...numbered, who, reference: 'form 7', changes: [yes], source: 'admin' } as const;
      expect(await scene.recorder.recordAct(form)).toMatchObject({ changed: [yes] });
      expect(await scene.recorder.record({ ...numbered, at: new Date() })).toEqual({
        known: true,
        changed: true,
      });
      expect((await scene.find('CRMID', 'other')).consents).toEqual({});
    });

    test('counts for who has the Email, where the number is of nobody who ever was erased', async () => {
      const who = { ...linked.who, number: 99_999_999 } as OptOut['who'];
      expect(await scene.recorder.record({ ...numbered, who })).toEqual({ known: true, changed: true });
      const { scope: _, ...evidence } = numbered;
      const change = { scope: 'channel', channel: 'sms', to: 'n' } as const;
      expect(await scene.recorder.recordAct({ ...evidence, who, changes: [change] })).toMatchObject({
        changed: [change],
      });
      expect((await scene.find('CRMID', 'other')).consents.marketing).toMatchObject({
        email: { val: 'n' },
        sms: { val: 'n' },
      });
    });

    test('is of the one it says among those who have the Email', async () => {
      const { Email } = scene.person.identities;
      await scene.take({ identities: { CRMID: 'third', Email } });
      const third = await scene.find('CRMID', 'third');
      const who = { ...linked.who, number: third.id } as OptOut['who'];
      const link = {
        profileNamespace: 'Email',
        profileId: Email,
        addressNamespace: 'Email',
        address: Email,
      };
      const shown = { ...link, messageId: linked.messageId ?? '', profileNumber: third.id };
      expect(await scene.recorder.record({ ...numbered, who })).toMatchObject({ known: true });
      expect((await scene.find('CRMID', 'other')).consents).toEqual({});
      expect((await scene.find('CRMID', 'third')).consents.marketing?.email?.val).toBe('n');
      const { consents } = await readChoices(scratch.db, scene.scope, shown);
      expect(consents.marketing?.email?.val).toBe('n');
    });
  });

  test('shows the choices of none of those others', async () => {
    await scene.take({
      identities: { CRMID: 'other' },
      consents: { marketing: { sms: { val: 'y' } } },
      attributes: { preferredLanguage: 'fr' },
    });
    const { id } = linked.who as Extract<OptOut['who'], { by: 'identity' }>;
    const link = {
      profileNamespace: 'Email',
      profileId: id,
      addressNamespace: 'Email',
      address: id,
      messageId: linked.messageId ?? '',
    };
    const { consents, language } = await readChoices(scratch.db, scene.scope, link);
    expect({ consents, language }).toEqual({ consents: {}, language: null });
  });

  test('is theirs again once they are back, whatever they have said since', async () => {
    const { scope } = scene;
    await scene.take({ identities: scene.person.identities });
    const back = await scene.find('CRMID', scene.person.identities.CRMID);
    const who = { by: 'number', profile: back.id, address: back.address?.id ?? 0 } as const;
    const { messageId: _, ...evidence } = linked;
    const yes = { scope: 'channel', channel: 'email', to: 'y' } as const;
    const form = { ...evidence, who, at: new Date(), reference: 'form 7', changes: [yes] };
    expect(await scene.recorder.recordAct({ ...form, source: 'admin' })).toMatchObject({ changed: [yes] });
    const later = { ...linked, at: new Date() };
    expect(await scene.recorder.record(later)).toEqual({ known: true, changed: true });
    expect((await scene.find('CRMID', scene.person.identities.CRMID)).consents.marketing?.email?.val).toBe(
      'n',
    );
    const { scope: level, ...act } = later;
    expect(level).toBe('channel');
    await scene.recorder.recordAct({ ...form, source: 'admin', at: new Date(Date.now() + 1) });
    const no = { ...yes, to: 'n' } as const;
    expect(await scene.recorder.recordAct({ ...act, changes: [no] })).toMatchObject({ changed: [no] });
    expect((await scene.find('CRMID', 'other')).consents).toEqual({});
    expect(await consentHistory(scratch.db, scope, await scene.find('CRMID', 'other'))).toEqual([]);
  });
});
