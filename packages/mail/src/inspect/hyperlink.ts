/**
 * The links of an HTML part as a person meets them: where they lead, what they say, whether they are seen.
 *
 * One pass over the text without a tree: what a stranger sends must not cost more than it is long.
 *
 * @module
 */
import { decodeHtml } from '@adieu/core';

/** A link of a mail. */
export interface Hyperlink {
  /** Decoded once, as a browser would follow it. */
  readonly url: string;
  /** The words a person clicks on. */
  readonly text: string;
  readonly visible: boolean;
  readonly part: 'html' | 'text';
}

/** What hides an element with everything in it. */
const HIDDEN_STYLE = /display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?:\.0+)?\s*(?:;|$)/i;
const FONT_SIZE = /font-size\s*:\s*([^;]*)/i;
const ZERO = /^0(?:\.0+)?(?:px|pt|em|rem|%)?\s*(?:!important)?$/i;
/** Elements whose font size is remembered; below that depth the last one counts. */
const DEPTH_LIMIT = 200;
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|param|source|track|wbr)$/;
const TAG_LIMIT = 20_000;

/** Finds the links of an HTML part. */
export function findHyperlinks(html: string): readonly Hyperlink[] {
  const links: Hyperlink[] = [];
  let open: { url: string; from: number; visible: boolean } | null = null;
  const hidden: { name: string; depth: number } = { name: '', depth: 0 };
  const fonts: FontSize[] = [];
  for (const tag of scanTags(html)) {
    followFontSize(fonts, tag);
    if (hidden.depth > 0 && tag.name === hidden.name) hidden.depth += tag.closing ? -1 : 1;
    else if (hidden.depth === 0 && !tag.closing && !VOID.test(tag.name) && HIDDEN_STYLE.test(tag.style)) {
      hidden.name = tag.name;
      hidden.depth = 1;
    }
    if (tag.name !== 'a' && tag.name !== 'area') continue;
    if (open !== null) {
      const text = textOf(html.slice(open.from, tag.start));
      links.push({ url: open.url, text, visible: open.visible && text !== '', part: 'html' });
    }
    const visible = hidden.depth === 0 && fonts.at(-1)?.zero !== true;
    open = tag.closing || tag.href === null ? null : { url: tag.href, from: tag.end, visible };
  }
  if (open !== null)
    links.push({ url: open.url, text: textOf(html.slice(open.from)), visible: open.visible, part: 'html' });
  return links;
}

interface FontSize {
  readonly name: string;
  readonly zero: boolean;
}

/** Text of size zero is hidden, but an element inside may have a size of its own: MJML's columns are built like that. */
function followFontSize(fonts: FontSize[], { name, closing, style }: Tag): void {
  if (VOID.test(name)) return;
  if (closing) {
    const at = fonts.findLastIndex((font) => font.name === name);
    if (at >= 0) fonts.length = at;
  } else if (fonts.length < DEPTH_LIMIT) {
    const size = FONT_SIZE.exec(style)?.[1]?.trim();
    fonts.push({ name, zero: size === undefined ? fonts.at(-1)?.zero === true : ZERO.test(size) });
  }
}

/** Finds the URLs of a text part. */
export function findTextLinks(text: string): readonly Hyperlink[] {
  return [...text.matchAll(/\bhttps?:\/\/[^\s<>"]{1,4000}|\bmailto:[^\s<>"]{1,1000}/gi)].map(([url]) => ({
    url: url.replace(/[.,;:!?)\]]{1,5}$/, ''),
    text: url,
    visible: true,
    part: 'text' as const,
  }));
}

interface Tag {
  readonly name: string;
  readonly start: number;
  readonly end: number;
  readonly closing: boolean;
  readonly style: string;
  readonly href: string | null;
}

function* scanTags(html: string): Generator<Tag> {
  let at = html.indexOf('<');
  while (at >= 0) {
    if (html.startsWith('<!--', at)) {
      const end = html.indexOf('-->', at + 4);
      if (end < 0) return;
      at = html.indexOf('<', end + 3);
      continue;
    }
    const [, slash, name] = /^<(\/?)([a-zA-Z][a-zA-Z0-9:-]*)/.exec(html.slice(at, at + 100)) ?? [];
    const end = name === undefined ? at + 1 : tagEnd(html, at);
    if (end === null) return;
    if (name !== undefined) {
      const written = html.slice(at, Math.min(end, at + TAG_LIMIT));
      yield {
        name: name.toLowerCase(),
        start: at,
        end,
        closing: slash === '/',
        style: attributeOf(written, 'style') ?? '',
        href: attributeOf(written, 'href'),
      };
    }
    at = html.indexOf('<', end);
  }
}

/** Behind the `>` of a tag; a quote that never closes ends at the next `>`. Null when none follows at all. */
function tagEnd(html: string, start: number): number | null {
  const bound = Math.min(html.length, start + TAG_LIMIT);
  let quote = '';
  for (let at = start + 1; at < bound; at += 1) {
    const character = html[at] ?? '';
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '>') return at + 1;
    else if ((character === '"' || character === "'") && html[at - 1] === '=') quote = character;
  }
  const plain = html.indexOf('>', start);
  return plain < 0 ? null : plain + 1;
}

function attributeOf(tag: string, name: string): string | null {
  const match = new RegExp(`[\\s"'/]${name}\\s{0,9}=\\s{0,9}(?:"([^"]*)"|'([^']*)'|([^\\s>]*))`, 'i').exec(
    tag,
  );
  const value = match?.[1] ?? match?.[2] ?? match?.[3];
  return value === undefined ? null : decodeHtml(value).trim();
}

/** A picture counts as words: a person can click it. */
function textOf(html: string): string {
  const inner = html.slice(0, 5_000);
  const words = decodeHtml(inner.replace(/<[^<>]*>/g, ' '))
    .replace(/\s+/g, ' ')
    .trim();
  return words === '' && /<img\b/i.test(inner) ? attributeOf(inner, 'alt') || '[picture]' : words;
}
