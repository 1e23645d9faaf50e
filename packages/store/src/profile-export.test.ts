import { generateKeyRing, parseKeyRing } from '@adieu/core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { exportProfile } from './profile-export.ts';
import type { ErasureScene } from './testing/erasure-scene.ts';
import { openErasureScene } from './testing/erasure-scene.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { createScratchExecution, expandAll } from './testing/scratch-tenant.ts';

let scratch: ScratchDatabase;
let scene: ErasureScene;

beforeAll(async () => {
  scratch = await openScratchDatabase();
});
afterAll(() => scratch.close());
beforeEach(async () => {
  scene = await openErasureScene(scratch, parseKeyRing(generateKeyRing()));
});
afterEach(() => scene.recorder.close());

/** The document of a person, as text and read. */
async function documentOf(id: string) {
  const profile = await scene.find('CRMID', id);
  let text = '';
  for await (const piece of await exportProfile(scratch.db, scene.scope, { profile, apiKeyId: 'tests' })) {
    text += piece;
  }
  return { text, document: JSON.parse(text) };
}

test('an export says what was said of a shared address, and nothing else of whoever shares it', async () => {
  const { CRMID, Email } = scene.person.identities;
  await scene.take(scene.person, {
    identities: { CRMID: 'other', Email },
    attributes: { pet: 'OTHERS-cat' },
  });
  const recipients = [CRMID, 'other'].map((id) => ({
    namespace: 'CRMID',
    id,
    context: { coupon: `${id}-coupon` },
  }));
  const executionId = await createScratchExecution(scratch.db, scene.scope, { recipients });
  await expandAll(scratch.db, executionId);
  await createScratchExecution(scratch.db, scene.scope, {
    recipients: recipients.map((recipient) => ({ ...recipient, address: Email })),
  });
  const mailed = await scratch.db
    .selectFrom('message')
    .select('id')
    .where('execution_id', '=', executionId)
    .where('identity', '=', 'other')
    .executeTakeFirstOrThrow();
  const { organisation, sandbox } = scene.scope;
  for (const [id, to] of [
    ['other', 'n'],
    [CRMID, 'y'],
  ] as const) {
    await scene.recorder.recordAct({
      organisation,
      sandbox,
      who: { by: 'identity', namespace: 'CRMID', id, addressNamespace: 'Email', address: Email },
      changes: [{ scope: 'identity', channel: 'email', to }],
      source: 'admin',
      messageId: mailed.id,
      reference: `form of ${id}`,
      at: new Date(Date.now() - (to === 'n' ? 2_000 : 1_000)),
    });
  }
  const { text, document } = await documentOf(CRMID);
  expect(document.history).toEqual([
    expect.objectContaining({ scope: 'identity', to: 'n', source: 'admin' }),
    expect.objectContaining({
      scope: 'identity',
      to: 'y',
      reference: `form of ${CRMID}`,
      messageId: mailed.id,
    }),
  ]);
  expect(document.history[0]).not.toHaveProperty('messageId');
  expect(document.history[0]).not.toHaveProperty('executionId');
  expect(document.waiting).toEqual([
    {
      executionId: expect.any(String),
      requestId: expect.any(String),
      recipients: [expect.objectContaining({ id: CRMID })],
    },
  ]);
  expect(document.messages).toHaveLength(1);
  for (const theirs of ['other', 'OTHERS-cat']) expect(text).not.toContain(theirs);
});

test('an export is written down about the same hash as the erasure of the person', async () => {
  // Email stands before Loyalty in every order but that of what the person is known by.
  await scene.take({ identities: { Loyalty: 'l-1', Email: 'loyal@example.com' } });
  const profile = await scene.find('Loyalty', 'l-1');
  await exportProfile(scratch.db, scene.scope, { profile, apiKeyId: 'tests' });
  await scene.erase('Loyalty', 'l-1');
  const rows = await scratch.db
    .selectFrom('privacy_audit')
    .select(['act', 'subject'])
    .where('sandbox_id', '=', scene.scope.sandboxId)
    .orderBy('id')
    .execute();
  expect(rows.map(({ act }) => act)).toEqual(['export', 'erasure']);
  expect(rows[0]?.subject).toEqual(rows[1]?.subject);
});
