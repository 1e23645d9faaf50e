/**
 * Link helpers that were spelled as no helper: percent-encoded, as HTML editors write them into `href`, or with
 * entities for the braces (OH-21).
 *
 * A template's are decoded, so that they work; what is still there in a finished text fails the message.
 *
 * @module
 */
import { LINK_HELPERS } from './link.ts';

const NAMES = [...LINK_HELPERS.keys()].join('|');
const OPEN = '(?:\\{|%7[bB]|&#0{0,5}123;|&#[xX]0{0,5}7[bB];|&lbrace;|&lcub;)';
const CLOSE = '(?:\\}|%7[dD]|&#0{0,5}125;|&#[xX]0{0,5}7[dD];|&rbrace;|&rcub;)';
/** Bounded, so that a text full of braces costs no more than it is long. */
const SPELLED = new RegExp(
  `${OPEN}{2,3}((?:\\s|~|%20){0,9}(?:${NAMES})(?![\\w])(?:(?!${OPEN}|${CLOSE})[^<>]){0,600})${CLOSE}{2,3}`,
  'g',
);
/** Also what was percent-encoded more than once. */
const LEFT = new RegExp(
  `(?:${OPEN}{2}|(?:%(?:25){1,3}7[bB]){2})(?:(?!%(?:25){0,3}7[dD]|&#0{0,5}125;)[^{}<>]){0,200}?(?:${NAMES})`,
);

/** Writes every encoded spelling of a link helper as the tag it was meant to be. */
export function decodePlaceholders(text: string): string {
  return text.replace(SPELLED, (spelled, inner: string) => {
    if (spelled.startsWith('{{') && spelled.endsWith('}}')) return spelled;
    return `{{${spelled.startsWith('%') ? decodePercent(inner) : inner}}}`;
  });
}

/** The first link helper that is left in a text that should hold none; null when there is none. */
export function findPlaceholder(text: string): { readonly at: number; readonly spelled: string } | null {
  const match = LEFT.exec(text);
  return match === null ? null : { at: match.index, spelled: match[0] };
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
