/**
 * The program of reading threads, with faults that the real reader is not known to have: a mail asks for one in its `X-Fault`.
 *
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { answer, serve } from '../reading.ts';

/** What may go wrong within a thread. */
export const FAULTS = {
  loop: () => {
    for (;;);
  },
  'regular expression': () => /^(?:a|aa)+$/.test(`${'a'.repeat(200)}b`),
  // Never settles, and nothing is left to do meanwhile.
  silence: () => new Promise(() => undefined),
  'memory in small pieces': () => {
    const kept: object[] = [];
    for (;;) kept.push({ kept: kept.length });
  },
  'memory in large pieces': () => {
    const kept: string[] = [];
    for (;;) kept.push(Buffer.alloc(1_000_000, kept.length).toString('latin1'));
  },
  throw: () => {
    throw new Error('a fault of the reader');
  },
  'throw later': () =>
    new Promise(() => {
      setImmediate(() => {
        throw new Error('a fault that nobody catches');
      });
    }),
  exit: () => process.exit(0),
} as const;

/** A fault and the questions that it strikes: `X-Fault: loop report`. */
const FIELD = /^X-Fault: ([a-z ]+?) (report|mentions|dmarc|all)\r$/m;

if (parentPort === null) throw new Error('this runs in a thread of its own');
serve(parentPort, async (question) => {
  const [, fault, kind] = FIELD.exec(Buffer.from(question.raw).toString('latin1')) ?? [];
  if (fault !== undefined && fault in FAULTS && (kind === 'all' || kind === question.kind))
    await FAULTS[fault as keyof typeof FAULTS]();
  return answer(question);
});
