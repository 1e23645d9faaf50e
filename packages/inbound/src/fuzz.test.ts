import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { greet, submit } from './testing/caller.ts';
import { makeDialogue } from './testing/dialogue.ts';
import { fuzzDialogues } from './testing/fuzz.ts';
import { type Office, openOffice } from './testing/office.ts';
import { mayBeAutomatic, readTranscript } from './testing/transcript.ts';
import { watch } from './testing/watchdog.ts';

let office: Office;
const dog = watch({ places: 50 });
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(async () => {
  await dog.close();
  await office.close();
});

/** A slice of the campaign, which goes on from here. */
const SEED = 1;
const DIALOGUES = 2000;

describe('dialogues that something was done to', () => {
  test('IN-1 IN-2 IN-3 IN-9 I5 no crash, no hang, no invented opt-out, no 250 without one', async () => {
    const outcome = await fuzzDialogues({ office, seed: SEED, count: DIALOGUES, hold: dog.hold });
    expect(outcome.findings).toEqual([]);
    expect(outcome).toMatchObject({ dialogues: DIALOGUES });
    // They are not all refused at the door.
    expect(outcome.taken).toBeGreaterThan(DIALOGUES / 2);
    expect(outcome.recorded).toBeGreaterThan(DIALOGUES / 2);
    console.info(`dialogues: ${DIALOGUES}, messages taken: ${outcome.taken}, opt-outs: ${outcome.recorded}`);
    expect(office.logged.filter(({ message }) => message === 'inbound listener failed')).toEqual([]);

    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    expect(await submit(caller, { recipients: [person.mailto()], content: 'Subject: x\r\n' })).toMatch(
      /^250 /,
    );
    expect(await person.sources()).toEqual(['header_mailto']);
    caller.hangUp();
  });

  test('a seed gives the same dialogue again', () => {
    const cast = { leaving: ['a@x.example'], hidden: ['b@x.example'] };
    expect(makeDialogue(7, cast)).toEqual(makeDialogue(7, cast));
    expect(makeDialogue(7, cast).bytes).not.toEqual(makeDialogue(8, cast).bytes);
    const { bytes, chunks } = makeDialogue(9, cast);
    expect(Buffer.concat(chunks)).toEqual(bytes);
  });
});

describe('reading a transcript', () => {
  const said = (...lines: string[]): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n`);

  test('a message that was taken names its recipients and no hidden ones', () => {
    const bytes = said(
      'EHLO a',
      'MAIL FROM:<a@b>',
      'RCPT TO:<x>',
      'RCPT TO:<y>',
      'DATA',
      '',
      'RCPT TO:<z>',
      '.',
      'QUIT',
    );
    expect(readTranscript(bytes, ['250', '250', '250', '550', '354', '250', '221'])).toEqual({
      taken: [{ recipients: ['RCPT TO:<x>\r\n'], mustCount: true }],
      fault: null,
    });
    expect(readTranscript(bytes, ['250', '250', '250', '550', '354', '550']).taken).toEqual([]);
  });

  test.each([
    ['Auto-Submitted: auto-replied', true],
    ['Content-Type: (a (b)) multipart (c\\)) / report', true],
    ['Subject: (\r\nContent-Type: multipart/report\r\n\r\n)', true],
    ['Content-Type: m ultipart/report', false],
    ['Content-Type: multi(x)part/report', false],
    ['Content-Type: multipart/mixed', false],
  ])('a machine may be marked only by whole words: %j', (content, may) => {
    expect(mayBeAutomatic(content)).toBe(may);
  });

  test.each([
    ['a bare LF that was taken for a line', 'NOOP\nNOOP\r\n', ['250', '250'], /line that is none/],
    ['a reply to nothing', 'NOOP\r\n', ['250', '250'], /to nothing/],
    ['a bare LF that was taken for content', 'DATA\r\na\nb\r\n.\r\n', ['354', '250'], /bare CR, LF or NUL/],
    ['a message that is to come again', 'DATA\r\na\r\n.\r\n', ['354', '451'], /451 to a message/],
    ['a message that ended by itself', 'DATA\r\na\n.\n', ['354', '250'], /has no end/],
  ])('%s is a fault', (_what, text, replies, fault) => {
    expect(readTranscript(Buffer.from(text), replies).fault).toMatch(fault);
  });
});
