/**
 * One variant of a template: what a person gets who may be addressed personally, or who may not (O3).
 *
 * The order matters. The author's own text is checked first, so that errors point into it; links become helpers
 * by edits at offsets; MJML becomes HTML; the preheader goes in; white space goes out; what is left is split into
 * constants and slots. The document is never written back from a parsed tree, so it keeps its look.
 *
 * @module
 */
import type { TemplateError, TemplatePart, TemplateSource } from '@adieu/core';
import { BLOCK_ATTRIBUTE } from './block.ts';
import { parseHandlebars } from './grammar.ts';
import type { LinkRegistry } from './link.ts';
import { markLinks } from './linkmark.ts';
import { type LinkPlace, readLinkPlaces, WRONG_PLACE } from './linkplace.ts';
import { attributeOf, readMarkup } from './markup.ts';
import { compileMjml } from './mjml.ts';
import { applyEdits, decodeTagEntities, mask, type Position, positionAt, readMustaches } from './mustache.ts';
import { decodePlaceholders } from './placeholder.ts';
import { deriveText } from './plaintext.ts';
import { insertPreheader } from './preheader.ts';
import { openPieces, type Piece, type SlotStyle } from './slot.ts';
import { cleanBody, cleanLine } from './text.ts';
import { collapseWhitespace } from './whitespace.ts';

/** The parts of a message, ready to be filled. */
export interface Variant {
  readonly subject: readonly Piece[];
  readonly html: readonly Piece[];
  readonly text: readonly Piece[];
}

/** A variant that compiled, or every error that was found. */
export type VariantOutcome =
  | {
      readonly ok: true;
      readonly variant: Variant;
      readonly warnings: readonly string[];
      /** Opt-out links that every reader of the HTML part sees (U8). */
      readonly optOutLinks: number;
    }
  | { readonly ok: false; readonly errors: TemplateError[] };

/** Gmail clips what is longer, and with it the footer that holds the way out (OH-24). */
export const CLIPPED_BYTES = 102_400;
/** An author mends the first ones first. */
export const COMPLAINTS_SHOWN = 50;

/** Compiles one variant; its links are added to the registry. */
export async function compileVariant(
  source: TemplateSource,
  registry: LinkRegistry,
  strict: SlotStyle['strict'],
): Promise<VariantOutcome> {
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
  const variant: Variant = {
    html: openPieces(parsed.grammar, registry, { html: true, strict }),
    text: openPieces(words.grammar, registry, { html: false, strict }),
    subject: openPieces(subject.grammar, registry, { html: false, strict }),
  };
  return { ok: true, variant, warnings, optOutLinks };
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
  if (hasBlocks(compiled.html)) {
    const message = `${BLOCK_ATTRIBUTE} stands on the block itself, not in <mj-html-attributes>`;
    return { ok: false, errors: [{ code: 'block_invalid', message, part }] };
  }
  // MJML can set attributes by selector (`mj-html-attributes`): those appear only now.
  return withMarkedLinks(compiled.html, part, [...warnings, ...compiled.warnings]);
}

function hasBlocks(html: string): boolean {
  if (!html.includes(BLOCK_ATTRIBUTE)) return false;
  const { tags } = readMarkup(mask(html, readMustaches(html)));
  return tags.some((tag) => attributeOf(tag, BLOCK_ATTRIBUTE) !== undefined);
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

/** What only the compiled HTML shows has no place in the author's text. */
function inCompiled(error: TemplateError, source: TemplateSource): TemplateError {
  const { code, message } = error;
  return {
    code,
    message: `in the compiled HTML: ${message}`,
    part: source.mjml === undefined ? 'html' : 'mjml',
  };
}
