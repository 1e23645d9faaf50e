/**
 * HTML whose every interpolated text is escaped (LP-5). Text becomes markup only through the tag.
 *
 * @module
 */

/** Markup that is safe to send as it is. */
export interface Markup {
  readonly markup: string;
}

/** Builds markup; strings are escaped, markup is nested as it is, `null` leaves nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly (string | Markup | null)[]): Markup {
  const markup = parts.reduce((built, part, index) => {
    const value = index === 0 ? null : (values[index - 1] ?? null);
    return (
      built + (value === null ? '' : typeof value === 'string' ? escapeHtml(value) : value.markup) + part
    );
  }, '');
  return { markup };
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Escapes a text for element content and for quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
