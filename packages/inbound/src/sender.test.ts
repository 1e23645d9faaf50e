import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { authorOf } from './sender.ts';
import { greet, submit } from './testing/caller.ts';
import { DOMAIN, type Office, openOffice } from './testing/office.ts';
import { bring, type How, PLAIN, PUBLISHED, signed, wish } from './testing/wish.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const write = (content: string, how?: How) => bring(office, content, how);

describe('MT-9 mail to the plain unsubscribe address', () => {
  test('opts out whom DMARC vouches for by a signature', async () => {
    const person = await office.person();
    expect(await write(await signed(wish(`John <${person.email}>`)))).toMatchObject({
      recorded: 1,
      reviewed: 0,
    });
    expect((await person.history()).map(({ scope, source, to }) => [scope, source, to])).toEqual([
      ['channel', 'header_mailto', 'n'],
    ]);
    expect(await person.suppressed()).toBeNull();
  });

  test('opts out whom DMARC vouches for by the path', async () => {
    const person = await office.person();
    const texts = { ...PUBLISHED, 'example.com': 'v=spf1 ip4:127.0.0.1 -all' };
    await write(wish(person.email), { texts, sender: person.email });
    expect(await person.sources()).toEqual(['header_mailto']);
  });

  test('opts out everybody who uses the address', async () => {
    const person = await office.person();
    const housemate = await office.housemate(person);
    await write(await signed(wish(person.email)));
    expect([await person.sources(), await housemate.sources()]).toEqual([
      ['header_mailto'],
      ['header_mailto'],
    ]);
  });

  test('opts out everybody, however many use it', async () => {
    const person = await office.person();
    let last = person;
    for (let more = 0; more < 100; more += 1) last = await office.housemate(person);
    expect(await write(await signed(wish(person.email)))).toMatchObject({ recorded: 1, reviewed: 0 });
    expect([await person.sources(), await last.sources()]).toEqual([['header_mailto'], ['header_mailto']]);
  });

  test.each<[string, (email: string) => Promise<string>, string]>([
    ['without a signature', async (email) => wish(email), 'DMARC: fail'],
    ['with a body that was changed', async (email) => `${await signed(wish(email))} at all`, 'DMARC: fail'],
    [
      'with two From fields',
      async (email) => signed(wish(email, `From: other@example.com\r\n`)),
      'not exactly one From address',
    ],
    [
      'with two mailboxes',
      async (email) => signed(wish(`${email}, other@example.com`)),
      'not exactly one From address',
    ],
    ['with a group', async (email) => signed(wish(`Friends: ${email};`)), 'not exactly one From address'],
    ['of another domain', async () => signed(wish('other@elsewhere.example')), 'DMARC: none'],
  ])('IN-20 MT-10 of somebody %s waits for a person', async (_, content, detail) => {
    const person = await office.person();
    expect(await write(await content(person.email))).toMatchObject({ recorded: 0, reviewed: 1 });
    expect((await office.reviews())[0]).toMatchObject({
      why: 'unverified',
      recipient: 'unsubscribe',
      detail,
    });
    expect(await person.sources()).toEqual([]);
  });

  test('MT-10 a From field that two readers read differently is nobody', async () => {
    const person = await office.person();
    const texts = {
      'evil.example': 'v=spf1 ip4:127.0.0.1 -all',
      '_dmarc.evil.example': 'v=DMARC1; p=reject',
    };
    for (const folded of [
      '\t\r\n: From: a@evil.example',
      '\t\r\n:a@evil.example',
      ' \r\n\t\r\n: ,a@evil.example',
    ]) {
      const stats = await write(wish(`${person.email}\r\n${folded}`), { texts, sender: 'a@evil.example' });
      expect([folded, stats.recorded]).toEqual([folded, 0]);
      expect((await office.reviews())[0]?.detail).toBe('a header that may be read in two ways');
    }
    expect(await person.sources()).toEqual([]);
  });

  test.each([
    ['fields', 'X-Filler: x\r\n'.repeat(1_000)],
    ['octets', `X-Filler: ${'x'.repeat(900)}\r\n`.repeat(300)],
  ])('MT-9 whose receivers are hidden behind too many %s waits for a person', async (_, filler) => {
    const person = await office.person();
    const written = 'To: friend@elsewhere.example\r\n';
    const sent = await signed(wish(person.email, '', written.trimEnd()), ['from', 'to', 'subject']);
    // Whoever got it sends it on: fields may stand in any order, the last of a name is the one that was signed.
    const forged = `To: ${PLAIN}\r\n${sent.replace(written, '').replace('\r\n\r\n', `\r\n${filler}${written}\r\n`)}`;
    expect(await write(forged)).toMatchObject({ recorded: 0, reviewed: 1 });
    expect(await person.sources()).toEqual([]);
  });

  test.each([
    ['what was written to somebody else', 'To: friend@elsewhere.example'],
    [
      'what names us beside the address of somebody else',
      `To: "${PLAIN}" <friend@elsewhere.example> (${PLAIN})`,
    ],
    ['what names a group of us', `To: Friends: ${PLAIN};`],
    ['what has a second field of receivers', `To: friend@elsewhere.example\r\nTo: ${PLAIN}`],
    ['what was written to nobody', 'Cc: friend@elsewhere.example'],
  ])('MT-9 %s and is sent on to us by anybody waits for a person', async (_, receivers) => {
    const person = await office.person();
    expect(await write(await signed(wish(person.email, '', receivers)))).toMatchObject({
      ...{ recorded: 0, reviewed: 1 },
    });
    expect((await office.reviews())[0]).toMatchObject({ why: 'unverified', detail: 'not written to us' });
    expect(await person.sources()).toEqual([]);
  });

  test('MT-9 whose receivers the signature leaves open waits for a person', async () => {
    const person = await office.person();
    const content = `To: ${PLAIN}\r\n${await signed(wish(person.email, '', 'Date: today'), ['from', 'subject'])}`;
    expect(await write(content)).toMatchObject({ recorded: 0, reviewed: 1 });
    expect((await office.reviews())[0]).toMatchObject({ detail: 'not written to us' });
    expect(await person.sources()).toEqual([]);
  });

  test('MT-9 whose receivers only a neighbour of its domain has signed waits for a person, where DMARC is strict', async () => {
    const person = await office.person();
    const key = Object.entries(PUBLISHED).find(([name]) => name.includes('_domainkey'))?.[1] ?? '';
    const texts = { ...PUBLISHED, 's1._domainkey.neighbour.example.com': key };
    const sent = await signed(wish(person.email, '', 'Date: today'), ['from', 'subject']);
    const content = await signed(`To: ${PLAIN}\r\n${sent}`, ['from', 'to'], {
      domain: 'neighbour.example.com',
    });
    expect(await write(content, { texts })).toMatchObject({ recorded: 0, reviewed: 1 });
    expect(await person.sources()).toEqual([]);
    const relaxed = { ...texts, '_dmarc.example.com': 'v=DMARC1; p=reject' };
    expect(await write(content, { texts: relaxed })).toMatchObject({ recorded: 1 });
  });

  test('MT-9 one of several receivers, or of a copy, is written to us', async () => {
    for (const receivers of [`To: a@elsewhere.example, ${PLAIN.toUpperCase()}`, `Cc: "x, y" <${PLAIN}>`]) {
      const person = await office.person();
      await write(await signed(wish(person.email, '', receivers)));
      expect([receivers, await person.sources()]).toEqual([receivers, ['header_mailto']]);
    }
  });

  test('IN-16 an address in UTF-8 is the same however its letters are put together', async () => {
    const person = await office.person('j\u00fcrgen@example.com');
    await write(await signed(wish('<ju\u0308rgen@example.com>')));
    expect(await person.sources()).toEqual(['header_mailto']);
  });

  test('waits for a person where DNS cannot be asked', async () => {
    const person = await office.person();
    const listener = await office.listen({
      resolver: async () => {
        throw Object.assign(new Error('no answer'), { code: 'ESERVFAIL' });
      },
    });
    const caller = await greet(listener.port);
    const content = await signed(wish(person.email));
    expect(await submit(caller, { recipients: [PLAIN], content })).toMatch(/^250 /);
    caller.hangUp();
    expect((await office.reviews())[0]?.detail).toMatch(/^DMARC: temperror/);
    expect(await person.sources()).toEqual([]);
  });

  test('of somebody whom nobody knows waits for a person, and makes nobody', async () => {
    await write(await signed(wish('stranger@example.com')));
    expect((await office.reviews())[0]).toMatchObject({
      why: 'unknown_sender',
      sender: 'stranger@example.com',
    });
  });

  test('MT-7 I4 of a machine is counted, and nothing else', async () => {
    const before = (await office.reviews()).length;
    const person = await office.person();
    const content = await signed(wish(person.email, 'Auto-Submitted: auto-replied\r\n'));
    expect(await write(content)).toMatchObject({ autoReplies: 1, recorded: 0, reviewed: 0 });
    expect(await person.sources()).toEqual([]);
    expect(await office.reviews()).toHaveLength(before);
  });

  test.each([
    ['<1@localhost>', 'no more mail', 'no more mail'],
    ['<>', 'no more mail', 'leave me alone'],
  ])('two mails under the id %s are two, where they are not the same', async (id, body, other) => {
    const before = (await office.reviews()).length;
    const from = ['first', 'first', id === '<>' ? 'first' : 'second'].map((name) => `${name}@example.com`);
    for (const [place, text] of [body, body, other].entries()) {
      const written = wish(from[place] ?? '').replace(/<wish\d+@example\.com>/, id);
      await write(written.replace('no more mail', text));
    }
    expect(await office.reviews()).toHaveLength(before + 2);
  });

  test('IN-21 the same mail again is one mail to read', async () => {
    const content = wish('nobody@example.com');
    await write(content);
    const before = (await office.reviews()).length;
    await write(content);
    expect(await office.reviews()).toHaveLength(before);
  });
});

describe('MT-13 an answer that asks to leave', () => {
  const answer = (from: string, body: string, more = '') => wish(from, more).replace('no more mail', body);
  const quoting = 'unsubscribe please\r\n\r\n> Spring sale';

  test.each([`abuse@${DOMAIN}`, `postmaster@${DOMAIN}`])(
    'at %s opts out whom DMARC vouches for',
    async (to) => {
      const person = await office.person();
      expect(await write(await signed(answer(person.email, quoting)), { to })).toMatchObject({ recorded: 1 });
      expect(await person.sources()).toEqual(['header_mailto']);
      expect(await person.suppressed()).toBeNull();
    },
  );

  test('at the return path is told from an automatic one, and takes out who wrote it', async () => {
    const person = await office.person();
    const to = person.bounce();
    const away = await signed(answer(person.email, quoting, 'Auto-Submitted: auto-replied\r\n'));
    expect(await write(away, { to })).toMatchObject({ autoReplies: 1, recorded: 0 });
    expect(await person.sources()).toEqual([]);
    expect(await write(await signed(answer(person.email, quoting)), { to })).toMatchObject({ recorded: 1 });
    expect(await person.sources()).toEqual(['header_mailto']);
  });

  test('of whom DMARC does not vouch for waits for a person, marked, and does nothing', async () => {
    const person = await office.person();
    const to = `abuse@${DOMAIN}`;
    expect(await write(answer(person.email, quoting), { to })).toMatchObject({ recorded: 0, reviewed: 1 });
    expect((await office.reviews())[0]).toMatchObject({
      ...{ why: 'unverified', recipient: 'abuse', asksToLeave: true, detail: 'DMARC: fail' },
      sender: person.email,
    });
    expect(await person.sources()).toEqual([]);
  });

  test('that a signature leaves open waits for a person: whoever has the mail may have put it there', async () => {
    for (const [octets, body] of [
      [0, 'unsubscribe'],
      [2, '\r\nunsubscribe'],
    ] as const) {
      const person = await office.person();
      const letter = answer(person.email, '\r\nWhen do you open?');
      const forged = (await signed(letter, undefined, { octets })).replace('\r\nWhen do you open?', body);
      expect(await write(forged, { to: `abuse@${DOMAIN}` })).toMatchObject({ recorded: 0, reviewed: 1 });
      expect((await office.reviews())[0]).toMatchObject({
        why: 'unverified',
        asksToLeave: true,
        detail: 'DMARC: pass for a part of the mail',
      });
      expect(await person.sources()).toEqual([]);
    }
  });

  test.each([
    ['in what it quotes', 'On Monday you wrote:\r\n> unsubscribe', ''],
    ['in its second line', 'Thank you.\r\nunsubscribe', ''],
    ['among more words', 'I never asked you to unsubscribe me', ''],
    ['as a machine', 'unsubscribe', 'Auto-Submitted: auto-replied\r\n'],
  ])('is none %s, and the mail waits for a person unmarked', async (_, body, more) => {
    const person = await office.person();
    const content = await signed(answer(person.email, body, more));
    expect(await write(content, { to: `abuse@${DOMAIN}` })).toMatchObject({ recorded: 0, reviewed: 1 });
    const [mail] = (await office.reviews()).filter(({ asksToLeave }) => !asksToLeave);
    expect(mail).toMatchObject({ why: 'role', sender: person.email });
    expect(await person.sources()).toEqual([]);
  });
});

describe('IN-20 the author of a mail', () => {
  test.each([
    ['a@example.com', 'a@example.com'],
    ['<a@example.com>', 'a@example.com'],
    ['A Person <A@Example.com>', 'a@example.com'],
    ['"Last, First" <a@example.com>', 'a@example.com'],
    ['a@example.com (A Person)', 'a@example.com'],
    // A quotation mark in a comment begins no string that would hide who is meant.
    ['b@example.com (") <a@example.com> (")', 'a@example.com'],
    ['A (b@example.com (x) \\) ") <a@example.com> (")', 'a@example.com'],
    ['"A (" <a@example.com> (b@example.com)', 'a@example.com'],
  ])('%s', (field, wanted) => {
    expect(authorOf([field])?.key).toBe(wanted);
  });

  test.each([
    'a@example.com, b@example.com',
    '<a@example.com> <b@example.com>',
    'a@example.com <b@example.com> x',
    'Group: a@example.com;',
    '"<b@example.com>',
    '<a@example.com> (',
    '"a"b@example.com',
    '"a b"@example.com',
    'a(b)c@example.com',
    '<a@example.com',
    'nobody',
    '',
  ])('is nobody in %s', (field) => {
    expect(authorOf([field])).toBeNull();
  });

  test('is nobody where there are two fields', () => {
    expect(authorOf(['a@example.com', 'a@example.com'])).toBeNull();
  });
});
