/**
 * Threads that read mail of anybody's make: each reads one mail at a time, and is ended when it takes too long (IN-17).
 *
 * The rule: whatever happens in there, every question is answered, and the thread that answers opt-outs never waits for it. What
 * hangs, throws or eats memory is unreadable, and its thread is replaced; one that read nothing after a pause that grows. The bytes
 * are copied, not moved: who is ended takes along what it holds, and a mail that is unreadable has to be kept for a person.
 *
 * @module
 */
import { Worker } from 'node:worker_threads';
import type { Log } from '@adieu/core';
import type { Answers, Question, Reply } from './reading.ts';
import { openTurns } from './turns.ts';

/** Why nothing could be read: it took too long, it needed too much memory, or the reader failed. */
export type Unreadable = 'time' | 'memory' | 'fault';

/** What became of a question. */
export type Reading<Answer> =
  | { readonly ok: true; readonly answer: Answer }
  | { readonly ok: false; readonly why: Unreadable };

export interface Readers {
  /**
   * Answers a question about a mail that this caller brought; callers take turns. Rejects when too many wait, no thread is left or
   * all is being closed, and only then: who asked comes again.
   */
  ask<Kind extends keyof Answers>(
    question: Question & { kind: Kind },
    caller: string,
  ): Promise<Reading<Answers[Kind]>>;
  /** Ends the threads; what is still asked is rejected. */
  close(): Promise<void>;
}

export interface ReadersOptions {
  readonly log: Log;
  /** What the threads run; our own unless told otherwise. */
  readonly program?: URL;
  /** Milliseconds that a thread has for a question; 5,000 unless told otherwise. */
  readonly patience?: number;
  /** Milliseconds that a thread has to begin; 30,000 unless told otherwise. */
  readonly startPatience?: number;
  /** Milliseconds before a thread that did not begin is tried again, doubled each time; 1,000 unless told otherwise. */
  readonly restart?: number;
}

interface Job {
  readonly question: Question;
  readonly resolve: (reading: Reading<never>) => void;
  readonly reject: (error: Error) => void;
  /** While it waits for a thread. */
  readonly timer: NodeJS.Timeout;
}

interface Thread {
  readonly worker: Worker;
  state: 'starting' | 'ready' | 'ending';
  /** It was asked something. */
  asked: boolean;
  job: Job | null;
  timer?: NodeJS.Timeout;
}

/** While one is being replaced the other reads. */
const THREADS = 2;
/** As many as there may be connections; how many octets wait is bounded by who holds them. */
const QUEUE_LIMIT = 1_000;
/** For a free thread. */
const QUEUE_PATIENCE_MS = 30_000;
const PATIENCE_MS = 5_000;
const START_PATIENCE_MS = 30_000;
const RESTART_MS = 1_000;
/** However often it did not begin. */
const LONGEST_RESTART_MS = 30_000;
/** MiB of V8's heap. */
const RESOURCE_LIMITS = { maxOldGenerationSizeMb: 96, maxYoungGenerationSizeMb: 16 };
/** TypeScript under test, JavaScript once built, as this file is. */
const PROGRAM = new URL(`./reading-thread${import.meta.url.slice(-3)}`, import.meta.url);

/** Starts the threads; resolves once one of them is ready, rejects when the first that ends was none. */
export async function openReaders(options: ReadersOptions): Promise<Readers> {
  const { log, program = PROGRAM, patience = PATIENCE_MS, startPatience = START_PATIENCE_MS } = options;
  const firstPause = options.restart ?? RESTART_MS;
  let pause = firstPause;
  const threads = new Set<Thread>();
  const queue = openTurns<Job>();
  let closed = false;
  let restart: NodeJS.Timeout | undefined;
  let onReady: () => void = () => undefined;
  let onFailed: (cause: unknown) => void = () => undefined;
  const started = new Promise<void>((resolve, reject) => {
    onReady = resolve;
    onFailed = reject;
  });

  /** Starts as many as there should be. */
  function fill(): void {
    for (let missing = THREADS - threads.size; !closed && missing > 0; missing -= 1) start();
  }

  function start(): void {
    let worker: Worker;
    try {
      // Who reads hostile bytes needs no secrets.
      worker = new Worker(program, { env: {}, resourceLimits: RESOURCE_LIMITS });
    } catch (error) {
      // The machine has no thread left.
      startLater(error as Error);
      return;
    }
    const thread: Thread = { worker, state: 'starting', asked: false, job: null };
    let cause: NodeJS.ErrnoException | undefined;
    threads.add(thread);
    thread.timer = inPatience(startPatience, () => {
      if (thread.state === 'starting') end(thread);
    });
    worker.on('message', (reply: Reply) => {
      if (thread.state === 'ending') return;
      if (reply.kind === 'ready') {
        clearTimeout(thread.timer);
        thread.state = 'ready';
        pause = firstPause;
      } else settle(thread, reply.kind === 'answer' ? { ok: true, answer: reply.answer as never } : FAULT);
      onReady();
      proceed();
    });
    worker.on('error', (error) => {
      cause = error;
    });
    worker.on('exit', () => {
      threads.delete(thread);
      settle(thread, { ok: false, why: cause?.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'fault' });
      if (closed) return;
      if (!thread.asked) return startLater(cause ?? new Error('no reason is known'));
      log.warn(
        { error: cause?.code ?? cause?.name },
        'a thread that reads mail ended, another takes its place',
      );
      fill();
    });
  }

  /** What ends by itself is not tried without a pause. While none of the threads is left, who asks comes again. */
  function startLater(cause: NodeJS.ErrnoException): void {
    onFailed(cause);
    log.warn(
      { error: cause.code ?? cause.name },
      'a thread that reads mail ended before it was asked anything, it is tried again',
    );
    if (threads.size === 0) refuse(waiting(), 'no thread reads mail');
    if (restart !== undefined) return;
    restart = setTimeout(() => {
      restart = undefined;
      fill();
    }, pause);
    pause = Math.min(2 * pause, LONGEST_RESTART_MS);
  }

  /** Hands waiting questions to threads that are free. */
  function proceed(): void {
    for (const thread of threads) {
      if (thread.state !== 'ready' || thread.job !== null) continue;
      const job = queue.next();
      if (job === undefined) return;
      clearTimeout(job.timer);
      thread.job = job;
      thread.asked = true;
      const raw = Uint8Array.from(job.question.raw);
      thread.worker.postMessage({ ...job.question, raw }, [raw.buffer]);
      thread.timer = inPatience(patience, () => {
        if (thread.job === job) end(thread);
      });
    }
  }

  function end(thread: Thread): void {
    thread.state = 'ending';
    settle(thread, { ok: false, why: 'time' });
    void thread.worker.terminate();
  }

  function ask(question: Question, caller: string): Promise<Reading<never>> {
    return new Promise((resolve, reject) => {
      if (closed || threads.size === 0 || queue.size() >= QUEUE_LIMIT) {
        reject(new Error(threads.size === 0 ? 'no thread reads mail' : 'too many mails are being read'));
        return;
      }
      const timer = setTimeout(() => {
        queue.remove(caller, job);
        reject(new Error('no thread was free to read a mail'));
      }, QUEUE_PATIENCE_MS);
      const job: Job = { question, resolve, reject, timer };
      queue.add(caller, job);
      proceed();
    });
  }

  /** Takes out all that waits for a thread. */
  function waiting(): readonly Job[] {
    return Array.from({ length: queue.size() }, () => queue.next()).flatMap((job) => job ?? []);
  }

  async function close(): Promise<void> {
    closed = true;
    clearTimeout(restart);
    refuse([...[...threads].flatMap(({ job }) => job ?? []), ...waiting()], 'mail is no longer read');
    for (const { timer } of threads) clearTimeout(timer);
    await Promise.all([...threads].map(({ worker }) => worker.terminate()));
  }

  fill();
  try {
    await started;
  } catch (cause) {
    await close();
    throw new Error('no thread that reads mail could be started', { cause });
  }
  return { ask, close };
}

const FAULT = { ok: false, why: 'fault' } as const;

/** What a thread has said by the time that we look was not late; we were. */
function inPatience(milliseconds: number, then: () => void): NodeJS.Timeout {
  return setTimeout(() => setImmediate(then), milliseconds);
}

function refuse(jobs: readonly Job[], why: string): void {
  for (const { timer, reject } of jobs) {
    clearTimeout(timer);
    reject(new Error(why));
  }
}

function settle(thread: Thread, reading: Reading<never>): void {
  clearTimeout(thread.timer);
  const { job } = thread;
  thread.job = null;
  job?.resolve(reading);
}
