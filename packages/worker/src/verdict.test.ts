import type { ReplyStage } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { type AttemptState, judge } from './verdict.ts';

const START = new Date('2026-11-24T12:00:00Z');
const FIRST: AttemptState = {
  policy: { firstSeconds: 1800, retryMinutes: 5040 },
  attempts: 1,
  firstAttemptAt: START,
  now: START,
  random: 0,
};
const OVER: AttemptState = { ...FIRST, attempts: 30, now: new Date(START.getTime() + 5041 * 60_000) };

const replied = (stage: ReplyStage, code: number, enhanced: string, text = 'words') =>
  ({ kind: 'replied', stage, reply: { code, enhanced, text } }) as const;

describe('what an outcome is for the ledger', () => {
  test('accepted: sent, with the relay’s words', () => {
    expect(judge(replied('content', 250, '2.0.0', 'queued as 1'), FIRST)).toEqual({
      kind: 'settle',
      state: 'sent',
      code: '2.0.0',
      reply: '250 2.0.0 queued as 1',
    });
  });

  test.each([
    ['rcpt', 550, '5.1.1', 'bounced', 'hard'],
    ['rcpt', 552, '5.2.2', 'bounced', 'soft'],
    ['content', 554, '5.6.0', 'bounced', 'soft'],
    ['content', 550, '5.7.1', 'failed', undefined],
    ['mail', 550, '5.1.8', 'failed', undefined],
  ] as const)('BC-5 %s %i %s: %s %s', (stage, code, enhanced, state, bounce) => {
    const verdict = judge(replied(stage, code, enhanced), FIRST);
    expect(verdict).toMatchObject({ state, code: enhanced });
    expect('bounce' in verdict ? verdict.bounce : undefined).toBe(bounce);
  });

  test('S7: 4xx is deferred by the policy while its period lasts', () => {
    expect(judge(replied('rcpt', 451, '4.7.1'), FIRST)).toEqual({
      kind: 'settle',
      state: 'deferred',
      code: '4.7.1',
      reply: '451 4.7.1 words',
      notBefore: new Date(START.getTime() + 1_800_000),
    });
  });

  test('S7: 4xx after the period is bounced with 4.4.7', () => {
    const verdict = judge(replied('rcpt', 451, '4.7.1'), OVER);
    expect(verdict).toEqual({
      kind: 'settle',
      state: 'bounced',
      code: '4.4.7',
      reply: '451 4.7.1 words',
      bounce: 'soft',
    });
  });

  test.each(['lost', 'closing', 'throttled', 'stale', 'lease-lost'] as const)('%s: given back', (why) => {
    expect(judge({ kind: 'not-sent', why }, FIRST)).toEqual({ kind: 'give-back' });
  });

  test('421 to the final dot: given back', () => {
    expect(judge(replied('content', 421, '4.3.2'), FIRST)).toEqual({ kind: 'give-back' });
  });

  test.each([
    ['too-large', '5.3.4'],
    ['no-smtputf8', '5.6.7'],
    ['bad-address', '5.1.3'],
  ] as const)('%s: failed with %s', (why, code) => {
    expect(judge({ kind: 'not-sent', why }, FIRST)).toMatchObject({ state: 'failed', code });
  });

  test('S9: unknown, with the time from which it may be resent where it is', () => {
    const notBefore = new Date(START.getTime() + 1_800_000);
    expect(judge({ kind: 'unknown' }, FIRST)).toEqual({ kind: 'settle', state: 'unknown', notBefore });
    expect(judge({ kind: 'unknown' }, OVER)).toEqual({ kind: 'settle', state: 'unknown' });
  });
});
