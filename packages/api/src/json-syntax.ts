/**
 * Where a text stops being JSON (RFC 8259), or nests too deep; found before anything is built from it.
 *
 * `JSON.parse` would find it too, but V8 keeps the text of every failed parse until its next full collection: a
 * hundred megabytes of bad lines would stay for a while as a hundred megabytes of memory. And a nesting that is
 * refused need not be built first.
 *
 * @module
 */

/** Nesting beyond this is no profile and no template; PostgreSQL and serialisers recurse on it. */
export const MAX_DEPTH = 64;

export interface JsonFault {
  readonly why: 'syntax' | 'depth';
  /** Index of the first character that cannot stand there. */
  readonly at: number;
}

/** What may come next. */
type Next = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'comma-or-end' | 'nothing';

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const LITERALS = ['true', 'false', 'null'];
const OBJECT = 0x7b;
const ARRAY = 0x5b;

/** The first fault of a text; null when `JSON.parse` would take it. */
export function findJsonFault(text: string): JsonFault | null {
  const open: number[] = [];
  let next: Next = 'value';
  let at = 0;
  for (;;) {
    at = skipSpace(text, at);
    if (at >= text.length) return next === 'nothing' ? null : { why: 'syntax', at };
    const unit = text.charCodeAt(at);
    const inside = open.at(-1);
    if (isEnd(unit, inside) && next.endsWith('or-end')) {
      open.pop();
      next = open.length === 0 ? 'nothing' : 'comma-or-end';
      at += 1;
    } else if (next === 'comma-or-end') {
      if (unit !== 0x2c) return { why: 'syntax', at };
      next = inside === OBJECT ? 'key' : 'value';
      at += 1;
    } else if (next === 'key' || next === 'key-or-end') {
      const colon = unit === 0x22 ? skipSpace(text, endOfString(text, at)) : -1;
      if (colon < 0 || text.charCodeAt(colon) !== 0x3a) return { why: 'syntax', at };
      next = 'value';
      at = colon + 1;
    } else if (next === 'nothing') {
      return { why: 'syntax', at };
    } else if (unit === OBJECT || unit === ARRAY) {
      if (open.length === MAX_DEPTH) return { why: 'depth', at };
      open.push(unit);
      next = unit === OBJECT ? 'key-or-end' : 'value-or-end';
      at += 1;
    } else {
      const end = endOfScalar(text, at, unit);
      if (end < 0) return { why: 'syntax', at };
      next = open.length === 0 ? 'nothing' : 'comma-or-end';
      at = end;
    }
  }
}

function isEnd(unit: number, inside: number | undefined): boolean {
  return (unit === 0x7d && inside === OBJECT) || (unit === 0x5d && inside === ARRAY);
}

function skipSpace(text: string, from: number): number {
  if (from < 0) return from;
  let at = from;
  for (; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) break;
  }
  return at;
}

/** Index behind a string, number or literal; -1 when it is none. */
function endOfScalar(text: string, from: number, unit: number): number {
  if (unit === 0x22) return endOfString(text, from);
  const literal = LITERALS.find((word) => text.startsWith(word, from));
  if (literal !== undefined) return from + literal.length;
  NUMBER.lastIndex = from;
  return NUMBER.test(text) ? NUMBER.lastIndex : -1;
}

/** Index behind the string whose quote stands at `from`; -1 when it does not close or holds what it must not. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x22) return at + 1;
    if (unit < 0x20) return -1;
    if (unit !== 0x5c) continue;
    at += 1;
    const escaped = text.charAt(at);
    if (escaped === 'u' && /^[0-9a-f]{4}$/i.test(text.slice(at + 1, at + 5))) at += 4;
    else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) return -1;
  }
  return -1;
}
