/**
 * Personalised blocks: elements marked `data-personalized="id"`, and what stands in their place for a person who said
 * no to personalization (O3).
 *
 * A block is cut out of the author's own text, whole: it must be closed, and no Handlebars block may begin or end in
 * it by half. What is put in its place is the author's fallback, or nothing.
 *
 * @module
 */
import type { TemplateError, TemplatePart, TemplateSource } from '@adieu/core';
import { attributeOf, readMarkup, type StartTag } from './markup.ts';
import { applyEdits, type Mustache, mask, positionAt, readMustaches } from './mustache.ts';
import { tagErrors } from './tag-errors.ts';
import { cleanBody } from './text.ts';

/** The attribute that marks a block. */
export const BLOCK_ATTRIBUTE = 'data-personalized';

/** Keys of fallbacks that mean a part of the message; no block has such an id. */
export const PART_KEYS = ['subject', 'preheader', 'text'] as const;

/** Characters of a document, with or without its blocks: ten times what Gmail shows. */
export const PART_LIMIT = 1_048_576;

/** What is in the place of the blocks. */
export type WithoutBlocks =
  | { readonly ok: true; readonly text: string; readonly ids: ReadonlySet<string> }
  | { readonly ok: false; readonly errors: readonly TemplateError[] };

const BLOCK_ID = /^[\w.-]{1,64}$/;
const VOID_ELEMENT = /^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)$/;
/** MJML components that cannot go: without them there is no document. */
const FRAME = /^(?:mjml|mj-head|mj-body)$/;
/** What holds a text, by what holds it. */
const WRAPPINGS: readonly (readonly [RegExp, string, string])[] = [
  [
    /^mj-(?:section|wrapper|hero)$/,
    '<mj-section><mj-column><mj-text>',
    '</mj-text></mj-column></mj-section>',
  ],
  [/^mj-(?:column|group)$/, '<mj-column><mj-text>', '</mj-text></mj-column>'],
  [/^mj-raw$/, '<mj-raw>', '</mj-raw>'],
  [
    /^mj-(?:text|button|image|table|divider|spacer|social|navbar|carousel|accordion)$/,
    '<mj-text>',
    '</mj-text>',
  ],
];

/** Replaces every block of a template's document by its fallback. */
export function replaceBlocks(source: TemplateSource): WithoutBlocks {
  const part: TemplatePart = source.mjml === undefined ? 'html' : 'mjml';
  const text = cleanBody(source.mjml ?? source.html ?? '');
  if (!text.includes(BLOCK_ATTRIBUTE)) return { ok: true, text, ids: new Set() };
  const mustaches = readMustaches(text);
  const { tags } = readMarkup(mask(text, mustaches), { selfClosing: part === 'mjml' });
  const head = tags.find(({ name }) => name === 'mj-head');
  const errors: TemplateError[] = [];
  const ids = new Set<string>();
  const edits: { readonly start: number; readonly end: number; readonly text: string }[] = [];
  for (const tag of tags) {
    const attribute = attributeOf(tag, BLOCK_ATTRIBUTE);
    if (attribute === undefined || tag.audience === 'nobody') continue;
    const id = attribute.value.trim();
    const inHead = head !== undefined && tag.start >= head.start && tag.end <= head.elementEnd;
    const fallback = placed(tag, fallbackOf(source, id));
    const fault =
      idFault(text.slice(attribute.start, attribute.end), id) ??
      (inHead || FRAME.test(tag.name) ? `<${tag.name}> cannot be a block: it is no content` : null) ??
      rangeFault(text, tag, mustaches) ??
      (fallback === null ? `the fallback in the place of <${tag.name}> must be MJML` : null);
    if (fault !== null) {
      errors.push({ code: 'block_invalid', message: fault, ...positionAt(text, tag.start), part });
      continue;
    }
    ids.add(id);
    // A block in a block goes with it.
    if (tag.start >= (edits.at(-1)?.end ?? 0)) {
      edits.push({ start: tag.start, end: tag.elementEnd, text: fallback ?? '' });
    }
  }
  if (errors.length > 0) return { ok: false, errors };
  const length = edits.reduce((sum, edit) => sum + edit.text.length - (edit.end - edit.start), text.length);
  if (length > PART_LIMIT) {
    const message = `with its fallbacks in place it has more than ${PART_LIMIT} characters`;
    return { ok: false, errors: [{ code: 'template_invalid', message, part }] };
  }
  return { ok: true, text: applyEdits(text, edits), ids };
}

function fallbackOf({ fallbacks = {} }: TemplateSource, id: string): string {
  return Object.hasOwn(fallbacks, id) ? cleanBody(fallbacks[id] ?? '') : '';
}

/** The fallback as it fits in the place of an element; null when it cannot. HTML stands inside of MJML as a text. */
function placed({ name }: StartTag, fallback: string): string | null {
  if (fallback.trim() === '' || !name.startsWith('mj-') || isMjml(fallback)) return fallback;
  const wrapping = WRAPPINGS.find(([component]) => component.test(name));
  return wrapping === undefined ? null : `${wrapping[1]}${fallback}${wrapping[2]}`;
}

/** A fallback that is MJML itself, to stand in the place of a component. */
export function isMjml(fallback: string): boolean {
  return /^\s*<mj-/i.test(fallback);
}

function idFault(written: string, id: string): string | null {
  if (!BLOCK_ID.test(id) || written.includes('{{')) {
    return `the id of a block has letters, digits, "_", "." and "-", at most 64`;
  }
  const isPart = (PART_KEYS as readonly string[]).includes(id);
  return isPart ? `"${id}" is a part of the message, no block can have it as its id` : null;
}

/** Why nobody can tell where a block ends. */
function rangeFault(text: string, tag: StartTag, mustaches: readonly Mustache[]): string | null {
  if (!isClosed(text, tag)) return `<${tag.name}> is never closed, so nobody knows where the block ends`;
  const { start, elementEnd } = tag;
  const inside = mustaches.filter((mustache) => mustache.start >= start && mustache.end <= elementEnd);
  if (tagErrors(text, inside, 'html').length === 0) return null;
  return 'a Handlebars block begins or ends in the middle of this block';
}

function isClosed(text: string, { name, selfClosing, end, elementEnd }: StartTag): boolean {
  if (VOID_ELEMENT.test(name) || (selfClosing && elementEnd <= end)) return true;
  const closing = /<\/([^\s<>/]+)\s*>?$/.exec(text.slice(end, elementEnd));
  return closing?.[1]?.toLowerCase() === name;
}
