import { expect, test } from '@jest/globals';
import { openClock } from './clock.ts';

const HOUR = 3_600_000;
const behind = async (): Promise<Date> => new Date(Date.now() - HOUR);
/** Milliseconds between two looks at clocks; a slow machine takes its time between them. */
const distance = (one: Date, other: Date): number => Math.abs(one.getTime() - other.getTime());

test('a worker whose machine is an hour ahead goes by the clock of the database', async () => {
  const clock = openClock(behind);
  expect(distance(clock.now(), new Date())).toBeLessThan(HOUR / 2);
  await clock.set();
  expect(distance(clock.now(), await behind())).toBeLessThan(HOUR / 2);
});

test('a clock that cannot be set goes on', async () => {
  let away = false;
  const clock = openClock(async () => {
    if (away) throw new Error('away');
    return behind();
  });
  await clock.set();
  away = true;
  await expect(clock.set()).rejects.toThrow('away');
  expect(distance(clock.now(), await behind())).toBeLessThan(HOUR / 2);
});
