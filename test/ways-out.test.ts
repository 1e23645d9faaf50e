/**
 * The main job, end to end: a journey enqueues, a mailbox provider posts, a recipient mails; the next send skips.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import {
  createBrand,
  enqueue,
  finished,
  importPeople,
  mailTheAddress,
  postOneClick,
  waysOut,
} from './brand.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const PEOPLE = 12;

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await createBrand(adieu);
  await importPeople(adieu, PEOPLE);
  const first = await finished(adieu, await enqueue(adieu));
  expect(first.counts).toMatchObject({ sent: PEOPLE, excluded: 0 });
});

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

function mailTo(person: string) {
  const mail = relay.mails.find(({ to }) => to === `${person}@example.org`);
  if (mail === undefined) throw new Error(`no mail to ${person}`);
  return mail;
}

async function history(
  person: string,
): Promise<{ source: string; scope: string; from: string; to: string }[]> {
  return (await adieu.call('GET', `/v1/profiles/CRMID/${person}/consent-history`)).body;
}

describe('a mailbox provider posts the delivered header URL', () => {
  test('OC-1 OC-2 OC-7 OC-8 C1: 200, 200 again, and one history row', async () => {
    const { https } = waysOut(mailTo('p1'));
    expect(await postOneClick(adieu, https)).toBe(200);
    expect(await postOneClick(adieu, https)).toBe(200);
    const rows = await history('p1');
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ source: 'header_post', scope: 'channel', to: 'n' });
  });

  test('OC-8: repeats at the same moment leave one row and one event', async () => {
    const { https } = waysOut(mailTo('p2'));
    const answers = await Promise.all(Array.from({ length: 20 }, () => postOneClick(adieu, https)));
    expect(new Set(answers)).toEqual(new Set([200]));
    expect(await history('p2')).toHaveLength(1);
    const events = await backend.db
      .selectFrom('event')
      .select('id')
      .where('type', '=', 'opted_out')
      .where('message_id', '=', mailTo('p2').messageId.slice(1, 37))
      .execute();
    expect(events).toHaveLength(1);
  });
});

describe('a recipient mails the delivered mailto address', () => {
  test.each([
    [
      'p3',
      'as it stands, with an ordinary mail',
      (address: string) => address,
      'From: a@b.example\r\nSubject: unsubscribe\r\n\r\nplease',
    ],
    [
      'p4',
      'MT-1 MT-2 in upper case, with an empty subject',
      (address: string) => address.toUpperCase(),
      'Subject:\r\n\r\n',
    ],
    [
      'p5',
      'MT-5 with no header and a body in a strange charset',
      (address: string) => address,
      '\r\n\u00ff\u00fe',
    ],
  ])('%s %s: 250, and 250 again, and one history row', async (person, _how, spell, content) => {
    const address = spell(waysOut(mailTo(person)).mailto);
    expect(await mailTheAddress(adieu, address, content)).toMatch(/^250 /);
    expect(await mailTheAddress(adieu, address, content)).toMatch(/^250 /);
    const rows = await history(person);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ source: 'header_mailto', scope: 'channel', to: 'n' });
  });

  test('an address that is not ours is refused at RCPT and changes nothing', async () => {
    const { mailto } = waysOut(mailTo('p6'));
    const forged = mailto.replace(/\+(.)/, (_, first: string) => `+${first === 'a' ? 'b' : 'a'}`);
    expect(await mailTheAddress(adieu, forged, 'Subject: unsubscribe\r\n\r\n')).toMatch(/^550 5\.1\.1 /);
    expect(await history('p6')).toEqual([]);
  });
});

describe('the next send', () => {
  test('LG-1: skips exactly those who left, with 050101, and explain says which rule', async () => {
    const left = ['p1', 'p2', 'p3', 'p4', 'p5'];
    const before = relay.mails.length;
    const second = await enqueue(adieu);
    const outcome = await finished(adieu, second);
    expect(outcome.counts).toMatchObject({ sent: PEOPLE - left.length, excluded: left.length });
    expect(outcome.exclusions).toEqual({ '050101': left.length });

    const { body } = await adieu.call('GET', `/v1/executions/${second}/messages?state=excluded`);
    expect(body.messages.map((message: { id: string }) => message.id).sort()).toEqual(left);
    const recipients = relay.mails.slice(before).map(({ to }) => to);
    for (const person of left) expect(recipients).not.toContain(`${person}@example.org`);

    const explained = await adieu.call(
      'GET',
      '/v1/profiles/CRMID/p1/explain?channelConfiguration=newsletter',
    );
    expect(explained.body).toMatchObject({ allowed: false, code: '050101' });
    expect(explained.body.rules).toContainEqual({ rule: 'marketing.email', value: 'n', verdict: 'stop' });
    const other = await adieu.call('GET', '/v1/profiles/CRMID/p6/explain?channelConfiguration=newsletter');
    expect(other.body).toMatchObject({ allowed: true });
  });

  test('S4: the same requestId answers with the first execution and enqueues nothing', async () => {
    const before = relay.mails.length;
    const requestId = 'only-once';
    const [first, again] = [await enqueue(adieu, { requestId }), await enqueue(adieu, { requestId })];
    expect(again).toBe(first);
    const { counts } = await finished(adieu, first);
    expect(relay.mails.length - before).toBe(counts.sent);
  });
});

test('OC-18: nothing of all this is in the log', () => {
  const { https } = waysOut(mailTo('p1'));
  expect(adieu.log()).not.toContain('@example.org');
  expect(adieu.log()).not.toContain(https.searchParams.get('params'));
  expect(adieu.log().length).toBeGreaterThan(0);
});
