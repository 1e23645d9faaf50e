import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { greet } from './testing/caller.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterAll(() => office.close());

test('MT-11 BC-15 nothing in this package can send a mail: it opens no connection to anybody', () => {
  const folder = dirname(fileURLToPath(import.meta.url));
  const sources = readdirSync(folder).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'));
  expect(sources.length).toBeGreaterThan(5);
  for (const name of sources) {
    const source = readFileSync(join(folder, name), 'utf8');
    expect([
      name,
      /nodemailer|\bconnect\(|createConnection|node:https?|\bfetch\(/.exec(source)?.[0] ?? null,
    ]).toEqual([name, null]);
  }
});

test('IN-19 the log holds one line per outcome, and no address and no token', async () => {
  const listener = await office.listen();
  const person = await office.person();
  const caller = await greet(listener.port);
  await caller.ask('MAIL FROM:<john.secret@example.com>');
  await caller.ask('RCPT TO:<nobody.secret@news.example.com>');
  await caller.ask(`RCPT TO:<${person.mailto()}>`);
  await caller.ask('DATA');
  caller.say('From: secret@example.com\r\nSubject: secret\r\n\r\nsecret\r\n.\r\n');
  expect(await caller.hear()).toMatch(/^250 /);
  caller.hangUp();
  const lines = office.logged.map((line) => JSON.stringify(line));
  expect(lines.filter((line) => line.includes('opted_out'))).toHaveLength(1);
  for (const line of lines) expect(line).not.toMatch(/secret|unsubscribe\+|@|127\.0\.0\.1/);
});
