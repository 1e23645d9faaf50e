/**
 * Threads that sign, so that the one that does all else does not wait for RSA.
 *
 * The rule: what is asked in one go is handed over in one go. `crypto.sign` with a callback signs in Node's own threads too, but wakes
 * one for each signature, and a thread that is woken takes the core of the one that woke it: that cost more than to sign Ed25519.
 *
 * @module
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { MakeSignature, SigningKey } from './signature.ts';

/** Threads that sign. */
export interface Signing {
  /** Rejects when the key cannot sign, or the thread that was asked has ended. */
  readonly sign: MakeSignature;
  /** Ends the threads; what is still asked is rejected. */
  close(): Promise<void>;
}

/** What a thread is asked. */
export interface Question {
  readonly text: string;
  readonly key: SigningKey;
}

/** What it answers. */
export type Answer = { readonly signature: string } | { readonly error: string };

interface Asked {
  readonly question: Question;
  readonly resolve: (signature: string) => void;
  readonly reject: (error: Error) => void;
}

interface Thread {
  readonly worker: Worker;
  /** Handed over, in the order in which it answers. */
  readonly asked: (readonly Asked[])[];
}

/** More than one process that composes can keep busy. */
const MOST = 4;
/** TypeScript under test, JavaScript once built, as this file is. */
const PROGRAM = new URL(`./signingthread${import.meta.url.slice(-3)}`, import.meta.url);

/** Starts threads as they are needed: one fewer than there are cores, at least one. They do not keep a process alive. */
export function openSigning({ program = PROGRAM }: { readonly program?: URL } = {}): Signing {
  const threads = new Set<Thread>();
  const count = Math.min(MOST, Math.max(1, availableParallelism() - 1));
  let gathered: Asked[] = [];
  let closed = false;

  function start(): Thread {
    // Who holds keys needs no other secrets.
    const thread: Thread = { worker: new Worker(program, { env: {} }), asked: [] };
    threads.add(thread);
    thread.worker.unref();
    thread.worker.on('message', (answers: readonly Answer[]) => {
      const asked = thread.asked.shift() ?? [];
      for (const [index, { resolve, reject }] of asked.entries()) {
        const answer = answers[index];
        if (answer !== undefined && 'signature' in answer) resolve(answer.signature);
        else reject(new Error(answer?.error ?? 'the thread that signs left out an answer'));
      }
    });
    let cause = 'the thread that signs has ended';
    thread.worker.on('error', (error) => {
      cause = String(error);
    });
    thread.worker.on('exit', () => {
      threads.delete(thread);
      for (const { reject } of thread.asked.flat()) reject(new Error(cause));
    });
    return thread;
  }

  /** The one with the least to do, or a new one where none is idle and there are not enough. */
  function chosen(): Thread {
    const [best] = [...threads].sort((a, b) => a.asked.length - b.asked.length);
    return best === undefined || (best.asked.length > 0 && threads.size < count) ? start() : best;
  }

  function handOver(): void {
    const asked = gathered;
    gathered = [];
    try {
      if (closed) throw new Error('signing has been closed');
      const thread = chosen();
      thread.worker.postMessage(asked.map(({ question }) => question));
      // After it: what could not be handed over is not waited for. No answer comes within this turn.
      thread.asked.push(asked);
    } catch (error) {
      // A machine may have no thread left to give.
      for (const { reject } of asked) reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  return {
    sign: (text, key) =>
      new Promise((resolve, reject) => {
        // Whatever else is composed in this turn is handed over with it.
        if (gathered.length === 0) queueMicrotask(handOver);
        gathered.push({ question: { text, key }, resolve, reject });
      }),
    async close() {
      closed = true;
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };
}
