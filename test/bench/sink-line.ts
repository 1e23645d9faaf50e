/**
 * The line to the sink's process.
 *
 * @module
 */
import { startChild } from './child.ts';
import type { Summary } from './sink.ts';

/** A running sink. */
export interface SinkLine {
  readonly host: string;
  readonly port: number;
  readonly url: string;
  /** Forgets everything, and keeps every that-many-th mail from now on. */
  begin(keepEvery: number, part?: 'whole' | 'header'): Promise<void>;
  /** Mails since then. */
  count(): Promise<number>;
  summary(): Promise<Summary>;
  close(): Promise<void>;
}

/** The machine's monotonic clock in milliseconds, as the sink reads it. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Starts the sink on a free port of loopback. */
export async function startSink(): Promise<SinkLine> {
  const child = await startChild('./sink.ts');
  const host = '127.0.0.1';
  const port = Number(child.hello.port);
  return {
    host,
    port,
    url: `smtp://${host}:${port}`,
    async begin(keepEvery, part = 'whole') {
      await child.ask({ ask: 'begin', keepEvery, part });
    },
    count: async () => Number(await child.ask({ ask: 'count' })),
    summary: async () => (await child.ask({ ask: 'summary' })) as Summary,
    close: child.close,
  };
}
