import type { Log } from '@adieu/core';
import { afterEach, describe, expect, test } from '@jest/globals';
import { openReaders, type Readers, type ReadersOptions } from './readers.ts';

const UNRULY = new URL('./testing/unruly-thread.ts', import.meta.url);
const BOUNCE = 'Subject: failed\r\n\r\n<john@example.net>: 550 5.1.1 User unknown\r\n';
const THREADS = 2;

let readers: Readers;
let warnings: string[] = [];
afterEach(() => readers.close());

async function open(options: Partial<ReadersOptions> = {}): Promise<void> {
  warnings = [];
  const ignore = (): void => undefined;
  const warn = (_fields: object, message: string): void => void warnings.push(message);
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
    await expect(open({ program: new URL('data:text/javascript,process.exit(0)') })).rejects.toThrow(
      'could be started',
    );
  });

  test('know nothing of the environment', async () => {
    const program = `import { parentPort } from 'node:worker_threads';
      parentPort.on('message', () => parentPort.postMessage({ kind: 'answer', answer: { ...process.env } }));
      parentPort.postMessage({ kind: 'ready' });`;
    await open({ program: new URL(`data:text/javascript,${encodeURIComponent(program)}`) });
    expect(await report()).toEqual({ ok: true, answer: {} });
  });
});
