/**
 * A stream of bytes cut into the texts of its records: lines of NDJSON, or elements of a JSON array.
 *
 * Holds one unfinished record at most, and of that never more than the limit: a record that is longer is skipped
 * to its end and reported, so that memory does not depend on what is sent. How the bytes were cut into chunks
 * makes no difference.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';

/** Octets of one record. */
export const RECORD_LIMIT = 1024 * 1024;

/** One record with its number, from 1: the line, or the position in the array. */
export type RecordText =
  | { readonly line: number; readonly text: string }
  | { readonly line: number; readonly code: string; readonly detail: string };

export interface RecordCutter {
  /** The records that a chunk completes. */
  push(chunk: Buffer): RecordText[];
  /** What is left when the stream ends. */
  end(): RecordText[];
}

const LF = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = new Set([0x5b, 0x7b]);
const CLOSE = new Set([0x5d, 0x7d]);
const CLOSE_ARRAY = 0x5d;
const OPEN_ARRAY = 0x5b;
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d]);

/** Cuts at line feeds. Blank lines count as lines and are no records. */
export function cutLines(limit = RECORD_LIMIT): RecordCutter {
  const pending = openPending(limit);
  let line = 1;
  const finish = (): RecordText[] => {
    const record = pending.take(line);
    line += 1;
    return record === null ? [] : [record];
  };
  return {
    push(chunk) {
      const records: RecordText[] = [];
      let from = 0;
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
        pending.add(chunk.subarray(from, at));
        records.push(...finish());
        from = at + 1;
      }
      pending.add(chunk.subarray(from));
      return records;
    },
    end: finish,
  };
}

/** Cuts a JSON array at the commas of its first level. Strings and nesting are followed byte by byte. */
export function cutArray(limit = RECORD_LIMIT): RecordCutter {
  const pending = openPending(limit);
  let place: 'before' | 'inside' | 'after' | 'broken' = 'before';
  let depth = 0;
  let inString = false;
  let escaped = false;
  let line = 1;

  const finish = (): RecordText | null => {
    const record = pending.take(line);
    if (record !== null) line += 1;
    return record;
  };
  const broken = (detail: string): RecordText => {
    place = 'broken';
    return { line, code: 'invalid_json', detail };
  };
  /** Follows one byte; true when it ends an element. */
  const follow = (byte: number): boolean => {
    if (inString) {
      if (escaped) escaped = false;
      else if (byte === BACKSLASH) escaped = true;
      else if (byte === QUOTE) inString = false;
      return false;
    }
    if (depth === 0 && (byte === COMMA || byte === CLOSE_ARRAY)) return true;
    if (byte === QUOTE) inString = true;
    else if (OPEN.has(byte)) depth += 1;
    else if (CLOSE.has(byte)) depth -= 1;
    return false;
  };

  return {
    push(chunk) {
      const records: RecordText[] = [];
      let from = 0;
      for (let at = 0; at < chunk.length && place !== 'broken'; at += 1) {
        const byte = chunk[at] ?? 0;
        if (place === 'inside') {
          if (!follow(byte)) continue;
          pending.add(chunk.subarray(from, at));
          const record = finish();
          if (record !== null) records.push(record);
          from = at + 1;
          if (byte === CLOSE_ARRAY) place = 'after';
        } else if (place === 'before' && byte === OPEN_ARRAY) {
          place = 'inside';
          from = at + 1;
        } else if (!SPACE.has(byte)) {
          records.push(
            broken(place === 'before' ? 'Expected a JSON array.' : 'Something follows the array.'),
          );
        }
      }
      if (place === 'inside') pending.add(chunk.subarray(from));
      return records;
    },
    end() {
      if (place === 'before') return [broken('Expected a JSON array.')];
      return place === 'inside' ? [broken('The array ends before its closing bracket.')] : [];
    },
  };
}

interface Pending {
  add(bytes: Buffer): void;
  /** The record that is complete now, or null when it is blank. */
  take(line: number): RecordText | null;
}

function openPending(limit: number): Pending {
  let parts: Buffer[] = [];
  let length = 0;
  return {
    add(bytes) {
      if (bytes.length === 0) return;
      length += bytes.length;
      if (length <= limit) parts.push(bytes);
      else parts = [];
    },
    take(line) {
      const bytes = length > limit ? null : Buffer.concat(parts, length);
      parts = [];
      length = 0;
      if (bytes === null)
        return { line, code: 'record_too_large', detail: `A record has at most ${limit} octets.` };
      if (!isUtf8(bytes)) return { line, code: 'invalid_utf8', detail: 'The record is not UTF-8.' };
      // Trimming takes a byte order mark with it.
      const text = bytes.toString('utf8').trim();
      return text === '' ? null : { line, text };
    },
  };
}
