import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Caller, dial, submit } from './testing/caller.ts';
import { makeCertificate } from './testing/certificate.ts';
import { type Office, openOffice } from './testing/office.ts';
import { binaryHeader, headerOf } from './testing/proxy.ts';

let office: Office;
beforeAll(async () => {
  office = await openOffice();
});
afterEach(() => office.closeListeners());
afterAll(() => office.close());

const HEADER = 'From: John <john@example.com>\r\nSubject: unsubscribe\r\n\r\n';

/** Connects as a proxy does, and says the header; the greeting is still to be heard. */
async function through(port: number, header: Buffer): Promise<Caller> {
  const caller = await dial(port);
  caller.say(header);
  return caller;
}

describe('a listed proxy', () => {
  test.each([1, 2] as const)(
    'IN-12 IN-10 with a header of version %i: the limits count the address that it names',
    async (version) => {
      const listener = await office.listen({ proxies: ['loopback'], maxPerIp: 1, messagesPerMinute: 1 });
      const person = await office.person();
      const first = await through(listener.port, headerOf('192.0.2.1', version));
      expect(await first.hear()).toMatch(/^220 /);
      const second = await through(listener.port, headerOf('192.0.2.2', version));
      expect(await second.hear()).toMatch(/^220 /);
      const again = await through(listener.port, headerOf('192.0.2.1', version));
      expect(await again.hear()).toMatch(/^421 /);
      await first.ask('EHLO caller.example');
      expect(await submit(first, { recipients: [person.mailto()], content: HEADER })).toMatch(/^250 /);
      expect(await first.ask('MAIL FROM:<john@example.com>')).toMatch(/^450 /);
      await second.ask('EHLO caller.example');
      expect(await second.ask('MAIL FROM:<john@example.com>')).toMatch(/^250 /);
      expect(await person.sources()).toEqual(['header_mailto']);
      // The place is the caller's, and is given back.
      first.hangUp();
      await office.until(async () => {
        const next = await through(listener.port, headerOf('192.0.2.1', version));
        const greeting = await next.hear();
        next.hangUp();
        return greeting.startsWith('220 ');
      });
      for (const caller of [second, again]) caller.hangUp();
    },
  );

  test('IN-12 a header in pieces is read whole, and STARTTLS works behind it', async () => {
    const listener = await office.listen({ proxies: ['127.0.0.1'], tls: makeCertificate() });
    const person = await office.person();
    const caller = await dial(listener.port);
    for (const octet of headerOf('192.0.2.1', 2)) {
      caller.say(Buffer.of(octet));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await caller.hear()).toMatch(/^220 /);
    await caller.ask('EHLO caller.example');
    expect(await caller.ask('STARTTLS')).toMatch(/^220 /);
    const secret = await caller.secure();
    await secret.ask('EHLO caller.example');
    expect(await submit(secret, { recipients: [person.mailto()], content: HEADER })).toMatch(/^250 /);
    secret.hangUp();
  });

  test('IN-12 a health check speaks for the proxy itself', async () => {
    const listener = await office.listen({ proxies: ['127.0.0.0/8'] });
    for (const header of [Buffer.from('PROXY UNKNOWN\r\n'), binaryHeader(0x20, 0x00, Buffer.alloc(0))]) {
      const caller = await through(listener.port, header);
      expect(await caller.hear()).toMatch(/^220 /);
      caller.hangUp();
    }
  });

  test.each([
    ['without a header', Buffer.from('EHLO caller.example\r\n')],
    ['with one too large', Buffer.from(`PROXY TCP4 ${'1'.repeat(500)}`)],
    ['with one of version 2 too large', binaryHeader(0x21, 0x11, Buffer.alloc(60_000))],
    ['with one that is none', Buffer.from('PROXY TCP4 somewhere else 1 2\r\n')],
  ])('IN-12 %s is hung up on without a word', async (_, bytes) => {
    const listener = await office.listen({ proxies: ['loopback'] });
    const caller = await through(listener.port, bytes);
    expect(await caller.rest()).toBe('');
  });

  test('IN-12 that never ends its header is hung up on, and closing does not wait for it', async () => {
    const listener = await office.listen({ proxies: ['loopback'] });
    const slow = await through(listener.port, headerOf('192.0.2.1', 1).subarray(0, 20));
    const drip = setInterval(() => slow.say('1'), 2_000);
    expect(await slow.rest()).toBe('');
    clearInterval(drip);
    const [silent, half] = [await dial(listener.port), await dial(listener.port)];
    half.say('PROXY');
    half.socket.end();
    expect(await half.rest()).toBe('');
    await listener.close();
    expect(await silent.rest()).toBe('');
  });

  test('IN-12 a second header, or one after the greeting, ends the connection and changes no address', async () => {
    const listener = await office.listen({ proxies: ['loopback'] });
    const twice = await through(
      listener.port,
      Buffer.concat([headerOf('192.0.2.1', 1), headerOf('192.0.2.9', 1)]),
    );
    // Before the greeting it is talking too soon, as for anybody.
    expect(await twice.rest()).toMatch(/(?:^|\n)(?:421|500) [^\n]*\n$/);
    const later = await through(listener.port, headerOf('192.0.2.1', 1));
    await later.hear();
    await later.ask('EHLO caller.example');
    later.say(headerOf('192.0.2.9', 2));
    expect(await later.rest()).toMatch(/(?:^|\n)500 [^\n]*\n$/);
    expect(listener.stats()).toMatchObject({ turnedAway: 0 });
  });
});

describe('a peer that is not listed', () => {
  test.each([
    ['nobody is', undefined],
    ['others are', ['10.0.0.0/8', '2001:db8::/32', 'uniquelocal']],
  ])('IN-12 speaks for nobody, where %s', async (_, proxies) => {
    const listener = await office.listen({ ...(proxies === undefined ? {} : { proxies }), maxPerIp: 2 });
    for (const version of [1, 2] as const) {
      const [early, late] = [
        await through(listener.port, headerOf('192.0.2.1', version)),
        await dial(listener.port),
      ];
      expect(await early.rest()).toMatch(/(?:^|\n)(?:421|500) [^\n]*\n$/);
      expect(await late.hear()).toMatch(/^220 /);
      late.say(headerOf('192.0.2.1', version));
      expect(await late.rest()).toMatch(/(?:^|\n)500 [^\n]*\n$/);
      for (const caller of [early, late]) caller.hangUp();
    }
    // Under its own address all the same.
    const held: Caller[] = [];
    await office.until(async () => {
      const next = await dial(listener.port);
      held.push(next);
      return (await next.hear()).startsWith('421 ');
    });
    for (const caller of held) caller.hangUp();
  });
});
