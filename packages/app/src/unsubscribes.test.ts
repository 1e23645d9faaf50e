import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { optOutRecord, readUnsubscribes, type UnsubscribeLine } from './unsubscribes.ts';

const folder = mkdtempSync(join(tmpdir(), 'adieu-unsubscribes-'));

async function read(
  content: string,
  { all = false, column }: { all?: boolean; column?: string } = {},
): Promise<UnsubscribeLine[]> {
  const path = join(folder, 'file.csv');
  writeFileSync(path, content);
  const lines: UnsubscribeLine[] = [];
  for await (const line of readUnsubscribes({ path, all, ...(column === undefined ? {} : { column }) })) {
    lines.push(line);
  }
  return lines;
}

const said = (lines: readonly UnsubscribeLine[]) =>
  lines.map((line) => [line.line, line.kind === 'left' ? line.address : line.kind]);

describe('a file of people who unsubscribed', () => {
  test('says so by a column that only such an export has', async () => {
    const mailchimp =
      '\uFEFF"Email Address","First Name","UNSUB_TIME","UNSUB_REASON"\r\n"Ann@Example.com","Ann, the first","2026-03-01","spam"\r\n"bob@example.com","","",""\r\n';
    expect(said(await read(mailchimp))).toEqual([
      [2, 'Ann@example.com'],
      [3, 'bob@example.com'],
    ]);
  });

  test('says so line by line, and leaves alone who is subscribed or suppressed', async () => {
    const listmonk =
      'id;uuid;email;name;status\n1;u;a@example.com;A;unsubscribed\n2;u;b@example.com;B;enabled\n3;u;c@example.com;C;blocklisted\n4;u;d@example.com;D;dormant\n5;u;nobody;E;unsubscribed\n';
    expect(said(await read(listmonk))).toEqual([
      [2, 'a@example.com'],
      [3, 'subscribed'],
      [4, 'suppressed'],
      [5, 'rejected'],
      [6, 'rejected'],
    ]);
  });

  test('that says nothing opts nobody out, unless somebody says it of all, and never who is subscribed', async () => {
    const plain = '# left\na@example.com\nb@example.com\n@example.org\n';
    expect(await read(plain)).toMatchObject([
      { line: 2, code: 'unsubscribe_not_said' },
      { line: 3, code: 'unsubscribe_not_said' },
      { line: 4, code: 'domain_has_no_consent' },
    ]);
    expect(said(await read(plain, { all: true }))).toEqual([
      [2, 'a@example.com'],
      [3, 'b@example.com'],
      [4, 'rejected'],
    ]);
    const subscribers = 'email,status\na@example.com,subscribed\nb@example.com,\nc@example.com,bounced\n';
    expect(said(await read(subscribers, { all: true }))).toEqual([
      [2, 'subscribed'],
      [3, 'b@example.com'],
      [4, 'suppressed'],
    ]);
  });

  test('names the column that is missing, and how to say which', async () => {
    await expect(read('who,unsubscribed_at\na@example.com,2026\n'.replace('@', ' at '))).rejects.toThrow(
      /--column says which/,
    );
    expect(said(await read('who,unsub_at\na@example.com,2026\n', { column: 'WHO' }))).toEqual([
      [2, 'a@example.com'],
    ]);
    await expect(read('\n\n')).rejects.toThrow(/holds no line/);
  });

  test('becomes a no of the address, to all who have it', () => {
    expect(JSON.parse(optOutRecord('a@example.com'))).toEqual({
      identities: { Email: 'a@example.com' },
      consents: { idSpecific: { Email: { 'a@example.com': { marketing: { email: { val: 'n' } } } } } },
    });
  });
});
