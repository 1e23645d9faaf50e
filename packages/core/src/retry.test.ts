import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { nextAttempt, retryPolicy } from './retry.ts';

const START = new Date('2026-03-01T00:00:00Z');
const after = (seconds: number) => new Date(START.getTime() + seconds * 1000);

describe('S7 the policy', () => {
  test('S7 the period is 84 hours by default and at most, and not below the minimum of the email type', () => {
    expect(retryPolicy('marketing', undefined)).toEqual({ firstSeconds: 1800, retryMinutes: 5040 });
    expect(retryPolicy('transactional', undefined)).toEqual({ firstSeconds: 60, retryMinutes: 5040 });
    expect(retryPolicy('marketing', 100_000).retryMinutes).toBe(5040);
    expect(retryPolicy('marketing', 1).retryMinutes).toBe(360);
    expect(retryPolicy('transactional', 1).retryMinutes).toBe(10);
    expect(retryPolicy('transactional', Number.NaN).retryMinutes).toBe(5040);
    expect(retryPolicy('marketing', 600).retryMinutes).toBe(600);
  });

  test('S7 the first delay can be overridden, by what is a delay', () => {
    expect(retryPolicy('marketing', 600, 2).firstSeconds).toBe(2);
    for (const odd of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(retryPolicy('marketing', 600, odd).firstSeconds).toBe(1800);
    }
  });
});

describe('S7 the next attempt', () => {
  const policy = retryPolicy('marketing', undefined);

  test('S7 the first retry is 30 minutes for marketing and 1 minute for transactional', () => {
    const first = { attempts: 1, firstAttemptAt: START, now: START, random: 0 };
    expect(nextAttempt(policy, first)).toEqual(after(1800));
    expect(nextAttempt(retryPolicy('transactional', undefined), first)).toEqual(after(60));
  });

  test('S7 delays double up to four hours', () => {
    const delays = [1, 2, 3, 4, 5, 6, 1000].map((attempts) => {
      const next = nextAttempt(policy, { attempts, firstAttemptAt: START, now: START, random: 0 });
      return ((next?.getTime() ?? 0) - START.getTime()) / 60_000;
    });
    expect(delays).toEqual([30, 60, 120, 240, 240, 240, 240]);
  });

  test('S7 jitter only lengthens, so that nobody is asked too early', () => {
    const at = (random: number) =>
      nextAttempt(policy, { attempts: 1, firstAttemptAt: START, now: START, random });
    expect(at(1)).toEqual(after(1800 * 1.25));
    expect(at(0.5)).toEqual(after(1800 * 1.125));
    expect(at(-7)).toEqual(after(1800));
    expect(at(7)).toEqual(after(1800 * 1.25));
  });

  test('S7 the last attempt falls on the end of the period, and then it is over', () => {
    const short = retryPolicy('transactional', 10);
    const next = (attempts: number, seconds: number) =>
      nextAttempt(short, { attempts, firstAttemptAt: START, now: after(seconds), random: 0 });
    expect(next(1, 0)).toEqual(after(60));
    expect(next(2, 60)).toEqual(after(180));
    expect(next(3, 180)).toEqual(after(420));
    expect(next(4, 420)).toEqual(after(600));
    expect(next(5, 600)).toBeNull();
    expect(next(1, 100_000)).toBeNull();
  });

  test('S7 a message is tried to its end: never earlier than the first delay, never later than the period', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 5040 }),
        fc.integer({ min: 1, max: 7200 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (minutes, first, random) => {
          const chosen = retryPolicy('transactional', minutes, first);
          let now = START;
          let attempts = 1;
          for (;;) {
            const next = nextAttempt(chosen, { attempts, firstAttemptAt: START, now, random });
            if (next === null) break;
            expect(next.getTime() - now.getTime()).toBeGreaterThanOrEqual(first * 1000);
            expect(next.getTime()).toBeLessThanOrEqual(START.getTime() + minutes * 60_000);
            now = next;
            attempts += 1;
          }
          // Given up only when not even the first delay fits any more.
          expect(now.getTime() + first * 1000).toBeGreaterThan(START.getTime() + minutes * 60_000);
        },
      ),
    );
  });
});
