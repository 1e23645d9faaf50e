/**
 * JSON from strangers: parsed, and refused when it carries a key that would reach an object's prototype.
 *
 * The same rule for a request body and for a line of an import, so that no way in is softer than another.
 *
 * @module
 */

import { findJsonFault, MAX_DEPTH } from './json-syntax.ts';

export type JsonText =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: JsonRefusal; readonly detail: string };
export type JsonRefusal = 'invalid_json' | 'forbidden_key' | 'too_deep';

/** Parses a JSON text. Never throws, and never quotes the text: it may hold an address. */
export function parseJson(text: string): JsonText {
  if (text === '') return { ok: false, code: 'invalid_json', detail: 'There is no JSON: the body is empty.' };
  const fault = findJsonFault(text);
  if (fault?.why === 'depth')
    return { ok: false, code: 'too_deep', detail: `Nested deeper than ${MAX_DEPTH} levels.` };
  if (fault !== null)
    return { ok: false, code: 'invalid_json', detail: `Not valid JSON at character ${fault.at + 1}.` };
  const value: unknown = JSON.parse(text);
  // Walking costs as much as parsing, so it is done only where the text gives a reason.
  return SUSPICIOUS.test(text) ? inspect(value) : { ok: true, value };
}

/** A key spelt out or hidden behind `\u` escapes. */
const SUSPICIOUS = /__proto__|constructor|\\u(?:005f|0063|006f|006e)/i;

function inspect(root: unknown): JsonText {
  const open: unknown[] = [root];
  while (open.length > 0) {
    const value = open.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, child] of Object.entries(value)) {
      if (key === '__proto__' || (key === 'constructor' && hasPrototypeKey(child))) {
        return { ok: false, code: 'forbidden_key', detail: `The key ${JSON.stringify(key)} is not allowed.` };
      }
      open.push(child);
    }
  }
  return { ok: true, value: root };
}

function hasPrototypeKey(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'prototype');
}
