import { randomUUID } from 'node:crypto';
import {
  createExecution,
  type ExecutionRequest,
  importProfiles,
  listMessages,
  putEntries,
  putList,
  setAllowedList,
} from '@adieu/store';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openScene, type Scene, until } from './testing/scene.ts';
import type { ScriptedRelay } from './testing/scripted-relay.ts';

let scene: Scene;
let relay: ScriptedRelay;

const email = (val: string, subscriptions = {}) => ({ marketing: { email: { val, subscriptions } } });
const entry = (value: string, reason: 'manual' | 'complaint' = 'manual') => ({
  kind: value.includes('@') ? ('email' as const) : ('domain' as const),
  key: value,
  spelling: value,
  reason,
  comment: null,
  author: null,
});

beforeAll(async () => {
  scene = await openScene();
  relay = await scene.relay();
  const { db, scope } = scene;
  await putList(db, scope, { name: 'weekly', title: 'Weekly' });
  await scene.people(20);
  const others = [
    { identities: { CRMID: 'said-no', Email: 'said-no@example.com' }, consents: email('n') },
    {
      identities: { CRMID: 'reader', Email: 'reader@example.com' },
      consents: email('y', { weekly: {} }),
    },
    { identities: { CRMID: 'pending', Email: 'pending@example.com' }, consents: email('p') },
    { identities: { CRMID: 'bounced', Email: 'bounced@example.com' } },
    { identities: { CRMID: 'complained', Email: 'complained@example.com' } },
    { identities: { CRMID: 'at-home', Email: 'at-home@dead.example' } },
    { identities: { CRMID: 'nowhere' } },
    { identities: { CRMID: 'moved', Email: 'moved@example.com' }, consents: email('y') },
  ];
  const imported = await importProfiles(
    db,
    scope,
    others.map((record, line) => ({ line: line + 1, ...record })),
  );
  expect(imported.rejected).toEqual([]);
  const suppressed = [
    entry('bounced@example.com'),
    entry('complained@example.com', 'complaint'),
    entry('dead.example'),
  ];
  await putEntries(db, scope, { list: 'suppressed', source: 'admin', entries: suppressed });
  const allowed = [entry('reader@example.com'), entry('said-no@example.com'), entry('new.example')];
  await putEntries(db, scope, { list: 'allowed', source: 'admin', entries: allowed });
  await scene.configure('owed', { emailType: 'transactional', sendAfterComplaint: true });
  await scene.worker(relay.url);
});
afterAll(() => scene.close());

/** Somebody of every kind; most of them nobody knows. */
const RECIPIENTS = [
  { namespace: 'CRMID', id: 'p1' },
  { namespace: 'CRMID', id: 'said-no' },
  { namespace: 'Email', id: 'SAID-NO@example.com' },
  { namespace: 'CRMID', id: 'other-id', address: 'said-no@example.com' },
  { namespace: 'CRMID', id: 'moved', address: 'bounced@example.com' },
  { namespace: 'CRMID', id: 'reader' },
  { namespace: 'CRMID', id: 'new', address: 'new@new.example' },
  { namespace: 'CRMID', id: 'newer', address: 'newer@dead.example' },
  { namespace: 'CRMID', id: 'nobody-knows' },
  { namespace: 'CRMID', id: 'nowhere' },
  { namespace: 'CRMID', id: 'broken', address: 'not an address' },
  { namespace: 'CRMID', id: '' },
  { namespace: 'CRMID', id: 'p1', address: 'p1@example.com' },
];

const TABLES = [
  'profile',
  'identity',
  'address',
  'profile_address',
  'message',
  'event',
  'batch',
  'consent_history',
  'delivery_list',
] as const;
async function stored(): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const table of TABLES) {
    const { n } = await scene.db
      .selectFrom(table)
      .select(({ fn }) => fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
    counted[table] = n;
  }
  return counted;
}

test.each<[string, boolean, Partial<ExecutionRequest>]>([
  ['everybody, marketing', false, {}],
  ['everybody, a list', false, { list: 'weekly' }],
  ['everybody, transactional', false, { channelConfiguration: 'receipt' }],
  ['everybody, owed after a complaint', false, { channelConfiguration: 'owed' }],
  ['everybody, only who is allowed', true, {}],
  ['an audience of nobody', false, { audience: { attributes: { name: 'Nobody' } } }],
  [
    'recipients, transactional, only who is allowed',
    true,
    { channelConfiguration: 'receipt', recipients: RECIPIENTS },
  ],
  ['recipients, marketing', false, { recipients: RECIPIENTS }],
])(
  'S6: a dry run tells what then happens, and stores and sends nothing: %s',
  async (_, allowedOnly, request) => {
    await setAllowedList(scene.db, scene.scope, allowedOnly);
    const before = await stored();
    const mails = relay.mails.length;
    const dry = await scene.enqueue({ ...request, dryRun: true });
    const told = await scene.finished(dry);
    expect(told.dryRun).toBe(true);
    expect(await stored()).toEqual(before);
    expect((await listMessages(scene.db, scene.scope, dry))?.messages).toEqual([]);
    expect(relay.mails.length).toBe(mails);

    const real = await scene.finished(await scene.enqueue(request));
    expect(told.exclusions).toEqual(real.exclusions);
    expect(told.counts).toEqual({ ...real.counts, queued: real.counts.sent, sent: 0 });
    expect(relay.mails.length - mails).toBe(told.counts.queued);
  },
);

test('S6: the examples above exclude for every reason that is known beforehand', async () => {
  await setAllowedList(scene.db, scene.scope, true);
  const request = {
    recipients: [...RECIPIENTS, { namespace: 'CRMID', id: 'x', address: 'x@other.example' }],
  };
  const { exclusions } = await scene.finished(await scene.enqueue({ ...request, dryRun: true }));
  await setAllowedList(scene.db, scene.scope, false);
  expect(Object.keys(exclusions).sort()).toEqual([
    '050020',
    '050024',
    '050025',
    '050101',
    '050102',
    '050103',
    '050105',
  ]);
});

test('S6: a worker takes up a dry run that nobody woke it for', async () => {
  const { executionId } = await createExecution(scene.db, scene.scope, {
    requestId: randomUUID(),
    channelConfiguration: 'newsletter',
    template: 'spring',
    audience: { all: true },
    dryRun: true,
  });
  await until(async () => (await scene.counts(executionId)).state === 'finished');
  expect((await scene.counts(executionId)).counts.queued).toBeGreaterThan(0);
});
