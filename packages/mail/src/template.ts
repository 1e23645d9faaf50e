/**
 * Compiles a template, once per version: what is the same for every recipient is computed here and never again.
 *
 * The order matters. The author's own text is checked first, so that errors point into it; links become helpers
 * by edits at offsets; MJML becomes HTML; the preheader goes in; white space goes out; what is left is split into
 * constants and slots. The document is never written back from a parsed tree, so it keeps its look.
 *
 * @module
 */
import type { OptOutScope, TemplateError, TemplatePart, TemplateSource } from '@adieu/core';
import { parseHandlebars } from './grammar.ts';
import { openLinkRegistry, type TemplateLink } from './link.ts';
import { markLinks } from './linkmark.ts';
import { type LinkPlace, readLinkPlaces, WRONG_PLACE } from './linkplace.ts';
import { readMarkup } from './markup.ts';
import { compileMjml } from './mjml.ts';
import { applyEdits, decodeTagEntities, mask, type Position, positionAt, readMustaches } from './mustache.ts';
import { decodePlaceholders } from './placeholder.ts';
import { deriveText } from './plaintext.ts';
import { insertPreheader } from './preheader.ts';
import { openPieces, type Piece } from './slot.ts';
import { cleanBody, cleanLine } from './text.ts';
import { collapseWhitespace } from './whitespace.ts';

/** A template ready to be filled. */
export interface CompiledTemplate {
  readonly id: string;
  readonly version: number;
  readonly subject: readonly Piece[];
  readonly html: readonly Piece[];
  readonly text: readonly Piece[];
  /** In document order, the HTML's first; slots refer to them by index. */
  readonly links: readonly TemplateLink[];
  /** Opt-out links that every reader of the HTML part sees (U8). */
  readonly optOutLinks: number;
}

/** A compiled template, or every error that was found. Assignable to core's `CompileOutcome`. */
export type TemplateOutcome =
  | {
      readonly ok: true;
      readonly template: CompiledTemplate;
      readonly warnings: string[];
      readonly optOutLinks: number;
      readonly levels: readonly OptOutScope[];
    }
  | { readonly ok: false; readonly errors: TemplateError[] };

/** Gmail clips what is longer, and with it the footer that holds the way out (OH-24). */
export const CLIPPED_BYTES = 102_400;

/** Characters of one part: ten times what Gmail shows. */
const PART_LIMIT = 1_048_576;
/** An author mends the first ones first. */
const COMPLAINTS_SHOWN = 50;

/** Compiles a template. Never throws for what an author may write. */
export async function compileTemplate(source: TemplateSource): Promise<TemplateOutcome> {
  const misshapen = shapeErrors(source);
  if (misshapen.length > 0) return { ok: false, errors: misshapen };
  const outcome = await compileParts(source);
  if (!outcome.ok) return { ok: false, errors: outcome.errors.slice(0, COMPLAINTS_SHOWN) };
  return { ...outcome, warnings: [...new Set(outcome.warnings)].slice(0, COMPLAINTS_SHOWN) };
}

async function compileParts(source: TemplateSource): Promise<TemplateOutcome> {
  const warnings: string[] = [];
  const subject = parseHandlebars(cleanLine(source.subject), 'subject');
  const preheader = parseHandlebars(cleanLine(source.preheader ?? ''), 'preheader');
  const document = await authorsHtml(source);
  const text =
    source.text === undefined ? null : parseHandlebars(decodePlaceholders(cleanBody(source.text)), 'text');
  const errors = [subject, preheader, document, text].flatMap((part) =>
    part === null || part.ok ? [] : part.errors,
  );
  if (errors.length > 0 || !subject.ok || !preheader.ok || !document.ok || text?.ok === false) {
    return { ok: false, errors };
  }
  warnings.push(...subject.grammar.warnings, ...preheader.grammar.warnings, ...document.warnings);
  const html = collapseWhitespace(insertPreheader(document.html, cleanLine(source.preheader ?? '')));
  const parsed = parseHandlebars(html, 'html');
  const words = text ?? derivedText(document.html, warnings);
  if (!parsed.ok) return { ok: false, errors: parsed.errors.map((error) => inCompiled(error, source)) };
  if (!words.ok) return { ok: false, errors: words.errors };
  const registry = openLinkRegistry();
  const seen = readLinkPlaces(html).filter((place) => place.seen);
  const optOutLinks = seen.length;
  if (optOutLinks > 0 && seen.every(({ inBlock }) => inBlock)) {
    warnings.push('every opt-out link stands inside a Handlebars block: some recipients may get none');
  }
  if (optOutLinks > 0 && words.grammar.calls.length === 0)
    warnings.push('the text part has no opt-out link, the HTML part has');
  if (Buffer.byteLength(html) > CLIPPED_BYTES) {
    warnings.push(`the HTML part is ${Buffer.byteLength(html)} bytes: Gmail clips it at ${CLIPPED_BYTES}`);
  }
  const strict = source.strict === true;
  const template: CompiledTemplate = {
    id: source.id,
    version: source.version,
    html: openPieces(parsed.grammar, registry, { html: true, strict }),
    text: openPieces(words.grammar, registry, { html: false, strict }),
    subject: openPieces(subject.grammar, registry, { html: false, strict }),
    links: registry.links,
    optOutLinks,
  };
  const levels = registry.links.flatMap(({ level }) => level ?? []);
  return { ok: true, template, warnings, optOutLinks, levels };
}

type AuthorsHtml =
  | { readonly ok: true; readonly html: string; readonly warnings: readonly string[] }
  | { readonly ok: false; readonly errors: readonly TemplateError[] };

/** The HTML with every link as a helper, whether it was given or MJML. */
async function authorsHtml(source: TemplateSource): Promise<AuthorsHtml> {
  const part = source.mjml === undefined ? 'html' : 'mjml';
  const given = decodeTagEntities(decodePlaceholders(cleanBody(source.mjml ?? source.html ?? '')));
  const checked = parseHandlebars(given, part);
  if (!checked.ok) return checked;
  const { warnings } = checked.grammar;
  if (part === 'html') {
    const misplaced = misplacedLinks(given, (place) => positionAt(given, place.start), part);
    const marked = withMarkedLinks(given, part, warnings);
    return misplaced.length === 0
      ? marked
      : { ok: false, errors: [...(marked.ok ? [] : marked.errors), ...misplaced] };
  }
  const compiled = await compileMjml(given);
  if (!compiled.ok) return compiled;
  const { originOfTag } = compiled;
  const misplaced = misplacedLinks(
    compiled.html,
    ({ number }) => positionAt(given, originOfTag(number)),
    part,
  );
  if (misplaced.length > 0) return { ok: false, errors: misplaced };
  // MJML can set attributes by selector (`mj-html-attributes`): those appear only now.
  return withMarkedLinks(compiled.html, part, [...warnings, ...compiled.warnings]);
}

/** Helpers where no link can be, each place of the author's once. */
function misplacedLinks(
  html: string,
  positionOf: (place: LinkPlace) => Position,
  part: TemplatePart,
): readonly TemplateError[] {
  const wrong = readLinkPlaces(html).filter(({ kind }) => kind === 'wrong');
  const positions = new Map(
    wrong.slice(0, COMPLAINTS_SHOWN).map((place) => {
      const position = positionOf(place);
      return [`${position.line}:${position.column}`, position] as const;
    }),
  );
  return [...positions.values()].map((position) => ({
    code: 'link_invalid',
    message: WRONG_PLACE,
    ...position,
    part,
  }));
}

function withMarkedLinks(html: string, part: TemplatePart, warnings: readonly string[]): AuthorsHtml {
  const marks = markLinks(html, readMarkup(mask(html, readMustaches(html))), part);
  if (marks.errors.length > 0) return { ok: false, errors: marks.errors };
  const marked = applyEdits(html, marks.edits);
  // A comment that nobody reads needs no URL: a message does not contain that link (U2).
  const unread = readLinkPlaces(marked).filter(({ kind }) => kind === 'unread');
  const kept = applyEdits(
    marked,
    unread.map(({ start, end }) => ({ start, end, text: '' })),
  );
  return { ok: true, html: kept, warnings: [...warnings, ...marks.warnings] };
}

/** A block that holds half a structure may not survive as text; then its values do, without the blocks. */
function derivedText(html: string, warnings: string[]): ReturnType<typeof parseHandlebars> {
  const text = deriveText(html);
  const parsed = parseHandlebars(text, 'text');
  if (parsed.ok) return { ok: true, grammar: { ...parsed.grammar, warnings: [] } };
  warnings.push('the text part could not keep the blocks of the HTML; give a text part of your own');
  const blocks = readMustaches(text).filter(({ kind }) => kind !== 'value');
  return parseHandlebars(
    applyEdits(
      text,
      blocks.map((block) => ({ ...block, text: '' })),
    ),
    'text',
  );
}

/** Values come from JSON: whatever is not a text is refused before anything looks at it (OH-20). */
function shapeErrors(source: TemplateSource): TemplateError[] {
  const { subject, preheader, mjml, html, text } = source;
  const parts: Record<TemplatePart, unknown> = { subject, preheader, mjml, html, text };
  const errors: TemplateError[] = [];
  for (const part of ['subject', 'preheader', 'mjml', 'html', 'text'] as const) {
    const value = parts[part];
    if (value === undefined ? part === 'subject' : typeof value !== 'string') {
      errors.push({ code: 'template_invalid', message: `${part} must be a text`, part });
    } else if (typeof value === 'string' && value.length > PART_LIMIT) {
      const message = `${part} has more than ${PART_LIMIT} characters`;
      errors.push({ code: 'template_invalid', message, part });
    }
  }
  if ((mjml === undefined) === (html === undefined)) {
    errors.push({ code: 'template_invalid', message: 'give either mjml or html', part: 'html' });
  }
  return errors;
}

/** What only the compiled HTML shows has no place in the author's text. */
function inCompiled(error: TemplateError, source: TemplateSource): TemplateError {
  const { code, message } = error;
  return {
    code,
    message: `in the compiled HTML: ${message}`,
    part: source.mjml === undefined ? 'html' : 'mjml',
  };
}
