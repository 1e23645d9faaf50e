import { readdirSync, readFileSync } from 'node:fs';
import { readReport } from '@adieu/mail';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { greet, submit } from './testing/caller.ts';
import { DOMAIN, type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const FIXTURES = new URL('../../mail/fixtures/report/', import.meta.url);

/** A report of another system about a message to somebody. */
function fixture(name: string, person: { bounce(): string; email: string }): string {
  const text = readFileSync(new URL(`${name}.eml`, FIXTURES), 'latin1');
  return text
    .replace(/\r?\n/g, '\r\n')
    .replaceAll(`bounce+tok@${DOMAIN}`, person.bounce())
    .replaceAll('john@example.net', person.email);
}

async function bring(recipients: readonly string[], content: string, sender = '') {
  const listener = await office.listen();
  const caller = await greet(listener.port);
  const reply = await submit(caller, { recipients, content: Buffer.from(content, 'latin1'), sender });
  caller.hangUp();
  return { reply, stats: listener.stats() };
}

describe('reports of other systems', () => {
  const names = readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.eml'))
    .map((name) => name.slice(0, -4));

  test.each(names)('I2 I3 %s does to its person what the reader makes of it', async (name) => {
    const person = await office.person();
    const content = fixture(name, person);
    const { recipients, feedbackType } = readReport(Buffer.from(content, 'latin1'));
    // What the null sender adds is in the file.
    const { reply, stats } = await bring([person.bounce()], content, 'mta@example.net');
    expect(reply).toMatch(/^250 /);
    const kinds = recipients.map(({ kind }) => kind);
    const complains = kinds.includes('complaint');
    expect(await person.sources()).toEqual(
      complains ? [feedbackType === 'opt-out' ? 'header_mailto' : 'complaint'] : [],
    );
    if (complains) expect(await person.suppressed()).toBe(feedbackType === 'opt-out' ? null : 'complaint');
    else if (!kinds.includes('hard')) expect(await person.suppressed()).toBeNull();
    else if (recipients.length === 1) expect(await person.suppressed()).toBe('hard');
    const { bounces, complaints, recorded, reviewed, noted, autoReplies } = stats;
    expect(bounces + complaints + recorded + reviewed + noted + autoReplies).toBe(1);
  });
});

describe('reports', () => {
  test('BC-2 every block is read, and those of the recipient count', async () => {
    const person = await office.person();
    const block = (address: string, action: string, status: string) =>
      `\r\nFinal-Recipient: rfc822; ${address}\r\nAction: ${action}\r\nStatus: ${status}\r\n`;
    const report = (...blocks: string[]) =>
      [
        'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
        '',
        '--b',
        'Content-Type: message/delivery-status',
        '',
        `Reporting-MTA: dns; mta.example.net\r\n${blocks.join('')}`,
        '--b--',
      ].join('\r\n');
    const other = block('other@example.org', 'failed', '5.1.1');
    await bring([person.bounce()], report(other, block(person.email.toUpperCase(), 'delivered', '2.0.0')));
    expect(await person.suppressed()).toBeNull();
    await bring([person.bounce()], report(other, block(person.email, 'FAILED', '5.2.2')));
    expect(await person.suppressed()).toBeNull();
    await bring(
      [person.bounce()],
      report(block('other@example.org', 'delayed', '4.2.0'), block(person.email, 'Failed', '5.1.1')),
    );
    expect(await person.suppressed()).toBe('hard');
  });

  test('one mail for several takes each by its own token', async () => {
    const [first, second, leaving] = [await office.person(), await office.person(), await office.person()];
    const content = fixture('01-postfix-user-unknown', first);
    const { reply, stats } = await bring([first.bounce(), second.bounce(), leaving.mailto()], content);
    expect(reply).toMatch(/^250 /);
    expect([await first.suppressed(), await second.suppressed(), await leaving.suppressed()]).toEqual([
      'hard',
      'hard',
      null,
    ]);
    expect(stats).toMatchObject({ bounces: 2, autoReplies: 1, recorded: 0 });
  });

  test('BC-11 tokens of two people in one complaint are nobody’s', async () => {
    const [first, second] = [await office.person(), await office.person()];
    const content = fixture('42-arf-abuse', first).replace(
      '\r\nVersion: 1',
      `\r\nVersion: 1\r\nOriginal-Mail-From: <${second.bounce()}>`,
    );
    expect((await bring([`fbl@${DOMAIN}`], content)).stats).toMatchObject({ complaints: 0, reviewed: 1 });
    expect((await office.reviews())[0]).toMatchObject({
      why: 'no_token',
      detail: 'tokens of different people',
    });
    expect([await first.suppressed(), await second.suppressed()]).toEqual([null, null]);
  });

  test.each<[string, (octets: Buffer) => string]>([
    ['base64', (octets) => octets.toString('base64').replace(/.{76}/g, '$&\r\n')],
    [
      'quoted-printable',
      (octets) => octets.toString('latin1').replaceAll('=', '=3D').replaceAll('bounce+', 'bou=\r\nnce=2B'),
    ],
  ])('BC-11 the token in a header that came back in %s is read', async (encoding, encode) => {
    const person = await office.person();
    const [before, original = ''] = fixture('42-arf-abuse', person).split(
      /(?<=Content-Type: message\/)rfc822\r\n/,
    );
    const [, header = ''] = /\r\n\r\n([\s\S]*?)\r\n\r\n/.exec(original) ?? [];
    const part = `global-headers\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n${encode(Buffer.from(header))}`;
    const content = `${before}${part}\r\n--part1_13d.2e68ed54_boundary--`;
    expect((await bring([`fbl@${DOMAIN}`], content)).stats).toMatchObject({ complaints: 1, reviewed: 0 });
    expect(await person.suppressed()).toBe('complaint');
  });

  test('BC-1 a token of another sandbox inside a complaint is none of ours', async () => {
    const stranger = await office.personElsewhere();
    expect((await bring([`fbl@${DOMAIN}`], fixture('42-arf-abuse', stranger))).stats).toMatchObject({
      reviewed: 1,
    });
    expect(await stranger.sources()).toEqual([]);
  });

  test('IN-17 a report beyond the size that is read, and a bomb, do what their beginning says', async () => {
    const person = await office.person();
    const content = `${fixture('01-postfix-user-unknown', person)}\r\n${'x'.repeat(78)}\r\n`.concat(
      `${'y'.repeat(78)}\r\n`.repeat(40_000),
    );
    expect((await bring([person.bounce()], content)).reply).toMatch(/^250 /);
    expect(await person.suppressed()).toBe('hard');
    const nest = Array.from(
      { length: 20_000 },
      (_, at) => `--b${at}\r\nContent-Type: multipart/mixed; boundary=b${at + 1}\r\n`,
    );
    const bomb = `Content-Type: multipart/report; report-type=delivery-status; boundary=b0\r\n\r\n${nest.join('\r\n')}`;
    const started = performance.now();
    expect((await bring([`abuse@${DOMAIN}`, person.bounce()], bomb)).reply).toMatch(/^250 /);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect((await office.reviews())[0]?.size).toBeGreaterThan(1_000_000);
  });
});

describe('while the database is away', () => {
  test('IN-9 a report and a role mail are answered 451, and go through once it is back; no 250 without a row', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const content = fixture('42-arf-abuse', person);
    const before = (await office.reviews()).length;
    const caller = await greet(listener.port);
    // The domain is known from here on.
    await caller.ask('MAIL FROM:<>');
    expect(await caller.ask(`RCPT TO:<${person.bounce()}>`)).toMatch(/^250 /);
    await caller.ask('RSET');
    await office.line.cut();
    try {
      expect(await submit(caller, { sender: '', recipients: [person.bounce()], content })).toMatch(
        /^451 4\.3\.0 /,
      );
      expect(await submit(caller, { sender: '', recipients: [`fbl@${DOMAIN}`], content })).toMatch(
        /^451 4\.3\.0 /,
      );
      expect(
        await submit(caller, { sender: '', recipients: [`postmaster@${DOMAIN}`], content: 'A: b\r\n\r\nx' }),
      ).toMatch(/^451 4\.3\.0 /);
    } finally {
      await office.line.mend();
    }
    expect([await person.sources(), await person.suppressed()]).toEqual([[], null]);
    expect(await office.reviews()).toHaveLength(before);
    await office.until(async () =>
      (await submit(caller, { sender: '', recipients: [person.bounce()], content })).startsWith('250 '),
    );
    expect([await person.sources(), await person.suppressed()]).toEqual([['complaint'], 'complaint']);
    expect(listener.stats()).toMatchObject({ deferred: 3 });
    caller.hangUp();
  });
});

test('IN-19 a person reads what was written, and no character that acts on a screen', async () => {
  const written = [
    'From: =?utf-8?Q?J=C3=B6rg=0D=0ABcc:_x=1B[2J?= <joerg@example.org>',
    'Subject: =?iso-8859-1?Q?Gr=FC=DFe?= \u001b]0;pwned\u0007 für Sie',
    'Message-ID: <written@example.org>',
    '',
    'Hello',
  ].join('\r\n');
  await bring([`abuse@${DOMAIN}`], written);
  expect((await office.reviews())[0]).toMatchObject({
    sender: 'JörgBcc: x[2J <joerg@example.org>',
    subject: 'Grüße ]0;pwned für Sie',
  });
});

test('IN-19 the log tells that a report came, and nothing of it', async () => {
  const person = await office.person();
  const before = office.logged.length;
  await bring([person.bounce()], fixture('01-postfix-user-unknown', person));
  const lines = office.logged.slice(before).map((line) => JSON.stringify(line));
  expect(lines.filter((line) => line.includes('"outcome":"bounced"'))).toHaveLength(1);
  for (const line of lines) expect(line).not.toMatch(/bounce\+|@|person/);
});
