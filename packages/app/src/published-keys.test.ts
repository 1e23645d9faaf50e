import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { firstOf, keysOfFile } from './published-keys.ts';

const folder = mkdtempSync(join(tmpdir(), 'adieu-dns-'));
const NAME = 's1._domainkey.news.example.com';

async function lookUp(content: unknown, name = NAME): Promise<string[]> {
  const path = join(folder, 'records.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return (await keysOfFile(path))(name);
}

describe('a file of DNS records', () => {
  const record = { type: 'TXT', name: NAME, value: 'v=DKIM1; p=abc' };

  test('may be an answer of the server, its records alone, or names with values', async () => {
    const answer = { domain: 'news.example.com', linkBaseUrl: 'https://news.example.com', dns: [record] };
    for (const content of [answer, [record], { [NAME]: 'v=DKIM1; p=abc' }, { [NAME]: ['v=DKIM1; p=abc'] }]) {
      expect(await lookUp(content)).toEqual(['v=DKIM1; p=abc']);
    }
  });

  test('is asked without regard to case and to a final dot, and only for TXT', async () => {
    const mx = { type: 'MX', name: NAME, value: '10 mail.example.com' };
    expect(await lookUp([mx, record], `${NAME.toUpperCase()}.`)).toEqual(['v=DKIM1; p=abc']);
    expect(await lookUp([record], 'other.example.com')).toEqual([]);
  });

  test.each(['not json', '[{"name":1}]', '7'])('that holds %j is refused', async (content) => {
    await expect(lookUp(content)).rejects.toMatchObject({ code: 'dns_file_invalid' });
  });
});

describe('several sources', () => {
  test('are asked in turn until one has an answer, and one that fails has none', async () => {
    const resolve = firstOf([
      async () => Promise.reject(new Error('away')),
      async () => [],
      async () => ['found'],
      async () => ['too late'],
    ]);
    expect(await resolve(NAME)).toEqual(['found']);
  });
});
