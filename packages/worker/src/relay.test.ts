import { type Log, SILENT } from '@adieu/core';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openRelay, type Relay, type RelayOptions, type Slot } from './relay.ts';
import { until } from './testing/scene.ts';
import {
  fixture,
  type RelayScript,
  type ScriptedRelay,
  startScriptedRelay,
} from './testing/scripted-relay.ts';
import type { Outcome, Outgoing } from './transaction.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function listen(script: RelayScript = {}): Promise<ScriptedRelay> {
  const relay = await startScriptedRelay(script);
  closing.push(relay.close);
  return relay;
}

function open(url: string, options: Partial<RelayOptions> = {}): Relay {
  const relay = openRelay({
    url,
    log: SILENT,
    pause: { first: 50, longest: 400 },
    random: () => 0,
    ...options,
  });
  closing.push(() => relay.close(1000));
  return relay;
}

function message(id: string): Outgoing {
  const content = Buffer.from(`Message-ID: <${id}>\r\n\r\nbody\r\n`);
  return {
    from: 'bounce+x@news.example.com',
    to: 'a@example.com',
    smtputf8: false,
    content: [content],
    size: content.length,
    startBy: performance.now() + 60_000,
    leased: () => true,
  };
}

async function slots(relay: Relay, max: number): Promise<readonly Slot[]> {
  const reservation = await relay.reserve(max);
  if (reservation.kind === 'down') throw new Error('the relay is down');
  return reservation.slots;
}

async function down(relay: Relay): Promise<Date> {
  const reservation = await relay.reserve(1);
  if (reservation.kind !== 'down') throw new Error('the relay is not down');
  return reservation.retryAt;
}

async function sendOne(relay: Relay, id: string): Promise<Outcome> {
  const [slot] = await slots(relay, 1);
  if (slot === undefined) throw new Error('no slot');
  return slot.send(message(id)).finally(slot.release);
}

/** Sends until every message was answered by the relay, as a batch would: what is given back goes again. */
async function deliver(relay: Relay, ids: readonly string[]): Promise<void> {
  const left = [...ids];
  const flights = new Set<Promise<void>>();
  while (left.length > 0 || flights.size > 0) {
    if (left.length === 0) {
      await Promise.race(flights);
      continue;
    }
    const reservation = await relay.reserve(left.length);
    if (reservation.kind === 'down') {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    for (const slot of reservation.slots) {
      const id = left.shift();
      if (id === undefined) {
        slot.release();
        continue;
      }
      const flight: Promise<void> = slot.send(message(id)).then((outcome) => {
        flights.delete(flight);
        slot.release();
        if (outcome.kind === 'not-sent') left.push(id);
      });
      flights.add(flight);
    }
  }
}

const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index));
const ACCEPTED = expect.objectContaining({ kind: 'replied', stage: 'content' });

test('a relay that is down says so without being asked for a slot, until it can be tried again', async () => {
  const vacant = await startScriptedRelay();
  await vacant.close();
  const relay = open(vacant.url, { pause: { first: 60_000, longest: 60_000 } });
  expect(relay.down()).toBeNull();
  const begun = Date.now();
  await down(relay);
  expect(relay.down()?.getTime()).toBeGreaterThanOrEqual(begun + 60_000);

  const soon = open(vacant.url);
  await down(soon);
  await until(() => soon.down() === null);
});

describe('slots', () => {
  test('connections are opened when they are needed, and no more than allowed', async () => {
    const server = await listen();
    const relay = open(server.url, { connections: 3 });
    expect(relay.stats()).toEqual({ open: 0, opening: 0, paused: 0, busy: 0 });
    await deliver(relay, numbers(200));
    expect(server.connections()).toBe(3);
    expect(server.counts().size).toBe(200);
  });

  test('one is on the wire and one is chained for each connection, and not one more', async () => {
    const server = await listen();
    const relay = open(server.url, { connections: 2 });
    expect(relay.capacity).toBe(4);
    const held: Slot[] = [];
    while (held.length < 4) held.push(...(await slots(relay, 10)));
    expect(held).toHaveLength(4);
    let served = false;
    const next = relay.reserve(1).then(() => {
      served = true;
    });
    // As often as free slots are gathered, and more.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve, 3));
    expect(served).toBe(false);
    held[0]?.release();
    await next;
    expect(relay.stats().busy).toBe(4);
  });

  test('maxConnections of the URL is the number of connections, 10 where it says nothing', () => {
    expect(open('smtp://127.0.0.1:1').capacity).toBe(20);
    expect(open('smtp://127.0.0.1:1?maxConnections=7').capacity).toBe(14);
  });
});

describe('TLS and authentication', () => {
  test.each(['starttls', 'implicit'] as const)(
    '%s with the certificate of an own authority',
    async (mode) => {
      const server = await listen({ tls: { mode, certificate: 'relay' } });
      const relay = open(`${server.url}?requireTLS=true&tls.ca=${encodeURIComponent(fixture('ca.pem'))}`);
      expect(await Promise.all([sendOne(relay, 'a'), sendOne(relay, 'b')])).toEqual([ACCEPTED, ACCEPTED]);
      expect(server.mails.map((mail) => mail.secure)).toEqual([true, true]);
    },
  );

  test('credentials are used, and a refusal of them is no fault of a message', async () => {
    const extensions = ['PIPELINING', 'AUTH PLAIN'];
    const lines: string[] = [];
    const server = await listen({
      extensions,
      answer: ({ stage, line }) => {
        if (stage !== 'auth') return undefined;
        lines.push(Buffer.from(line.split(' ')[2] ?? '', 'base64').toString());
        return lines.length === 1 ? '535 5.7.8 no' : undefined;
      },
    });
    const relay = open(server.url.replace('//', '//us%40er:pa%3Ass@'));
    await down(relay);
    await deliver(relay, ['a']);
    expect(server.counts().size).toBe(1);
    expect(lines).toEqual(['\0us@er\0pa:ss', '\0us@er\0pa:ss']);
  });

  test('no password reaches the log', async () => {
    const lines: string[] = [];
    const keep = (fields: object, text: string): void => void lines.push(JSON.stringify(fields) + text);
    const log: Log = { debug: keep, info: keep, warn: keep, error: keep };
    await down(open('smtp://user:geheim@127.0.0.1:1', { log }));
    expect(lines.join('\n')).toContain('127.0.0.1');
    expect(lines.join('\n')).not.toMatch(/geheim|user/);
  });
});

describe('S7: trouble pauses the connection, not the message', () => {
  test('a relay that is down answers when to come back, later each time, and is found when it is up', async () => {
    const vacant = await startScriptedRelay();
    await vacant.close();
    const pauses: number[] = [];
    const told = (fields: object): void => {
      if ('pauseMs' in fields) pauses.push(Number(fields.pauseMs));
    };
    const log: Log = { debug: told, info: told, warn: told, error: told };
    const relay = open(`smtp://127.0.0.1:${vacant.port}`, { log, connections: 1 });
    while (pauses.length < 5) {
      const retryAt = await down(relay);
      await until(() => Date.now() > retryAt.getTime() + 2);
    }
    expect(pauses).toEqual([50, 100, 200, 400, 400]);
    const server = await startScriptedRelay({ port: vacant.port });
    closing.push(server.close);
    while ((await relay.reserve(1)).kind === 'down') await new Promise((resolve) => setTimeout(resolve, 10));
    expect(relay.stats().open).toBe(1);
  });

  test('one outage doubles the pause once, however many connections it took down', async () => {
    const pauses: number[] = [];
    const told = (fields: object): void => {
      if ('pauseMs' in fields) pauses.push(Number(fields.pauseMs));
    };
    const log: Log = { debug: told, info: told, warn: told, error: told };
    const relay = open('smtp://127.0.0.1:1', { log, connections: 10 });
    for (let round = 0; round < 3; round++) {
      const reservation = await relay.reserve(20);
      if (reservation.kind !== 'down') throw new Error('the relay is not down');
      await until(() => relay.stats().opening === 0 && Date.now() > reservation.retryAt.getTime() + 2);
    }
    expect(pauses).toEqual([50, 100, 200]);
  });

  test('the jitter only lengthens a pause', async () => {
    const relay = open('smtp://127.0.0.1:1', { pause: { first: 1000, longest: 60_000 }, random: () => 1 });
    const before = Date.now();
    expect((await down(relay)).getTime() - before).toBeGreaterThanOrEqual(1250);
  });

  test('454 Throttling: given back, paused, and sent on the same connection later', async () => {
    let throttled = 0;
    const server = await listen({
      answer: ({ stage, transaction }) => {
        if (stage !== 'mail' || transaction > 2) return undefined;
        throttled++;
        return '454 Throttling failure: Maximum sending rate exceeded.';
      },
    });
    const relay = open(server.url, { connections: 1 });
    expect(await sendOne(relay, 'a')).toEqual({ kind: 'not-sent', why: 'throttled' });
    await down(relay);
    expect(relay.stats()).toMatchObject({ open: 1, paused: 1 });
    await deliver(relay, ['a']);
    expect(throttled).toBe(2);
    expect(server.connections()).toBe(1);
  });

  test.each([
    ['421 before the greeting', { stage: 'greeting', say: '421 4.3.2 too many connections' }],
    ['554 before the greeting', { stage: 'greeting', say: '554 5.7.1 not you' }],
    ['closing before the greeting', { stage: 'greeting', say: '' }],
    ['speaking out of turn after EHLO', { stage: 'ehlo', say: '250 relay.test\r\n250 what?' }],
    ['closing at EHLO', { stage: 'ehlo', say: '' }],
    ['421 at MAIL', { stage: 'mail', say: '421 4.7.0 later' }],
    ['closing at DATA', { stage: 'data', say: '' }],
  ])('%s, on every connection but the last: every message arrives once', async (_, { stage, say }) => {
    const server = await listen({
      answer: (step) => (step.stage === stage && step.connection < 4 ? { say, act: 'close' } : undefined),
    });
    const relay = open(server.url, { connections: 2, pause: { first: 5, longest: 20 } });
    await deliver(relay, numbers(20));
    expect([...server.counts().values()]).toEqual(numbers(20).map(() => 1));
  });

  test('a relay that closes after some messages gets all of them, each once', async () => {
    const server = await listen({
      answer: ({ stage, transaction }) => {
        if (stage === 'content' && transaction === 3) return { say: '250 2.0.0 ok', act: 'close' };
        return undefined;
      },
    });
    const relay = open(server.url, { connections: 2, pause: { first: 5, longest: 20 } });
    await deliver(relay, numbers(30));
    expect([...server.counts().values()]).toEqual(numbers(30).map(() => 1));
  });
});

test('the same trouble is told once, another is told again', async () => {
  const warnings: string[] = [];
  const log: Log = { ...SILENT, warn: (fields) => void warnings.push(JSON.stringify(fields)) };
  let greeting = '554 5.7.1 not you';
  const server = await listen({
    answer: ({ stage }) => (stage === 'greeting' ? { say: greeting, act: 'close' } : undefined),
  });
  const relay = open(server.url, { log, connections: 1, pause: { first: 1, longest: 1 } });
  const again = async (): Promise<void> => {
    const before = server.connections();
    await until(async () => (await down(relay)) && server.connections() > before + 2);
  };
  await again();
  expect(warnings).toHaveLength(1);
  greeting = '554 5.3.2 closed for today';
  await again();
  expect(warnings.map((line) => /554 \S+/.exec(line)?.[0])).toEqual(['554 5.7.1', '554 5.3.2']);
});

describe('reuse', () => {
  test('a connection is left after its number of messages', async () => {
    const quits: number[] = [];
    const server = await listen({
      answer: ({ stage, transaction }) => {
        if (stage === 'quit') quits.push(transaction);
        return undefined;
      },
    });
    const relay = open(`${server.url}?maxMessages=4`, { connections: 1 });
    await deliver(relay, numbers(12));
    await relay.close(1000);
    expect(server.counts().size).toBe(12);
    expect(Math.max(...quits)).toBeLessThanOrEqual(5);
    expect(server.connections()).toBe(quits.length);
  });

  test('a connection is not left while a slot on it is taken, and closing waits for that', async () => {
    const server = await listen();
    const relay = open(`${server.url}?maxMessages=1`, { connections: 1 });
    await sendOne(relay, 'warm-up');
    await until(() => relay.stats().open === 0);
    const [wire, chained] = [...(await slots(relay, 1)), ...(await slots(relay, 1))];
    if (wire === undefined || chained === undefined) throw new Error('no slot');
    await wire.send(message('a'));
    wire.release();
    const closed = relay.close(5000);
    // Its intent was being committed meanwhile.
    await down(relay);
    expect(await chained.send(message('b'))).toEqual(ACCEPTED);
    chained.release();
    await closed;
    expect(server.counts().size).toBe(3);
  });

  test('an idle connection is left with QUIT', async () => {
    const stages: string[] = [];
    const server = await listen({
      answer: ({ stage }) => {
        stages.push(stage);
        return undefined;
      },
    });
    const relay = open(server.url, { idle: 30 });
    await sendOne(relay, 'a');
    while (relay.stats().open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(stages.at(-1)).toBe('quit');
    expect(await sendOne(relay, 'b')).toEqual(ACCEPTED);
  });

  test('closing lets what is under way finish and takes nothing more', async () => {
    const server = await listen({
      answer: async ({ stage }) => {
        if (stage === 'content') await new Promise((resolve) => setTimeout(resolve, 50));
        return undefined;
      },
    });
    const relay = open(server.url);
    const sent = sendOne(relay, 'a');
    while (relay.stats().busy === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await relay.close(5000);
    expect(await sent).toEqual(ACCEPTED);
    await down(relay);
  });

  test('closing does not wait for a new intent that is not to be had', async () => {
    let ask: () => void = () => {};
    const grownOld = new Promise<undefined>((resolve) => {
      ask = () => resolve(undefined);
    });
    const server = await listen({ answer: ({ stage }) => (stage === 'data' ? grownOld : undefined) });
    const relay = open(server.url);
    const [slot] = await slots(relay, 1);
    let renewing = false;
    const renew = (): Promise<null> => {
      renewing = true;
      // The database is away.
      return new Promise(() => {});
    };
    // Far enough ahead that it is not past before it is handed over.
    const startBy = performance.now() + 2000;
    const sent = slot?.send({ ...message('a'), startBy, renew });
    await until(() => performance.now() > startBy);
    ask();
    await until(() => renewing);
    await relay.close(10);
    expect(await sent).toEqual({ kind: 'not-sent', why: 'stale' });
    expect(server.mails).toEqual([]);
  });

  test('closing does not wait for a relay that never answers', async () => {
    const server = await listen({
      answer: ({ stage }) => (stage === 'content' ? { act: 'go on' } : undefined),
    });
    const relay = open(server.url);
    const sent = sendOne(relay, 'a');
    while (server.mails.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await relay.close(50);
    expect(await sent).toEqual({ kind: 'unknown' });
  });
});
