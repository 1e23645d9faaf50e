/**
 * Every door out (C10), end to end: mails are really delivered, their links are used as a person, a robot or a landing page would, and
 * the next sends show who is left out of what.
 *
 * The cast of a row: somebody with two addresses, the second of which somebody else uses too. The link of the mail to that second
 * address is used; both are subscribed to two lists. Doors that are not open yet: `complaint`, `sms_keyword`.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'cheerio';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import {
  createBrand,
  DOMAIN,
  enqueue,
  finished,
  follow,
  mailTheAddress,
  postOneClick,
  waysOut,
} from './brand.ts';
import { decodedParts } from './decoded-parts.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const TEMPLATE = {
  subject: '{{profile.name}}',
  html: `<html><body><p>Hello</p><a id="one-click" href="#" data-link-type="one-click">Leave</a>
    <a id="landing" href="#" data-link-type="unsubscribe">Leave, or not</a>
    <a id="preferences" href="#" data-link-type="preferences">Choose</a></body></html>`,
} as const;

type Scope = 'channel' | 'identity' | 'subscription';

/** What a row of the history has to say beside its source and scope. */
type Evidence = Readonly<Record<string, string>>;

/** One way to leave. */
interface Door {
  readonly source: string;
  readonly scope: Scope;
  readonly how: string;
  leave(row: Row): Promise<void>;
  readonly says?: Evidence;
}

/** A door with the people of its row. */
interface Row extends Door {
  readonly person: string;
  readonly other: string;
  readonly own: string;
  readonly shared: string;
  readonly mail: () => ScriptedRelay['mails'][number];
}

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;

const SCOPES: readonly Scope[] = ['channel', 'identity', 'subscription'];

/** A link of the delivered mail, by the id that its author gave it. */
function bodyLink({ mail }: Row, id: string): URL {
  return new URL(load(decodedParts(mail().raw).html)(`#${id}`).attr('href') ?? '');
}

async function importConsents({ person, shared }: Row, consents: object): Promise<void> {
  const line = { identities: { CRMID: person }, consents };
  const { status, body } = await adieu.call('POST', '/v1/profiles', `${JSON.stringify(line)}\n`);
  expect({ status, body, shared }).toMatchObject({ status: 200, body: { upserted: 1, rejected: [] } });
}

/** A paper form that an operator brings, with its proof. */
async function bringForm({ person }: Row, consents: object): Promise<void> {
  const evidence = { kind: 'form', at: new Date().toISOString(), reference: 'form 12' };
  const answer = await adieu.call('PUT', `/v1/profiles/CRMID/${person}/consents`, { ...consents, evidence });
  expect(answer).toMatchObject({ status: 200, body: { changed: [{ to: 'n' }], kept: [] } });
}

/** What a file or a form says, as consents. */
const written = (scope: Scope, { shared }: Row): object =>
  ({
    channel: { marketing: { email: { val: 'n' } } },
    identity: { idSpecific: { Email: { [shared]: { marketing: { email: { val: 'n' } } } } } },
    subscription: {
      marketing: { email: { subscriptions: { weekly: { start: '2026-01-01', end: '2026-02-01' } } } },
    },
  })[scope];

const DOORS: readonly Door[] = [
  ...SCOPES.flatMap((scope): Door[] => [
    {
      source: 'header_post',
      scope,
      how: 'a mailbox provider posts the URL of the header',
      leave: async ({ mail }) => expect(await postOneClick(adieu, waysOut(mail()).https)).toBe(200),
    },
    {
      source: 'header_mailto',
      scope,
      how: 'a mail to the address of the header',
      leave: async ({ mail }) =>
        expect(await mailTheAddress(adieu, waysOut(mail()).mailto, 'Subject:\r\n\r\n')).toMatch(/^250 /),
    },
    {
      source: 'body_one_click',
      scope,
      how: 'the button behind the one-click link of the body',
      leave: async (row) => press(bodyLink(row, 'one-click'), 'confirm'),
    },
    {
      source: 'landing_page',
      scope,
      how: 'the button of the landing page',
      leave: async (row) => press(bodyLink(row, 'landing'), 'confirm'),
    },
    {
      source: 'consent_api',
      scope,
      how: 'a landing page of somebody else calls the API',
      leave: async (row) => {
        const { search } = bodyLink(row, 'landing');
        const body = { marketing: [{ type: 'email', choice: 'no', scope }] };
        const answer = await adieu.call('POST', `/journey/imp/consent/preferences${search}`, body);
        expect(answer).toMatchObject({ status: 200, body: { optOutLevel: scope, choice: 'no' } });
      },
    },
    {
      source: 'import',
      scope,
      how: 'an import of consents that were kept elsewhere',
      leave: async (row) => importConsents(row, written(scope, row)),
    },
    {
      source: 'admin',
      scope,
      how: 'an operator brings a paper form',
      leave: async (row) => bringForm(row, written(scope, row)),
      says: { reference: 'form 12' },
    },
  ]),
  {
    source: 'landing_page',
    scope: 'channel',
    how: '“all marketing email” on the landing page of one list',
    leave: async (row) => press(bodyLink(row, 'landing'), 'all'),
  },
  {
    source: 'preference_centre',
    scope: 'channel',
    how: 'the tick for email is taken away',
    leave: async (row) => press(bodyLink(row, 'preferences'), 'save', /^Email$/),
  },
  {
    source: 'preference_centre',
    scope: 'subscription',
    how: 'the tick for a list is taken away',
    leave: async (row) => press(bodyLink(row, 'preferences'), 'save', /^weekly$/),
  },
  {
    source: 'preference_centre',
    scope: 'channel',
    how: '“all marketing” in the preference centre',
    leave: async (row) => press(bodyLink(row, 'preferences'), 'leave'),
    says: { channel: 'any' },
  },
];

const rows: readonly Row[] = DOORS.map((door, index) => ({
  ...door,
  person: `d${index}`,
  other: `d${index}-other`,
  own: `d${index}-own@example.org`,
  shared: `d${index}-shared@example.org`,
  mail: () => {
    const mail = relay.mails.find(({ to }) => to === `d${index}-shared@example.org`);
    if (mail === undefined) throw new Error(`no mail to d${index}`);
    return mail;
  },
}));
/** The level of the link that is used; the wider button stands on the page of a narrower link. */
const levelOf = (row: Door): Scope =>
  row.how.startsWith('“all marketing email”') ? 'subscription' : row.scope;

/** Opens a page as a browser does and sends one of its forms, with the ticks it has, but for one. */
async function press(link: URL, act: string, without?: RegExp): Promise<void> {
  const page = await follow(adieu, link, { headers: { accept: 'text/html', 'accept-language': 'en' } });
  expect(page.status).toBe(200);
  const $ = load(page.text);
  const form = $('form').filter((_, each) => $(each).find('input[name=adieu]').val() === act);
  expect(form.length).toBe(1);
  const fields = new URLSearchParams();
  let taken = 0;
  form.find('input').each((_, input) => {
    const field = $(input);
    const isTick = field.attr('type') === 'checkbox';
    if (isTick && field.attr('checked') === undefined) return;
    if (isTick && without?.test(field.closest('label').find('span').text()) === true) taken++;
    else fields.append(field.attr('name') ?? '', String(field.val() ?? ''));
  });
  expect(taken).toBe(without === undefined ? 0 : 1);
  const target = new URL(form.attr('action') ?? link.href, link);
  const answer = await follow(adieu, target, { method: 'POST', body: fields.toString() });
  expect(answer.status).toBe(200);
}

async function putBrand(): Promise<void> {
  await createBrand(adieu, TEMPLATE);
  for (const list of ['weekly', 'daily']) {
    expect(await adieu.call('PUT', `/v1/lists/${list}`, {})).toMatchObject({ status: 200 });
  }
  for (const consentLevel of SCOPES) {
    const configuration = {
      subdomain: DOMAIN,
      emailType: 'marketing',
      from: { name: 'Brand', email: `hello@${DOMAIN}` },
      listUnsubscribe: { consentLevel },
    };
    const answer = await adieu.call('PUT', `/v1/channel-configurations/${consentLevel}`, configuration);
    expect(answer).toMatchObject({ status: 200 });
  }
}

async function importCast(): Promise<void> {
  const consents = { marketing: { email: { subscriptions: { weekly: {}, daily: {} } } } };
  const profiles = rows.flatMap(({ person, other, own }) => [
    { identities: { CRMID: person, Email: own }, attributes: { name: person }, consents },
    { identities: { CRMID: other }, attributes: { name: other }, consents },
  ]);
  const lines = profiles.map((profile) => JSON.stringify(profile)).join('\n');
  const answer = await adieu.call('POST', '/v1/profiles', `${lines}\n`);
  expect(answer).toMatchObject({ status: 200, body: { upserted: profiles.length, rejected: [] } });
}

/** What that leaves in the history. */
const SUBSCRIBED = ['daily', 'weekly'].map((list) =>
  expect.objectContaining({ source: 'import', scope: 'subscription', list, from: 'u', to: 'y' }),
);

const CASTING = [
  ['person', 'own'],
  ['person', 'shared'],
  ['other', 'shared'],
] as const;

/** Sends to everybody at every address of theirs; answers who got it where, as `person at address`. */
async function sendToAll(list: string | undefined): Promise<Set<string>> {
  const reached = new Set<string>();
  // An execution writes to a person once, so each address of theirs takes one of its own.
  for (const [who, where] of CASTING) {
    const before = relay.mails.length;
    const id = await enqueue(adieu, {
      channelConfiguration: 'channel',
      recipients: rows.map((row) => ({ namespace: 'CRMID', id: row[who], address: row[where] })),
      ...(list === undefined ? {} : { list }),
    });
    const { counts } = await finished(adieu, id);
    const mails = relay.mails.slice(before);
    expect(mails.length).toBe(counts.sent);
    for (const { raw, to } of mails)
      reached.add(`${/^Subject: (.*)\r$/m.exec(raw.toString('latin1'))?.[1]} at ${to}`);
  }
  return reached;
}

const LISTS = ['no list', 'weekly', 'daily'] as const;
const failures = new Map<Row, unknown>();
const got = new Map<string, Set<string>>();

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await putBrand();
  await importCast();
  for (const level of SCOPES) {
    const recipients = rows
      .filter((row) => levelOf(row) === level)
      .map(({ person, shared }) => ({ namespace: 'CRMID', id: person, address: shared }));
    const list = level === 'subscription' ? { list: 'weekly' } : {};
    const id = await enqueue(adieu, { channelConfiguration: level, recipients, ...list });
    expect((await finished(adieu, id)).counts).toMatchObject({ sent: recipients.length, excluded: 0 });
  }
  // A door that is shut fails its own row, and no other.
  for (const row of rows) await row.leave(row).catch((error: unknown) => failures.set(row, error));
  for (const list of LISTS) got.set(list, await sendToAll(list === 'no list' ? undefined : list));
}, 600_000);

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

/** Where somebody is left out, by scope: of which lists' mail, of the three of {@link CASTING}. */
const STOPPED: Readonly<Record<Scope, Readonly<Record<(typeof LISTS)[number], readonly number[]>>>> = {
  channel: { 'no list': [0, 1], weekly: [0, 1], daily: [0, 1] },
  identity: { 'no list': [1, 2], weekly: [1, 2], daily: [1, 2] },
  subscription: { 'no list': [], weekly: [0, 1], daily: [] },
};

describe.each(rows)('C10 $source, $scope: $how', (row) => {
  test('is open', () => {
    if (failures.has(row)) throw failures.get(row);
  });

  test('leaves out of the next send what was meant, and nothing else', () => {
    for (const list of LISTS) {
      const reached = CASTING.map(([who, where]) => got.get(list)?.has(`${row[who]} at ${row[where]}`));
      expect([list, reached]).toEqual([
        list,
        CASTING.map((_, place) => !STOPPED[row.scope][list].includes(place)),
      ]);
    }
  });

  test('leaves one history row, which says how', async () => {
    const { body } = await adieu.call('GET', `/v1/profiles/CRMID/${row.person}/consent-history`);
    const evidence = {
      channel: 'email',
      from: row.scope === 'subscription' ? 'y' : 'u',
      to: 'n',
      ...(row.scope === 'identity' ? { address: row.shared } : {}),
      ...(row.scope === 'subscription' ? { list: 'weekly' } : {}),
      ...row.says,
    };
    // Newest first; the two oldest are the subscriptions of the cast.
    const said = expect.objectContaining({ source: row.source, scope: row.scope, ...evidence });
    expect(body).toEqual([said, ...SUBSCRIBED]);
  });
});

test('every source that this version has a door for is in the table', () => {
  const sources = new Set(DOORS.map(({ source }) => source));
  expect([...sources].sort()).toEqual([
    'admin',
    'body_one_click',
    'consent_api',
    'header_mailto',
    'header_post',
    'import',
    'landing_page',
    'preference_centre',
  ]);
});
