/**
 * HTML as start tags with offsets. The document itself is never written back from a tree.
 *
 * Parsed with cheerio in htmlparser2 mode: parse5 would move `{{#each}}` out of a table and change the look.
 * Conditional comments (`<!--[if mso]> … <![endif]-->`) are what Outlook reads, so they are read too. Give text
 * whose Handlebars tags are masked.
 *
 * @module
 */
import { load } from 'cheerio';

/** One attribute; `value` is as written, entities and all. */
export interface Attribute {
  /** In lower case. */
  readonly name: string;
  /** Behind the white space before the name. */
  readonly start: number;
  readonly end: number;
  readonly value: string;
}

/** Who sees an element: everybody, Outlook's word processor, or nobody. */
export type Audience = 'everybody' | 'conditional' | 'nobody';

/** A start tag as it stands in the text. */
export interface StartTag {
  /** In lower case. */
  readonly name: string;
  readonly start: number;
  /** Behind the `>`. */
  readonly end: number;
  /** Behind the name. */
  readonly nameEnd: number;
  /** Behind the end tag, or behind the start tag when there is none. */
  readonly elementEnd: number;
  readonly attributes: readonly Attribute[];
  readonly audience: Audience;
  readonly selfClosing: boolean;
}

/** Text between tags. */
export interface TextRun {
  readonly start: number;
  readonly end: number;
  /** The name of the element around it; empty at the root. */
  readonly parent: string;
  /** White space in it is shown as it stands. */
  readonly preformatted: boolean;
}

/** A document, read. */
export interface Markup {
  readonly tags: readonly StartTag[];
  readonly texts: readonly TextRun[];
  /** Comments, without the two halves of a revealed one (`<!--[if !mso]><!-->`). */
  readonly comments: readonly Comment[];
}

/** A comment; `audience` tells whether Outlook reads it. */
export interface Comment {
  readonly start: number;
  readonly end: number;
  readonly audience: Audience;
}

/** Reads a document; `selfClosing` as MJML has it, where `<mj-image />` is an element. */
export function readMarkup(text: string, options: { readonly selfClosing?: boolean } = {}): Markup {
  const markup: Draft = { tags: [], texts: [], comments: [] };
  readFragment(text, { offset: 0, audience: 'everybody', selfClosing: options.selfClosing === true }, markup);
  markup.tags.sort((a, b) => a.start - b.start);
  return markup;
}

/** The attribute of a tag, by its name in lower case. */
export function attributeOf(tag: StartTag, name: string): Attribute | undefined {
  return tag.attributes.find((attribute) => attribute.name === name);
}

interface Draft {
  readonly tags: StartTag[];
  readonly texts: TextRun[];
  readonly comments: Comment[];
}

interface Fragment {
  readonly offset: number;
  readonly audience: Audience;
  readonly selfClosing: boolean;
}

/** What is used of a parsed node. */
interface TreeNode {
  readonly type: string;
  readonly name?: string;
  readonly startIndex?: number | null;
  readonly endIndex?: number | null;
  readonly children?: readonly unknown[];
}

const PREFORMATTED = /^(?:pre|textarea|script|style|xmp|listing|plaintext)$/;

/** Walks with a stack of its own: hostile nesting must not exhaust the call stack. */
function readFragment(text: string, fragment: Fragment, markup: Draft): void {
  const root = load(text, {
    xml: {
      xmlMode: false,
      decodeEntities: false,
      recognizeSelfClosing: fragment.selfClosing,
      recognizeCDATA: fragment.selfClosing,
      withStartIndices: true,
      withEndIndices: true,
    },
  }).root()[0] as TreeNode | undefined;
  const { offset } = fragment;
  const pending: { node: TreeNode; parent: string; preformatted: boolean }[] = [];
  const push = (children: readonly unknown[], parent: string, preformatted: boolean): void => {
    for (const child of [...children].reverse())
      pending.push({ node: child as TreeNode, parent, preformatted });
  };
  push(root?.children ?? [], '', false);
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const { node, parent, preformatted } = next;
    const start = node.startIndex ?? 0;
    const end = (node.endIndex ?? start) + 1;
    if (node.type === 'text') {
      markup.texts.push({ start: offset + textStart(text, start), end: offset + end, parent, preformatted });
    } else if (node.type === 'comment') {
      readComment(text.slice(start, end), { ...fragment, offset: offset + start }, markup);
    } else if (node.name !== undefined && node.children !== undefined) {
      const tag = readStartTag(text, start);
      if (tag !== null)
        markup.tags.push(shift({ ...tag, elementEnd: end, audience: fragment.audience }, offset));
      const style = tag?.attributes.find(({ name }) => name === 'style')?.value ?? '';
      const kept =
        preformatted || PREFORMATTED.test(node.name) || /white-space\s*:\s*(?:pre|break)/i.test(style);
      push(node.children, node.name, kept);
    }
  }
}

/** The parser ends `</a\n>` behind the name: the rest of the end tag is not text. */
function textStart(text: string, start: number): number {
  if (start === 0 || text[start - 1] === '>') return start;
  return start + (/^\s*>/.exec(text.slice(start, start + 500))?.[0].length ?? 0);
}

function readComment(comment: string, fragment: Fragment, markup: Draft): void {
  if (/^<!--\[if[^\]]*\]>\s*<!(?:--\s*)?-->$|^<!--\s*<!\[endif\]-->$/.test(comment)) return;
  const conditional = /^<!--\[if[^\]]*\]>/.exec(comment);
  const opening = conditional?.[0].length ?? 4;
  const audience = conditional === null || fragment.audience === 'nobody' ? 'nobody' : 'conditional';
  markup.comments.push({ start: fragment.offset, end: fragment.offset + comment.length, audience });
  const inner = comment.slice(opening, -3);
  if (!inner.includes('<')) return;
  readFragment(inner, { ...fragment, audience, offset: fragment.offset + opening }, markup);
}

/** Reads a start tag byte by byte, since the parser does not say where attributes stand. */
function readStartTag(text: string, start: number): Omit<StartTag, 'elementEnd' | 'audience'> | null {
  const name = /^<([a-zA-Z][^\s/>]*)/.exec(text.slice(start, start + 200))?.[1];
  if (name === undefined) return null;
  const nameEnd = start + 1 + name.length;
  const attributes: Attribute[] = [];
  const attribute = /[\s/]*(?:([^\s/>=][^\s/>=]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*)))?|(>))/y;
  attribute.lastIndex = nameEnd;
  for (let match = attribute.exec(text); match !== null; match = attribute.exec(text)) {
    const [all, attributeName, double, single, bare, closing] = match;
    const end = match.index + all.length;
    if (closing !== undefined) {
      const selfClosing = text[end - 2] === '/';
      return { name: name.toLowerCase(), start, end, nameEnd, attributes, selfClosing };
    }
    const lead = /^[\s/]*/.exec(all)?.[0].length ?? 0;
    attributes.push({
      name: (attributeName ?? '').toLowerCase(),
      start: match.index + lead,
      end,
      value: double ?? single ?? bare ?? '',
    });
  }
  return null;
}

function shift(tag: StartTag, offset: number): StartTag {
  if (offset === 0) return tag;
  return {
    ...tag,
    start: tag.start + offset,
    end: tag.end + offset,
    nameEnd: tag.nameEnd + offset,
    elementEnd: tag.elementEnd + offset,
    attributes: tag.attributes.map((attribute) => ({
      ...attribute,
      start: attribute.start + offset,
      end: attribute.end + offset,
    })),
  };
}
