/**
 * Where link helpers stand in a document: where a person can use them, or where they do harm.
 *
 * A URL of ours belongs whole into the `href` of a link, or into text that is read. Anywhere else it is fetched
 * without a click (`<img src>`), broken (`http://{{oneClickUrl}}`) or handed to somebody else (a share link).
 *
 * @module
 */
import { LINK_HELPERS } from './link.ts';
import { type Comment, readMarkup, type StartTag } from './markup.ts';
import { type Mustache, mask, readMustaches } from './mustache.ts';

/** A link helper in a document. */
export interface LinkPlace {
  /** The tag, by its number among all tags of the document, and its offsets. */
  readonly number: number;
  readonly start: number;
  readonly end: number;
  /** `unread`: in a comment that nobody reads. `wrong`: where no link can be. */
  readonly kind: 'usable' | 'unread' | 'wrong';
  /** Everybody sees it and can click or copy it (U8). */
  readonly seen: boolean;
  /** Some recipients may not get it. */
  readonly inBlock: boolean;
}

/** Said of a helper in a wrong place. */
export const WRONG_PLACE =
  'a link helper stands whole in the href of <a>, <area> or <v:…>, or in text that is read: nowhere else';

/** Elements whose text nobody reads. */
const UNREAD = /^(?:style|script|title|head|template|textarea|xmp|iframe|noembed|object|select)$/;
const HIDDEN_STYLE = /display\s*:\s*none|visibility\s*:\s*hidden/i;
const LINK_ELEMENT = /^(?:a|area|v:.+)$/;
/** Text that shows nothing. */
const BLANK =
  /^(?:\s|&(?:nbsp|zwnj|zwj|shy|#160|#xa0|#820[345]|#x200[bcd]|#173);|[\u00ad\u200b-\u200d\u2060\ufeff])*$/i;

/** Finds every link helper of a document, in order. */
export function readLinkPlaces(html: string): readonly LinkPlace[] {
  const mustaches = readMustaches(html);
  if (!mustaches.some(isLinkHelper)) return [];
  const masked = mask(html, mustaches);
  const { tags, texts, comments } = readMarkup(masked);
  const isRead = openSweep(texts);
  const commentAt = openSweep(comments);
  const elementAt = openElements(tags);
  const shown = shownContent(masked, { tags, texts, comments });
  const places: LinkPlace[] = [];
  let depth = 0;
  for (const [number, mustache] of mustaches.entries()) {
    if (mustache.kind === 'open') depth += 1;
    if (mustache.kind === 'close') depth -= 1;
    if (!isLinkHelper(mustache)) continue;
    const { start, end } = mustache;
    const comment = commentAt(start);
    const { element, tag } = elementAt(start);
    const inText = isRead(start) !== null || comment !== null;
    const fits = tag === null ? inText && !element.unread : isWholeHref(html, tag, mustache);
    const isUnread = comment?.audience === 'nobody';
    places.push({
      number,
      start,
      end,
      kind: isUnread ? 'unread' : fits ? 'usable' : 'wrong',
      seen: comment === null && fits && !element.hidden && (tag === null || showsContent(tag, shown)),
      inBlock: depth > 0,
    });
  }
  return places;
}

/** `{{oneClickUrl}}`, also as `{{"oneClickUrl"}}` and `{{[oneClickUrl]}}`. */
function isLinkHelper({ kind, name }: Mustache): boolean {
  return kind === 'value' && LINK_HELPERS.has(name.replace(/^["'[]|["'\]]$/g, ''));
}

function isWholeHref(html: string, tag: StartTag, { start, end }: Mustache): boolean {
  const attribute = tag.attributes.find((one) => one.start <= start && end <= one.end);
  if (attribute?.name !== 'href' || !LINK_ELEMENT.test(tag.name)) return false;
  const before = html.slice(attribute.start, start);
  return /^href\s*=\s*["']?\s*$/i.test(before) && /^\s*["']?$/.test(html.slice(end, attribute.end));
}

interface Element {
  readonly end: number;
  readonly hidden: boolean;
  readonly unread: boolean;
}

const ROOT: Element = { end: Number.POSITIVE_INFINITY, hidden: false, unread: false };

/** Answers, for offsets that only grow, the element around, and the start tag that the offset is inside of. */
function openElements(
  tags: readonly StartTag[],
): (offset: number) => { readonly element: Element; readonly tag: StartTag | null } {
  const open: Element[] = [ROOT];
  let next = 0;
  const leave = (offset: number): Element => {
    while ((open.at(-1) ?? ROOT).end <= offset) open.pop();
    return open.at(-1) ?? ROOT;
  };
  return (offset) => {
    for (let tag = tags[next]; tag !== undefined && tag.start <= offset; tag = tags[next]) {
      const parent = leave(tag.start);
      open.push({
        end: tag.elementEnd,
        hidden: parent.hidden || isHidden(tag),
        unread: parent.unread || UNREAD.test(tag.name),
      });
      next += 1;
    }
    const last = tags[next - 1];
    return { element: leave(offset), tag: last !== undefined && offset < last.end ? last : null };
  };
}

function isHidden({ attributes }: StartTag): boolean {
  return attributes.some(
    ({ name, value }) => name === 'hidden' || (name === 'style' && HIDDEN_STYLE.test(value)),
  );
}

/** Answers, for offsets that only grow, the range around. */
function openSweep<Range extends { readonly start: number; readonly end: number }>(
  ranges: readonly Range[],
): (offset: number) => Range | null {
  const ordered = [...ranges].sort((a, b) => a.start - b.start);
  let next = 0;
  return (offset) => {
    let range = ordered[next];
    while (range !== undefined && range.end <= offset) {
      next += 1;
      range = ordered[next];
    }
    return range !== undefined && range.start <= offset ? range : null;
  };
}

/** Offsets of the text and pictures that everybody sees, in order. */
function shownContent(
  masked: string,
  markup: {
    readonly tags: readonly StartTag[];
    readonly texts: readonly { readonly start: number; readonly end: number }[];
    readonly comments: readonly Comment[];
  },
): readonly number[] {
  const words = markup.texts.filter(({ start, end }) => !BLANK.test(masked.slice(start, end)));
  const pictures = markup.tags.filter(({ name }) => name === 'img');
  const commentAt = openSweep(markup.comments);
  const elementAt = openElements(markup.tags);
  return [...words, ...pictures]
    .map(({ start }) => start)
    .sort((a, b) => a - b)
    .filter((start) => {
      const { element } = elementAt(start);
      return commentAt(start) === null && !element.hidden && !element.unread;
    });
}

/** An area is a part of a picture that stands elsewhere. */
function showsContent(tag: StartTag, shown: readonly number[]): boolean {
  if (tag.name === 'area') return true;
  let low = 0;
  let high = shown.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((shown[middle] ?? 0) < tag.end) low = middle + 1;
    else high = middle;
  }
  return (shown[low] ?? Number.POSITIVE_INFINITY) < tag.elementEnd;
}
