import { randomUUID } from 'node:crypto';
import { claimBatch, commitIntent, expandStep, settle } from '@adieu/store';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { furnish, LINK_HOST, type RunningApi, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;

beforeAll(async () => {
  api = await startTestApi();
  await furnish(api);
  await api.call('PUT', '/v1/channel-configurations/newsletter', {
    subdomain: LINK_HOST,
    emailType: 'marketing',
    from: { name: 'Brand', email: `hello@${LINK_HOST}` },
  });
  const html = '<a data-link-type="one-click" href="#">Bye</a>';
  await api.call('PUT', '/v1/templates/spring', { subject: 's', html });
});
afterAll(() => api.close());

async function execute(): Promise<string> {
  const answer = await api.call('POST', '/v1/executions', {
    requestId: randomUUID(),
    channelConfiguration: 'newsletter',
    template: 'spring',
    recipients: [{ namespace: 'CRMID', id: '5142', address: 'a@example.com' }],
  });
  return String(answer.json().executionId);
}

const say = async (executionId: string, action: string) => {
  const answer = await api.call('POST', `/v1/executions/${executionId}/${action}`);
  const { control, code } = answer.json();
  return [answer.status, control ?? code];
};
const read = async (executionId: string) => (await api.call('GET', `/v1/executions/${executionId}`)).json();

/** Sends the one message, as a worker does. */
async function finish(executionId: string): Promise<void> {
  const { db } = api.database;
  await expandStep(db, Number(executionId));
  const claim = await claimBatch(db, {
    executionId: Number(executionId),
    batch: 0,
    owner: 'w',
    leaseSeconds: 60,
  });
  if (claim === null) throw new Error('nothing to claim');
  const attemptId = randomUUID();
  await commitIntent(db, claim.lease, { attemptId, messages: claim.messages });
  await settle(
    db,
    claim.messages.map(({ messageId }) => ({ messageId, attemptId, state: 'sent' as const })),
  );
}

describe('S8: pause, resume and cancel', () => {
  test('say what holds, twice as once, and the execution shows it', async () => {
    const id = await execute();
    expect(await read(id)).toMatchObject({ state: 'running', control: 'running' });
    expect(await say(id, 'resume')).toEqual([200, 'running']);
    for (const _ of [1, 2]) expect(await say(id, 'pause')).toEqual([200, 'paused']);
    expect(await read(id)).toMatchObject({ state: 'running', control: 'paused' });
    for (const _ of [1, 2]) expect(await say(id, 'resume')).toEqual([200, 'running']);
    for (const _ of [1, 2]) expect(await say(id, 'cancel')).toEqual([200, 'cancelled']);
    // It was never expanded, so nothing is left to end.
    expect(await read(id)).toMatchObject({ state: 'finished', control: 'cancelled', counts: { queued: 0 } });
  });

  test('a cancellation is final', async () => {
    const id = await execute();
    await say(id, 'cancel');
    expect(await say(id, 'pause')).toEqual([409, 'execution_cancelled']);
    expect(await say(id, 'resume')).toEqual([409, 'execution_cancelled']);
  });

  test('what has finished is not paused or cancelled any more', async () => {
    const id = await execute();
    await finish(id);
    expect(await say(id, 'pause')).toEqual([409, 'execution_finished']);
    expect(await say(id, 'cancel')).toEqual([409, 'execution_finished']);
    expect(await say(id, 'resume')).toEqual([200, 'running']);
    expect(await read(id)).toMatchObject({ state: 'finished', control: 'running', counts: { sent: 1 } });
  });

  test('a pause ends with its execution', async () => {
    const id = await execute();
    const { db } = api.database;
    await expandStep(db, Number(id));
    const claim = await claimBatch(db, {
      executionId: Number(id),
      batch: 0,
      owner: 'w',
      leaseSeconds: 60,
    });
    if (claim === null) throw new Error('nothing to claim');
    const attemptId = randomUUID();
    await commitIntent(db, claim.lease, { attemptId, messages: claim.messages });
    expect(await say(id, 'pause')).toEqual([200, 'paused']);
    const messageId = claim.messages[0]?.messageId ?? '';
    await settle(db, [{ messageId, attemptId, state: 'sent' }]);
    expect(await read(id)).toMatchObject({ state: 'finished', control: 'running' });
    expect(await say(id, 'pause')).toEqual([409, 'execution_finished']);
    expect(await say(id, 'cancel')).toEqual([409, 'execution_finished']);
    expect(await say(id, 'resume')).toEqual([200, 'running']);
  });

  test('an execution that is not there is unknown', async () => {
    for (const id of ['0', 'x', '1e3', '99999999999999999999', '999999']) {
      for (const action of ['pause', 'resume', 'cancel']) {
        expect(await say(id, action)).toEqual([404, 'unknown_execution']);
      }
    }
  });
});

describe('S7: the schedule of a message', () => {
  test('says when it was first tried and when it is tried next', async () => {
    const id = await execute();
    const { db } = api.database;
    await expandStep(db, Number(id));
    const list = async () =>
      (await api.call('GET', `/v1/executions/${id}/messages`)).json().messages as object[];
    expect((await list())[0]).not.toHaveProperty('firstAttemptAt');
    const claim = await claimBatch(db, { executionId: Number(id), batch: 0, owner: 'w', leaseSeconds: 60 });
    if (claim === null) throw new Error('nothing to claim');
    const attemptId = randomUUID();
    await commitIntent(db, claim.lease, { attemptId, messages: claim.messages });
    const [sending] = await list();
    expect(sending).toMatchObject({
      state: 'sending',
      firstAttemptAt: expect.stringMatching(/^2\d{3}-.*Z$/),
    });
    expect(sending).not.toHaveProperty('nextAttemptAt');
    const notBefore = new Date(Date.now() + 1_800_000);
    const messageId = claim.messages[0]?.messageId ?? '';
    await settle(db, [{ messageId, attemptId, state: 'deferred', notBefore, reply: '451 4.3.0 later' }]);
    expect((await list())[0]).toMatchObject({
      state: 'deferred',
      attempts: 1,
      nextAttemptAt: notBefore.toISOString(),
    });
  });
});
