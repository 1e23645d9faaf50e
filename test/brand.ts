/**
 * A brand for scenarios, brought in through the management API, and its mails read as a mailbox would.
 *
 * @module
 */
import { randomUUID } from 'node:crypto';
import { type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http';
import { expect } from '@jest/globals';
import { greet } from '../packages/inbound/src/testing/caller.ts';
import type { RelayedMail } from '../packages/worker/src/testing/scripted-relay.ts';
import type { PublishedKeys } from './outside-tools.ts';
import { type RunningAdieu, until } from './running-adieu.ts';

export const DOMAIN = 'news.example.com';
export const LINK_BASE = `https://${DOMAIN}`;

/** Every kind of opt-out link: an anchor, one in an MSO conditional comment, an MJML button, the text part. */
export const TEMPLATE = {
  subject: 'Spring, {{profile.person.name.firstName}}',
  preheader: 'What is new',
  mjml: `<mjml><mj-body>
  <mj-section><mj-column>
    <mj-text>Hello {{profile.person.name.firstName}}, here is {{context.coupon}}.</mj-text>
    <mj-button href="https://brand.example/shop?from=mail&amp;x=1">Shop</mj-button>
    <mj-raw><!--[if mso]><a href="https://brand.example/bye" data-link-type="one-click">Leave (Outlook)</a><![endif]--></mj-raw>
    <mj-text><a href="https://brand.example/bye" data-link-type="one-click" data-consent-level="identity">Leave</a>
      or <a href="#" data-link-type="unsubscribe">choose</a></mj-text>
    <mj-button href="{{oneClickUrl}}">Unsubscribe</mj-button>
  </mj-column></mj-section></mj-body></mjml>`,
} as const;

/** Creates subdomain, configuration and template; answers the keys to publish in DNS. */
export async function createBrand(adieu: RunningAdieu, template: object = TEMPLATE): Promise<PublishedKeys> {
  const subdomain = await adieu.call('PUT', `/v1/subdomains/${DOMAIN}`, { linkBaseUrl: LINK_BASE });
  expect(subdomain).toMatchObject({ status: 200 });
  const configuration = await adieu.call('PUT', '/v1/channel-configurations/newsletter', {
    subdomain: DOMAIN,
    emailType: 'marketing',
    from: { name: 'Brand', email: `hello@${DOMAIN}` },
    replyTo: 'care@example.com',
  });
  expect(configuration).toMatchObject({ status: 200 });
  expect(await adieu.call('PUT', '/v1/templates/spring', template)).toMatchObject({ status: 200 });
  const records: { type: string; name: string; value: string }[] = subdomain.body.dns;
  return Object.fromEntries(
    records.filter((record) => record.type === 'TXT').map((record) => [record.name, record.value]),
  );
}

/** Imports profiles `p0…` of `@example.org`. */
export async function importPeople(adieu: RunningAdieu, count: number): Promise<void> {
  const lines = Array.from({ length: count }, (_, index) =>
    JSON.stringify({
      identities: { CRMID: `p${index}`, Email: `p${index}@example.org` },
      attributes: { person: { name: { firstName: `Ada${index}` } } },
    }),
  );
  const answer = await adieu.call('POST', '/v1/profiles', `${lines.join('\n')}\n`);
  expect(answer).toMatchObject({ status: 200, body: { upserted: count, rejected: [] } });
}

/** Enqueues a send to everybody, or to the recipients given, and answers the execution's id. */
export async function enqueue(adieu: RunningAdieu, differing: object = {}): Promise<number> {
  const request = {
    requestId: randomUUID(),
    channelConfiguration: 'newsletter',
    template: 'spring',
    campaignId: 'spring-2026',
    ...('recipients' in differing ? {} : { audience: { all: true } }),
    ...differing,
  };
  const answer = await adieu.call('POST', '/v1/executions', request);
  expect(answer).toMatchObject({ status: 202, body: { requestId: request.requestId } });
  return answer.body.executionId;
}

/** Counts of an execution, once it is finished. */
export async function finished(adieu: RunningAdieu, executionId: number) {
  let last: unknown;
  return until(
    async () => {
      const { body } = await adieu.call('GET', `/v1/executions/${executionId}`);
      last = body;
      return body.state === 'finished' && body;
    },
    () => `the execution never finished: ${JSON.stringify(last)}\n${adieu.log()}`,
    600_000,
  );
}

/** The URIs of a delivered mail's `List-Unsubscribe`. */
export function waysOut(mail: RelayedMail): { https: URL; mailto: string } {
  const header =
    /^List-Unsubscribe: ((?:.*\r\n)(?:[ \t].*\r\n)*)/m.exec(mail.raw.toString('latin1'))?.[1] ?? '';
  const uris = [...header.matchAll(/<([^>]*)>/g)].map((match) => match[1] ?? '');
  const https = uris.find((uri) => uri.startsWith('https:')) ?? '';
  const mailto = uris.find((uri) => uri.startsWith('mailto:')) ?? '';
  return { https: new URL(https), mailto: mailto.slice('mailto:'.length).split('?')[0] ?? '' };
}

/** An answer to somebody who follows a link. */
export interface PublicAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** Follows a link to the host that its DNS would lead to. A body is sent as a form. */
export function follow(
  adieu: RunningAdieu,
  link: URL,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: OutgoingHttpHeaders; body?: string } = {},
): Promise<PublicAnswer> {
  const form = body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' };
  return new Promise((resolve, reject) => {
    request(
      `${adieu.url}${link.pathname}${link.search}`,
      { method, headers: { host: link.host, ...form, ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject).on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    )
      .on('error', reject)
      .end(body);
  });
}

/** Posts a header URL as a mailbox provider does; answers the status. */
export async function postOneClick(adieu: RunningAdieu, link: URL): Promise<number> {
  return (await follow(adieu, link, { method: 'POST', body: 'List-Unsubscribe=One-Click' })).status;
}

/** One SMTP dialogue as a mail program would have it; the last reply, or what refused it. */
export async function mailTheAddress(
  { smtpPort }: RunningAdieu,
  address: string,
  content: string,
): Promise<string> {
  const caller = await greet(smtpPort);
  try {
    for (const command of ['MAIL FROM:<someone-else@example.net>', `RCPT TO:<${address}>`, 'DATA']) {
      const reply = await caller.ask(command);
      if (!/^[23]/.test(reply)) return reply;
    }
    caller.say(`${content}\r\n.\r\n`);
    return await caller.hear();
  } finally {
    caller.hangUp();
  }
}
