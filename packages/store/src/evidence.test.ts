import { randomBytes } from 'node:crypto';
import type { ConsentValue, OptOut, OptOutScope, Report } from '@adieu/core';
import { CONSENT_VALUES, eventOfChoice, isEvidence } from '@adieu/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { recordAct } from './act.ts';
import { consentHistory } from './consent-history.ts';
import { recordOptOuts } from './opt-out.ts';
import { findProfile, profileConsents } from './profile.ts';
import { importProfiles } from './profile-import.ts';
import { recordReport } from './report.ts';
import type { Scope } from './scope.ts';
import type { ScratchDatabase } from './testing/scratch-database.ts';
import { openScratchDatabase } from './testing/scratch-database.ts';
import { createScratchTenant, SCRATCH } from './testing/scratch-tenant.ts';

const SCOPES: readonly OptOutScope[] = ['channel', 'identity', 'subscription'];
/** Long ago, so that whatever is said now is newer. */
const TIME = '2020-01-01T00:00:00.000Z';

let scratch: ScratchDatabase;
let scope: Scope;

beforeAll(async () => {
  scratch = await openScratchDatabase();
  scope = await createScratchTenant(scratch.db);
});
afterAll(() => scratch.close());

const emailOf = (id: string) => `${id}@example.com`;

/** Somebody of whom a value is known already, where `level` keeps it. */
async function somebody(id: string, level: OptOutScope, val?: ConsentValue | 'ended'): Promise<void> {
  const said = val === undefined || val === 'ended' ? undefined : { val, time: TIME };
  const list = val === 'ended' ? { start: TIME, end: TIME } : said;
  const own = level === 'channel' ? said : list && { subscriptions: { [SCRATCH.list]: list } };
  const consents =
    level === 'identity'
      ? { idSpecific: { Email: { [emailOf(id)]: { marketing: { email: said } } } } }
      : { marketing: { email: own } };
  const known = (level === 'identity' ? said : own) === undefined ? {} : { consents };
  const identities = { CRMID: id, Email: emailOf(id) };
  const { rejected } = await importProfiles(scratch.db, scope, [{ line: 1, identities, ...known }]);
  expect(rejected).toEqual([]);
}

function evidence(id: string): Omit<OptOut, 'scope'> {
  const { organisation, sandbox } = scope;
  const who = {
    by: 'identity',
    namespace: 'CRMID',
    id,
    addressNamespace: 'Email',
    address: emailOf(id),
  } as const;
  return { organisation, sandbox, who, source: 'landing_page', fingerprint: 'f', at: new Date() };
}

async function known(id: string) {
  const profile = await findProfile(scratch.db, scope, 'CRMID', id);
  if (profile === null) throw new Error('no such profile');
  return profile;
}

/** What was left behind beside the import, without names and times. */
async function traces(id: string) {
  const profile = await known(id);
  const history = await consentHistory(scratch.db, scope, profile);
  const rows = history.filter(({ source }) => source !== 'import');
  const events = await scratch.db
    .selectFrom('event')
    .select(['type', 'source'])
    .where('profile_id', '=', profile.id)
    .where('source', '<>', 'import')
    .orderBy('id')
    .execute();
  const consents = JSON.stringify(profileConsents(profile))
    .replaceAll(id, '')
    .replaceAll(/"20[^"]*"/g, '');
  return { rows: rows.map(({ at: _, address: __, ...row }) => row), events, consents };
}

describe('a no', () => {
  const cases = SCOPES.flatMap((level) =>
    [undefined, ...CONSENT_VALUES, ...(level === 'subscription' ? (['ended'] as const) : [])].map(
      (from) => [level, from] as const,
    ),
  );

  test.each(cases)('of the %s where %s stood leaves the same behind by every door', async (level, from) => {
    const [one, other] = [`a${level}${from}`.toLowerCase(), `b${level}${from}`.toLowerCase()];
    await somebody(one, level, from);
    await somebody(other, level, from);
    const list = level === 'subscription' ? { list: SCRATCH.list } : {};
    const [recorded] = await recordOptOuts(scratch.db, [{ ...evidence(one), scope: level, ...list }]);
    const change = { scope: level, channel: 'email', to: 'n', ...list } as const;
    const { receipt } = await recordAct(scratch.db, { ...evidence(other), changes: [change] });
    expect(receipt.changed.length === 1).toBe(recorded?.changed);
    const left = await traces(one);
    expect(await traces(other)).toEqual(left);
    // Whoever ended a subscription, and how: it is a no.
    const ended = from === 'ended' || (level === 'subscription' && from === 'dn');
    const stood: ConsentValue = ended ? 'n' : (from ?? 'u');
    const said = { from: stood, to: 'n', source: 'landing_page' } as const;
    expect(left.rows.map((row) => ({ from: row.from, to: row.to, source: row.source }))).toEqual(
      isEvidence(said) ? [said] : [],
    );
    const type = eventOfChoice(said);
    expect(left.events).toEqual(type === null ? [] : [{ type, source: 'landing_page' }]);
  });
});

describe('a complaint', () => {
  async function complain(id: string, differing: Partial<Report> = {}) {
    const { id: profile, address } = await known(id);
    return recordReport(scratch.db, {
      ...evidence(id),
      who: { by: 'number', profile, address: address?.id ?? 0 },
      reported: { kind: 'complaint' },
      digest: randomBytes(32),
      ...differing,
    });
  }

  test.each([undefined, ...CONSENT_VALUES])('where %s stood is one row of its own', async (from) => {
    const id = `c${from}`.toLowerCase();
    await somebody(id, 'channel', from);
    const digest = randomBytes(32);
    expect(await complain(id, { digest })).toMatchObject({ receipt: { suppressed: true } });
    expect(await complain(id, { digest })).toMatchObject({ receipt: { outcome: 'repeated' } });
    const { rows, events } = await traces(id);
    expect(rows).toEqual([
      { scope: 'channel', channel: 'email', from: from ?? 'u', to: 'n', source: 'complaint' },
    ]);
    expect(events.map(({ type }) => type).sort()).toEqual(
      [...(from === 'n' ? [] : ['opted_out']), 'complained', 'suppressed'].sort(),
    );
  });

  test('by one token is one row while it stands, however many mails say so, and another once it does not', async () => {
    await somebody('loud', 'channel');
    await complain('loud', { at: new Date(Date.now() - 60_000) });
    const first = profileConsents(await known('loud'));
    for (let more = 0; more < 3; more += 1) await complain('loud');
    const { rows, events } = await traces('loud');
    expect(rows).toHaveLength(1);
    expect(events.map(({ type }) => type).sort()).toEqual(['complained', 'opted_out', 'suppressed']);
    // It is as new as its last time all the same.
    expect(profileConsents(await known('loud'))).not.toEqual(first);
    await scratch.db.deleteFrom('delivery_list').where('key', '=', emailOf('loud')).execute();
    expect(await complain('loud')).toMatchObject({ receipt: { suppressed: true } });
    expect((await traces('loud')).rows).toHaveLength(2);
  });

  test('after a no that the person said keeps the time of that no where it is the newer one', async () => {
    await somebody('late', 'channel');
    await recordOptOuts(scratch.db, [{ ...evidence('late'), scope: 'channel' }]);
    const before = profileConsents(await known('late'));
    await complain('late', { at: new Date(Date.now() - 60_000) });
    expect(profileConsents(await known('late'))).toEqual(before);
    const { rows } = await traces('late');
    expect(rows.map(({ from, source }) => [from, source])).toEqual([
      ['n', 'complaint'],
      ['u', 'landing_page'],
    ]);
  });

  test('in a group with other noes of that person is the one that is written down', async () => {
    await somebody('group', 'channel');
    const no = { ...evidence('group'), scope: 'channel' } as const;
    const answers = await recordOptOuts(scratch.db, [no, { ...no, source: 'complaint' }]);
    expect(answers.map(({ known: isKnown }) => isKnown)).toEqual([true, true]);
    expect((await traces('group')).rows.map(({ source }) => source)).toEqual(['complaint']);
  });
});
