/**
 * JSON from strangers: parsed, and refused when it carries a key that would reach an object's prototype.
 *
 * The same rule for a request body and for a line of an import, so that no way in is softer than another.
 *
 * @module
 */

export type JsonText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: JsonRefusal; readonly detail: string };
export type JsonRefusal = 'invalid_json' | 'forbidden_key' | 'too_deep';

/** Nesting beyond this is no profile and no template; PostgreSQL and serialisers recurse on it. */
export const MAX_DEPTH = 64;

/** Parses a JSON text. Never throws, and never quotes the text: it may hold an address. */
export function parseJson(text: string): JsonText {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, code: 'invalid_json', detail: 'This is not valid JSON.' };
  }
  // Walking costs more than parsing, so it is done only where the text gives a reason.
  if (!SUSPICIOUS.test(text) && !isDeep(text)) return { ok: true, value };
  return inspect(value);
}

/** A key spelt out or hidden behind `\u` escapes. */
const SUSPICIOUS = /__proto__|constructor|\\u(?:005f|0063|006f|006e)/i;

/** Whether brackets outside strings nest too deep. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (unit === 0x7b || unit === 0x5b) depth += 1;
    else if (unit === 0x7d || unit === 0x5d) depth -= 1;
    if (depth > MAX_DEPTH) return true;
  }
  return false;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The index of the quote that closes the string opened at `from`. */
function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === BACKSLASH) at += 1;
    else if (unit === QUOTE) return at;
  }
  return text.length;
}

function inspect(root: unknown): JsonText {
  const open: { value: unknown; depth: number }[] = [{ value: root, depth: 1 }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MAX_DEPTH)
      return { ok: false, code: 'too_deep', detail: `Nested deeper than ${MAX_DEPTH} levels.` };
    for (const [key, child] of Object.entries(value)) {
      if (key === '__proto__' || (key === 'constructor' && hasPrototypeKey(child))) {
        return { ok: false, code: 'forbidden_key', detail: `The key ${JSON.stringify(key)} is not allowed.` };
      }
      open.push({ value: child, depth: depth + 1 });
    }
  }
  return { ok: true, value: root };
}

function hasPrototypeKey(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
