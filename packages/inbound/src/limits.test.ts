import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { dial, greet, submit } from './testing/caller.ts';
import { makeCertificate } from './testing/certificate.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const HEADER = 'From: John <john@example.com>\r\nSubject: unsubscribe\r\n\r\n';

describe('TLS', () => {
  test('IN-11 STARTTLS is offered with an own certificate only, and what came before it is forgotten', async () => {
    const listener = await office.listen({ tls: makeCertificate() });
    const person = await office.person();
    const clear = await dial(listener.port);
    await clear.hear();
    expect(await clear.ask('EHLO caller.example')).toMatch(/STARTTLS/);
    await clear.ask('MAIL FROM:<john@example.com>');
    await clear.ask(`RCPT TO:<${person.mailto()}>`);
    // A command that hides behind STARTTLS in the same packet must not run inside the TLS session.
    clear.say('STARTTLS\r\nNOOP smuggled\r\n');
    expect(await clear.hear()).toMatch(/^220 /);
    const secret = await clear.secure();
    expect(await secret.ask('DATA')).toMatch(/^503 /);
    expect(await secret.ask('EHLO caller.example')).not.toMatch(/STARTTLS/);
    expect(await submit(secret, { recipients: [person.mailto()], content: HEADER })).toMatch(/^250 /);
    expect(await person.sources()).toEqual(['header_mailto']);
    secret.say('NOOP\n');
    expect(await secret.hear()).toMatch(/^500 5\.5\.2 /);
    secret.hangUp();
  });
});

describe('time and room', () => {
  test('IN-10 the deadline is absolute: a caller that keeps talking is hung up on all the same', async () => {
    const listener = await office.listen({ deadlineSeconds: 1 });
    const caller = await greet(listener.port);
    await caller.ask('MAIL FROM:<john@example.com>');
    const chatter = setInterval(() => caller.say('NOOP\r\n'), 50);
    const heard = await caller.rest();
    clearInterval(chatter);
    expect(heard).toMatch(/421 4\.4\.2 /);
  });

  test('IN-10 a message that trickles in is cut off too, and records nothing', async () => {
    const listener = await office.listen({ deadlineSeconds: 1 });
    const person = await office.person();
    const caller = await greet(listener.port);
    await caller.ask('MAIL FROM:<john@example.com>');
    await caller.ask(`RCPT TO:<${person.mailto()}>`);
    await caller.ask('DATA');
    const trickle = setInterval(() => caller.say('x'), 50);
    expect(await caller.rest()).toMatch(/^421 4\.4\.2 /);
    clearInterval(trickle);
    expect(await person.sources()).toEqual([]);
  });

  test('IN-10 a caller who asks for TLS and then falls silent gives the place back at the deadline', async () => {
    const listener = await office.listen({ tls: makeCertificate(), deadlineSeconds: 1, maxPerIp: 1 });
    const silent = await greet(listener.port);
    expect(await silent.ask('STARTTLS')).toMatch(/^220 /);
    await office.until(async () => {
      const next = await dial(listener.port);
      const greeting = await next.hear();
      next.hangUp();
      return greeting.startsWith('220 ');
    });
    silent.hangUp();
  });

  test('IN-10 one address gets its share of connections, and a place is free again once a caller left', async () => {
    const listener = await office.listen({ maxPerIp: 2 });
    const first = await greet(listener.port);
    const second = await greet(listener.port);
    const third = await dial(listener.port);
    expect(await third.hear()).toMatch(/^421 /);
    expect(await third.rest()).toBe('');
    expect(await second.ask('NOOP')).toMatch(/^250 /);
    expect(await first.ask('QUIT')).toMatch(/^221 /);
    first.hangUp();
    await office.until(async () => {
      const again = await dial(listener.port);
      const greeting = await again.hear();
      again.hangUp();
      return greeting.startsWith('220 ');
    });
    second.hangUp();
    expect(listener.stats().turnedAway).toBeGreaterThan(0);
  });

  test('IN-10 the total of connections is bounded', async () => {
    const listener = await office.listen({ maxPerIp: 50, maxConnections: 1 });
    const first = await greet(listener.port);
    expect(await (await dial(listener.port)).hear()).toMatch(/^421 /);
    first.hangUp();
  });

  test('IN-10 who comes when it is crowded gets a shorter time, so that idle callers keep nobody out for long', async () => {
    const listener = await office.listen({ maxConnections: 4, crowdedDeadlineSeconds: 1 });
    const early = await Promise.all([greet(listener.port), greet(listener.port)]);
    const late = await greet(listener.port);
    expect(await late.rest()).toMatch(/^421 4\.4\.2 /);
    late.hangUp();
    for (const caller of early) expect(await caller.ask('NOOP')).toMatch(/^250 /);
    for (const caller of early) caller.hangUp();
  });

  test('IN-10 one address may send so many messages a minute, and is then asked to wait', async () => {
    const listener = await office.listen({ messagesPerMinute: 2 });
    const caller = await greet(listener.port);
    for (let message = 0; message < 2; message += 1) {
      expect(await caller.ask('MAIL FROM:<john@example.com>')).toMatch(/^250 /);
      await caller.ask('RSET');
    }
    expect(await caller.ask('MAIL FROM:<john@example.com>')).toMatch(/^450 4\.7\.1 /);
    caller.hangUp();
  });

  test('I5 a flood of half-open callers leaves the others served', async () => {
    const listener = await office.listen({ maxPerIp: 200, maxConnections: 200 });
    const idle = await Promise.all(Array.from({ length: 100 }, () => dial(listener.port)));
    const person = await office.person();
    const caller = await greet(listener.port);
    expect(await submit(caller, { recipients: [person.mailto()], content: HEADER })).toMatch(/^250 /);
    for (const other of idle) other.hangUp();
    caller.hangUp();
  });

  test('closing lets a message in flight finish and hangs up on the idle', async () => {
    const listener = await office.listen();
    const person = await office.person();
    const [idle, busy] = [await greet(listener.port), await greet(listener.port)];
    await busy.ask('MAIL FROM:<john@example.com>');
    await busy.ask(`RCPT TO:<${person.mailto()}>`);
    await busy.ask('DATA');
    busy.say(HEADER);
    const closed = listener.close();
    expect(await idle.rest()).toMatch(/^421 4\.3\.2 /);
    busy.say('.\r\n');
    expect(await busy.hear()).toMatch(/^250 /);
    expect(await busy.rest()).toMatch(/^421 4\.3\.2 /);
    await closed;
    expect(await person.sources()).toEqual(['header_mailto']);
    await expect(dial(listener.port)).rejects.toThrow();
  });
});
