/**
 * Addresses in reports: typed, encoded, bracketed, or somewhere in a sentence.
 *
 * The rule: an address of a report is for people to read. It is taken leniently, bounded in length, and never trusted.
 *
 * @module
 */
import { withoutControlCharacters } from '@adieu/core';

const LIMIT = 320;
/** An addr-spec as it stands in running text; white space, brackets and list signs end it. */
export const ADDRESS = `(?:"[^"\\s<>]{1,64}"|[^\\s<>()\\[\\]",:;|/\\\\]{1,64})@[^\\s<>()\\[\\]",:;|/\\\\]{1,255}`;
const WHOLE = new RegExp(`^${ADDRESS}$`, 'u');

/**
 * The address of an `Original-Recipient` or `Final-Recipient`: `rfc822;` with xtext (RFC 3461 section 4), `utf-8;` with
 * `\\x{…}` (RFC 6533 section 3). Undefined for what is no mail address, such as a pipe.
 */
export function typedAddress(value: string): string | undefined {
  const semicolon = value.indexOf(';');
  const type = semicolon < 0 ? 'rfc822' : value.slice(0, semicolon).trim().toLowerCase();
  const text = value.slice(semicolon + 1).trim();
  if (type === 'utf-8') return bareAddress(decodeUnitext(text));
  return type === 'rfc822' || type === 'smtp' ? bareAddress(decodeXtext(text)) : undefined;
}

/** An address without its brackets; undefined when it is none. */
export function bareAddress(text: string): string | undefined {
  if (text.length > LIMIT) return undefined;
  const bare = withoutControlCharacters(text.trim()).replace(/^<(.*)>$/, '$1');
  return WHOLE.test(bare) ? bare.replace(/\.$/, '') : undefined;
}

/** The first address of a header field such as `To`. */
export function firstAddress(value: string): string | undefined {
  const found = new RegExp(`<(${ADDRESS})>|(${ADDRESS})`, 'u').exec(value.slice(0, 2_000));
  return bareAddress(found?.[1] ?? found?.[2] ?? '');
}

/** What `+2B` and the like stand for (RFC 3461 section 4). A plus that begins no pair of digits is left: not all encode. */
export function decodeXtext(text: string): string {
  return text.replace(/\+([0-9A-F]{2})/g, (pair, hex: string) => {
    const code = Number.parseInt(hex, 16);
    // Printable ASCII is all that xtext is for here; a tag such as `john+2B` of others stays what it may be.
    return code > 32 && code < 127 ? String.fromCharCode(code) : pair;
  });
}

function decodeUnitext(text: string): string {
  return text.replace(/\\x\{([0-9A-Fa-f]{2,6})\}/g, (pair, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code <= 0x10ffff ? String.fromCodePoint(code) : pair;
  });
}
