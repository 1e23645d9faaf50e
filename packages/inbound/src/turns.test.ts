import { describe, expect, test } from '@jest/globals';
import { openTurns } from './turns.ts';

function all(turns: ReturnType<typeof openTurns<string>>): string[] {
  const items: string[] = [];
  for (let item = turns.next(); item !== undefined; item = turns.next()) items.push(item);
  return items;
}

describe('turns', () => {
  test('go round the callers, each in the order of what they brought', () => {
    const turns = openTurns<string>();
    for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) turns.add(item.charAt(0), item);
    expect(turns.size()).toBe(6);
    expect([turns.next(), turns.next()]).toEqual(['a1', 'b1']);
    turns.add('d', 'd1');
    expect(all(turns)).toEqual(['c1', 'a2', 'd1', 'c2', 'a3']);
    expect(turns.size()).toBe(0);
  });

  test('are not taken by what was given up', () => {
    const turns = openTurns<string>();
    for (const item of ['a1', 'a2', 'b1']) turns.add(item.charAt(0), item);
    turns.remove('b', 'b1');
    turns.remove('a', 'a1');
    turns.remove('a', 'never there');
    turns.remove('z', 'nor anybody');
    expect(turns.size()).toBe(1);
    expect(all(turns)).toEqual(['a2']);
  });
});
