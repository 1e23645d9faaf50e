/**
 * Characters that have no business in a header, a name or a log line (OH-14).
 *
 * CR, LF and NUL split headers; U+0085, U+2028 and U+2029 split lines in readers that know Unicode; bidi
 * embeddings, overrides and isolates make text read other than it is. A library would encode them as `=0D=0A`,
 * which decodes to CRLF at the receiver: they go before any library sees them (RFC 5322 section 2.2).
 *
 * @module
 */

// Written as escapes: the characters themselves would be invisible here.
const FORBIDDEN = '[\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\u202a-\\u202e\\u2066-\\u2069]';
const ANY = new RegExp(FORBIDDEN);
const EVERY = new RegExp(FORBIDDEN, 'g');

/** Tells whether a text holds a character that no header may hold. */
export function hasControlCharacter(text: string): boolean {
  return ANY.test(text);
}

/** The text without them. Nothing takes their place: what stood on two lines stands on one. */
export function withoutControlCharacters(text: string): string {
  return ANY.test(text) ? text.replace(EVERY, '') : text;
}

/**
 * Walks every string of a JSON value, keys included, and answers the dotted path of the first that holds one;
 * null when there is none.
 */
export function findControlCharacter(value: unknown, path = ''): string | null {
  if (typeof value === 'string') return hasControlCharacter(value) ? path : null;
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const step = path === '' ? key : `${path}.${key}`;
    if (hasControlCharacter(key)) return withoutControlCharacters(step);
    const found = findControlCharacter(inner, step);
    if (found !== null) return found;
  }
  return null;
}
