/**
 * A flood at the inbound listener, which runs in a process of its own, while people leave by mail.
 *
 * @module
 */
import { generateKeyRing } from '@adieu/core';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ScriptedRelay, startScriptedRelay } from '../packages/worker/src/testing/scripted-relay.ts';
import { type Backend, openBackend } from './backend.ts';
import { createBrand, DOMAIN, enqueue, finished, importPeople, mailTheAddress, waysOut } from './brand.ts';
import { BOMBS, callFrom, type IdleCaller, memoryOf } from './flood.ts';
import { type RunningAdieu, runAdieu } from './running-adieu.ts';

const PEOPLE = 400;
/** MiB. A hundred is what it has when nothing happens; what comes on top must not grow with what is sent. */
const MOST_MEMORY = 512;
/** Callers at a time. */
const WAVE = 250;
/** Addresses without a token. */
const ROLES = ['abuse', 'postmaster', 'unsubscribe'] as const;
/** As shipped. */
const [PER_ADDRESS, IN_TOTAL] = [50, 1000];

let backend: Backend;
let relay: ScriptedRelay;
let sender: RunningAdieu;
let door: RunningAdieu;
let next = 0;
const callers: IdleCaller[] = [];

beforeAll(async () => {
  backend = await openBackend();
  relay = await startScriptedRelay();
  const env = { ADIEU_KEYRING: generateKeyRing() };
  sender = await runAdieu({ backend, relayUrl: relay.url, roles: 'api,worker', env });
  await createBrand(sender);
  await importPeople(sender, PEOPLE);
  await finished(sender, await enqueue(sender));
  door = await runAdieu({ backend, relayUrl: relay.url, roles: 'inbound', env });
});

afterAll(async () => {
  hangUp();
  await door?.stop();
  await sender?.stop();
  await relay?.close();
  await backend?.close();
});

function hangUp(): void {
  for (const { socket } of callers.splice(0)) socket.destroy();
}

/** Callers from that many addresses, so many from each; those who are greeted stay on the line. */
async function flood(addresses: number, each: number): Promise<{ greeted: number; turnedAway: number }> {
  const came: IdleCaller[] = [];
  // In waves: what overflows the kernel's queue of a listener is neither accepted nor told so.
  for (let wave = 0; wave < addresses * each; wave += WAVE) {
    const indices = Array.from(
      { length: Math.min(WAVE, addresses * each - wave) },
      (_, index) => wave + index,
    );
    const calls = indices.map((index) => callFrom(`127.0.1.${1 + (index % addresses)}`, door.smtpPort));
    came.push(...(await Promise.all(calls)));
  }
  callers.push(...came);
  const greeted = came.filter((caller) => caller.greeting() === '220').length;
  expect(came.every((caller) => ['220', '421', ''].includes(caller.greeting()))).toBe(true);
  return { greeted, turnedAway: came.length - greeted };
}

/** Somebody who has not left yet does, with that content; 250 and one row, or it is no way out. Answers milliseconds. */
async function leave(content: string | Buffer = 'Subject: unsubscribe\r\n'): Promise<number> {
  const person = `p${next++}`;
  const mail = relay.mails.find(({ to }) => to === `${person}@example.org`);
  if (mail === undefined) throw new Error(`no mail to ${person}`);
  const begun = performance.now();
  expect(await mailTheAddress(door, waysOut(mail).mailto, content.toString('latin1'))).toMatch(/^250 /);
  const took = performance.now() - begun;
  const { body } = await sender.call('GET', `/v1/profiles/CRMID/${person}/consent-history`);
  expect(body).toMatchObject([{ source: 'header_mailto', to: 'n' }]);
  return took;
}

/** What ordinary unsubscribes took, told to who runs the tests. */
function rememberTimes(meanwhile: string, times: number[]): void {
  times.sort((one, other) => one - other);
  const at = (share: number) => Math.round(times[Math.ceil(times.length * share) - 1] ?? Number.NaN);
  console.info(`${times.length} unsubscribes during ${meanwhile}: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}

/** What the process holds, told to who runs the tests. */
function rememberMemory(after: string): void {
  const { now, peak } = memoryOf(door.pid);
  console.info(`memory of the listener after ${after}: ${now} MiB, at most ${peak} MiB`);
  expect(peak).toBeLessThan(MOST_MEMORY);
}

const onLinux = process.platform === 'linux' ? describe : describe.skip;

onLinux('I5 IN-10 while callers flood the listener, people go on leaving', () => {
  test('500 idle callers of one address get their share of places, and no more', async () => {
    rememberMemory('its start');
    expect(await flood(1, 500)).toEqual({ greeted: PER_ADDRESS, turnedAway: 500 - PER_ADDRESS });
    for (let left = 0; left < 5; left += 1) await leave();
    rememberMemory('500 idle callers of one address');
    hangUp();
  });

  test('500 idle callers of many addresses all stay, some of them trickle within a message', async () => {
    expect(await flood(25, 20)).toEqual({ greeted: 500, turnedAway: 0 });
    const trickling = callers.slice(0, 50);
    for (const { socket } of trickling) socket.write('EHLO slow.example\r\nMAIL FROM:<a@b.example>\r\n');
    const person = relay.mails.find(({ to }) => to === `p${PEOPLE - 1}@example.org`);
    if (person === undefined) throw new Error('no mail to the last of them');
    for (const { socket } of trickling) socket.write(`RCPT TO:<${waysOut(person).mailto}>\r\nDATA\r\nX: `);
    const trickle = setInterval(() => {
      for (const { socket } of trickling) socket.write('x');
    }, 20);
    for (let left = 0; left < 20; left += 1) await leave();
    clearInterval(trickle);
    rememberMemory('500 idle callers of 25 addresses, 50 of them trickling');
    const { body } = await sender.call('GET', `/v1/profiles/CRMID/p${PEOPLE - 1}/consent-history`);
    expect(body).toEqual([]);
  });

  test('more callers than there are places are turned away, and places come back', async () => {
    const held = callers.length;
    const { greeted } = await flood(30, 50);
    expect(greeted).toBeGreaterThanOrEqual(IN_TOTAL - held - PER_ADDRESS);
    expect(greeted).toBeLessThanOrEqual(IN_TOTAL - held);
    rememberMemory('1,000 idle callers');
    hangUp();
    await leaveOnceThereIsRoom();
  });

  async function leaveOnceThereIsRoom(): Promise<void> {
    for (;;) {
      const caller = await callFrom('127.0.0.1', door.smtpPort);
      caller.socket.destroy();
      if (caller.greeting() === '220') break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await leave();
  }

  test.each(Object.entries(BOMBS))('IN-17 a valid token in %s opts out', async (what, bomb) => {
    await leave(bomb());
    rememberMemory(what);
  });

  test('eight bombs at once, and ordinary mails between them', async () => {
    const bombs = Object.values(BOMBS).map((bomb) => leave(bomb()));
    const times: number[] = [];
    for (let left = 0; left < 20; left += 1) times.push(await leave());
    await Promise.all(bombs);
    rememberTimes('eight bombs at once', times);
    rememberMemory('eight bombs at once');
  });

  test('IN-17 IN-9 bombs for every kind of address: each 250 has its row, and nobody bounces', async () => {
    const bounced = relay.mails.find(({ to }) => to === `p${PEOPLE - 1}@example.org`);
    if (bounced === undefined) throw new Error('no mail to the last of them');
    const addresses = [bounced.from, ...ROLES.map((role) => `${role}@${DOMAIN}`)];
    const waiting = Object.values(BOMBS).flatMap((bomb, number) =>
      addresses.map((address) => ({
        address,
        content: `Message-ID: <bomb${number}@example.net>\r\n${bomb().toString('latin1')}`,
      })),
    );
    const kept = async (): Promise<Record<string, number>> => {
      const { body } = await sender.call('GET', '/v1/inbound/review?limit=1000');
      const counts: Record<string, number> = {};
      for (const { recipient } of body.items) counts[recipient] = (counts[recipient] ?? 0) + 1;
      return counts;
    };
    expect(await kept()).toEqual({});
    let throwing = true;
    const taken: Record<string, number> = {};
    const thrower = async (): Promise<void> => {
      for (let bomb = waiting.pop(); bomb !== undefined; bomb = waiting.pop()) {
        const reply = await mailTheAddress(door, bomb.address, bomb.content);
        expect(reply).toMatch(/^250 /);
        const kind = bomb.address.split(/[+@]/)[0] ?? '';
        taken[kind] = (taken[kind] ?? 0) + 1;
      }
    };
    const bombs = Promise.all(Array.from({ length: 6 }, thrower)).finally(() => {
      throwing = false;
    });
    const times: number[] = [];
    while (throwing && next < PEOPLE - 30) times.push(await leave());
    await bombs;
    rememberTimes(`${addresses.length * Object.keys(BOMBS).length} bombs`, times);
    rememberMemory('bombs for every kind of address');
    expect(times.length).toBeGreaterThan(5);
    const each = Object.keys(BOMBS).length;
    expect(taken).toEqual({ bounce: each, abuse: each, postmaster: each, unsubscribe: each });
    expect(await kept()).toEqual(taken);
    const { body } = await sender.call('GET', `/v1/profiles/CRMID/p${PEOPLE - 1}/consent-history`);
    expect(body).toEqual([]);
    const address = encodeURIComponent(bounced.to);
    expect((await sender.call('GET', `/ajo/config/suppression/addresses/${address}`)).status).toBe(404);
  }, 600_000);

  test('IN-4 what is sent beyond the limit is refused, not kept', async () => {
    const huge = `Subject: x\r\n\r\n${'x'.repeat(64)}`.concat(`\r\n${'y'.repeat(998)}`.repeat(60_000));
    const person = relay.mails.find(({ to }) => to === `p${PEOPLE - 1}@example.org`);
    const address = person === undefined ? '' : waysOut(person).mailto;
    const replies = Promise.all(Array.from({ length: 4 }, () => mailTheAddress(door, address, huge)));
    for (let left = 0; left < 10; left += 1) await leave();
    // The rest of a message this long meets a closed door: then the reply may be lost with the connection.
    for (const reply of await replies) expect(reply).toMatch(/^(?:552 5\.3\.4 |$)/);
    rememberMemory('four times 60 MB');
    const { body } = await sender.call('GET', `/v1/profiles/CRMID/p${PEOPLE - 1}/consent-history`);
    expect(body).toEqual([]);
  });
});
