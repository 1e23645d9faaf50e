/**
 * Structured header fields without what in them is meant for people: comments and quoted strings (RFC 5322 section 3.2).
 *
 * The rule: one pass, since each hides the other. A quotation mark in a comment begins no string, and a bracket in a string no
 * comment; whoever takes out the one kind first reads another address than a mail server does.
 *
 * @module
 */

/** A comment is a space (section 3.2.2), and a quoted string one quotation mark: no address has any. Null where one is not closed. */
export function withoutWords(value: string): string | null {
  let bare = '';
  let depth = 0;
  let quoted = false;
  for (let at = 0; at < value.length; at += 1) {
    const character = value.charAt(at);
    if (character === '\\' && (quoted || depth > 0)) at += 1;
    else if (quoted) quoted = character !== '"';
    else if (character === '(') depth += 1;
    else if (character === ')' && depth > 0) {
      depth -= 1;
      if (depth === 0) bare += ' ';
    } else if (depth === 0) {
      quoted = character === '"';
      bare += character;
    }
  }
  return quoted || depth > 0 ? null : bare;
}

/**
 * The value before its parameters, in lower case. White space may stand around it and around the `/` of a type; within a token it
 * parts it in two, which is no type at all (RFC 2045 section 5.1).
 */
export function keywordOf(value: string): string {
  const [keyword = ''] = (withoutWords(value) ?? value).split(/[;(]/, 1);
  const tokens = keyword.split('/').map((token) => token.trim());
  return tokens.join('/').toLowerCase();
}
