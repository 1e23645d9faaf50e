/**
 * Handlebars tags as ranges of a text, before anything is parsed.
 *
 * HTML and Handlebars overlap (`<a href="{{x page="y"}}">`), so whoever reads the HTML first blanks the tags out
 * with {@link mask}, which keeps every offset, and edits the original by these offsets. Nothing is ever written
 * back from a parsed tree. The lexer's rules are those of Handlebars 4: `\{{` is literal, strings may hold `}}`.
 *
 * @module
 */

/** What a tag does, as far as its first characters say. */
export type MustacheKind = 'value' | 'open' | 'else' | 'close' | 'comment' | 'refused';

/** One tag: `text.slice(start, end)` is `{{…}}`. */
export interface Mustache {
  readonly kind: MustacheKind;
  readonly start: number;
  readonly end: number;
  /** The first word inside: the helper, the block or the path. */
  readonly name: string;
}

/** A place in a text as a person counts it. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Every tag of a text, in order. A tag that never ends is left out: Handlebars itself will say so. */
export function readMustaches(text: string): readonly Mustache[] {
  const found: Mustache[] = [];
  // Behind the last `}}` nothing is a tag; looking for its end from every `{{` there would take for ever.
  const last = text.lastIndexOf('}}');
  let at = text.indexOf('{{');
  while (at >= 0 && at < last) {
    const end = isEscaped(text, at) ? null : tagEnd(text, at);
    if (end !== null) found.push({ ...classify(text.slice(at, end)), start: at, end });
    at = text.indexOf('{{', end ?? at + 2);
  }
  return found;
}

/**
 * The text with every tag blanked out, offsets kept: values become letters, so that they still are text; tags
 * of blocks become spaces, so that an attribute inside a block still stands apart, or whatever `block` says.
 */
export function mask(text: string, mustaches: readonly Mustache[], block = ' '): string {
  return replaceRanges(text, mustaches, ({ kind, start, end }) =>
    (kind === 'value' ? 'x' : block).repeat(end - start),
  );
}

/** A text whose tags are replaced by words that any parser carries along, and the way back. */
export interface Tokenised {
  readonly text: string;
  /** Matches one word; the first group is its number. */
  readonly pattern: RegExp;
  /** The tags, by number. */
  readonly tags: readonly string[];
  /** Puts the tags back, wherever and however often their words stand now. */
  readonly restore: (text: string) => string;
}

/** Replaces every tag by a word of letters and digits that occurs nowhere else in the text. */
export function tokenise(text: string, mustaches: readonly Mustache[]): Tokenised {
  let stem = 'qzmustache';
  while (text.includes(stem)) stem += 'q';
  const tags = mustaches.map(({ start, end }) => text.slice(start, end));
  const pattern = new RegExp(`${stem}(\\d+)e`, 'g');
  let number = 0;
  return {
    text: replaceRanges(text, mustaches, () => `${stem}${number++}e`),
    pattern,
    tags,
    restore: (from) => from.replace(pattern, (_, index: string) => tags[Number(index)] ?? ''),
  };
}

/**
 * Decodes the entities that an author must write inside a tag that stands in an attribute
 * (`href="{{oneClickUrl page=&quot;…&quot;}}"`); Handlebars knows no entities.
 */
export function decodeTagEntities(html: string): string {
  return html.replace(/\{\{[^{}]*\}\}/g, (tag) =>
    tag
      .replace(/&(?:quot|#34|#x22);/gi, '"')
      .replace(/&(?:apos|#39|#x27);/gi, "'")
      .replace(/&amp;/gi, '&'),
  );
}

/** Line and column of an offset, both from 1. */
export function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return { line: before.split('\n').length, column: offset - lineStart + 1 };
}

/** An edit of a text: what stands from `start` to `end` becomes `text`. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Applies edits that do not overlap. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  const ordered = [...edits].sort((a, b) => a.start - b.start || a.end - b.end);
  return replaceRanges(text, ordered, (edit) => edit.text);
}

/** Where an offset of the edited text stood before; for what an edit brought, where the edit begins. */
export function originOf(edits: readonly Edit[], offset: number): number {
  let shift = 0;
  for (const { start, end, text } of [...edits].sort((a, b) => a.start - b.start || a.end - b.end)) {
    if (offset < start + shift) break;
    if (offset < start + shift + text.length) return start;
    shift += text.length - (end - start);
  }
  return offset - shift;
}

function replaceRanges<Range extends { readonly start: number; readonly end: number }>(
  text: string,
  ranges: readonly Range[],
  replacement: (range: Range) => string,
): string {
  const pieces: string[] = [];
  let done = 0;
  for (const range of ranges) {
    pieces.push(text.slice(done, range.start), replacement(range));
    done = range.end;
  }
  pieces.push(text.slice(done));
  return pieces.join('');
}

function isEscaped(text: string, at: number): boolean {
  return text[at - 1] === '\\' && text[at - 2] !== '\\';
}

/** The offset behind the tag that starts here, or null when it never ends. */
function tagEnd(text: string, start: number): number | null {
  const [comment] = /^\{\{~?!(?:--)?/.exec(text.slice(start, start + 6)) ?? [];
  if (comment?.endsWith('--')) {
    return endOf(text, /--~?\}\}/g, start + comment.length - 2) ?? endOf(text, /\}\}/g, start + 2);
  }
  if (comment !== undefined) return endOf(text, /\}\}/g, start + 2);
  const closing = text.startsWith('{{{', start) ? '}}}' : '}}';
  let at = start + 2;
  while (at < text.length) {
    if (text.startsWith(closing, at)) return at + closing.length;
    at = skipString(text, at);
  }
  return null;
}

/** The offset behind the string or segment literal that starts here, else behind this character. */
function skipString(text: string, at: number): number {
  const opener = text[at];
  if (opener !== '"' && opener !== "'" && opener !== '[') return at + 1;
  const closer = opener === '[' ? ']' : opener;
  let end = text.indexOf(closer, at + 1);
  while (end > 0 && opener !== '[' && text[end - 1] === '\\') end = text.indexOf(closer, end + 1);
  return end < 0 ? at + 1 : end + 1;
}

function endOf(text: string, pattern: RegExp, from: number): number | null {
  pattern.lastIndex = from;
  return pattern.exec(text) === null ? null : pattern.lastIndex;
}

function classify(tag: string): { readonly kind: MustacheKind; readonly name: string } {
  const [, sign = '', name = ''] = /^\{\{\{?\{?~?([#/^>*!&]?[*>]?)\s*([^\s}~|=()]*)/.exec(tag) ?? [];
  if (tag.startsWith('{{{{') || /[>*]/.test(sign)) return { kind: 'refused', name };
  if (sign === '!') return { kind: 'comment', name: '' };
  if (sign === '/') return { kind: 'close', name };
  if (name === 'else' || (sign === '^' && name === '')) return { kind: 'else', name: 'else' };
  if (sign === '#' || sign === '^') return { kind: 'open', name };
  return { kind: 'value', name };
}
