/**
 * The author's fallbacks, checked one by one, so that an error points into the fallback it is about.
 *
 * A fallback is for a person who said no to personalization: it may hold links and what the execution brings along
 * (`context`), and never reaches for the profile.
 *
 * @module
 */
import type { TemplateError, TemplateSource } from '@adieu/core';
import { BLOCK_ATTRIBUTE, isMjml, PART_KEYS } from './block.ts';
import { type Grammar, parseHandlebars } from './grammar.ts';
import { markLinks } from './linkmark.ts';
import { readLinkPlaces, WRONG_PLACE } from './linkplace.ts';
import { attributeOf, readMarkup } from './markup.ts';
import { decodeTagEntities, mask, positionAt, readMustaches } from './mustache.ts';
import { decodePlaceholders } from './placeholder.ts';
import { findProfilePath } from './profile-path.ts';
import { errorAt } from './tag-errors.ts';
import { cleanBody } from './text.ts';

/** Everything that is wrong with the fallbacks of a template whose blocks have these ids. */
export function fallbackErrors(
  fallbacks: NonNullable<TemplateSource['fallbacks']>,
  ids: ReadonlySet<string>,
): readonly TemplateError[] {
  return Object.entries(fallbacks).flatMap(([key, fallback]) => {
    const part = `fallbacks.${key}` as const;
    if (!isPartKey(key) && !ids.has(key)) {
      const message = `there is no block ${BLOCK_ATTRIBUTE}="${key}"`;
      return [{ code: 'fallback_unknown', message, part }];
    }
    return faults(key, fallback).map((error) => ({ ...error, part }));
  });
}

function faults(key: string, fallback: string): readonly TemplateError[] {
  const given = decodeTagEntities(decodePlaceholders(cleanBody(fallback)));
  const part = isPartKey(key) ? key : isMjml(given) ? 'mjml' : 'html';
  const parsed = parseHandlebars(given, part);
  if (!parsed.ok) return parsed.errors;
  const personal = profileError(parsed.grammar);
  if (personal !== null) return [personal];
  return part === 'html' || part === 'mjml' ? markupErrors(given, part) : [];
}

function profileError({ program }: Grammar): TemplateError | null {
  const path = findProfilePath(program);
  if (path === null) return null;
  const { line, column } = path.loc.start;
  return errorAt({ line, column: column + 1 }, 'html', {
    code: 'fallback_personalized',
    message: `{{${path.original}}} is about the person, who said no to personalization; context may stand here`,
  });
}

function markupErrors(given: string, part: 'html' | 'mjml'): readonly TemplateError[] {
  const markup = readMarkup(mask(given, readMustaches(given)), { selfClosing: part === 'mjml' });
  const nested = markup.tags
    .filter((tag) => attributeOf(tag, BLOCK_ATTRIBUTE) !== undefined)
    .map(({ start }) =>
      errorAt(positionAt(given, start), part, {
        code: 'block_invalid',
        message: 'a fallback holds no block of its own',
      }),
    );
  const marks = markLinks(given, markup, part);
  const errors = [...nested, ...marks.errors];
  // What MJML makes of a link is seen when it is compiled.
  if (errors.length > 0 || part === 'mjml') return errors;
  return readLinkPlaces(given)
    .filter(({ kind }) => kind === 'wrong')
    .map(({ start }) =>
      errorAt(positionAt(given, start), part, { code: 'link_invalid', message: WRONG_PLACE }),
    );
}

function isPartKey(key: string): key is (typeof PART_KEYS)[number] {
  return (PART_KEYS as readonly string[]).includes(key);
}
