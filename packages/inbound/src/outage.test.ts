import { lockTable } from '@adieu/store/testing';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { canaryAddress } from './canary.ts';
import { greet, submit } from './testing/caller.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const HEADER = 'From: John <john@example.com>\r\nSubject: unsubscribe\r\n\r\n';

describe('while the database is away', () => {
  test('IN-9 C1 a message is answered 451 and not 250, and goes through once the database is back', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    await caller.ask('MAIL FROM:<john@example.com>');
    expect(await caller.ask(`RCPT TO:<${person.mailto()}>`)).toMatch(/^250 /);
    await caller.ask('DATA');
    await office.line.cut();
    try {
      caller.say(`${HEADER}.\r\n`);
      expect(await caller.hear()).toMatch(/^451 4\.3\.0 /);
      // The domain is remembered: RCPT still says yes, for it is ours.
      await caller.ask('MAIL FROM:<john@example.com>');
      expect(await caller.ask(`RCPT TO:<${person.mailto()}>`)).toMatch(/^250 /);
      expect(await caller.ask('RCPT TO:<nobody@news.example.com>')).toMatch(/^550 5\.1\.1 /);
    } finally {
      await office.line.mend();
    }
    await office.until(async () =>
      (
        await submit(await greet(listener.port), { recipients: [person.mailto()], content: HEADER })
      ).startsWith('250 '),
    );
    expect(await person.sources()).toEqual(['header_mailto']);
    caller.hangUp();
  });

  test('IN-6 a domain that was never asked for is answered 451 and never 550', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    await office.line.cut();
    try {
      await caller.ask('MAIL FROM:<john@example.com>');
      expect(await caller.ask(`RCPT TO:<${person.mailto()}>`)).toMatch(/^451 4\.3\.0 /);
      expect(await caller.ask('RCPT TO:<nonsense@news.example.com>')).toMatch(/^451 4\.3\.0 /);
      expect(await caller.ask('RCPT TO:<someone@elsewhere.example>')).toMatch(/^451 4\.3\.0 /);
    } finally {
      await office.line.mend();
    }
    await office.until(async () => (await caller.ask(`RCPT TO:<${person.mailto()}>`)).startsWith('250 '));
    caller.hangUp();
  });

  test('the address of a canary asks no database, whose silence would be taken for that of the listener', async () => {
    const listener = await office.listen();
    const [stranger, canary] = [await greet(listener.port), await greet(listener.port)];
    for (const caller of [stranger, canary]) await caller.ask('MAIL FROM:<>');
    const unlock = await lockTable(office.db, 'subdomain', 'ACCESS EXCLUSIVE');
    try {
      const asked = stranger.ask('RCPT TO:<someone@elsewhere.example>');
      const answered = canary.ask(`RCPT TO:<${canaryAddress(office.ring, 1, new Date())}>`);
      expect(await Promise.race([asked, answered])).toMatch(/^250 /);
      expect(await asked).toMatch(/^451 4\.3\.0 /);
    } finally {
      await unlock();
    }
    for (const caller of [stranger, canary]) caller.hangUp();
  });

  test('IN-9 whatever is cut and when, nobody reads 250 without a row of history', async () => {
    const listener = await office.listen({ maxPerIp: 200 });
    const people = await Promise.all(Array.from({ length: 60 }, () => office.person()));
    const leaving = people.map(async (person, index) => {
      await new Promise((resolve) => setTimeout(resolve, index * 10));
      const caller = await greet(listener.port);
      const reply = await submit(caller, { recipients: [person.mailto()], content: HEADER });
      caller.hangUp();
      return reply;
    });
    for (let cut = 0; cut < 3; cut += 1) {
      await new Promise((resolve) => setTimeout(resolve, 120));
      await office.line.cut();
      await new Promise((resolve) => setTimeout(resolve, 60));
      await office.line.mend();
    }
    const replies = await Promise.all(leaving);
    const recorded = await Promise.all(people.map((person) => person.sources()));
    replies.forEach((reply, index) => {
      expect(reply).toMatch(/^(?:250|451) /);
      if (reply.startsWith('250')) expect(recorded[index]).toEqual(['header_mailto']);
    });
    expect(replies.filter((reply) => reply.startsWith('250')).length).toBeGreaterThan(0);
  });
});
