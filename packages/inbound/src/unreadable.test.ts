import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { KEPT_OCTETS } from './correspondence.ts';
import { openReaders, type Readers } from './readers.ts';
import { type Caller, greet, submit } from './testing/caller.ts';
import { DOMAIN, type Office, openOffice } from './testing/office.ts';

let office: Office;
let readers: Readers;
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
beforeAll(async () => {
  office = await openOffice();
  const program = new URL('./testing/unruly-thread.ts', import.meta.url);
  readers = await openReaders({ log, program, patience: 1_000 });
});
afterEach(() => office.closeListeners());
afterAll(async () => {
  await readers.close();
  await office.close();
});

let mails = 0;
/** A bounce that suppresses who can read it. */
function bounce(fault: string): string {
  mails += 1;
  return [
    'From: MAILER-DAEMON@example.net',
    `Message-ID: <unreadable${mails}@example.com>`,
    `X-Fault: ${fault}`,
    'Subject: Undelivered Mail',
    '',
    '<john@example.com>: 550 5.1.1 User unknown',
    '',
  ].join('\r\n');
}

async function bring(recipients: readonly string[], content: string, sender = 'mta@example.net') {
  const listener = await office.listen({ readers });
  const caller = await greet(listener.port);
  const reply = await submit(caller, { recipients, content, sender });
  caller.hangUp();
  return { reply, stats: listener.stats() };
}

describe('IN-17 a mail that cannot be read', () => {
  test.each([
    ['loop', 'reading it took too long'],
    ['memory in small pieces', /needed too much memory|took too long/],
    ['throw', 'could not be read'],
  ])('to bounce+<token>@ (%s) suppresses nobody, and is kept for a person', async (fault, detail) => {
    const person = await office.person();
    const { reply, stats } = await bring([person.bounce()], bounce(`${fault} report`));
    expect(reply).toMatch(/^250 /);
    expect(stats).toMatchObject({ reviewed: 1, bounces: 0 });
    expect(await person.suppressed()).toBeNull();
    expect((await office.reviews())[0]).toMatchObject({
      recipient: 'bounce',
      why: 'malformed',
      detail: expect.stringMatching(detail),
      sender: 'MAILER-DAEMON@example.net',
      subject: 'Undelivered Mail',
    });
    // The reader is back, and the same words are a bounce again.
    expect((await bring([person.bounce()], bounce('none report'))).stats).toMatchObject({ bounces: 1 });
    expect(await person.suppressed()).toBe('hard');
  });

  test('to unsubscribe+<token>@ opts out: nothing of it has to be read, and no thread has to be free', async () => {
    const stuck = [1, 2].map(() => bring([`abuse@${DOMAIN}`], bounce('silence all')));
    const person = await office.person();
    expect((await bring([person.mailto()], bounce('loop all'))).reply).toMatch(/^250 /);
    expect(await person.sources()).toEqual(['header_mailto']);
    for (const { reply } of await Promise.all(stuck)) expect(reply).toMatch(/^250 /);
  });

  test('to several opts out who leaves, and is kept for each of the others', async () => {
    const [leaving, bounced] = [await office.person(), await office.person()];
    const recipients = [leaving.mailto(), bounced.bounce(), `abuse@${DOMAIN}`, `postmaster@${DOMAIN}`];
    const { reply, stats } = await bring(recipients, bounce('loop report'));
    expect(reply).toMatch(/^250 /);
    expect(stats).toMatchObject({ recorded: 1, reviewed: 3, bounces: 0 });
    expect(await leaving.sources()).toEqual(['header_mailto']);
    expect(await bounced.suppressed()).toBeNull();
    const kept = (await office.reviews()).slice(0, 3);
    expect(kept.map(({ recipient }) => recipient).sort()).toEqual(['abuse', 'bounce', 'postmaster']);
    expect(kept.map(({ why }) => why)).toEqual(Array(3).fill('malformed'));
  });

  test('to plain unsubscribe@ opts nobody out, and is kept for a person', async () => {
    const person = await office.person();
    const content = bounce('loop dmarc').replace('MAILER-DAEMON@example.net', person.email);
    const { reply, stats } = await bring([`unsubscribe@${DOMAIN}`], content);
    expect(reply).toMatch(/^250 /);
    expect(stats).toMatchObject({ recorded: 0, reviewed: 1 });
    expect((await office.reviews())[0]).toMatchObject({
      why: 'unverified',
      detail: 'reading it took too long',
    });
    expect(await person.sources()).toEqual([]);
  });

  test('is kept also when the addresses in it cannot be found', async () => {
    const before = (await office.reviews()).length;
    expect((await bring([`abuse@${DOMAIN}`], bounce('loop mentions'))).reply).toMatch(/^250 /);
    expect(await office.reviews()).toHaveLength(before + 1);
  });
});

test('IN-9 a mail that no thread was free for is answered 451, and nothing is kept of it', async () => {
  const refused: Readers = { ask: () => Promise.reject(new Error('too many')), close: async () => undefined };
  const listener = await office.listen({ readers: refused });
  const before = (await office.reviews()).length;
  const person = await office.person();
  for (const recipient of [
    person.bounce(),
    ...['abuse', 'postmaster', 'unsubscribe'].map((one) => `${one}@${DOMAIN}`),
  ]) {
    const caller = await greet(listener.port);
    expect(await submit(caller, { recipients: [recipient], content: bounce('none all') })).toMatch(
      /^451 4\.3\.0 /,
    );
    caller.hangUp();
  }
  const caller = await greet(listener.port);
  expect(await submit(caller, { recipients: [person.mailto()], content: bounce('none all') })).toMatch(
    /^250 /,
  );
  caller.hangUp();
  expect(await office.reviews()).toHaveLength(before);
  expect(await person.suppressed()).toBeNull();
});

describe('IN-17 no more than 64 MiB of mails are read at once, the others come again,', () => {
  const large = `Subject: x\r\n\r\n${`${'x'.repeat(998)}\r\n`.repeat(1_400)}.\r\n`;
  const callers = 60;
  const most = Math.floor(67_108_864 / KEPT_OCTETS);

  /** A listener whose readers are at it for good, and callers who have said DATA. */
  async function besiege() {
    let given = 0;
    let refused = 0;
    const ask = () => {
      given += 1;
      return new Promise<never>(() => undefined);
    };
    const listener = await office.listen({
      readers: { ask, close: async () => undefined },
      maxPerIp: callers,
    });
    return {
      begin: async () => {
        const caller = await greet(listener.port);
        await caller.ask('MAIL FROM:<john@example.com>');
        await caller.ask(`RCPT TO:<abuse@${DOMAIN}>`);
        expect(await caller.ask('DATA')).toMatch(/^354 /);
        return caller;
      },
      /** Says the rest, and hears whether there was room for it. */
      end: (caller: Caller) => {
        caller.say(large);
        void caller.hear().then((reply) => {
          if (reply.startsWith('451 ')) refused += 1;
        });
      },
      decided: () => given + refused,
      given: () => given,
    };
  }

  test('also where all began before the first was whole', async () => {
    const { begin, end, decided, given } = await besiege();
    const begun = await Promise.all(Array.from({ length: callers }, begin));
    for (const caller of begun) end(caller);
    await office.until(async () => decided() === callers);
    expect(given()).toBeLessThanOrEqual(most);
    for (const caller of begun) caller.hangUp();
  });

  test('also where they hang up before the answer', async () => {
    const { begin, end, decided, given } = await besiege();
    for (let number = 1; number <= callers; number += 1) {
      const caller = await begin();
      end(caller);
      await office.until(async () => decided() === number);
      caller.hangUp();
    }
    expect(given()).toBeLessThanOrEqual(most);
  });
});

test('MT-9 name servers that never answer hold no thread', async () => {
  const resolver = () => new Promise<never>(() => undefined);
  const listener = await office.listen({ resolver });
  const waiting = [];
  for (let index = 0; index < 10; index += 1) {
    const caller = await greet(listener.port);
    const content = `From: a${index}@example.com\r\nMessage-ID: <${index}@example.com>\r\nSubject: please\r\n\r\nstop`;
    const answered = submit(caller, { recipients: [`unsubscribe@${DOMAIN}`], content });
    waiting.push(answered.finally(() => caller.hangUp()));
  }
  const person = await office.person();
  const caller = await greet(listener.port);
  expect(await submit(caller, { recipients: [person.bounce()], content: bounce('none all') })).toMatch(
    /^250 /,
  );
  caller.hangUp();
  expect(await person.suppressed()).toBe('hard');
  expect(listener.stats()).toMatchObject({ bounces: 1, reviewed: 0 });
  for (const reply of await Promise.all(waiting)) expect(reply).toMatch(/^250 /);
  expect((await office.reviews()).slice(0, 10).map(({ detail }) => detail)).toEqual(
    Array(10).fill('DMARC: no answer in time'),
  );
});
