/**
 * Text as it may stand in a mail: one kind of line break, no control characters (OH-14, OH-28).
 *
 * @module
 */
import { withoutControlCharacters } from '@adieu/core';

/** Every control character but tab and line feed. */
const CONTROL = /[^\P{Cc}\t\n]/gu;

/** A body text: line breaks are `\n`, other control characters and a byte order mark are gone. */
export function cleanBody(text: string): string {
  return text
    .replace(/^\ufeff/, '')
    .replace(/\r\n?/g, '\n')
    .replace(CONTROL, '');
}

/** What stands in a header: one line; a line break or tab becomes a space, white space at the ends goes. */
export function cleanLine(text: string): string {
  return withoutControlCharacters(text.replace(/[\r\n\t\u0085\u2028\u2029]+/g, ' ')).trim();
}
