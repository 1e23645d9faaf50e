/**
 * Mail by way of Amazon SES, and what Amazon SNS posts about it: the built program, a relay like SES, and an SNS that is ours.
 *
 * @module
 */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type SesMail, sesBounce, sesComplaint } from '../packages/inbound/src/testing/ses.ts';
import {
  CERTIFICATE_URL,
  HOST,
  openSns,
  type SnsFields,
  TOPIC,
} from '../packages/inbound/src/testing/sns.ts';
import type { RelayedMail } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished } from './brand.ts';
import { headerOf } from './returned-mail.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';
import { type SesRelay, startSesRelay } from './ses-relay.ts';

const WEB = fileURLToPath(new URL('./sns-web.js', import.meta.url));
const sns = openSns();
let backend: Backend;
let relay: SesRelay;
let adieu: RunningAdieu;
let people = 0;
/** The person of a test, who is nobody else's. */
let id: string;
let address: string;

beforeAll(async () => {
  const certificate = sns.web.get(CERTIFICATE_URL);
  if (certificate === undefined || certificate instanceof Error) throw new Error('no certificate');
  backend = await openBackend();
  relay = await startSesRelay();
  adieu = await runAdieu({
    backend,
    relayUrl: relay.url,
    nodeArguments: ['--import', WEB],
    env: {
      SES_TOPIC_ARNS: `arn:aws:sns:eu-west-1:123456789012:other, ${TOPIC}`,
      RETRY_FIRST_SECONDS: '1',
      SNS_WEB: JSON.stringify({
        [CERTIFICATE_URL]: certificate.body,
        [`https://${HOST}/?Action=ConfirmSubscription&`]: '<ConfirmSubscriptionResponse/>',
      }),
    },
  });
  await createBrand(adieu);
  const subdomain = { linkBaseUrl: `https://${DOMAIN}`, relay: 'ses' };
  expect(await adieu.call('PUT', `/v1/subdomains/${DOMAIN}`, subdomain)).toMatchObject({ status: 200 });
});
afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});
beforeEach(async () => {
  people += 1;
  id = `person${people}`;
  address = `person${people}@example.net`;
  const profile = { identities: { CRMID: id, Email: address } };
  expect(await adieu.call('POST', '/v1/profiles', [profile])).toMatchObject({ status: 200 });
});

interface Sent {
  readonly execution: number;
  readonly mail: RelayedMail;
}

async function execute() {
  const execution = await enqueue(adieu, { recipients: [{ namespace: 'CRMID', id }] });
  return { execution, ...(await finished(adieu, execution)) };
}

async function send(): Promise<Sent> {
  const { execution, counts } = await execute();
  expect(counts).toMatchObject({ sent: 1 });
  const mail = relay.mails.findLast(({ to }) => to === address);
  if (mail === undefined) throw new Error('nothing was sent');
  return { execution, mail };
}

/** As SES knows the mail: its envelope, and the header as it was given. */
function givenToSes({ mail }: Sent): SesMail {
  const headers = headerOf(mail)
    .split(/\r\n(?![ \t])/)
    .map((line) => ({
      name: line.slice(0, line.indexOf(':')),
      value: line.slice(line.indexOf(':') + 1).trim(),
    }));
  return { source: mail.from, recipient: mail.to, headers };
}

/** Posts as Amazon SNS does, without a key. */
async function post(fields: SnsFields | string, version: '1' | '2' = '1') {
  const body = typeof fields === 'string' ? fields : JSON.stringify(sns.sign(fields, version));
  const response = await fetch(`${adieu.url}/v1/inbound/ses`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': 'Notification' },
    body,
  });
  return { status: response.status, body: await response.json() };
}

async function suppression(): Promise<string | null> {
  const { status, body } = await adieu.call('GET', `/ajo/config/suppression/addresses/${address}`);
  return status === 404 ? null : body.suppressed.type;
}

const history = async () => (await adieu.call('GET', `/v1/profiles/CRMID/${id}/consent-history`)).body;
const messageOf = async ({ execution }: Sent) =>
  (await adieu.call('GET', `/v1/executions/${execution}/messages`)).body.messages[0];

describe('Amazon SES', () => {
  test('is subscribed to: the topic that is listed is confirmed, another is not', async () => {
    const confirmed = { status: 200, body: { outcome: 'confirmed' } };
    expect(await post({ Type: 'SubscriptionConfirmation' })).toEqual(confirmed);
    expect(adieu.log()).toContain(`asked the web for https://${HOST}/?Action=ConfirmSubscription&TopicArn=`);
    const TopicArn = 'arn:aws:sns:eu-west-1:666666666666:mine';
    expect(await post({ Type: 'SubscriptionConfirmation', TopicArn })).toMatchObject({
      status: 403,
      body: { code: 'topic_not_allowed' },
    });
    expect(adieu.log()).not.toContain('666666666666');
  });

  test.each(['1', '2'] as const)(
    'I2: a bounce, signed in version %s, ends all mail to the address',
    async (version) => {
      const sent = await send();
      const Message = sesBounce(givenToSes(sent), { by: 'eventType' });
      expect(await post({ Message }, version)).toEqual({ status: 200, body: { outcome: 'recorded' } });
      expect(await messageOf(sent)).toMatchObject({ state: 'bounced', code: '5.1.1' });
      expect(await suppression()).toBe('HARD');
      expect(await history()).toEqual([]);
      expect(await execute()).toMatchObject({ exclusions: { '050102': 1 } });
    },
  );

  test('I3: a complaint opts out once, however often it is told, and suppresses', async () => {
    const sent = await send();
    const Message = sesComplaint(givenToSes(sent));
    for (let time = 0; time < 3; time += 1) expect(await post({ Message })).toMatchObject({ status: 200 });
    const { messageId } = await messageOf(sent);
    expect(await history()).toMatchObject([{ scope: 'channel', source: 'complaint', to: 'n', messageId }]);
    expect(await suppression()).toBe('COMPLAINT');
    expect((await execute()).counts).toMatchObject({ excluded: 1 });
  });

  test('BC-1: what is forged, or tells of another’s mail, changes nothing', async () => {
    const sent = await send();
    const Message = sesComplaint(givenToSes(sent));
    const signed = sns.sign({ Message: Message.replace('abuse', 'other') });
    expect(await post(JSON.stringify({ ...signed, Message }))).toMatchObject({
      status: 403,
      body: { code: 'signature_invalid' },
    });
    const SigningCertURL = CERTIFICATE_URL.replace(HOST, `${HOST}.evil.com`);
    expect(await post(JSON.stringify({ ...signed, SigningCertURL }))).toMatchObject({
      status: 403,
      body: { code: 'certificate_url_refused' },
    });
    expect(await post(Message)).toMatchObject({ status: 400, body: { code: 'raw_message_delivery' } });
    const mail = { source: `hello@${DOMAIN}`, recipient: address };
    expect(await post({ Message: sesComplaint(mail) })).toEqual({ status: 200, body: { outcome: 'noted' } });
    expect([await history(), await suppression()]).toEqual([[], null]);
    expect(adieu.log()).not.toContain('evil.com');
  });

  test('X13: about somebody erased it brings nothing back', async () => {
    const sent = await send();
    expect(await adieu.call('DELETE', `/v1/profiles/CRMID/${id}`)).toMatchObject({ status: 202 });
    for (const Message of [sesBounce(givenToSes(sent)), sesComplaint(givenToSes(sent))])
      expect(await post({ Message })).toEqual({ status: 200, body: { outcome: 'noted' } });
    expect(await suppression()).toBeNull();
    expect(await adieu.call('GET', `/v1/profiles/CRMID/${id}`)).toMatchObject({ status: 404 });
  });
});
