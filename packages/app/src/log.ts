/**
 * The log of the process: one JSON line per outcome, on standard error, so that standard output stays the command's.
 *
 * One rule: no address and no token is ever logged. Every part keeps it; this is the last net, which takes out what
 * looks like one from the texts of errors.
 *
 * @module
 */
import type { Log } from '@adieu/core';
import pino from 'pino';
import type { Config } from './config.ts';

const ADDRESS = /[^\s@<>"'(),:;]{1,64}@[^\s@<>"'(),:;]{1,255}/g;
const TOKEN = /\b(params|pid|sig)=[^&\s"'<>]+/g;

/** Where warnings begin (pino). */
const WARNING = 40;

/**
 * Opens the log, on standard error or in a file. Warnings and errors are written at once, so that the last words of a crash are
 * there; other lines together with those of the same turn of the event loop, in which many requests may be answered.
 */
export function openLog(level: Config['logLevel'], path?: string): Log {
  const destination = pino.destination({ dest: path ?? 2, sync: true, mkdir: true });
  let lines = '';
  const flush = (): void => {
    const gathered = lines;
    lines = '';
    if (gathered !== '') destination.write(gathered);
  };
  process.on('exit', flush);
  const stream = {
    // Has pino tell the level of a line.
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 0,
    write(line: string): void {
      if (lines === '') setImmediate(flush);
      lines += line;
      if (this.lastLevel >= WARNING) flush();
    },
  };
  return pino({ level, base: null, serializers: { err: serialize, error: serialize } }, stream);
}

/** A text without addresses and tokens. */
export function redact(text: string): string {
  return text.replace(TOKEN, '$1=…').replace(ADDRESS, '…@…');
}

function serialize(value: unknown): unknown {
  if (typeof value === 'string') return redact(value);
  if (!(value instanceof Error)) return value;
  const { name, message, stack } = value;
  const code = 'code' in value && typeof value.code === 'string' ? { code: value.code } : {};
  return { name, message: redact(message), ...code, stack: redact(stack ?? '') };
}
