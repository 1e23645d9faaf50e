import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Inbound } from './listener.ts';
import { type Caller, greet } from './testing/caller.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

/** What some server somewhere took for the end of a line. */
const LINE_ENDS = [
  '\r\n',
  '\n',
  '\r',
  '\n\r',
  '\r\r\n',
  '\r\0\n',
  '\0\r\n',
  '\r\n\0',
  '\0',
  '\v',
  '\f',
  '\x85',
  '\u2028',
];
/** Dots that somebody may take for the last one, although no CRLF.CRLF is near. */
const DOTS = [
  '\r\n..\r\n',
  '\r\n...\r\n',
  '\r\n. \r\n',
  '\r\n .\r\n',
  '\r\n.\t\r\n',
  '\r\n..\n',
  '\n..\r\n',
  '\r\n.\r.\r\n',
  '\r\n.\n.\r\n',
  '\r\n\x2e\x2e\r\n.\n',
];
const FALSE_ENDS = [
  ...LINE_ENDS.flatMap((before) => LINE_ENDS.map((after) => `${before}.${after}`)).filter(
    // The one true end stands in no table of false ones. A bare CR before it does not make it another.
    (end) => !end.includes('\r\n.\r\n'),
  ),
  ...DOTS,
];
/** True ends that something bare stands before or behind: the message is over, and so is the connection. */
const TAINTED_ENDS = ['\n\r\n.\r\n', '\r\r\n.\r\n', '\0\r\n.\r\n'];

interface Told {
  /** Codes of all replies after 354, in order. */
  readonly replies: readonly string[];
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** One message to one person, with a whole second one hidden in it for another; `cuts` says where the bytes are cut. */
async function smuggle(listener: Inbound, end: string, cuts: 'none' | 'everywhere'): Promise<Told> {
  const [person, hidden] = [await office.person(), await office.person()];
  const caller = await greet(listener.port);
  caller.socket.setNoDelay(true);
  await caller.ask('MAIL FROM:<john@example.com>');
  await caller.ask(`RCPT TO:<${person.mailto()}>`);
  expect(await caller.ask('DATA')).toMatch(/^354 /);
  const commands = `MAIL FROM:<a@example.com>\r\nRCPT TO:<${hidden.mailto()}>\r\nDATA\r\nSubject: x\r\n\r\n`;
  caller.say('From: John <john@example.com>\r\nSubject: unsubscribe\r\n\r\none');
  if (cuts === 'none') caller.say(Buffer.from(end));
  else await inSingleOctets(caller, Buffer.from(end));
  caller.say(`${commands}\r\n.\r\nQUIT\r\n`);
  const replies = (await caller.rest()).split('\r\n').filter((line) => line !== '');
  caller.hangUp();
  return {
    replies: replies.map((line) => line.slice(0, 3)),
    first: await person.sources(),
    second: await hidden.sources(),
  };
}

async function inSingleOctets(caller: Caller, octets: Buffer): Promise<void> {
  for (const octet of octets) {
    await new Promise<void>((resolve) => caller.socket.write(Buffer.from([octet]), () => resolve()));
    await new Promise((resolve) => setImmediate(resolve));
  }
}

const BARE = /\r(?!\n)|(?<!\r)\n|\0/;

describe('one message or a refusal, never two', () => {
  test.each(['none', 'everywhere'] as const)(
    'IN-1 IN-2 every false end of a message, cut %s: nothing hidden behind it runs',
    async (cuts) => {
      const listener = await office.listen({
        maxPerIp: 500,
        maxConnections: 500,
        messagesPerMinute: 100_000,
      });
      const ends = [...FALSE_ENDS, ...TAINTED_ENDS];
      const told: (readonly [end: string, bare: boolean, outcome: Told])[] = [];
      // Some at a time: all at once, on a slow machine, wait for a database connection longer than anything may.
      while (ends.length > 0) {
        const some = ends.splice(0, 20).map(async (end) => {
          return [JSON.stringify(end), BARE.test(end), await smuggle(listener, end, cuts)] as const;
        });
        told.push(...(await Promise.all(some)));
      }
      expect(told.length).toBeGreaterThan(150);
      for (const [end, bare, outcome] of told) {
        // Refused, and hung up on; or taken whole, with the hidden commands as its text.
        const expected = bare
          ? { replies: ['550'], first: [], second: [] }
          : { replies: ['250', '221'], first: ['header_mailto'], second: [] };
        expect([end, outcome]).toEqual([end, expected]);
      }
      const taken = told.filter(([, bare]) => !bare).length;
      expect(taken).toBeGreaterThan(10);
      expect(listener.stats()).toMatchObject({ recorded: taken, refusedMessages: told.length - taken });
    },
  );

  test('IN-1 two messages that are two are counted as two', async () => {
    const listener = await office.listen();
    expect(await smuggle(listener, '\r\n.\r\n', 'everywhere')).toEqual({
      replies: ['250', '250', '250', '354', '250', '221'],
      first: ['header_mailto'],
      second: ['header_mailto'],
    });
    expect(listener.stats().recorded).toBe(2);
  });

  test.each([
    ['.\r\n', ['250', '221']],
    ['..\r\n.\r\n', ['250', '221']],

    ['.\r.\r\n.\r\n', ['550']],
    ['.\r\r\n.\r\n', ['550']],
    ['\r\n.\r\n', ['250', '221']],
    ['\n.\r\n\r\n.\r\n', ['550']],
  ])('IN-1 a message that begins with %j ends where it says', async (content, replies) => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    await caller.ask('MAIL FROM:<john@example.com>');
    await caller.ask(`RCPT TO:<${person.mailto()}>`);
    await caller.ask('DATA');
    await inSingleOctets(caller, Buffer.from(content));
    caller.say('QUIT\r\n');
    const heard = (await caller.rest()).split('\r\n').filter((line) => line !== '');
    expect(heard.map((line) => line.slice(0, 3))).toEqual(replies);
    expect(await person.sources()).toEqual(replies[0] === '250' ? ['header_mailto'] : []);
    caller.hangUp();
  });

  test('IN-1 BDAT is not offered, and its content is not read as commands', async () => {
    const listener = await office.listen();
    const person = await office.person();
    for (const start of ['', 'MAIL FROM:<a@example.com>\r\n']) {
      const caller = await greet(listener.port);
      const content = `MAIL FROM:<b@example.com>\r\nRCPT TO:<${person.mailto()}>\r\nDATA\r\n\r\n.\r\n`;
      caller.say(`${start}BDAT ${content.length} LAST\r\n${content}`);
      if (start !== '') expect(await caller.hear()).toMatch(/^250 /);
      expect(await caller.hear()).toMatch(/^502 5\.5\.1 /);
      expect(await caller.rest()).toBe('');
      caller.hangUp();
    }
    expect(await person.sources()).toEqual([]);
    expect(listener.stats().recorded).toBe(0);
  });

  test('IN-3 commands that are pipelined behind a bare LF never run', async () => {
    const listener = await office.listen();
    for (const bare of ['\n', 'NOOP\n', '\r', 'NOOP\r', 'NOOP\0', '\r\r\n', 'NOOP\n\r\n', '\n\n']) {
      const person = await office.person();
      const caller = await greet(listener.port);
      const transaction = `MAIL FROM:<a@example.com>\r\nRCPT TO:<${person.mailto()}>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n`;
      caller.say(`NOOP\r\n${bare}${transaction}QUIT\r\n`);
      const heard = (await caller.rest()).split('\r\n').filter((line) => line !== '');
      expect([JSON.stringify(bare), heard]).toEqual([
        JSON.stringify(bare),
        [expect.stringMatching(/^250 /), expect.stringMatching(/^500 5\.5\.2 /)],
      ]);
      expect(await person.sources()).toEqual([]);
      caller.hangUp();
    }
    expect(listener.stats().recorded).toBe(0);
  });
});
