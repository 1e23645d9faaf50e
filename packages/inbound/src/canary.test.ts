import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  generateKeyRing,
  type Meter,
  mailTokenAddress,
  parseKeyRing,
  SILENT,
  sealMailToken,
  UNMETERED,
} from '@adieu/core';
import { readInboundWatch } from '@adieu/store';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import {
  CANARY_AUDIENCE,
  CANARY_DOMAIN,
  type Canary,
  canaryAddress,
  sendCanary,
  startCanary,
} from './canary.ts';
import { greet, submit } from './testing/caller.ts';
import { type Office, openOffice } from './testing/office.ts';

let office: Office;
const ring = parseKeyRing(generateKeyRing());
const open: (() => unknown)[] = [];
beforeAll(async () => {
  office = await openOffice();
});
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
  await office.closeListeners();
});
afterAll(() => office.close());

const HEADER = 'From: John <john@example.com>\r\nSubject: unsubscribe\r\n\r\n';
const NOTHING = {
  recorded: 0,
  autoReplies: 0,
  bounces: 0,
  complaints: 0,
  reviewed: 0,
  noted: 0,
  refusedRecipients: 0,
  refusedMessages: 0,
  deferred: 0,
};

/** A meter that remembers what was counted, by metric and label values. */
function openCounting(): { readonly meter: Meter; read(name: string, label: string): number } {
  const counts = new Map<string, number>();
  const meter: Meter = {
    counter: (metric) => (labels, value) => {
      const key = [metric.name, ...Object.values(labels)].join(' ');
      counts.set(key, (counts.get(key) ?? 0) + value);
    },
    histogram: () => () => undefined,
    gauge: () => undefined,
  };
  return { meter, read: (name, label) => counts.get(`${name} ${label}`) ?? 0 };
}

/** Listens at a port and does with whoever comes as told. */
async function occupy(port: number, receive: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    receive(socket);
  });
  const close = server.close.bind(server);
  server.close = (done) => {
    for (const socket of sockets) socket.destroy();
    return close(done);
  };
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

const portOf = (server: Server): number => (server.address() as { port: number }).port;

function watch(port: number, meter: Meter = UNMETERED, patience = 30_000): Canary {
  const arrived = () => true;
  const canary = startCanary({
    ...{ ring: office.ring, host: '127.0.0.1', port, everySeconds: 1, patience },
    ...{ arrived, log: SILENT, meter },
  });
  open.push(() => canary.close());
  return canary;
}

describe('a canary', () => {
  test('comes through the listener and its commit, and is no mail: not counted, not kept, about nobody', async () => {
    const listener = await office.listen({ canarySeconds: 1 });
    const person = await office.person();
    await office.until(async () => listener.last().canaryAt !== null);
    expect(listener.ready()).toBeNull();
    expect(listener.stats()).toMatchObject(NOTHING);
    expect(listener.last().mailAt).toBeNull();
    expect(await office.reviews()).toEqual([]);
    expect(await person.history()).toEqual([]);
    expect((await readInboundWatch(office.db)).canaryAt).not.toBeNull();
    const caller = await greet(listener.port);
    expect(await submit(caller, { recipients: [person.mailto()], content: HEADER })).toMatch(/^250 /);
    caller.hangUp();
    const { mailAt } = listener.last();
    expect(mailAt).not.toBeNull();
    // The next one tells everybody when mail last came.
    await office.until(
      async () => (await readInboundWatch(office.db)).mailAt?.getTime() === mailAt?.getTime(),
    );
  });

  test('introduces itself where whoever comes from this machine is taken for a proxy', async () => {
    const listener = await office.listen({ canarySeconds: 1, proxies: ['loopback'] });
    await office.until(async () => listener.last().canaryAt !== null);
    // So does who asks from beside it, and nobody who asks as a stranger.
    for (const [host, proxies, wanted] of [
      ['127.0.0.1', ['loopback'], null],
      ['localhost', ['loopback'], null],
      ['127.0.0.1', [], 'The inbound listener does not answer.'],
    ] as const)
      expect([host, await sendCanary(office.ring, { host, port: listener.port, proxies })]).toEqual([
        ...[host, wanted],
      ]);
  });

  test('is told from a forged one, from another purpose and from one of another day', async () => {
    const listener = await office.listen();
    const caller = await greet(listener.port);
    const claims = { profile: 7, address: 0, list: 0, scope: 'channel', day: 20_000 } as const;
    const sealed = (by: typeof ring, purpose: 'mailto' | 'canary', audience = CANARY_AUDIENCE) =>
      mailTokenAddress('canary', sealMailToken(by, purpose, audience, claims), CANARY_DOMAIN);
    const forged = [
      canaryAddress(ring, 7, new Date()),
      sealed(office.ring, 'mailto'),
      sealed(office.ring, 'canary', { organisation: 'default', sandbox: 'prod' }),
      canaryAddress(office.ring, 7, new Date()).replace(CANARY_DOMAIN, 'news.example.com'),
    ];
    await caller.ask('MAIL FROM:<>');
    for (const address of forged)
      expect(await caller.ask(`RCPT TO:<${address}>`)).toMatch(/^550 5\.[17]\.1 /);
    await caller.ask('RSET');
    const before = await readInboundWatch(office.db);
    const old = { sender: '', recipients: [sealed(office.ring, 'canary')], content: HEADER };
    expect(await submit(caller, old)).toMatch(/^451 /);
    expect(await readInboundWatch(office.db)).toEqual(before);
    caller.hangUp();
  });

  test('says so when the database does not take what comes, and again when it does', async () => {
    const listener = await office.listen({ canarySeconds: 1 });
    await office.until(async () => listener.last().canaryAt !== null);
    await office.line.cut();
    try {
      await office.until(async () => listener.ready() !== null);
      expect(listener.ready()).toBe('The inbound listener cannot store what it is sent.');
      expect(office.logged.map(({ message }) => message)).toContain(listener.ready());
    } finally {
      await office.line.mend();
    }
    await office.until(async () => listener.ready() === null);
    expect(office.logged.map(({ message }) => message)).toContain('the inbound listener takes mail again');
  });

  test.each(['profile', 'inbound_watch'])(
    'notices that what comes is read and not written: %s is locked',
    async (table) => {
      const listener = await office.listen({ canarySeconds: 1 });
      const mean = { recipients: [canaryAddress(office.ring, 7, new Date())], content: '\r\n' };
      const caller = await greet(listener.port);
      expect(await submit(caller, mean)).toMatch(/^250 /);
      const release = await office.lock(table);
      let noted: Date | null;
      try {
        // What came through just before the lock is in the row by now.
        const late = submit(caller, mean);
        await office.until(async () => listener.ready() !== null);
        noted = (await readInboundWatch(office.db)).canaryAt;
        expect(listener.ready()).toMatch(/^The inbound listener (?:does not answer|cannot store)/);
        expect(await late).toMatch(/^451 /);
        expect((await readInboundWatch(office.db)).canaryAt).toEqual(noted);
      } finally {
        await release();
      }
      await office.until(async () => listener.ready() === null);
      expect((await readInboundWatch(office.db)).canaryAt?.getTime()).toBeGreaterThan(noted?.getTime() ?? 0);
      expect(listener.stats()).toMatchObject({ ...NOTHING, deferred: expect.any(Number) });
      caller.hangUp();
    },
  );

  test('notices a listener that is held silently, one that is gone, and a program in its place', async () => {
    const silent = await occupy(0, () => undefined);
    const port = portOf(silent);
    const canary = watch(port, UNMETERED, 500);
    const says = (reason: string | null) => office.until(async () => canary.ready() === reason);
    await says('The inbound listener does not answer.');
    await new Promise((resolve) => silent.close(resolve));
    await says('Nobody listens on the port of the inbound listener.');
    const web = await occupy(port, (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    await says('Another program answers on the port of the inbound listener.');
    await new Promise((resolve) => web.close(resolve));
    const strange = await office.listen({ port, ring });
    await says('What answers on the port of the inbound listener refuses its mail.');
    await strange.close();
    expect(canary.lastAt()).toBeNull();
    const listener = await office.listen({ port });
    await says(null);
    expect(canary.lastAt()).not.toBeNull();
    expect(listener.stats()).toMatchObject(NOTHING);
  });

  test('takes a listener with too many callers for busy, not for silent', async () => {
    const { meter, read } = openCounting();
    const listener = await office.listen({ maxConnections: 1 });
    const caller = await greet(listener.port);
    const canary = watch(listener.port, meter);
    await office.until(async () => read('adieu_inbound_canaries_total', 'busy') >= 3);
    expect(canary.ready()).toBeNull();
    expect(read('adieu_inbound_canaries_total', 'silent')).toBe(0);
    caller.hangUp();
    await office.until(async () => canary.lastAt() !== null);
  });

  test('that another listener took is no sign of life of ours', async () => {
    const listener = await office.listen();
    const canary = startCanary({
      ...{ ring: office.ring, host: '127.0.0.1', port: listener.port, everySeconds: 1 },
      arrived: () => false,
      log: SILENT,
      meter: UNMETERED,
    });
    open.push(() => canary.close());
    await office.until(async () => canary.ready() !== null);
    expect(canary.ready()).toBe('Another program answers on the port of the inbound listener.');
  });
});
