import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { greet, submit } from './testing/caller.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const HEADER = 'From: John <john@example.com>\r\nSubject: unsubscribe\r\n\r\n';

describe('leaving by mail', () => {
  test('MT-5 IN-9 C8 a valid token is enough, whatever the content is, and 250 means it is on record', async () => {
    const listener = await office.listen();
    const contents: Record<string, string | Buffer> = {
      empty: '',
      'no header': '\r\nplease',
      'empty subject, as Apple Mail sends it': 'From: john@example.com\r\nSubject: \r\n\r\n',
      'another subject': 'Subject: Re: =?utf-8?B?8J+OiQ==?=\r\n\r\nhello',
      'only HTML': 'Content-Type: text/html; charset=gb18030\r\n\r\n<p>\xb2\xbb</p>',
      'an unknown charset': Buffer.from('Content-Type: text/plain; charset=x-none\r\n\r\n\xff\xfe', 'latin1'),
      'S/MIME, signed':
        'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; boundary=b\r\n\r\n--b\r\n',
      'S/MIME, encrypted': 'Content-Type: application/pkcs7-mime; smime-type=enveloped-data\r\n\r\nMIIB',
      'broken MIME': 'Content-Type: multipart/mixed; boundary=never\r\n\r\n--other\r\n',
    };
    for (const [what, content] of Object.entries(contents)) {
      const person = await office.person();
      const caller = await greet(listener.port);
      expect([what, await submit(caller, { recipients: [person.mailto()], content })]).toEqual([
        what,
        '250 2.6.0 OK: received',
      ]);
      expect([what, await person.sources()]).toEqual([what, ['header_mailto']]);
      caller.hangUp();
    }
    expect(listener.stats().recorded).toBe(Object.keys(contents).length);
  });

  test('MT-6 MT-10 the envelope decides; To, From and a sender who is somebody else are not asked', async () => {
    const listener = await office.listen();
    const [leaving, other] = [await office.person(), await office.person()];
    const caller = await greet(listener.port);
    const content = [
      'From: a@example.com, b@example.com',
      'From: Group:c@example.com;',
      `To: ${other.mailto()}`,
      `Delivered-To: ${other.mailto()}`,
      '',
      'stop',
    ].join('\r\n');
    expect(await submit(caller, { recipients: [leaving.mailto()], content, sender: other.email })).toMatch(
      /^250 /,
    );
    expect(await leaving.sources()).toEqual(['header_mailto']);
    expect(await other.sources()).toEqual([]);
    caller.hangUp();
  });

  test('MT-2 the local part may come in upper case', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    expect(await submit(caller, { recipients: [person.mailto().toUpperCase()], content: HEADER })).toMatch(
      /^250 /,
    );
    expect(await person.sources()).toEqual(['header_mailto']);
    caller.hangUp();
  });

  test('MT-7 IN-8 an answer of a machine is taken, counted and no opt-out', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    const answers: readonly (readonly [sender: string, content: string])[] = [
      ['', 'Subject: Undelivered\r\n\r\n'],
      ['john@example.com', 'Auto-Submitted: auto-replied\r\n\r\nI am away'],
      [
        'john@example.com',
        'Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b--',
      ],
    ];
    for (const [sender, content] of answers) {
      expect(await submit(caller, { recipients: [person.mailto()], content, sender })).toMatch(/^250 /);
    }
    expect(await person.sources()).toEqual([]);
    expect(listener.stats()).toMatchObject({ autoReplies: 3, recorded: 0 });
    caller.hangUp();
  });

  test('MT-8 what a provider generated for its user counts', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    const content =
      'Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\nX-Auto-Response-Suppress: All\r\n\r\n';
    expect(await submit(caller, { recipients: [person.mailto()], content })).toMatch(/^250 /);
    expect(await person.sources()).toEqual(['header_mailto']);
    caller.hangUp();
  });

  test('MT-8 one tap in Apple Mail counts', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    const content = 'Auto-Submitted: auto-replied\r\nX-Apple-Unsubscribe: true\r\nSubject: \r\n\r\n';
    expect(await submit(caller, { recipients: [person.mailto()], content })).toMatch(/^250 /);
    expect(await person.sources()).toEqual(['header_mailto']);
    expect(listener.stats()).toMatchObject({ autoReplies: 0, recorded: 1 });
    caller.hangUp();
  });

  test('IN-21 the same mail twice has one effect', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    const content = `Message-ID: <once@example.com>\r\n${HEADER}`;
    expect(await submit(caller, { recipients: [person.mailto()], content })).toMatch(/^250 /);
    expect(await submit(caller, { recipients: [person.mailto()], content })).toMatch(/^250 /);
    expect(await person.sources()).toEqual(['header_mailto']);
    caller.hangUp();
  });

  test('IN-5 a hundred recipients of one transaction are all recorded, and one more is asked to come again', async () => {
    const listener = await office.listen();
    const people = await Promise.all(Array.from({ length: 100 }, () => office.person()));
    const caller = await greet(listener.port);
    expect(await caller.ask('MAIL FROM:<relay@example.com>')).toMatch(/^250 /);
    for (const person of people)
      expect(await caller.ask(`RCPT TO:<${person.mailto()}>`)).toMatch(/^250 2\.1\.5 /);
    const extra = await office.person();
    expect(await caller.ask(`RCPT TO:<${extra.mailto()}>`)).toMatch(/^452 4\.5\.3 /);
    expect(await caller.ask('DATA')).toMatch(/^354 /);
    caller.say(`${HEADER}.\r\n`);
    expect(await caller.hear()).toMatch(/^250 /);
    expect(await Promise.all(people.map((person) => person.sources()))).toEqual(
      people.map(() => ['header_mailto']),
    );
    expect(await extra.sources()).toEqual([]);
    caller.hangUp();
  });

  test('an opt-out of one address and of one list is recorded with its scope', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    expect(await submit(caller, { recipients: [person.mailto('identity')], content: HEADER })).toMatch(
      /^250 /,
    );
    expect(
      await submit(caller, {
        recipients: [person.mailto('subscription', office.list.number)],
        content: HEADER,
      }),
    ).toMatch(/^250 /);
    expect((await person.history()).map((change) => [change.scope, change.list ?? null])).toEqual([
      ['subscription', office.list.name],
      ['identity', null],
    ]);
    caller.hangUp();
  });
});
