import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { greet } from './testing/caller.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterAll(() => office.close());

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
