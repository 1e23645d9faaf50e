import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Log } from '@adieu/core';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openReaders, type Readers, type ReadersOptions } from './readers.ts';

const UNRULY = new URL('./testing/unruly-thread.ts', import.meta.url);
const BOUNCE = 'Subject: failed\r\n\r\n<john@example.net>: 550 5.1.1 User unknown\r\n';
const THREADS = 2;

let readers: Readers;
let warnings: string[] = [];
let warnedAt: number[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'adieu-threads-'));
});
afterEach(async () => {
  await readers.close();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<ReadersOptions> = {}): Promise<void> {
  warnings = [];
  warnedAt = [];
  const ignore = (): void => undefined;
  const warn = (_fields: object, message: string): void => {
    warnings.push(message);
    warnedAt.push(performance.now());
  };
  const log: Log = { debug: ignore, info: ignore, warn, error: ignore };
  readers = await openReaders({ log, program: UNRULY, ...options });
}

function report(header = '', caller = '192.0.2.1') {
  const raw = Buffer.from(`From: MAILER-DAEMON@example.net\r\n${header}${BOUNCE}`);
  return readers.ask({ kind: 'report', raw, nullSender: true }, caller);
}

const kindOf = async () => {
  const reading = await report();
  return reading.ok ? reading.answer.recipients[0]?.kind : reading.why;
};

/** Ways to threads that this process has. */
function ports(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length;
}

describe('IN-17 a mail that cannot be read', () => {
  test.each([
    ['loop', 'time'],
    ['regular expression', 'time'],
    ['silence', 'time'],
    ['memory in small pieces', 'memory'],
    ['memory in large pieces', 'memory'],
    ['throw', 'fault'],
    ['throw later', 'fault'],
    ['exit', 'fault'],
  ])('%s: %s, and the next is read', async (fault, why) => {
    // Memory takes its time to fill, on a machine that does other things.
    await open({ patience: why === 'time' ? 2_000 : 60_000 });
    expect(await report(`X-Fault: ${fault} all\r\n`)).toEqual({ ok: false, why });
    expect(await kindOf()).toBe('hard');
    const ended = fault === 'throw' ? 0 : 1;
    // A question is answered before its thread has ended, and the next is read by the other one.
    while (warnings.length < ended) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(warnings).toHaveLength(ended);
  });

  test('who waits behind it is read by the other thread meanwhile', async () => {
    await open({ patience: 60_000 });
    const stuck = report('X-Fault: loop all\r\n');
    stuck.catch(() => undefined);
    expect(await Promise.all(Array.from({ length: 20 }, kindOf))).toEqual(Array(20).fill('hard'));
    await readers.close();
    await expect(stuck).rejects.toThrow('no longer read');
  });

  test('whoever brings many that hang keeps others waiting for one of them, not for all', async () => {
    await open({ patience: 300 });
    const order: string[] = [];
    const bring = (header: string, caller: string) => report(header, caller).then(() => order.push(caller));
    const flood = Array.from({ length: 2 * THREADS + 4 }, () => bring('X-Fault: loop all\r\n', '192.0.2.1'));
    const others = ['198.51.100.1', '198.51.100.2'].map((caller) => bring('', caller));
    await Promise.all([...flood, ...others]);
    // Those in the threads, and each thread's next: they came first.
    expect(order.indexOf('198.51.100.1')).toBeLessThanOrEqual(2 * THREADS);
    expect(order.indexOf('198.51.100.2')).toBeLessThanOrEqual(2 * THREADS);
  });

  test('more than a thousand that wait are asked to come again', async () => {
    await open({ patience: 60_000 });
    const asked = Array.from({ length: 1_000 + THREADS + 1 }, () => report('X-Fault: loop all\r\n'));
    for (const reading of asked) reading.catch(() => undefined);
    await expect(asked.at(-1)).rejects.toThrow('too many');
    await readers.close();
    expect((await Promise.allSettled(asked)).every(({ status }) => status === 'rejected')).toBe(true);
  });
});

/**
 * A program that goes by the order in which its threads start, the last of them for all that follow: `exit` and `hang` before they
 * are ready, `silent` and `die` on a question, `answer` with their number.
 */
function threadsThat(...plan: readonly ('exit' | 'hang' | 'silent' | 'die' | 'answer')[]): URL {
  const program = `import { mkdirSync } from 'node:fs';
    import { parentPort } from 'node:worker_threads';
    let number = 0;
    for (let free = true; free; number += free ? 1 : 0) {
      try { mkdirSync(${JSON.stringify(folder)} + '/' + number); free = false; } catch {}
    }
    const does = ${JSON.stringify(plan)}[Math.min(number, ${plan.length - 1})];
    if (does === 'exit') process.exit(0);
    parentPort.on('message', () => {
      if (does === 'die') process.exit(0);
      if (does === 'answer') parentPort.postMessage({ kind: 'answer', answer: { number } });
    });
    if (does !== 'hang') parentPort.postMessage({ kind: 'ready' });`;
  return new URL(`data:text/javascript,${encodeURIComponent(program)}`);
}

describe('a thread that does not begin', () => {
  test('in time is replaced, and its place reads', async () => {
    await open({
      program: threadsThat('silent', 'hang', 'answer'),
      startPatience: 15_000,
      patience: 120_000,
    });
    const stuck = report();
    stuck.catch(() => undefined);
    expect(await report()).toEqual({ ok: true, answer: { number: 2 } });
    expect(warnings).toEqual([expect.stringContaining('before it was asked')]);
  });

  test('is tried again after pauses that grow, until one reads', async () => {
    const restart = 50;
    const plan = ['silent', 'die', 'exit', 'exit', 'exit', 'exit', 'exit', 'answer'] as const;
    await open({ program: threadsThat(...plan), restart, patience: 120_000 });
    const both = [report(), report()];
    expect(await Promise.race(both)).toEqual({ ok: false, why: 'fault' });
    for (const stuck of both) stuck.catch(() => undefined);
    expect(await report()).toEqual({ ok: true, answer: { number: 7 } });
    expect(warnings).toHaveLength(6);
    const [, ...tried] = warnedAt;
    const pauses = tried.slice(1).map((at, index) => at - (tried[index] ?? 0));
    // A timer may be early by a part of a millisecond.
    for (const [index, pause] of pauses.entries()) expect(pause).toBeGreaterThan(restart * 2 ** index - 2);
  });

  test('lets who asks come again while no other is left, and reads once it did begin', async () => {
    await open({ program: threadsThat('die', 'die', 'exit', 'exit', 'exit', 'answer'), restart: 2_000 });
    const fault = { ok: false, why: 'fault' };
    expect(await Promise.all([report(), report()])).toEqual([fault, fault]);
    await expect(report()).rejects.toThrow('no thread reads mail');
    let reading: object | null = null;
    for (let tries = 0; reading === null && tries < 6_000; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      reading = await report().catch(() => null);
    }
    expect(reading).toMatchObject({ ok: true });
  });
});

describe('threads that read mail', () => {
  test('are as many as ever after some of them ended, and none once all is closed', async () => {
    const before = ports();
    await open({ patience: 2_000 });
    const full = ports();
    expect(full).toBeGreaterThan(before);
    const unread = Array.from({ length: 5 }, () => report('X-Fault: loop all\r\n'));
    expect(await Promise.all(unread)).toEqual(Array(5).fill({ ok: false, why: 'time' }));
    expect(await Promise.all(Array.from({ length: 5 }, kindOf))).toEqual(Array(5).fill('hard'));
    expect(ports()).toBe(full);
    await readers.close();
    expect(ports()).toBe(before);
    await expect(report()).rejects.toThrow();
  });

  test('that cannot start keep what needs them from starting', async () => {
    await expect(open({ program: new URL('./no-such-thread.ts', import.meta.url) })).rejects.toThrow(
      'could be started',
    );
    // The second is none that Node would try: it throws at once, as where the machine has no thread left.
    for (const program of ['data:text/javascript,process.exit(0)', 'https://thread.example/']) {
      await expect(open({ program: new URL(program) })).rejects.toThrow('could be started');
    }
  });

  test('know nothing of the environment', async () => {
    const program = `import { parentPort } from 'node:worker_threads';
      parentPort.on('message', () => parentPort.postMessage({ kind: 'answer', answer: { ...process.env } }));
      parentPort.postMessage({ kind: 'ready' });`;
    await open({ program: new URL(`data:text/javascript,${encodeURIComponent(program)}`) });
    expect(await report()).toEqual({ ok: true, answer: {} });
  });
});
