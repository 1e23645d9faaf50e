/**
 * Bounces and complaints come back by mail, and whoever they are about is left alone: a real server, a relay, and mail as other
 * systems send it (I2, I3, X10).
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import {
  type RelayedMail,
  type ScriptedRelay,
  startScriptedRelay,
} from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished } from './brand.ts';
import { bring, complaint, deliveryReport, headerOf } from './returned-mail.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;
let people = 0;
/** The person of a test, who is nobody else's. */
let id: string;
let address: string;
/** What the relay answers to RCPT. */
let refusal: string | undefined;

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay({ answer: ({ stage }) => (stage === 'rcpt' ? refusal : undefined) });
  adieu = await runAdieu({ backend, relayUrl: relay.url, env: { SMTP_SEPARATORS: '-' } });
  await createBrand(adieu);
  for (const [name, more] of [
    ['receipt', {}],
    ['owed', { sendAfterComplaint: true }],
  ] as const) {
    const from = { name: 'B', email: `b@${DOMAIN}` };
    const configuration = { subdomain: DOMAIN, emailType: 'transactional', from, ...more };
    const answer = await adieu.call('PUT', `/v1/channel-configurations/${name}`, configuration);
    expect(answer).toMatchObject({ status: 200 });
  }
});
afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});
beforeEach(async () => {
  people += 1;
  id = `person${people}`;
  address = `Person${people}@example.net`;
  const profile = { identities: { CRMID: id, Email: address } };
  expect(await adieu.call('POST', '/v1/profiles', [profile])).toMatchObject({ status: 200 });
});
afterEach(() => {
  refusal = undefined;
});

interface Sent {
  readonly execution: number;
  readonly mail: RelayedMail;
}

async function execute(channelConfiguration = 'newsletter') {
  const recipients = [{ namespace: 'CRMID', id }];
  const execution = await enqueue(adieu, { channelConfiguration, recipients });
  return { execution, ...(await finished(adieu, execution)) };
}

async function send(): Promise<Sent> {
  const before = relay.mails.length;
  const { execution, counts } = await execute();
  expect(counts).toMatchObject({ sent: 1 });
  const mail = relay.mails[before];
  if (mail === undefined) throw new Error('nothing was sent');
  return { execution, mail };
}

const back = (content: string, recipient: string) => bring(adieu, recipient, { content });

async function suppression(): Promise<string | null> {
  const { status, body } = await adieu.call('GET', `/ajo/config/suppression/addresses/${address}`);
  return status === 404 ? null : body.suppressed.type;
}

async function history(): Promise<{ scope: string; source: string; to: string; messageId?: string }[]> {
  return (await adieu.call('GET', `/v1/profiles/CRMID/${id}/consent-history`)).body;
}

async function messageOf({ execution }: Sent) {
  return (await adieu.call('GET', `/v1/executions/${execution}/messages`)).body.messages[0];
}

async function eventsOf({ execution }: Sent): Promise<string[]> {
  const { rows } = await sql<{
    type: string;
  }>`SELECT type FROM event WHERE execution_id = ${execution} ORDER BY id`.execute(backend.db);
  return rows.map(({ type }) => type);
}

async function reviews(): Promise<
  { id: string; why: string; recipient: string; detail?: string; from?: string }[]
> {
  return (await adieu.call('GET', '/v1/inbound/review')).body.items;
}

const softBounce = ({ mail }: Sent, more: object = {}) =>
  back(deliveryReport(mail, { status: '5.2.2', ...more }), mail.from);

describe('a bounce', () => {
  test('BC-1 BC-3 OH-18 I2: a hard one turns the message bounced and ends all mail to the address', async () => {
    const sent = await send();
    expect(sent.mail.from).toMatch(new RegExp(`^bounce\\+[a-z2-7]{45}@${DOMAIN}$`));
    expect(await back(deliveryReport(sent.mail), sent.mail.from)).toMatch(/^250 /);
    expect(await messageOf(sent)).toMatchObject({ state: 'bounced', code: '5.1.1' });
    expect(await suppression()).toBe('HARD');
    expect(await eventsOf(sent)).toEqual(['sent', 'bounced', 'suppressed']);
    expect(await history()).toEqual([]);
    for (const configuration of ['newsletter', 'receipt', 'owed']) {
      expect(await execute(configuration)).toMatchObject({ exclusions: { '050102': 1 } });
    }
  });

  test('MT-12: one whose plus was changed on the way is the same', async () => {
    const sent = await send();
    expect(await back(deliveryReport(sent.mail), sent.mail.from.replace('+', '-'))).toMatch(/^250 /);
    expect(await suppression()).toBe('HARD');
    expect(await back('Subject: x\r\n\r\nx', sent.mail.from.replace('+', '='))).toMatch(/^550 /);
  });

  test('BC-4 BC-5 X10: the same said in session suppresses as well, and a refusal of us does neither way', async () => {
    refusal = '550 5.7.1 we do not like you';
    expect(await execute()).toMatchObject({ counts: { failed: 1 } });
    refusal = '550 5.1.1 no such user';
    expect(await execute()).toMatchObject({ counts: { bounced: 1 } });
    refusal = undefined;
    expect(await suppression()).toBe('HARD');
    expect(await execute()).toMatchObject({ exclusions: { '050102': 1 } });
  });

  test('BC-4: a report of 5.7.x makes the message failed, and nobody is suppressed', async () => {
    const sent = await send();
    expect(await back(deliveryReport(sent.mail, { status: '5.7.26' }), sent.mail.from)).toMatch(/^250 /);
    expect(await messageOf(sent)).toMatchObject({ state: 'failed', code: '5.7.26' });
    expect(await suppression()).toBeNull();
    await send();
  });

  test.each(['delayed', 'delivered', 'relayed', 'expanded'])(
    'BC-2: what was %s is no bounce',
    async (action) => {
      const sent = await send();
      expect(await back(deliveryReport(sent.mail, { action }), sent.mail.from)).toMatch(/^250 /);
      expect(await messageOf(sent)).toMatchObject({ state: 'sent' });
      expect(await suppression()).toBeNull();
    },
  );

  test('BC-6: whoever it names, it is about the token’s recipient', async () => {
    const sent = await send();
    const report = deliveryReport(sent.mail, { recipient: 'somebody.else@example.org', bare: true });
    expect(await back(report, sent.mail.from)).toMatch(/^250 /);
    expect(await messageOf(sent)).toMatchObject({ state: 'bounced' });
    expect(await suppression()).toBe('HARD');
  });

  test('BC-1: the id of somebody else’s message in a report changes nothing of theirs', async () => {
    const theirs = await send();
    const [other, otherAddress] = [id, address];
    people += 1;
    id = `person${people}`;
    address = `Person${people}@example.net`;
    await adieu.call('POST', '/v1/profiles', [{ identities: { CRMID: id, Email: address } }]);
    const own = await send();
    // The token is one's own, the message that "came back" is another's.
    const report = deliveryReport({ ...theirs.mail, to: address }, {});
    expect(await back(report, own.mail.from)).toMatch(/^250 /);
    expect(await messageOf(theirs)).toMatchObject({ state: 'sent' });
    expect(await messageOf(own)).toMatchObject({ state: 'bounced' });
    [id, address] = [other, otherAddress];
    expect(await suppression()).toBeNull();
  });

  test('BC-1 IN-6: a forged token is refused at RCPT', async () => {
    const { mail } = await send();
    const forged = mail.from.replace(/\+(.)/, (_, first) => `+${first === 'a' ? 'b' : 'a'}`);
    expect(await back(deliveryReport(mail), forged)).toMatch(/^550 5\.1\.1 /);
    expect(await suppression()).toBeNull();
  });

  test('BC-1 BC-7 BC-8: what comes to an address without a token is proven by the envelope’s id alone', async () => {
    const sent = await send();
    const local = sent.mail.from.slice(0, sent.mail.from.indexOf('@'));
    const elsewhere = (envelopeId: string | undefined, recipient = address) =>
      back(
        deliveryReport(sent.mail, { recipient, ...(envelopeId === undefined ? {} : { envelopeId }) }),
        `postmaster@${DOMAIN}`,
      );
    const before = (await reviews()).length;
    const forged = local.replace(/\+(.)/, (_, first) => `+${first === 'a' ? 'b' : 'a'}`);
    const purpose = local.replace('bounce', 'unsubscribe');
    for (const id of [undefined, '', 'QQ314159', forged, purpose, sent.mail.messageId])
      expect(await elsewhere(id)).toMatch(/^250 /);
    expect(await messageOf(sent)).toMatchObject({ state: 'sent' });
    expect(await suppression()).toBeNull();
    expect((await reviews()).length - before).toBe(6);
    expect(await elsewhere(local.toUpperCase().replace('+', '+2B'), 'forwarded@example.org')).toMatch(
      /^250 /,
    );
    expect(await messageOf(sent)).toMatchObject({ state: 'bounced', code: '5.1.1' });
    expect(await suppression()).toBe('HARD');
    expect((await reviews()).length - before).toBe(6);
  });

  test('I4: an automatic answer to it is counted, and nothing else', async () => {
    const sent = await send();
    const content =
      'From: john@example.net\r\nAuto-Submitted: auto-replied\r\nSubject: Away\r\n\r\nI am away.';
    const before = (await reviews()).length;
    expect(await back(content, sent.mail.from)).toMatch(/^250 /);
    expect(await messageOf(sent)).toMatchObject({ state: 'sent' });
    expect(await suppression()).toBeNull();
    expect(await history()).toEqual([]);
    expect(await reviews()).toHaveLength(before);
  });

  test('I2: one that nothing can be made of is kept for a person, and is never lost', async () => {
    const sent = await send();
    const content = `From: postman@example.org\r\nSubject: zxqv\r\n\r\nzxqv ${id}`;
    expect(await back(content, sent.mail.from)).toMatch(/^250 /);
    expect((await reviews())[0]).toMatchObject({
      why: 'no_report',
      recipient: 'bounce',
      from: 'postman@example.org',
    });
    expect(await suppression()).toBeNull();
  });
});

describe('X10: soft bounces', () => {
  test('at the threshold of the sandbox suppress, five unless said', async () => {
    for (let bounce = 1; bounce <= 5; bounce += 1) {
      expect(await suppression()).toBeNull();
      expect(await softBounce(await send())).toMatch(/^250 /);
    }
    expect(await suppression()).toBe('SOFT');
    expect(await execute()).toMatchObject({ exclusions: { '050102': 1 } });
  });

  test('a message that arrives in between begins anew, also where the relay takes every message first', async () => {
    await threshold(3);
    await softBounce(await send());
    await softBounce(await send());
    await send();
    await softBounce(await send());
    await softBounce(await send());
    expect(await suppression()).toBeNull();
    await softBounce(await send());
    expect(await suppression()).toBe('SOFT');
    await threshold(5);
  });

  test('BC-5: of the session and of reports are counted together', async () => {
    await threshold(3);
    refusal = '552 5.2.2 mailbox full';
    expect(await execute()).toMatchObject({ counts: { bounced: 1 } });
    refusal = undefined;
    await softBounce(await send());
    expect(await suppression()).toBeNull();
    refusal = '552 5.2.2 mailbox full';
    await execute();
    expect(await suppression()).toBe('SOFT');
    await threshold(5);
  });

  test('IN-21: a report that is brought again counts once', async () => {
    await threshold(2);
    const sent = await send();
    const messageId = `again-${id}@mta.example.net`;
    for (let time = 0; time < 4; time += 1) expect(await softBounce(sent, { messageId })).toMatch(/^250 /);
    expect(await suppression()).toBeNull();
    expect((await eventsOf(sent)).filter((type) => type === 'bounced')).toHaveLength(1);
    // A second report about one message is no second bounce.
    await softBounce(sent, { messageId: `other-${id}@mta.example.net` });
    expect(await suppression()).toBeNull();
    await softBounce(await send());
    expect(await suppression()).toBe('SOFT');
    await threshold(5);
  });

  async function threshold(number: number): Promise<void> {
    const answer = await adieu.call('PUT', '/v1/sandboxes/prod/soft-bounces', { threshold: number });
    expect(answer).toMatchObject({ status: 200, body: { threshold: number } });
  }
});

describe('a complaint', () => {
  const doors: readonly (readonly [string, (sent: Sent) => readonly [recipient: string, content: string]])[] =
    [
      ['at the return path', ({ mail }) => [mail.from, complaint(mail)]],
      [
        'BC-11 by the return path that it names',
        ({ mail }) => [
          `fbl@${DOMAIN}`,
          complaint(mail, { original: 'From: x@example.org', extra: [`Original-Mail-From: <${mail.from}>`] }),
        ],
      ],
      [
        'BC-11 by the mailto of the message',
        ({ mail }) => [
          `abuse@${DOMAIN}`,
          complaint(mail, { original: headerOf(mail).replace(/https:[^>]*/g, 'https://redacted.example/') }),
        ],
      ],
      [
        'BC-11 by the link of the message, where addresses were taken out',
        ({ mail }) => [
          `fbl@${DOMAIN}`,
          complaint(mail, {
            original: headerOf(mail).replace(/[\w.+]+@[\w.]+/g, 'redacted@redacted.example'),
          }),
        ],
      ],
    ];

  test.each(doors)('BC-10 BC-14 I3 %s opts out and suppresses', async (_, door) => {
    const sent = await send();
    const [recipient, content] = door(sent);
    expect(await back(content, recipient)).toMatch(/^250 /);
    const { messageId } = await messageOf(sent);
    expect(await history()).toMatchObject([{ scope: 'channel', source: 'complaint', to: 'n', messageId }]);
    expect(await suppression()).toBe('COMPLAINT');
    expect(await messageOf(sent)).toMatchObject({ state: 'sent' });
    expect(await eventsOf(sent)).toEqual(expect.arrayContaining(['complained', 'opted_out', 'suppressed']));
    expect((await execute()).counts).toMatchObject({ excluded: 1 });
    expect(await execute('receipt')).toMatchObject({ exclusions: { '050102': 1 } });
    expect(await execute('owed')).toMatchObject({ counts: { sent: 1 } });
  });

  test.each(['not-spam', 'auth-failure', 'unheard-of'])('BC-10 I3: %s is none', async (type) => {
    const { mail } = await send();
    const before = (await reviews()).length;
    expect(await back(complaint(mail, { type }), mail.from)).toMatch(/^250 /);
    expect(await back(complaint(mail, { type }), `fbl@${DOMAIN}`)).toMatch(/^250 /);
    expect(await history()).toEqual([]);
    expect(await suppression()).toBeNull();
    // What nobody knows is for a person to look at.
    expect((await reviews()).length - before).toBe(type === 'unheard-of' ? 2 : 0);
  });

  test('BC-10: the wish to leave that a provider passes on opts out and suppresses nobody', async () => {
    const { mail } = await send();
    expect(await back(complaint(mail, { type: 'opt-out' }), `fbl@${DOMAIN}`)).toMatch(/^250 /);
    expect(await history()).toMatchObject([{ source: 'header_mailto', to: 'n' }]);
    expect(await suppression()).toBeNull();
  });

  test('BC-12: one against the format does nothing and is kept for a person', async () => {
    const { mail } = await send();
    const content = complaint(mail, { extra: ['Feedback-Type: abuse'] });
    expect(await back(content, mail.from)).toMatch(/^250 /);
    expect((await reviews())[0]).toMatchObject({
      why: 'malformed',
      detail: 'Feedback-Type is there 2 times',
    });
    expect(await history()).toEqual([]);
    expect(await suppression()).toBeNull();
  });

  test('BC-1 BC-11: without a token of ours it does nothing, whatever address it names', async () => {
    const { mail } = await send();
    const original = `From: x@example.org\r\nTo: ${address}\r\nX-Message-Profile-Id: ${mail.messageId}`;
    const extra = [`Original-Rcpt-To: <${address}>`];
    expect(await back(complaint(mail, { original, extra }), `abuse@${DOMAIN}`)).toMatch(/^250 /);
    expect((await reviews())[0]).toMatchObject({ why: 'no_token', recipient: 'abuse' });
    expect(await history()).toEqual([]);
    expect(await suppression()).toBeNull();
  });

  test('BC-13: a token among the words of the message that came back is nobody’s', async () => {
    const { mail } = await send();
    const original = `From: x@example.org\r\nSubject: ${mail.from}\r\n\r\nList-Unsubscribe: <mailto:${mail.from}>`;
    expect(await back(complaint(mail, { original }), `fbl@${DOMAIN}`)).toMatch(/^250 /);
    expect(await history()).toEqual([]);
  });
});

describe('somebody erased', () => {
  test('X13: a report or a complaint about them brings nothing back', async () => {
    const { mail } = await send();
    expect(await adieu.call('DELETE', `/v1/profiles/CRMID/${id}`)).toMatchObject({ status: 202 });
    expect(await back(deliveryReport(mail), mail.from)).toMatch(/^250 /);
    expect(await back(complaint(mail), mail.from)).toMatch(/^250 /);
    expect(await back(complaint(mail), `fbl@${DOMAIN}`)).toMatch(/^250 /);
    expect(await suppression()).toBeNull();
    expect(await adieu.call('GET', `/v1/profiles/CRMID/${id}`)).toMatchObject({ status: 404 });
  });
});
