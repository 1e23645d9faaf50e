/**
 * HTML that cannot be broken out of: a tagged template which escapes every value put into it, and character references.
 *
 * The one rule: a text becomes markup only through here. Only what was itself made by {@link html} goes in unescaped.
 * Attributes are always written in double quotes.
 *
 * @module
 */

/** A piece of markup, made here and nowhere else. */
export interface Markup {
  readonly markup: string;
}

/** What may stand in markup. */
export type MarkupValue = Markup | string | number | null | undefined | false | readonly MarkupValue[];

const MADE_HERE = new WeakSet<Markup>();

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: ' ',
};

/** Builds markup; strings and numbers are escaped, lists are joined, `null`, `undefined` and `false` are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly MarkupValue[]): Markup {
  let text = strings[0] ?? '';
  values.forEach((value, index) => {
    text += render(value) + (strings[index + 1] ?? '');
  });
  const made: Markup = { markup: text };
  MADE_HERE.add(made);
  return made;
}

/** Escapes a text for element content and for quoted attributes, once (OH-22). */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

/** Decodes character references once: numbers, and the few names that mails really have; others stay as they are. */
export function decodeHtml(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name !== undefined) return NAMED[String(name).toLowerCase()] ?? whole;
    const point = decimal === undefined ? Number.parseInt(hex, 16) : Number(decimal);
    return point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff)
      ? String.fromCodePoint(point)
      : whole;
  });
}

function render(value: MarkupValue): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeHtml(value);
  if (typeof value === 'number') return String(value);
  if (isList(value)) return value.map(render).join('');
  return MADE_HERE.has(value) ? value.markup : escapeHtml(String(value.markup));
}

function isList(value: Markup | readonly MarkupValue[]): value is readonly MarkupValue[] {
  return Array.isArray(value);
}
