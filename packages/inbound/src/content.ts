/**
 * What arrives after DATA, read byte by byte and kept only as far as its header block.
 *
 * An opt-out by mail needs nothing of the content; only three questions are asked of it: is every line ended
 * by CRLF and free of NUL (else another server may see other commands in it than we do), how long is it, and
 * do its header fields say that a machine answered. The body is counted and forgotten, unless somebody has to read it: then its
 * beginning is kept. RFC 5321 §2.3.8.
 *
 * @module
 */

/** One header field, unfolded; `name` lower-cased, `value` as Latin-1 text of the bytes. */
export interface HeaderField {
  readonly name: string;
  readonly value: string;
}

/** What makes content unacceptable (550 5.6.0). */
export type Defect = 'bare_cr' | 'bare_lf' | 'nul';

export interface Content {
  /** Octets, after dot-unstuffing. */
  readonly bytes: number;
  readonly defect: Defect | null;
  /** In order; the first 1,000 of the first 256 KiB. */
  readonly fields: readonly HeaderField[];
  /** The beginning, as far as it was to be kept. */
  readonly raw: Buffer;
}

export interface ContentReader {
  push(chunk: Buffer): void;
  bytes(): number;
  /** Octets that are held beside the header. */
  held(): number;
  /** Lets go of the beginning, and keeps no more of it. */
  forget(): void;
  end(): Content;
}

/** Octets of header block that are kept at most; what follows is read, checked and dropped. */
export const MAX_HEADER_OCTETS = 256 * 1024;
/** Header fields that are looked at. */
export const MAX_HEADER_FIELDS = 1000;

const CR = 0x0d;
const LF = 0x0a;

/** Opens a reader for one message. It never holds more than {@link MAX_HEADER_OCTETS}, and `octets` of its beginning. */
export function openContent(octets = 0): ContentReader {
  let beginning = openBlock(octets);
  const header = openBlock(MAX_HEADER_OCTETS);
  let keeping = true;
  let bytes = 0;
  let previous = LF;
  /** The header block ends at the first empty line, which may be the first line of all. */
  let lineIsEmpty = true;
  let defect: Defect | null = null;

  function push(chunk: Buffer): void {
    bytes += chunk.length;
    if (defect !== null) return;
    beginning.add(chunk);
    let headerEnd = -1;
    for (let at = 0; at < chunk.length; at += 1) {
      const octet = chunk[at] ?? 0;
      if (octet === LF) {
        if (previous !== CR) {
          defect = 'bare_lf';
          return;
        }
        if (lineIsEmpty && headerEnd < 0) headerEnd = at + 1;
        lineIsEmpty = true;
      } else {
        if (previous === CR) {
          defect = 'bare_cr';
          return;
        }
        if (octet === 0) {
          defect = 'nul';
          return;
        }
        if (octet !== CR) lineIsEmpty = false;
      }
      previous = octet;
    }
    if (!keeping) return;
    header.add(headerEnd < 0 ? chunk : chunk.subarray(0, headerEnd));
    keeping = headerEnd < 0 && header.bytes().length < MAX_HEADER_OCTETS;
  }

  function end(): Content {
    if (defect === null && previous === CR) defect = 'bare_cr';
    const fields = defect === null ? readFields(header.bytes()) : [];
    return { bytes, defect, fields, raw: beginning.bytes() };
  }

  return {
    push,
    bytes: () => bytes,
    held: () => beginning.size(),
    forget: () => {
      beginning = openBlock(0);
    },
    end,
  };
}

/** One block and no list of chunks: a caller who sends octet by octet must not cost an object for each. */
function openBlock(limit: number) {
  let block = Buffer.alloc(0);
  let filled = 0;
  return {
    add(part: Buffer): void {
      const taken = part.subarray(0, limit - filled);
      const needed = filled + taken.length;
      if (needed > block.length) {
        const grown = Buffer.alloc(Math.min(limit, Math.max(1024, 2 * block.length, needed)));
        block.copy(grown, 0, 0, filled);
        block = grown;
      }
      taken.copy(block, filled);
      filled = needed;
    },
    bytes: () => block.subarray(0, filled),
    /** Octets of memory. */
    size: () => block.length,
  };
}

/** Unfolds and splits a header block. A line that is no field (no colon, no name) is passed over. */
export function readFields(block: Buffer): HeaderField[] {
  const fields: { name: string; value: string }[] = [];
  let current: { name: string; value: string } | null = null;
  for (const line of block.toString('latin1').split('\r\n')) {
    if (line === '') break;
    if (line.startsWith(' ') || line.startsWith('\t')) {
      if (current !== null) current.value += line;
      continue;
    }
    current = null;
    if (fields.length >= MAX_HEADER_FIELDS) break;
    const colon = line.indexOf(':');
    if (colon < 1) continue;
    current = { name: line.slice(0, colon).trimEnd().toLowerCase(), value: line.slice(colon + 1) };
    fields.push(current);
  }
  return fields;
}
