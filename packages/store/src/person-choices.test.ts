import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { putList } from './list.ts';
import { type LinkedPerson, readChoices } from './person-choices.ts';
import { importProfiles } from './profile-import.ts';
import { ensureSandbox, type Scope } from './scope.ts';
import { openScratchDatabase, type ScratchDatabase } from './testing/index.ts';

let scratch: ScratchDatabase;
let scope: Scope;

const JOHN: LinkedPerson = {
  profileNamespace: 'CRMID',
  profileId: '1',
  addressNamespace: 'Email',
  address: 'John@Example.com',
  messageId: '01890a5d-ac96-774b-bcce-b302099a8057',
};

beforeAll(async () => {
  scratch = await openScratchDatabase();
  scope = await ensureSandbox(scratch.db, 'default', 'prod');
  for (const name of ['open', 'closed', 'joined', 'linked']) {
    await putList(scratch.db, scope, { name, title: name.toUpperCase() });
  }
  await scratch.db
    .updateTable('list')
    .set({ body: JSON.stringify({ open: true, topic: 'News' }) })
    .where('name', '=', 'open')
    .execute();
});
afterAll(() => scratch.close());

async function know(attributes: object, consents: object = {}): Promise<void> {
  const record = { line: 1, identities: { CRMID: '1', Email: 'john@example.com' }, attributes, consents };
  expect(await importProfiles(scratch.db, scope, [record])).toMatchObject({ rejected: [] });
}

test('of somebody unknown there is nothing, and what everybody is offered', async () => {
  expect(await readChoices(scratch.db, scope, { ...JOHN, profileId: 'nobody' })).toEqual({
    consents: {},
    address: {},
    complained: false,
    language: null,
    lists: [{ name: 'open', title: 'OPEN', body: { open: true, topic: 'News' } }],
    strict: false,
    meanings: {},
  });
});

test('a person is found in any spelling, with consents, language and lists, and the link’s own list', async () => {
  const consents = {
    marketing: { sms: { val: 'n' }, email: { val: 'y', subscriptions: { joined: {} } } },
    idSpecific: { Email: { 'JOHN@example.com': { marketing: { email: { val: 'n' } } } } },
  };
  await know({ preferredLanguage: 'fr-FR' }, consents);
  const found = await readChoices(scratch.db, scope, {
    ...JOHN,
    profileNamespace: 'crmid',
    addressNamespace: 'EMAIL',
    list: 'linked',
  });
  expect(found).toMatchObject({
    consents: { marketing: { sms: { val: 'n' }, email: { val: 'y' } } },
    address: { email: { val: 'n' } },
    language: 'fr-FR',
  });
  expect(found.lists.map(({ name }) => name)).toEqual(['joined', 'linked', 'open']);
});

test('a preferred language that is no text is none', async () => {
  await know({ preferredLanguage: { fr: true } });
  expect((await readChoices(scratch.db, scope, JOHN)).language).toBeNull();
});

test('a complaint about the address is told, another suppression is not', async () => {
  for (const [reason, complained] of [
    ['hard', false],
    ['complaint', true],
  ] as const) {
    const key = 'john@example.com';
    await scratch.db
      .insertInto('delivery_list')
      .values({ sandbox_id: scope.sandboxId, list: 'suppressed', kind: 'email', key, spelling: key, reason })
      .onConflict((conflict) =>
        conflict.columns(['sandbox_id', 'list', 'kind', 'key']).doUpdateSet({ reason }),
      )
      .execute();
    expect((await readChoices(scratch.db, scope, JOHN)).complained).toBe(complained);
  }
});

test('another sandbox knows nothing of it', async () => {
  const other = await ensureSandbox(scratch.db, 'default', 'dev');
  expect(await readChoices(scratch.db, other, JOHN)).toMatchObject({ consents: {}, lists: [] });
});

test('texts that PostgreSQL cannot keep name nobody', async () => {
  const hostile = { ...JOHN, profileId: 'a\0b\ud800', address: '\0', list: '\udfff', messageId: 'x' };
  expect(await readChoices(scratch.db, scope, hostile)).toMatchObject({ consents: {} });
});
