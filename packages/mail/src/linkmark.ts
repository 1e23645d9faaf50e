/**
 * Reads Adieu's attributes off a template and takes them out: `data-link-type` and `data-consent-level` become
 * the link's helper in `href`, `data-personalized` goes.
 *
 * Works on the author's own text, MJML or HTML, by offsets, so that errors point where the author wrote. Give
 * the masked text beside the original: what an attribute says is read from the original.
 *
 * @module
 */
import type { TemplateError, TemplatePart } from '@adieu/core';
import { load } from 'cheerio';
import { LINK_HELPERS, linkTag, type ReadLink, readLink, refusedLink } from './link.ts';
import { type Attribute, attributeOf, type Markup, type StartTag } from './markup.ts';
import { type Edit, positionAt, readMustaches } from './mustache.ts';

/** The edits that turn the attributes into helpers. */
export interface LinkMarks {
  readonly edits: readonly Edit[];
  readonly errors: readonly TemplateError[];
  readonly warnings: readonly string[];
}

/** Attributes that are Adieu's and never reach a recipient. */
const OURS: readonly string[] = ['data-link-type', 'data-consent-level', 'data-personalized'];

/** Marks the links of a document. */
export function markLinks(text: string, markup: Markup, part: TemplatePart): LinkMarks {
  const edits: Edit[] = [];
  const errors: TemplateError[] = [];
  const warnings: string[] = [];
  for (const tag of markup.tags) {
    for (const attribute of tag.attributes) {
      if (OURS.includes(attribute.name)) edits.push(removal(text, attribute));
    }
    if (attributeOf(tag, 'data-link-type') === undefined || tag.audience === 'nobody') continue;
    const marked = markLink(text, tag, part);
    if (marked.ok) {
      if (marked.edit !== null) edits.push(marked.edit);
      if (marked.warning !== undefined)
        warnings.push(`${part} line ${positionAt(text, tag.start).line}: ${marked.warning}`);
    } else {
      errors.push({ code: marked.code, message: marked.reason, ...positionAt(text, tag.start), part });
    }
  }
  return { edits, errors, warnings };
}

type Marked =
  | { readonly ok: true; readonly edit: Edit | null; readonly warning?: string }
  | Extract<ReadLink, { readonly ok: false }>;

function markLink(text: string, tag: StartTag, part: TemplatePart): Marked {
  if (!(part === 'mjml' ? /^(?:a|area|v:.+|mj-.+)$/ : /^(?:a|area|v:.+)$/).test(tag.name)) {
    return refusedLink(`data-link-type stands on <${tag.name}>, which is no link`);
  }
  const type = readValue(text, attributeOf(tag, 'data-link-type')) ?? '';
  const level = readValue(text, attributeOf(tag, 'data-consent-level'));
  const href = attributeOf(tag, 'href');
  const written = readValue(text, href) ?? '';
  const [mustache] = readMustaches(written);
  if (mustache !== undefined) {
    const isSame = LINK_HELPERS.get(mustache.name) === type && level === undefined;
    if (isSame && mustache.start === 0 && mustache.end === written.length) return { ok: true, edit: null };
    return refusedLink('the page of an opt-out link is bound into its token: it cannot be personalised');
  }
  const read = readLink({ type, page: written, ...(level === undefined ? {} : { level }) });
  if (!read.ok) return read;
  const value = `href="${linkTag(read.link)}"`;
  const edit =
    href === undefined
      ? { start: tag.nameEnd, end: tag.nameEnd, text: ` ${value}` }
      : { start: href.start, end: href.end, text: value };
  return { ok: true, edit, ...(read.warning === undefined ? {} : { warning: read.warning }) };
}

/** Takes an attribute out with the white space before it. */
function removal(text: string, { start, end }: Attribute): Edit {
  let from = start;
  while (/\s/.test(text[from - 1] ?? '')) from -= 1;
  return { start: from, end, text: '' };
}

/** What an attribute says: from the original text, since the masked one hides Handlebars, decoded once (OH-22). */
function readValue(text: string, attribute: Attribute | undefined): string | undefined {
  if (attribute === undefined) return undefined;
  const written = text.slice(attribute.start, attribute.end);
  const raw = /^[^=]*=\s*(?:"([\s\S]*)"|'([\s\S]*)'|([\s\S]*))$/.exec(written);
  return decodeEntities(raw?.[1] ?? raw?.[2] ?? raw?.[3] ?? '').trim();
}

function decodeEntities(value: string): string {
  if (!value.includes('&')) return value;
  const $ = load(`<a title="${value.replace(/"/g, '&quot;')}">`, {
    xml: { xmlMode: false, decodeEntities: true },
  });
  return $('a').attr('title') ?? '';
}
