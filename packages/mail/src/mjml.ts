/**
 * MJML to HTML, once per template version.
 *
 * MJML is forgiving where a mail must not be: text between components, an unclosed `<mj-text>`, an unknown
 * element and an include vanish without a word. Here they are errors with line and column. What MJML itself
 * only grumbles about (an attribute it does not know) is a warning. Handlebars tags travel through as plain words,
 * since MJML parses and prints parts of the document by itself.
 *
 * @module
 */
import type { TemplateError } from '@adieu/core';
import mjml2html from 'mjml';
import { markLinks } from './linkmark.ts';
import { type Markup, readMarkup, type StartTag } from './markup.ts';
import {
  applyEdits,
  type Mustache,
  mask,
  originOf,
  positionAt,
  readMustaches,
  tokenise,
} from './mustache.ts';

/** The HTML of an MJML document, its links already helpers. */
export type MjmlOutcome =
  | {
      readonly ok: true;
      readonly html: string;
      /** The offset in the source that a Handlebars tag of the HTML, by its number in order, comes from. */
      readonly originOfTag: (number: number) => number;
      readonly warnings: readonly string[];
    }
  | { readonly ok: false; readonly errors: readonly TemplateError[] };

/** Components that hold components: MJML drops text that stands directly inside. */
const CONTAINERS =
  /^(?:mjml|mj-(?:head|body|section|wrapper|column|group|hero|navbar|social|carousel|accordion|accordion-element|attributes))$/;

/** Compiles MJML that is clean and whose Handlebars is checked. */
export async function compileMjml(source: string): Promise<MjmlOutcome> {
  const mustaches = readMustaches(source);
  const markup = readMarkup(mask(source, mustaches), { selfClosing: true });
  const marks = markLinks(source, markup, 'mjml');
  const dropped = droppedText(source, markup, mustaches);
  const errors = [...structureErrors(source, markup), ...dropped.errors, ...marks.errors];
  if (errors.length > 0) return { ok: false, errors };
  const marked = applyEdits(source, marks.edits);
  const tags = readMustaches(marked);
  const tokens = tokenise(marked, tags);
  try {
    const result = await mjml2html(tokens.text, { validationLevel: 'soft', ignoreIncludes: true });
    const complaints = readComplaints(result.errors, source, tokens.restore);
    if (complaints.errors.length > 0) return { ok: false, errors: complaints.errors };
    const html = tokens.restore(result.html);
    const sources = [...result.html.matchAll(tokens.pattern)].map(([, number]) => tags[Number(number)]);
    const originOfTag = (number: number): number => originOf(marks.edits, sources[number]?.start ?? 0);
    return {
      ok: true,
      html,
      originOfTag,
      warnings: [...dropped.warnings, ...marks.warnings, ...complaints.warnings],
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { ok: false, errors: [mjmlError(source, 0, `MJML cannot be read: ${tokens.restore(reason)}`)] };
  }
}

function structureErrors(source: string, markup: Markup): TemplateError[] {
  const components = markup.tags.filter(
    ({ name, audience }) => name.startsWith('mj') && audience === 'everybody',
  );
  if (components[0]?.name !== 'mjml') return [mjmlError(source, 0, 'an MJML document starts with <mjml>')];
  const errors: TemplateError[] = [];
  for (const tag of components) {
    if (tag.name === 'mj-include') {
      errors.push(mjmlError(source, tag.start, 'mj-include reads files; put the content itself here'));
    } else if (!isClosed(source, tag)) {
      errors.push(mjmlError(source, tag.start, `<${tag.name}> is never closed`));
    }
  }
  // Whatever is not closed leaves its parents unclosed too: the innermost is the one to look at.
  return errors.slice(-1);
}

/** A word that is lost is a slip; a Handlebars tag that is lost changes who gets to see what. */
function droppedText(
  source: string,
  markup: Markup,
  mustaches: readonly Mustache[],
): { readonly errors: TemplateError[]; readonly warnings: string[] } {
  const errors: TemplateError[] = [];
  const warnings: string[] = [];
  for (const { start, end, parent } of markup.texts) {
    const text = source.slice(start, end);
    if (!CONTAINERS.test(parent) || text.trim() === '') continue;
    const reason = `MJML drops text inside <${parent}>: put it into <mj-raw>`;
    const lost = mustaches.find((tag) => tag.kind !== 'comment' && tag.start >= start && tag.start < end);
    if (lost !== undefined) errors.push(mjmlError(source, lost.start, reason));
    else warnings.push(`mjml line ${positionAt(source, start + text.search(/\S/)).line}: ${reason}`);
  }
  return { errors, warnings };
}

function isClosed(source: string, tag: StartTag): boolean {
  if (tag.selfClosing) return true;
  // The parser ends an element before white space in its end tag.
  const closing = /<\/([a-zA-Z-]+)\s*>?$/.exec(source.slice(tag.end, tag.elementEnd));
  return closing?.[1]?.toLowerCase() === tag.name;
}

interface Complaint {
  readonly line: number;
  readonly message: string;
  readonly tagName: string;
}

/** MJML says the line; the column is where the element starts on it. */
function readComplaints(
  complaints: readonly Complaint[],
  source: string,
  restore: (text: string) => string,
): { readonly errors: TemplateError[]; readonly warnings: string[] } {
  const errors: TemplateError[] = [];
  const warnings: string[] = [];
  for (const { line, message, tagName } of complaints) {
    const text = restore(message);
    if (/^Attributes? /.test(message)) {
      // MJML checks a value before Handlebars fills it in.
      if (text === message) warnings.push(`mjml line ${line}: <${tagName}> ${text}`);
      continue;
    }
    const column = (source.split('\n')[line - 1]?.indexOf(`<${tagName}`) ?? -1) + 1;
    errors.push({ code: 'mjml_invalid', message: text, line, column: Math.max(column, 1), part: 'mjml' });
  }
  return { errors, warnings };
}

function mjmlError(source: string, offset: number, message: string): TemplateError {
  return { code: 'mjml_invalid', message, ...positionAt(source, offset), part: 'mjml' };
}
