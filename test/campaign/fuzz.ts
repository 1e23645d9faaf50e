/**
 * The fuzz campaign: mutated mails and dialogues by the hundred thousand, brought by several processes.
 *
 * One rule: a process that ends, whatever ended it, is a finding that names the seeds it had in hand.
 *
 * @module
 */
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../bench/child.ts';
import type { FuzzOrder } from './fuzz-child.ts';

/** `mails`: whole mails; `dialogues`: SMTP, byte for byte; `noises`: octets for the readers of reports. */
export type FuzzKind = 'mails' | 'dialogues' | 'noises';
export const FUZZ_KINDS: readonly FuzzKind[] = ['mails', 'dialogues', 'noises'];

/** What came of inputs of one kind. */
export interface FuzzPart {
  readonly inputs: number;
  /** Milliseconds; 0 where nobody counts. */
  readonly slowestMs: number;
  /** Of the process that brought them. */
  readonly seconds: number;
  readonly counts: Readonly<Record<string, number>>;
  /** One line each, with the seed that repeats it. */
  readonly findings: readonly string[];
}

/** What is brought. */
export interface FuzzOptions {
  readonly seed: number;
  readonly counts: Readonly<Record<FuzzKind, number>>;
  readonly processes: number;
  readonly say: (line: string) => void;
}

/** What came of it all. */
export interface FuzzOutcome {
  readonly parts: ReadonlyMap<FuzzKind, FuzzPart>;
  /** Of the wall clock, for all kinds. */
  readonly seconds: number;
}

const CHUNK: Readonly<Record<FuzzKind, number>> = { mails: 2_000, dialogues: 1_000, noises: 10_000 };
/** Seeds of one campaign: no two share any. */
const SEEDS = 1_000_000;
const PROGRAM = '../campaign/fuzz-child.ts';

/** Brings them all. */
export async function runFuzz({ seed, counts, processes, say }: FuzzOptions): Promise<FuzzOutcome> {
  const started = performance.now();
  const orders = FUZZ_KINDS.flatMap((kind) => ordersOf(kind, (seed - 1) * SEEDS + 1, counts[kind]));
  const parts = new Map<FuzzKind, FuzzPart>();
  let next = 0;
  const work = async (_: unknown, place: number): Promise<void> => {
    const lastWords = join(tmpdir(), `adieu-fuzz-${process.pid}-${place}`);
    let child: Child | null = null;
    while (next < orders.length) {
      const order = orders[next++];
      if (order === undefined) break;
      try {
        child ??= await startChild(PROGRAM, [lastWords]);
        add(parts, order.kind, (await child.ask(order)) as FuzzPart);
      } catch (error) {
        const seeds = `${order.seed} to ${order.seed + order.count - 1}`;
        const words = await readFile(lastWords, 'utf8').catch(() => 'no last words');
        await rm(lastWords, { force: true });
        add(parts, order.kind, lost(`of the seeds ${seeds}: ${words} (${error})`));
        await child?.close().catch(() => undefined);
        child = null;
      }
      say(lineOf(parts));
    }
    await child?.close();
  };
  await Promise.all(Array.from({ length: processes }, work));
  return { parts, seconds: (performance.now() - started) / 1000 };
}

/** One input again, shown where it is a mail. */
export async function replay(kind: FuzzKind, seed: number): Promise<FuzzPart> {
  const child = await startChild(PROGRAM);
  try {
    return (await child.ask({ kind, seed, count: 1, show: true } satisfies FuzzOrder)) as FuzzPart;
  } finally {
    await child.close();
  }
}

/** Whether all was brought, and nothing found. */
export function isWhole(outcome: FuzzOutcome, counts: FuzzOptions['counts']): boolean {
  return FUZZ_KINDS.every((kind) => {
    const { inputs = 0, findings = [] } = outcome.parts.get(kind) ?? {};
    return inputs === counts[kind] && findings.length === 0;
  });
}

function ordersOf(kind: FuzzKind, first: number, count: number): FuzzOrder[] {
  const size = CHUNK[kind];
  return Array.from({ length: Math.ceil(count / size) }, (_, place) => ({
    kind,
    seed: first + place * size,
    count: Math.min(size, count - place * size),
    show: false,
  }));
}

function add(parts: Map<FuzzKind, FuzzPart>, kind: FuzzKind, more: FuzzPart): void {
  const { inputs, slowestMs, seconds, counts, findings } = parts.get(kind) ?? lost();
  const names = new Set(
    [...Object.keys(counts), ...Object.keys(more.counts)].filter((n) => n !== 'slowestMs'),
  );
  parts.set(kind, {
    inputs: inputs + more.inputs,
    slowestMs: Math.max(slowestMs, more.slowestMs),
    seconds: seconds + more.seconds,
    counts: Object.fromEntries(
      [...names].map((name) => [name, (counts[name] ?? 0) + (more.counts[name] ?? 0)]),
    ),
    findings: [...findings, ...more.findings.map((finding) => `${kind}: ${finding}`)],
  });
}

function lost(...findings: readonly string[]): FuzzPart {
  return { inputs: 0, slowestMs: 0, seconds: 0, counts: {}, findings };
}

function lineOf(parts: ReadonlyMap<FuzzKind, FuzzPart>): string {
  return [...parts]
    .map(([kind, { inputs, findings }]) => `${kind} ${inputs}, findings ${findings.length}`)
    .join('; ');
}
