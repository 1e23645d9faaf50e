import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

const HOUR = 3_600_000;
const BASE = Date.now();

let api: RunningApi;
let next = 0;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  await api.call('PUT', '/v1/lists/weekly', {});
});
afterAll(() => api.close());

/** Somebody who left the channel just now. */
async function leaver(): Promise<string> {
  next += 1;
  const profileId = `l${next}`;
  const address = `${profileId}@example.com`;
  await api.call('POST', '/v1/profiles', [{ identities: { CRMID: profileId, Email: address } }]);
  const path = `/unsubscribe/one-click?${api.link({ profileId, address })}`;
  expect((await api.ask({ method: 'POST', path, host: LINK_HOST })).status).toBe(200);
  return profileId;
}

const evidence = (at: Date | string = new Date(), differing: object = {}) => ({
  evidence: { kind: 'form', at: typeof at === 'string' ? at : at.toISOString(), reference: 'form 12' },
  ...differing,
});
const bring = (person: string, document: object) =>
  api.call('PUT', `/v1/profiles/CRMID/${person}/consents`, document);
const email = (val: string) => ({ marketing: { email: { val } } });

async function historyOf(person: string): Promise<Record<string, unknown>[]> {
  return JSON.parse((await api.call('GET', `/v1/profiles/CRMID/${person}/consent-history`)).text);
}

describe('X7: evidence', () => {
  test('newer than the opt-out lifts it, and its reference stands in the history', async () => {
    const person = await leaver();
    const answer = await bring(person, evidence(new Date(), email('y')));
    expect([answer.status, answer.json()]).toEqual([
      200,
      { changed: [{ scope: 'channel', channel: 'email', to: 'y' }], kept: [] },
    ]);
    expect((await historyOf(person))[0]).toMatchObject({
      from: 'n',
      to: 'y',
      source: 'admin',
      reference: 'form 12',
    });
  });

  test('older than the opt-out lifts nothing, and the answer says why', async () => {
    const person = await leaver();
    const before = await historyOf(person);
    const document = {
      ...email('y'),
      personalize: { content: { val: 'n' } },
    };
    const answer = await bring(person, evidence(new Date(BASE - HOUR), document));
    expect(answer.json()).toEqual({
      changed: [{ scope: 'channel', channel: 'personalize', to: 'n' }],
      kept: [{ scope: 'channel', channel: 'email', to: 'y', why: 'newer' }],
    });
    expect(await historyOf(person)).toHaveLength(before.length + 1);
  });

  test('of what has not happened is refused', async () => {
    const person = await leaver();
    const answer = await bring(person, evidence(new Date(Date.now() + HOUR), email('y')));
    expect([answer.status, answer.json().code]).toEqual([422, 'evidence_in_future']);
    expect(await historyOf(person)).toHaveLength(1);
  });

  test('brings every kind of choice at once', async () => {
    const person = await leaver();
    const answer = await bring(
      person,
      evidence('2020-01-01T12:00:00+02:00', {
        marketing: {
          any: { val: 'dy' },
          sms: { val: 'n' },
          postalMail: { val: 'VI' },
          email: { subscriptions: { weekly: {} } },
        },
        personalize: { content: { val: 'y' } },
        idSpecific: {
          email: { [`${person.toUpperCase()}@EXAMPLE.com`]: { marketing: { email: { val: 'n' } } } },
        },
      }),
    );
    expect(answer.json().kept).toEqual([]);
    expect(answer.json().changed).toHaveLength(6);
    const { consents } = (await api.call('GET', `/v1/profiles/CRMID/${person}`)).json();
    const time = '2020-01-01T10:00:00.000Z';
    expect(consents).toMatchObject({
      marketing: {
        any: { val: 'dy', time },
        sms: { val: 'n', time },
        email: { val: 'n', subscriptions: { weekly: { start: time } } },
      },
      idSpecific: { Email: { [`${person}@example.com`]: { marketing: { email: { val: 'n', time } } } } },
    });
    const channels = (await historyOf(person)).map(({ channel }) => channel);
    expect(new Set(channels)).toEqual(new Set(['any', 'sms', 'postalMail', 'email', 'personalize']));
  });
});

describe('bad input', () => {
  test.each<[string, object, string | undefined]>([
    ['invalid_field', email('y'), 'evidence'],
    ['invalid_field', { ...evidence('yesterday'), ...email('y') }, 'evidence.at'],
    ['invalid_field', { ...evidence('2026-01-01T00:00:00'), ...email('y') }, 'evidence.at'],
    [
      'invalid_field',
      { evidence: { kind: 'hearsay', at: '2026-01-01T00:00:00Z', reference: 'x' } },
      'evidence.kind',
    ],
    ['invalid_field', { evidence: { kind: 'form', at: '2026-01-01T00:00:00Z' } }, 'evidence.reference'],
    ['choice_required', evidence(), undefined],
    ['choice_required', evidence(new Date(), { marketing: {} }), undefined],
    ['consents_invalid', evidence(new Date(), email('maybe')), 'marketing.email.val'],
    ['consents_invalid', evidence(new Date(), { marketing: { pigeon: { val: 'y' } } }), 'marketing.pigeon'],
    ['not_a_choice', evidence(new Date(), { collect: { val: 'y' } }), 'collect'],
    ['not_a_choice', evidence(new Date(), { marketing: { preferred: 'email' } }), 'marketing.preferred'],
    [
      'not_a_choice',
      evidence(new Date(), { marketing: { email: { val: 'y', time: '2020-01-01' } } }),
      'marketing.email.time',
    ],
    [
      'not_a_choice',
      evidence(new Date(), { marketing: { sms: { subscriptions: { weekly: {} } } } }),
      'marketing.sms.subscriptions',
    ],
    [
      'not_a_choice',
      evidence(new Date(), { idSpecific: { Phone: { '1': { marketing: { sms: { val: 'y' } } } } } }),
      'idSpecific',
    ],
  ])('%s: %j', async (code, document, field) => {
    const person = await leaver();
    const answer = await bring(person, document);
    expect([answer.status, answer.json().code, answer.json().field]).toEqual([400, code, field]);
    expect(await historyOf(person)).toHaveLength(1);
  });

  test('an address that is somebody else’s, a list that is not there, and nobody are refused', async () => {
    const person = await leaver();
    const other = { idSpecific: { Email: { 'john@example.com': { marketing: { email: { val: 'y' } } } } } };
    expect((await bring(person, evidence(new Date(), other))).json()).toMatchObject({
      code: 'unknown_address',
    });
    const list = { marketing: { email: { subscriptions: { nowhere: {} } } } };
    expect((await bring(person, evidence(new Date(), list))).json()).toMatchObject({ code: 'unknown_list' });
    const nobody = await bring('nobody', evidence(new Date(), email('y')));
    expect([nobody.status, nobody.json().code]).toEqual([404, 'unknown_profile']);
  });
});
