import type { Change, OptOutSource } from '@adieu/core';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recordAct } from './act.ts';
import { findAddressUsers } from './address-user.ts';
import { putList } from './list.ts';
import { importProfiles } from './profile-import.ts';
import { ensureSandbox, type Scope } from './scope.ts';
import { openScratchDatabase, type ScratchDatabase } from './testing/index.ts';

const EMAIL = 'john@example.com';
let scratch: ScratchDatabase;
let scope: Scope;
beforeAll(async () => {
  scratch = await openScratchDatabase();
  scope = await ensureSandbox(scratch.db, 'default', 'prod');
  await putList(scratch.db, scope, { name: 'weekly', title: 'Weekly' });
});
afterAll(() => scratch.close());

async function cameBackAt(): Promise<Date | null> {
  const found = [];
  for await (const users of findAddressUsers(scratch.db, scope, EMAIL)) found.push(...users);
  expect(found).toHaveLength(1);
  return found[0]?.cameBackAt ?? null;
}

async function say(at: string, changes: readonly Change[], source: OptOutSource = 'landing_page') {
  const named = { namespace: 'CRMID', id: '1', addressNamespace: 'Email', address: EMAIL };
  const act = { ...scope, who: { by: 'identity', ...named } as const, changes, source, at: new Date(at) };
  const { receipt } = await recordAct(scratch.db, act);
  expect(receipt.changed).toHaveLength(changes.length);
}

test('MT-9 who uses an address came back when they last said yes to email themselves', async () => {
  const consents = { marketing: { email: { val: 'y' } } };
  await importProfiles(scratch.db, scope, [
    { line: 1, identities: { CRMID: '1', Email: EMAIL }, attributes: {}, consents },
  ]);
  expect(await cameBackAt()).toBeNull();
  const email = { scope: 'channel', channel: 'email' } as const;
  await say('2026-01-01T00:00:00Z', [{ ...email, to: 'n' }]);
  await say('2026-01-02T00:00:00Z', [
    { scope: 'channel', channel: 'sms', to: 'y' },
    { scope: 'subscription', channel: 'email', list: 'weekly', to: 'y' },
  ]);
  expect(await cameBackAt()).toBeNull();
  await say('2026-01-03T00:00:00Z', [{ ...email, to: 'u' }]);
  expect(await cameBackAt()).toEqual(new Date('2026-01-03T00:00:00Z'));
  await say('2026-01-04T00:00:00Z', [{ ...email, to: 'y' }], 'consent_api');
  await say('2026-01-05T00:00:00Z', [{ ...email, to: 'n' }]);
  expect(await cameBackAt()).toEqual(new Date('2026-01-04T00:00:00Z'));
  await say('2026-01-06T00:00:00Z', [{ scope: 'identity', channel: 'email', to: 'y' }]);
  expect(await cameBackAt()).toEqual(new Date('2026-01-06T00:00:00Z'));
  await say('2026-01-07T00:00:00Z', [{ scope: 'channel', channel: 'any', to: 'y' }]);
  expect(await cameBackAt()).toEqual(new Date('2026-01-07T00:00:00Z'));
});

test('MT-9 a yes to another address of theirs is no return to this one', async () => {
  const consents = { marketing: { email: { val: 'n' } } };
  const identities = { CRMID: '2', Email: 'joan@example.com' };
  await importProfiles(scratch.db, scope, [{ line: 1, identities, attributes: {}, consents }]);
  const other = { namespace: 'CRMID', id: '2', addressNamespace: 'Email', address: 'other@example.com' };
  const { receipt } = await recordAct(scratch.db, {
    ...scope,
    who: { by: 'identity', ...other },
    changes: [{ scope: 'identity', channel: 'email', to: 'y' }],
    source: 'landing_page',
    at: new Date(),
  });
  expect(receipt.changed).toHaveLength(1);
  for await (const users of findAddressUsers(scratch.db, scope, 'joan@example.com')) {
    expect(users).toMatchObject([{ cameBackAt: null }]);
  }
});
