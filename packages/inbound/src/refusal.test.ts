import { ensureSandbox, findReview } from '@adieu/store';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { dial, greet, submit } from './testing/caller.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const HEADER = 'From: John <john@example.com>\r\nSubject: unsubscribe\r\n\r\n';

describe('who and what is refused', () => {
  test('IN-6 nobody is relayed for, and nobody unknown is taken in', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    await caller.ask('MAIL FROM:<john@example.com>');
    expect(await caller.ask('RCPT TO:<someone@elsewhere.example>')).toMatch(/^550 5\.7\.1 /);
    expect(await caller.ask('RCPT TO:<someone@[127.0.0.1]>')).toMatch(/^550 5\.7\.1 /);
    expect(await caller.ask(`RCPT TO:<${person.mailto().replace('@', '%elsewhere.example@')}>`)).toMatch(
      /^550 5\.1\.1 /,
    );
    expect(await caller.ask('RCPT TO:<unsubscribe+aaaa@news.example.com>')).toMatch(/^550 5\.1\.1 /);
    expect(await caller.ask('RCPT TO:<nobody@news.example.com>')).toMatch(/^550 5\.1\.1 /);
    expect(await caller.ask(`RCPT TO:<${person.mailto()}>`)).toMatch(/^250 2\.1\.5 /);
    expect(listener.stats().refusedRecipients).toBe(5);
    caller.hangUp();
  });

  test('a token of another sandbox is as unknown as nonsense', async () => {
    const listener = await office.listen();
    const stranger = await office.personElsewhere();
    const caller = await greet(listener.port);
    await caller.ask('MAIL FROM:<john@example.com>');
    const strange = await caller.ask(`RCPT TO:<${stranger.mailto()}>`);
    const nonsense = await caller.ask('RCPT TO:<unsubscribe+nonsense@news.example.com>');
    expect(strange).toBe(nonsense);
    caller.hangUp();
  });

  test('IN-10 guessing tokens ends the connection', async () => {
    const listener = await office.listen();
    const caller = await greet(listener.port);
    await caller.ask('MAIL FROM:<john@example.com>');
    for (let guess = 0; guess < 100; guess += 1)
      await caller.ask(`RCPT TO:<unsubscribe+${guess}@news.example.com>`);
    expect(await caller.ask('RCPT TO:<unsubscribe+100@news.example.com>')).toMatch(/^421 4\.7\.0 /);
    expect(await caller.rest()).toBe('');
  });

  test('IN-1 a stuffed dot is content, also when it comes in single bytes', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    caller.socket.setNoDelay(true);
    await caller.ask('MAIL FROM:<john@example.com>');
    await caller.ask(`RCPT TO:<${person.mailto()}>`);
    await caller.ask('DATA');
    for (const byte of '..\r\nSubject: x\r\n\r\n..\r\n.x\r\n') {
      caller.say(byte);
      await new Promise((resolve) => setImmediate(resolve));
    }
    caller.say('.\r\n');
    expect(await caller.hear()).toMatch(/^250 /);
    caller.hangUp();
  });

  test('IN-2 a bare CR, a bare LF or a NUL in a message is refused, records nothing and ends the connection', async () => {
    const listener = await office.listen();
    const person = await office.person();
    for (const content of ['a\nb', 'a\rb', 'a\0b']) {
      const caller = await greet(listener.port);
      expect(await submit(caller, { recipients: [person.mailto()], content: `${HEADER}${content}` })).toMatch(
        /^550 5\.6\.0 /,
      );
      expect(await caller.rest()).toBe('');
    }
    expect(await person.sources()).toEqual([]);
  });

  test('IN-10 so many commands that make no sense end the connection', async () => {
    const listener = await office.listen();
    const caller = await greet(listener.port);
    for (let error = 0; error < 19; error += 1) expect(await caller.ask('RCPT TO:<')).toMatch(/^50[13] /);
    caller.say('DATA\r\nNOOP\r\n');
    expect(await caller.hear()).toMatch(/^503 /);
    expect(await caller.hear()).toMatch(/^421 4\.7\.0 /);
    expect(await caller.rest()).toBe('');
  });

  test('IN-3 a command that ends in a bare LF, or holds a CR or a NUL, ends the connection', async () => {
    const listener = await office.listen();
    for (const command of [
      'NOOP\n',
      'RSET\nNOOP\r\n',
      'NOOP\rNOOP\r\n',
      'NO\0OP\r\n',
      `MAIL FROM:<a@b.example>\nQUIT\r\n`,
    ]) {
      const caller = await greet(listener.port);
      caller.say(command);
      expect([JSON.stringify(command), await caller.hear()]).toEqual([
        JSON.stringify(command),
        expect.stringMatching(/^500 5\.5\.2 /),
      ]);
      expect(await caller.rest()).toBe('');
    }
  });

  test('a command line longer than anybody needs ends the connection, however it is cut', async () => {
    const listener = await office.listen();
    const caller = await greet(listener.port);
    caller.say(`NOOP ${'x'.repeat(1500)}`);
    caller.say('x'.repeat(1500));
    expect(await caller.hear()).toMatch(/^500 5\.5\.6 /);
    expect(await caller.rest()).toBe('');
  });

  test('pipelined commands are handled in order, also when they are cut anywhere', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const all = `MAIL FROM:<a@example.com>\r\nRCPT TO:<${person.mailto()}>\r\nRCPT TO:<x@elsewhere.example>\r\nDATA\r\n`;
    for (const cut of [1, 13, 26, 27, 60, all.length - 1]) {
      const caller = await greet(listener.port);
      caller.socket.setNoDelay(true);
      caller.say(all.slice(0, cut));
      await new Promise((resolve) => setTimeout(resolve, 5));
      caller.say(all.slice(cut));
      const replies = [await caller.hear(), await caller.hear(), await caller.hear(), await caller.hear()];
      expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['250', '250', '550', '354']);
      caller.hangUp();
    }
    const caller = await greet(listener.port);
    caller.say('NOOP\r\n'.repeat(1000));
    for (let heard = 0; heard < 1000; heard += 1) expect(await caller.hear()).toMatch(/^250 /);
    caller.hangUp();
  });

  test('IN-4 the size limit is advertised and holds: by announcement, by content, and hard', async () => {
    const listener = await office.listen({ maxSize: 65_536 });
    const person = await office.person();
    const caller = await dial(listener.port);
    await caller.hear();
    expect(await caller.ask('EHLO caller.example')).toMatch(/^250[- ]SIZE 65536$/m);
    expect(await caller.ask('MAIL FROM:<john@example.com> SIZE=65537')).toMatch(/^552 5\.3\.4 /);
    expect(
      await submit(caller, { recipients: [person.mailto()], content: `${HEADER}${'x'.repeat(65_536)}` }),
    ).toMatch(/^552 5\.3\.4 /);
    expect(await person.sources()).toEqual([]);

    await caller.ask('MAIL FROM:<john@example.com>');
    await caller.ask(`RCPT TO:<${person.mailto()}>`);
    await caller.ask('DATA');
    const flood = Buffer.alloc(65_536, 'x\r\n');
    for (let chunk = 0; chunk < 20; chunk += 1) caller.say(flood);
    expect(await caller.hear()).toMatch(/^552 5\.3\.4 /);
    expect(await caller.rest()).toBe('');
    expect(await person.sources()).toEqual([]);
  });

  test('IN-14 a message that went round a hundred times is refused', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    const round = 'Received: by relay.example\r\n';
    expect(
      await submit(caller, { recipients: [person.mailto()], content: `${round.repeat(101)}\r\n` }),
    ).toMatch(/^554 5\.4\.6 /);
    expect(
      await submit(caller, { recipients: [person.mailto()], content: `${round.repeat(100)}\r\n` }),
    ).toMatch(/^250 /);
    caller.hangUp();
  });

  test('IN-14 what is kept for a person says on top who brought it and when, and names no token', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await dial(listener.port);
    await caller.hear();
    await caller.ask('EHLO caller(of[127.0.0.1])');
    const content = 'Received: from nowhere by nobody\r\nSubject: odd\r\n\r\nnothing that is a report';
    expect(await submit(caller, { recipients: [person.bounce()], content })).toMatch(/^250 /);
    caller.hangUp();
    const [kept] = await office.reviews();
    const home = await ensureSandbox(office.db, 'default', 'prod');
    const { source = '' } = (await findReview(office.db, home, kept?.id ?? 0)) ?? {};
    const [path, received, by, ...rest] = source.split('\r\n');
    expect(path).toBe('Return-Path: <john@example.com>');
    expect(received).toBe('Received: from caller?of[127.0.0.1]? ([127.0.0.1])');
    const [, date = ''] = /^\tby mx\.example\.com with ESMTP; (.+ \+0000)$/.exec(by ?? '') ?? [];
    expect(Math.abs(Date.now() - Date.parse(date))).toBeLessThan(240_000);
    expect(rest.join('\r\n')).toBe(`${content}\r\n`);
    expect(source).not.toContain('bounce+');
  });

  test('IN-13 IN-12 what is not offered is refused and not advertised', async () => {
    const listener = await office.listen();
    const caller = await dial(listener.port);
    expect(await caller.hear()).toMatch(/^220 /);
    const offered = await caller.ask('EHLO caller.example');
    expect(offered).toMatch(/ENHANCEDSTATUSCODES/);
    expect(offered).toMatch(/PIPELINING/);
    expect(offered).not.toMatch(/AUTH|STARTTLS|XCLIENT|XFORWARD|VRFY|EXPN|CHUNKING|DSN/);
    for (const command of ['VRFY john', 'EXPN staff'])
      expect(await caller.ask(command)).toMatch(/^502 5\.5\.1 /);
    for (const command of [
      'AUTH PLAIN AGEAYg==',
      'WIZ x',
      'SHELL',
      'KILL',
      'STARTTLS',
      'XCLIENT ADDR=192.0.2.1',
    ]) {
      expect([command, await caller.ask(command)]).toEqual([
        command,
        expect.stringMatching(/^50[02] 5\.5\.[12] /),
      ]);
    }
    caller.hangUp();
    const proxied = await dial(listener.port);
    await proxied.hear();
    expect(await proxied.ask('PROXY TCP4 192.0.2.1 192.0.2.2 1 25')).toMatch(/^500 /);
    proxied.hangUp();
  });

  test('IN-16 SMTPUTF8 and 8BITMIME are accepted', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const caller = await greet(listener.port);
    expect(await caller.ask('MAIL FROM:<jöhn@bücher.example> SMTPUTF8 BODY=8BITMIME')).toMatch(/^250 /);
    expect(await caller.ask(`RCPT TO:<${person.mailto()}>`)).toMatch(/^250 /);
    expect(await caller.ask('DATA')).toMatch(/^354 /);
    caller.say('From: Jöhn <jöhn@bücher.example>\r\n\r\nich möchte nicht mehr\r\n.\r\n');
    expect(await caller.hear()).toMatch(/^250 /);
    caller.hangUp();
  });
});
