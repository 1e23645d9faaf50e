/**
 * Wrong input of every kind: a stable code, words that help, and nothing half-written.
 *
 * @module
 */

import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { sql } from 'kysely';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished, importPeople, TEMPLATE } from './brand.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

let backend: Backend;
let relay: ScriptedRelay;
let adieu: RunningAdieu;

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  adieu = await runAdieu({ backend, relayUrl: relay.url });
  await createBrand(adieu);
  await importPeople(adieu, 1);
  const noWayOut = { subject: 'No way out', html: '<p>Hello</p>' };
  expect(await adieu.call('PUT', '/v1/templates/no-way-out', noWayOut)).toMatchObject({ status: 200 });
});

afterAll(async () => {
  await adieu?.stop();
  await relay?.close();
  await backend?.close();
});

const CONFIGURATION = {
  subdomain: DOMAIN,
  emailType: 'marketing',
  from: { name: 'Brand', email: `hello@${DOMAIN}` },
};
const EXECUTION = {
  requestId: 'never-stored',
  channelConfiguration: 'newsletter',
  template: 'spring',
  audience: { all: true },
};
const SMALL_KEY = `-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n`;

/** Rows of every table that a request could have written to. */
async function rows(): Promise<Record<string, number>> {
  const tables = [
    'subdomain',
    'channel_configuration',
    'template',
    'profile',
    'address',
    'execution',
    'message',
    'consent_history',
  ];
  const counted = await Promise.all(
    tables.map(async (table) => {
      const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM ${sql.table(table)}`.execute(
        backend.db,
      );
      return [table, rows[0]?.n ?? -1] as const;
    }),
  );
  return Object.fromEntries(counted);
}

describe('a refused request has a stable code and writes nothing', () => {
  test.each<[string, string, string, unknown, number, string]>([
    [
      'S3: malformed MJML',
      'PUT',
      '/v1/templates/x',
      { subject: 'x', mjml: '<mjml><mj-body><mj-section></mj-body></mjml>' },
      422,
      'template_invalid',
    ],
    [
      'S3: a Handlebars block that never closes',
      'PUT',
      '/v1/templates/x',
      { subject: 'x', html: '{{#if profile.a}}x' },
      422,
      'template_invalid',
    ],
    [
      'U8: a marketing template without an opt-out link',
      'POST',
      '/v1/executions',
      { ...EXECUTION, template: 'no-way-out' },
      422,
      'template_without_opt_out',
    ],
    [
      'an unknown template',
      'POST',
      '/v1/executions',
      { ...EXECUTION, template: 'nowhere' },
      422,
      'unknown_template',
    ],
    [
      'an unknown configuration',
      'POST',
      '/v1/executions',
      { ...EXECUTION, channelConfiguration: 'nowhere' },
      422,
      'unknown_channel_configuration',
    ],
    ['an unknown list', 'POST', '/v1/executions', { ...EXECUTION, list: 'nowhere' }, 422, 'unknown_list'],
    [
      'neither recipients nor audience',
      'POST',
      '/v1/executions',
      { ...EXECUTION, audience: undefined },
      422,
      'recipients_or_audience',
    ],
    ['a field nobody knows', 'POST', '/v1/executions', { ...EXECUTION, audiences: {} }, 400, 'unknown_field'],
    [
      'OH-14: CRLF in a display name',
      'PUT',
      '/v1/channel-configurations/x',
      { ...CONFIGURATION, from: { name: 'A\r\nBcc: b@c.d', email: `a@${DOMAIN}` } },
      400,
      'invalid_field',
    ],
    [
      'OH-14: a line separator in a request id',
      'POST',
      '/v1/executions',
      { ...EXECUTION, requestId: 'a\u2028b' },
      400,
      'invalid_field',
    ],
    [
      'OH-20: an object where a header text is due',
      'PUT',
      '/v1/channel-configurations/x',
      { ...CONFIGURATION, from: { name: { toString: 'x' }, email: `a@${DOMAIN}` } },
      400,
      'invalid_field',
    ],
    [
      'OH-13: two From addresses',
      'PUT',
      '/v1/channel-configurations/x',
      { ...CONFIGURATION, from: { name: 'A', email: `a@${DOMAIN}, b@${DOMAIN}` } },
      400,
      'invalid_field',
    ],
    [
      'DK-9: a From of another domain',
      'PUT',
      '/v1/channel-configurations/x',
      { ...CONFIGURATION, from: { name: 'A', email: 'a@elsewhere.example' } },
      422,
      'from_not_aligned',
    ],
    [
      'DK-8: a signing key that is none',
      'PUT',
      '/v1/subdomains/mail.example.com',
      { linkBaseUrl: 'https://mail.example.com', dkim: { selector: 's1', privateKey: SMALL_KEY } },
      422,
      'dkim_key_invalid',
    ],
    [
      'a link base URL that is taken',
      'PUT',
      '/v1/subdomains/mail.example.com',
      { linkBaseUrl: `https://${DOMAIN}` },
      409,
      'link_base_url_taken',
    ],
    ...[0, 21, 1.5, '5'].map((threshold): [string, string, string, unknown, number, string] => [
      `X10: a threshold of soft bounces of ${JSON.stringify(threshold)}`,
      'PUT',
      '/v1/sandboxes/prod/soft-bounces',
      { threshold },
      400,
      'invalid_field',
    ]),
  ])('%s', async (_name, method, path, body, status, code) => {
    const before = await rows();
    const answer = await adieu.call(method, path, body);
    expect({ status: answer.status, code: answer.body.code }).toEqual({ status, code });
    expect(answer.body.detail.length).toBeGreaterThan(10);
    expect(await rows()).toEqual(before);
  });

  test('a template error names line and column', async () => {
    const mjml = '<mjml>\n <mj-body>\n  <mj-sektion></mj-sektion>\n </mj-body>\n</mjml>';
    const { body } = await adieu.call('PUT', '/v1/templates/x', { subject: 'x', mjml });
    expect(body.errors).toContainEqual(expect.objectContaining({ part: 'mjml', line: 3, column: 3 }));
  });

  test('a wrong key gets 401, the right key under another organisation 403', async () => {
    const before = await rows();
    const put = (headers: Record<string, string>) =>
      fetch(`${adieu.url}/v1/templates/x`, { method: 'PUT', headers, body: JSON.stringify(TEMPLATE) });
    const json = { 'content-type': 'application/json' };
    expect((await put({ ...json, authorization: 'Bearer wrong' })).status).toBe(401);
    expect((await put(json)).status).toBe(401);
    const foreign = await fetch(`${adieu.url}/v1/profiles/CRMID/p0`, {
      headers: { authorization: `Bearer ${adieu.key}`, 'x-gw-ims-org-id': 'somebody-else' },
    });
    expect(foreign.status).toBe(403);
    expect(await rows()).toEqual(before);
  });
});

test('S5 OH-16 OH-17: a bad recipient never fails the call, it is excluded with its code', async () => {
  const recipient = (id: string, address?: string) => ({
    namespace: 'CRMID',
    id,
    ...(address === undefined ? {} : { address }),
  });
  const execution = await enqueue(adieu, {
    recipients: [
      recipient('good', 'good@example.org'),
      recipient('nobody'),
      recipient('two', 'a@example.org, b@example.org'),
      recipient('long', `${'x'.repeat(65)}@example.org`),
      recipient('crlf', 'a@example.org\r\nRCPT TO:<b@example.org>'),
      recipient('good', 'again@example.org'),
    ],
  });
  const { counts, exclusions } = await finished(adieu, execution);
  expect(counts).toMatchObject({ sent: 1, excluded: 4, failed: 0 });
  expect(exclusions).toEqual({ '050020': 1, '050024': 3 });
  expect(relay.mails.map(({ to }) => to)).toEqual(['good@example.org']);
});
