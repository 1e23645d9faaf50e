/**
 * HTML that cannot be broken out of: a tagged template which escapes every value put into it.
 *
 * The one rule of this package: whatever a mail contains is hostile, and it reaches a page only through here.
 * Only what was itself made by {@link html} goes in unescaped. Attributes are always written in double quotes.
 *
 * @module
 */

/** A piece of markup, made here and nowhere else. */
export interface Markup {
  readonly markup: string;
}

type Value = Markup | string | number | null | undefined | false | readonly Value[];

const MADE_HERE = new WeakSet<Markup>();

/** Builds markup; strings and numbers are escaped, lists are joined, `null`, `undefined` and `false` are nothing. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  let text = strings[0] ?? '';
  values.forEach((value, index) => {
    text += render(value) + (strings[index + 1] ?? '');
  });
  const made: Markup = { markup: text };
  MADE_HERE.add(made);
  return made;
}

/** `<`, `>`, `&` and both quotes as character references. */
function escapeText(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'number') return String(value);
  if (isList(value)) return value.map(render).join('');
  return MADE_HERE.has(value) ? value.markup : escapeText(String(value.markup));
}

function isList(value: Markup | readonly Value[]): value is readonly Value[] {
  return Array.isArray(value);
}
