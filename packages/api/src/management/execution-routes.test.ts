import { expandStep } from '@adieu/store';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ask } from '../testing/http-client.ts';
import { furnish, LINK_HOST, type RunningApi, SECRET, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
let requests = 0;
const FROM = { name: 'Brand', email: `hello@${LINK_HOST}` };
const WITH_LINK = '<a data-link-type="one-click" href="#">Bye</a>';

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  const marketing = { subdomain: LINK_HOST, emailType: 'marketing', from: FROM };
  await api.call('PUT', '/v1/channel-configurations/newsletter', marketing);
  await api.call('PUT', '/v1/channel-configurations/excused', {
    ...marketing,
    allowNoOptOutLink: 'the law says so',
  });
  await api.call('PUT', '/v1/channel-configurations/of-list', {
    ...marketing,
    listUnsubscribe: { consentLevel: 'subscription' },
  });
  await api.call('PUT', '/v1/channel-configurations/receipts', { ...marketing, emailType: 'transactional' });
  await api.call('PUT', '/v1/templates/spring', { subject: 's', html: WITH_LINK });
  await api.call('PUT', '/v1/templates/plain', { subject: 's', html: '<p>Hi</p>' });
  await api.call('PUT', '/v1/lists/weekly', {});
});
afterAll(() => api.close());

const RECIPIENT = { namespace: 'CRMID', id: '5142' };
const execute = (change: object = {}) => {
  requests += 1;
  const body = {
    requestId: `request-${requests}`,
    channelConfiguration: 'newsletter',
    template: 'spring',
    recipients: [RECIPIENT],
  };
  return api.call('POST', '/v1/executions', { ...body, ...change });
};
const expand = async (executionId: unknown): Promise<void> => {
  while (!(await expandStep(api.database.db, Number(executionId))).done);
};

describe('POST /v1/executions', () => {
  test('S4: answers 202 at once and wakes a worker', async () => {
    const answer = await execute({
      campaignId: 'spring-2026',
      journey: { versionId: 'v', actionId: 'a' },
      list: 'weekly',
    });
    expect(answer.status).toBe(202);
    const { executionId } = answer.json();
    expect(answer.json()).toEqual({
      executionId: expect.any(String),
      requestId: expect.any(String),
      state: 'running',
    });
    expect(api.jobs).toContainEqual({ kind: 'expand', executionId: Number(executionId) });
    expect((await api.call('GET', `/v1/executions/${executionId}`)).json()).toMatchObject({
      executionId,
      state: 'running',
    });
  });

  test('S4: answers the same request with the first execution, also at once, and enqueues nothing', async () => {
    const woken = api.jobs.length;
    const answers = await Promise.all(Array.from({ length: 8 }, () => execute({ requestId: 'twice' })));
    expect(new Set(answers.map((answer) => `${answer.status} ${answer.json().executionId}`)).size).toBe(1);
    const later = await execute({ requestId: 'twice', audience: { all: true }, recipients: undefined });
    expect(later.json().executionId).toBe(answers[0]?.json().executionId);
    expect(api.jobs.length).toBe(woken + 1);
  });

  test('S4: answers a repeated request as before even when its template has lost its link since', async () => {
    await api.call('PUT', '/v1/templates/changing', { subject: 's', html: WITH_LINK });
    const first = await execute({ requestId: 'changing', template: 'changing' });
    await api.call('PUT', '/v1/templates/changing', { subject: 's', html: '<p>Hi</p>' });
    expect((await execute({ requestId: 'changing', template: 'changing' })).json()).toEqual(first.json());
    expect((await execute({ template: 'changing' })).json()).toMatchObject({
      code: 'template_without_opt_out',
    });
  });

  test('is not failed by a queue that is away', async () => {
    const other = await startTestApi({
      database: api.database,
      wake: async () => {
        throw new Error('the queue is away');
      },
    });
    const body = JSON.stringify({
      requestId: 'no-queue',
      channelConfiguration: 'newsletter',
      template: 'spring',
      recipients: [RECIPIENT],
    });
    const headers = { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' };
    const answer = await ask(other.url, { method: 'POST', path: '/v1/executions', headers, body });
    expect(answer.status).toBe(202);
    expect(
      other.lines.some(({ level, message }) => level === 'warn' && message.includes('no worker was woken')),
    ).toBe(true);
    await other.close();
  });

  test('U3: a template or a configuration that leaves a list needs one', async () => {
    const html =
      '<a href="#" data-link-type="one-click" data-consent-level="subscription">Leave this list</a>';
    await api.call('PUT', '/v1/templates/of-a-list', { subject: 's', html });
    await api.call('PUT', '/v1/lists/weekly', { title: 'Weekly' });
    const refused = await execute({ template: 'of-a-list' });
    expect([refused.status, refused.json()]).toMatchObject([422, { code: 'list_required', field: 'list' }]);
    expect((await execute({ template: 'of-a-list', list: 'weekly' })).status).toBe(202);
  });

  test('U8: refuses a marketing template without an opt-out link, unless a logged reason allows it', async () => {
    const refused = await execute({ template: 'plain' });
    expect([refused.status, refused.json()]).toMatchObject([
      422,
      { code: 'template_without_opt_out', field: 'template' },
    ]);
    expect((await execute({ template: 'plain', channelConfiguration: 'receipts' })).status).toBe(202);
    expect((await execute({ template: 'plain', channelConfiguration: 'excused' })).status).toBe(202);
    const line = api.lines.find(({ message }) => message.includes('without an opt-out link was allowed'));
    expect(line).toMatchObject({
      level: 'warn',
      fields: { channelConfiguration: 'excused', template: 'plain', why: 'the law says so' },
    });
  });

  test.each([
    [{ channelConfiguration: 'nothing' }, 422, 'unknown_channel_configuration', 'channelConfiguration'],
    [{ template: 'nothing' }, 422, 'unknown_template', 'template'],
    [{ list: 'nothing' }, 422, 'unknown_list', 'list'],
    [{ channelConfiguration: 'of-list' }, 422, 'list_required', 'list'],
    [{ dryRun: true, template: 'plain' }, 422, 'template_without_opt_out', 'template'],
    [{ dryRun: true, channelConfiguration: 'of-list' }, 422, 'list_required', 'list'],
    [{ dryRun: 'yes' }, 400, 'invalid_field', 'dryRun'],
    [{ maxLatenessMinutes: 0 }, 400, 'invalid_field', 'maxLatenessMinutes'],
    [{ maxLatenessMinutes: 43_201 }, 400, 'invalid_field', 'maxLatenessMinutes'],
    [{ maxLatenessMinutes: 1.5 }, 400, 'invalid_field', 'maxLatenessMinutes'],
    [{ audience: { all: true } }, 422, 'recipients_or_audience', 'recipients'],
    [{ recipients: undefined }, 422, 'recipients_or_audience', 'recipients'],
    [{ recipients: [] }, 400, 'invalid_field', 'recipients'],
    [{ recipients: {} }, 400, 'invalid_field', 'recipients'],
    [{ recipients: [RECIPIENT, { namespace: 'CRMID', id: 7 }] }, 400, 'invalid_field', 'recipients.1.id'],
    [{ recipients: [{ ...RECIPIENT, address: { evil: 1 } }] }, 400, 'invalid_field', 'recipients.0.address'],
    [
      { recipients: [{ ...RECIPIENT, address: ['a@example.com'] }] },
      400,
      'invalid_field',
      'recipients.0.address',
    ],
    [{ recipients: [{ ...RECIPIENT, headers: { Bcc: 'x' } }] }, 400, 'unknown_field', 'recipients.0.headers'],
    [{ recipients: undefined, audience: { all: false } }, 400, 'unknown_field', 'audience.all'],
    [{ recipients: undefined, audience: {} }, 422, 'audience_invalid', 'audience'],
    [{ requestId: '' }, 400, 'invalid_field', 'requestId'],
    [{ requestId: ['a'] }, 400, 'invalid_field', 'requestId'],
    [{ requestId: undefined }, 400, 'invalid_field', 'requestId'],
    [{ campaignId: 'a\r\nBcc: x' }, 400, 'invalid_field', 'campaignId'],
    [{ journey: { versionId: { a: 1 } } }, 400, 'invalid_field', 'journey.versionId'],
    [{ journey: { version: 'v' } }, 400, 'unknown_field', 'journey.version'],
    [{ sendAt: 'tomorrow' }, 400, 'unknown_field', 'sendAt'],
  ])('refuses %j', async (change, status, code, field) => {
    const answer = await execute(change);
    expect([answer.status, answer.json()]).toMatchObject([status, { code, field }]);
  });

  test('takes a dry run that is not one', async () => {
    expect((await execute({ dryRun: false })).status).toBe(202);
  });

  test('S6: answers a dry run with its numbers, sends nothing, and wakes nobody for what it has counted', async () => {
    const woken = api.jobs.length;
    const recipients = [
      RECIPIENT,
      { namespace: 'CRMID', id: 'dry-1', address: 'dry-1@example.com' },
      { namespace: 'CRMID', id: 'dry-2', address: 'broken' },
    ];
    const answer = await execute({ requestId: 'dry', dryRun: true, recipients });
    const numbers = { counts: { queued: 2, excluded: 1, sent: 0 }, exclusions: { '050024': 1 } };
    expect([answer.status, answer.json()]).toMatchObject([202, { state: 'finished', ...numbers }]);
    const { executionId } = answer.json();
    const path = `/v1/executions/${executionId}`;
    const shown = { executionId, dryRun: true, state: 'finished', control: 'running', ...numbers };
    expect((await api.call('GET', path)).json()).toMatchObject(shown);
    expect((await api.call('GET', `${path}/messages`)).json()).toEqual({ messages: [], next: null });
    expect((await api.call('GET', '/v1/profiles/CRMID/dry-1')).status).toBe(404);
    expect((await execute({ requestId: 'dry', dryRun: true, recipients })).json()).toEqual(answer.json());
    expect(api.jobs.length).toBe(woken);
  });

  test('S6: a dry run never takes the request id of a sending, nor the other way round', async () => {
    for (const [first, then] of [
      [true, false],
      [false, true],
      [true, undefined],
    ]) {
      const requestId = `dry-or-not-${first}-${then}`;
      expect((await execute({ requestId, dryRun: first })).status).toBe(202);
      const refused = await execute({ requestId, dryRun: then });
      expect([refused.status, refused.json()]).toMatchObject([
        409,
        { code: 'request_id_taken', field: 'requestId' },
      ]);
    }
  });

  test('S7: says whose execution it is, and until when what was never tried may be sent', async () => {
    const { executionId } = (await execute({ requestId: 'told', maxLatenessMinutes: 90 })).json();
    const told = (await api.call('GET', `/v1/executions/${executionId}`)).json();
    expect(told).toMatchObject({ requestId: 'told', channelConfiguration: 'newsletter', template: 'spring' });
    const lasts = Date.parse(String(told.expiresAt)) - Date.parse(String(told.createdAt));
    expect(Math.round(lasts / 1_000)).toBe(90 * 60);
  });

  test('an execution that stands because nothing is sent at all says so, until sending is resumed', async () => {
    const { executionId } = (await execute()).json();
    const path = `/v1/executions/${executionId}`;
    expect((await api.call('GET', path)).json()).not.toHaveProperty('sendingPaused');
    await api.call('POST', '/v1/sending/pause', { why: 'the relay is being moved' });
    expect((await api.call('GET', path)).json()).toMatchObject({
      state: 'running',
      control: 'running',
      sendingPaused: { why: 'the relay is being moved', since: expect.stringMatching(/^20.*Z$/) },
    });
    await api.call('POST', '/v1/sending/resume');
    expect((await api.call('GET', path)).json()).not.toHaveProperty('sendingPaused');
  });

  test('an execution that is no dry run does not speak of one', async () => {
    const { executionId } = (await execute()).json();
    expect((await api.call('GET', `/v1/executions/${executionId}`)).json()).not.toHaveProperty('dryRun');
  });

  test('S5: excludes a bad recipient and never fails for it', async () => {
    const recipients = [
      RECIPIENT,
      { namespace: 'CRMID', id: 'no-address' },
      { namespace: 'CRMID', id: 'long', address: `${'x'.repeat(65)}@example.com` },
      { namespace: 'CRMID', id: 'break', address: 'a@example.com\r\nBcc: all@example.com' },
      { namespace: 'CRMID', id: 'nul', address: 'a\0@example.com', context: { text: 'nul \0' } },
      { namespace: 'CRMID', id: 'half', address: '\ud800@example.com' },
      { namespace: 'CRMID', id: '' },
      {},
    ];
    const answer = await execute({ requestId: 'bad-ones', recipients });
    expect(answer.status).toBe(202);
    const { executionId, badRecipients, badRecipientCount } = answer.json();
    expect(badRecipientCount).toBe(6);
    expect(badRecipients).toEqual([
      { recipient: 2, code: '050024', detail: expect.stringContaining('malformed: ') },
      { recipient: 3, code: '050024', detail: expect.stringContaining('malformed: ') },
      { recipient: 4, code: '050024', detail: expect.stringContaining('malformed: ') },
      { recipient: 5, code: '050024', detail: expect.stringContaining('malformed: ') },
      { recipient: 6, code: '050025', detail: 'There is no id.' },
      { recipient: 7, code: '050025', detail: expect.stringContaining('namespace "Email"') },
    ]);
    const again = (await execute({ requestId: 'bad-ones', recipients })).json();
    expect(again).toMatchObject({ executionId, badRecipients });
    await expand(executionId);
    expect((await api.call('GET', `/v1/executions/${executionId}`)).json()).toMatchObject({
      counts: { queued: 1, excluded: 7 },
      exclusions: { '050020': 1, '050024': 4, '050025': 2 },
    });
  });

  test('S5: names the first hundred bad recipients and counts the others, those of a dry run as well', async () => {
    const recipients = Array.from({ length: 150 }, (_, n) => ({ address: `${n}@example.com` }));
    for (const dryRun of [true, undefined]) {
      const answer = (await execute({ recipients: [RECIPIENT, ...recipients], dryRun })).json();
      const { badRecipients, badRecipientCount } = answer as {
        badRecipients: { recipient: number }[];
        badRecipientCount: number;
      };
      expect([badRecipients.length, badRecipients[99]?.recipient, badRecipientCount]).toEqual([
        100, 100, 150,
      ]);
    }
    expect((await execute()).json()).not.toHaveProperty('badRecipientCount');
  });

  test('takes ten thousand recipients with a context each, and not one more', async () => {
    const recipients = Array.from({ length: 10_000 }, (_, n) => ({
      namespace: 'CRMID',
      id: `many-${n}`,
      address: `many-${n}@example.com`,
      context: { coupon: 'x'.repeat(1_000) },
    }));
    expect((await execute({ recipients })).status).toBe(202);
    const answer = await execute({ recipients: [...recipients, RECIPIENT] });
    expect([answer.status, answer.json()]).toMatchObject([
      400,
      { code: 'invalid_field', field: 'recipients' },
    ]);
    const huge = recipients.map((recipient) => ({ ...recipient, context: { coupon: 'x'.repeat(2_000) } }));
    expect((await execute({ recipients: huge })).json()).toMatchObject({
      status: 413,
      code: 'body_too_large',
    });
  });
});

describe('GET /v1/executions/{id}/messages', () => {
  test('S8: goes through all messages page by page, and ends with next null', async () => {
    const recipients = Array.from({ length: 25 }, (_, n) => ({
      namespace: 'CRMID',
      id: `page-${n}`,
      address: `page-${n}@example.com`,
    }));
    const { executionId } = (
      await execute({ recipients: [...recipients, { namespace: 'CRMID', id: 'page-none' }] })
    ).json();
    await expand(executionId);
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = (await api.call('GET', `/v1/executions/${executionId}/messages?limit=10${query}`)).json();
      const messages = page.messages as { id: string }[];
      expect(messages.length).toBeLessThanOrEqual(10);
      seen.push(...messages.map(({ id }) => id));
      cursor = page.next as string | null;
    }
    expect(new Set(seen).size).toBe(26);
    expect(seen).toHaveLength(26);
    const excluded = (await api.call('GET', `/v1/executions/${executionId}/messages?state=excluded`)).json();
    expect(excluded).toMatchObject({
      messages: [{ id: 'page-none', state: 'excluded', code: '050020', attempts: 0 }],
      next: null,
    });
    const clamped = await api.call('GET', `/v1/executions/${executionId}/messages?limit=5000`);
    expect(clamped.json()).toMatchObject({ next: null });
    expect(clamped.json().messages).toHaveLength(26);
  });

  test('refuses what it does not know', async () => {
    for (const query of ['state=lost', 'limit=0', 'limit=-1', 'limit=x', 'limit=1&limit=2', 'size=1']) {
      expect((await api.call('GET', `/v1/executions/1/messages?${query}`)).status).toBe(400);
    }
    for (const id of ['0', 'x', '1e3', '99999999999999999999', '-1', '999999']) {
      for (const path of [`/v1/executions/${id}`, `/v1/executions/${id}/messages`]) {
        expect((await api.call('GET', path)).json()).toMatchObject({
          status: 404,
          code: 'unknown_execution',
        });
      }
    }
  });

  test('what comes in a later version is absent, not half there', async () => {
    const calls: readonly (readonly [string, string])[] = [
      ['PUT', '/v1/webhooks/w'],
      ['GET', '/v1/events'],
    ];
    for (const [method, path] of calls) {
      expect((await api.call(method, path, method === 'GET' ? undefined : {})).json()).toMatchObject({
        status: 404,
        code: 'not_found',
      });
    }
  });
});
