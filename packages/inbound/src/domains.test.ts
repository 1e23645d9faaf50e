import type { MailAudience } from '@adieu/core';
import { describe, expect, test } from '@jest/globals';
import { openDomains } from './domains.ts';

const audience: MailAudience = { organisation: 'default', sandbox: 'prod' };

/** A database that can be taken away, and that counts how often it was asked. */
function register(known: Record<string, MailAudience>) {
  const state = { away: false, silent: false, asked: 0, now: 0 };
  const domains = openDomains({
    find: async (domain) => {
      state.asked += 1;
      if (state.silent) await new Promise(() => undefined);
      if (state.away) throw new Error('away');
      return known[domain] ?? null;
    },
    freshMs: 1000,
    patienceMs: 50,
    now: () => state.now,
  });
  return { state, standing: domains.standing, known };
}

describe('the memory of domains', () => {
  test('a domain of ours is asked once while it is fresh', async () => {
    const { standing, state } = register({ 'news.example.com': audience });
    expect(await standing('news.example.com')).toEqual({ kind: 'ours', audience });
    expect(await standing('news.example.com')).toEqual({ kind: 'ours', audience });
    expect(state.asked).toBe(1);
    state.now = 1000;
    await standing('news.example.com');
    expect(state.asked).toBe(2);
  });

  test('a domain counts from the moment it exists', async () => {
    const { standing, known } = register({});
    expect(await standing('news.example.com')).toEqual({ kind: 'foreign' });
    known['news.example.com'] = audience;
    expect(await standing('news.example.com')).toEqual({ kind: 'ours', audience });
  });

  test('while the database is away what was ours stays ours and what is unknown is nobody’s guess', async () => {
    const { standing, state } = register({ 'news.example.com': audience });
    await standing('news.example.com');
    state.away = true;
    state.now = 5000;
    expect(await standing('news.example.com')).toEqual({ kind: 'ours', audience });
    expect(await standing('elsewhere.example')).toEqual({ kind: 'unavailable' });
    state.away = false;
    expect(await standing('elsewhere.example')).toEqual({ kind: 'foreign' });
  });

  test('a database that takes the question and never answers is away as well', async () => {
    const { standing, state } = register({});
    state.silent = true;
    expect(await standing('news.example.com')).toEqual({ kind: 'unavailable' });
  });
});
