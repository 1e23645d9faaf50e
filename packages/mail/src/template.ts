/**
 * Compiles a template, once per version: what is the same for every recipient is computed here and never again.
 *
 * A template has two variants: what most people get, and what a person gets who said no to personalization. The
 * second is compiled from a document in which the author's fallbacks stand for the personalised blocks, so that what
 * was in a block is not even there (O3).
 *
 * @module
 */
import type { OptOutScope, TemplateError, TemplatePart, TemplateSource } from '@adieu/core';
import { PART_KEYS, PART_LIMIT, replaceBlocks } from './block.ts';
import { fallbackErrors } from './fallback.ts';
import { parseHandlebars } from './grammar.ts';
import { openLinkRegistry, type TemplateLink } from './link.ts';
import { findProfilePath } from './profile-path.ts';
import { COMPLAINTS_SHOWN, compileVariant, type Variant } from './variant.ts';

/** A template ready to be filled. */
export interface CompiledTemplate extends Variant {
  readonly id: string;
  readonly version: number;
  /** What a person gets who said no to personalization. */
  readonly impersonal: Variant;
  /** Of both variants; slots refer to them by index. */
  readonly links: readonly TemplateLink[];
  /** Opt-out links that every reader of the HTML part sees, in the variant that has fewer (U8). */
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

/** Compiles a template. Never throws for what an author may write. */
export async function compileTemplate(source: TemplateSource): Promise<TemplateOutcome> {
  const misshapen = shapeErrors(source);
  if (misshapen.length > 0) return { ok: false, errors: misshapen };
  const outcome = await compileVariants(source);
  if (!outcome.ok) return { ok: false, errors: outcome.errors.slice(0, COMPLAINTS_SHOWN) };
  return { ...outcome, warnings: [...new Set(outcome.warnings)].slice(0, COMPLAINTS_SHOWN) };
}

async function compileVariants(source: TemplateSource): Promise<TemplateOutcome> {
  const { id, version, fallbacks = {} } = source;
  const isStrict = source.strict === true;
  const registry = openLinkRegistry();
  const personal = await compileVariant(source, registry, isStrict ? 'all' : 'no');
  const without = replaceBlocks(source);
  const errors = [
    ...(personal.ok ? [] : personal.errors),
    ...(without.ok ? fallbackErrors(fallbacks, without.ids) : without.errors),
  ];
  if (errors.length > 0 || !personal.ok || !without.ok) return { ok: false, errors };
  const isMarked = without.ids.size > 0 || Object.keys(fallbacks).length > 0;
  // What has no blocks and forgives missing values serves both.
  const impersonal =
    isMarked || isStrict
      ? await compileVariant(impersonalSource(source, without.text), registry, isStrict ? 'context' : 'no')
      : personal;
  if (!impersonal.ok) return { ok: false, errors: impersonal.errors.map(inImpersonal) };
  const optOutLinks = Math.min(personal.optOutLinks, impersonal.optOutLinks);
  const warnings = [...personal.warnings, ...impersonal.warnings];
  if (isMarked) warnings.push(...unguardedParts(source));
  if (personal.optOutLinks > 0 && impersonal.optOutLinks === 0) {
    warnings.push('every opt-out link stands inside a personalised block, and no fallback has one');
  }
  const template: CompiledTemplate = {
    ...personal.variant,
    id,
    version,
    impersonal: impersonal.variant,
    links: registry.links,
    optOutLinks,
  };
  const levels = registry.links.flatMap(({ level }) => level ?? []);
  return { ok: true, template, warnings, optOutLinks, levels };
}

/** The template as it is for a person who said no to personalization. */
function impersonalSource(source: TemplateSource, document: string): TemplateSource {
  const { fallbacks = {}, ...own } = source;
  const parts = PART_KEYS.filter((key) => Object.hasOwn(fallbacks, key)).map((key) => [key, fallbacks[key]]);
  return {
    ...own,
    ...Object.fromEntries(parts),
    ...(source.mjml === undefined ? { html: document } : { mjml: document }),
  };
}

/** Parts that name the profile outside of any block: they stay, with nothing in its place. */
function unguardedParts(source: TemplateSource): string[] {
  return PART_KEYS.filter((key) => source.fallbacks?.[key] === undefined && namesProfile(source[key])).map(
    (key) =>
      `the ${key} names the profile: without fallbacks.${key}, who said no to personalization gets gaps`,
  );
}

function namesProfile(text = ''): boolean {
  const parsed = parseHandlebars(text, 'text');
  return parsed.ok && findProfilePath(parsed.grammar.program) !== null;
}

/** Lines of a document that nobody wrote would mislead: only its own part is told. */
function inImpersonal({ code, message, part }: TemplateError): TemplateError {
  return { code, message: `with the fallbacks in place: ${message}`, part };
}

/** Values come from JSON: whatever is not a text is refused before anything looks at it (OH-20). */
function shapeErrors(source: TemplateSource): TemplateError[] {
  const { subject, preheader, mjml, html, text, fallbacks } = source;
  const parts = { subject, preheader, mjml, html, text };
  const errors: TemplateError[] = [];
  const given: readonly (readonly [TemplatePart, unknown])[] = [
    ...(['subject', 'preheader', 'mjml', 'html', 'text'] as const).map(
      (part) => [part, parts[part]] as const,
    ),
    ...Object.entries(fallbacks ?? {}).map(([key, value]) => [`fallbacks.${key}`, value] as const),
  ];
  for (const [part, value] of given) {
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
