import { ensureApiKey } from '@adieu/store';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type RunningApi, SECRET, startTestApi } from '../testing/running-api.ts';

let api: RunningApi;
const SENDER = { authorization: 'Bearer sender-secret' };

beforeAll(async () => {
  api = await startTestApi();
  await ensureApiKey(api.database.db, {
    organisation: 'default',
    id: 'sender',
    secret: 'sender-secret',
    scopes: ['executions'],
  });
});
afterAll(() => api.close());

test('an administrator pauses and resumes, and the first reason stands', async () => {
  expect((await api.call('GET', '/v1/sending')).json()).toEqual({ state: 'running' });
  const paused = await api.call('POST', '/v1/sending/pause', { why: 'the relay is being moved' });
  expect(paused.status).toBe(200);
  expect(paused.json()).toEqual({
    state: 'paused',
    why: 'the relay is being moved',
    since: expect.stringMatching(/^20\d\d-\d\d-\d\dT[\d:.]+Z$/),
    alreadyPaused: false,
  });
  const again = await api.call('POST', '/v1/sending/pause', { why: 'something else' });
  expect(again.json()).toEqual({ ...paused.json(), alreadyPaused: true });
  const { alreadyPaused, ...said } = paused.json();
  expect((await api.call('GET', '/v1/sending')).json()).toEqual(said);
  const resume = {
    method: 'POST',
    path: '/v1/sending/resume',
    headers: { authorization: `Bearer ${SECRET}` },
  };
  expect((await api.ask(resume)).json()).toEqual({ state: 'running' });
  expect((await api.call('GET', '/v1/sending')).json()).toEqual({ state: 'running' });
});

test('who may only send may ask, and not decide', async () => {
  expect((await api.ask({ path: '/v1/sending', headers: SENDER })).status).toBe(200);
  for (const path of ['/v1/sending/pause', '/v1/sending/resume']) {
    const answer = await api.ask({ method: 'POST', path, headers: SENDER });
    expect([answer.status, answer.json().code]).toEqual([403, 'scope_missing']);
  }
});

test.each([{}, { why: 5 }, { why: 'x', until: 'noon' }])(
  'a pause without a reason is refused: %j',
  async (body) => {
    expect((await api.call('POST', '/v1/sending/pause', body)).status).toBe(400);
    expect((await api.call('GET', '/v1/sending')).json()).toEqual({ state: 'running' });
  },
);

test.each(['', ' ', 'a\nb', 'a\0', '\ud800', 'x'.repeat(1_001)])(
  'a reason that is no line of words is refused: %j',
  async (why) => {
    const answer = await api.call('POST', '/v1/sending/pause', { why });
    expect([answer.status, answer.json()]).toMatchObject([422, { code: 'reason_invalid', field: 'why' }]);
    expect((await api.call('GET', '/v1/sending')).json()).toEqual({ state: 'running' });
  },
);
