import { type Log, SILENT } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { closeStages, type Stage } from './shutdown.ts';

describe('the way down', () => {
  test('closes one stage after the other', async () => {
    const order: string[] = [];
    const stage = (name: string): Stage => ({
      name,
      patience: 1_000,
      close: async () => {
        order.push(`${name} begins`);
        await new Promise((resolve) => setImmediate(resolve));
        order.push(`${name} ends`);
      },
    });
    expect(await closeStages([stage('worker'), stage('database')], SILENT)).toEqual([]);
    expect(order).toEqual(['worker begins', 'worker ends', 'database begins', 'database ends']);
  });

  test('leaves behind what never closes, says so, and still closes the rest', async () => {
    const said: string[] = [];
    const log: Log = {
      ...SILENT,
      warn: (_fields, message) => said.push(message),
      error: (_fields, message) => said.push(message),
    };
    let closed = false;
    const unfinished = await closeStages(
      [
        { name: 'stuck', patience: 20, close: () => new Promise(() => undefined) },
        { name: 'failing', patience: 1_000, close: async () => Promise.reject(new Error('no')) },
        {
          name: 'database',
          patience: 1_000,
          close: async () => {
            closed = true;
          },
        },
      ],
      log,
    );
    expect(unfinished).toEqual(['stuck', 'failing']);
    expect(closed).toBe(true);
    expect(said).toEqual(['a part did not close in time and is left behind', 'a part did not close cleanly']);
  });
});
