/**
 * What PostgreSQL can keep: text without NUL, JSON without NUL and without lone surrogates.
 *
 * One rule: what a caller gave is checked or cleaned before it meets a statement, since one such character would
 * fail the whole statement and with it everybody else's row.
 *
 * @module
 */

import { Failure } from '@adieu/core';

const REPLACEMENT = '\ufffd';
/** In the output of `JSON.stringify`: an escape of NUL or of a lone surrogate, after an even number of backslashes. */
const UNSTORABLE_ESCAPE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/g;

/** The text with U+FFFD in place of what cannot be kept. */
export function storableText(text: string): string {
  return text.replace(/\0|\p{Cs}/gu, REPLACEMENT);
}

/** The JSON of a value with U+FFFD in place of what cannot be kept. */
export function storableJson(value: object): string {
  return JSON.stringify(value).replace(UNSTORABLE_ESCAPE, `$1${REPLACEMENT}`);
}

/** Throws `character_invalid` when a document holds what cannot be kept: where cleaning would change an author's work. */
export function checkStorable(document: object): void {
  if (isStorable(JSON.stringify(document))) return;
  throw new Failure('character_invalid', 'NUL and halves of surrogate pairs cannot be stored.');
}

/** Tells whether a JSON text made by `JSON.stringify` can be kept as it is. */
export function isStorable(json: string): boolean {
  return json.search(UNSTORABLE_ESCAPE) < 0;
}
