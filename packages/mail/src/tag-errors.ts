/**
 * Where the Handlebars of a text is broken, told by its tags.
 *
 * Handlebars reports an open block at the end of the document, and other errors by line only. An author looks
 * for the tag: so blocks are balanced here first, and the tag that cannot stand alone is the one at fault.
 *
 * @module
 */
import type { TemplateError, TemplatePart } from '@adieu/core';
import Handlebars from 'handlebars';
import { type Mustache, type Position, positionAt } from './mustache.ts';

/** Tags that are not allowed or do not match; empty when Handlebars may have a look. */
export function tagErrors(text: string, mustaches: readonly Mustache[], part: TemplatePart): TemplateError[] {
  return [...refusedTags(mustaches), ...unbalancedTags(mustaches)].map(({ at, code, message }) =>
    errorAt(positionAt(text, at), part, { code, message }),
  );
}

/** The error that made Handlebars refuse a text, at the tag at fault. */
export function syntaxError(text: string, mustaches: readonly Mustache[], part: TemplatePart): TemplateError {
  const code = 'handlebars_syntax';
  const culprit = mustaches.find((tag) => !standsAlone(text.slice(tag.start, tag.end), tag));
  if (culprit !== undefined) {
    const tag = text.slice(culprit.start, culprit.end);
    const shown = tag.length > 60 ? `${tag.slice(0, 57)}…` : tag;
    return errorAt(positionAt(text, culprit.start), part, {
      code,
      message: `Handlebars cannot read ${shown}`,
    });
  }
  const message = 'Handlebars cannot read a tag that starts here; is it closed?';
  return errorAt(positionAt(text, unreadTag(text, mustaches)), part, { code, message });
}

/** An error with its place. */
export function errorAt(
  position: Position,
  part: TemplatePart,
  fault: { readonly code: string; readonly message: string },
): TemplateError {
  return { code: fault.code, message: fault.message, line: position.line, column: position.column, part };
}

interface Fault {
  readonly at: number;
  readonly code: string;
  readonly message: string;
}

function refusedTags(mustaches: readonly Mustache[]): Fault[] {
  return mustaches
    .filter(({ kind }) => kind === 'refused')
    .map(({ start, name }) => ({
      at: start,
      code: 'handlebars_not_allowed',
      message: `partials, decorators and raw blocks are not allowed in a template (${name || 'unnamed'})`,
    }));
}

function unbalancedTags(mustaches: readonly Mustache[]): Fault[] {
  const open: Mustache[] = [];
  const code = 'handlebars_syntax';
  for (const tag of mustaches) {
    if (tag.kind === 'open') open.push(tag);
    if (tag.kind === 'else' && open.length === 0) {
      return [{ at: tag.start, code, message: '{{else}} stands outside of any block' }];
    }
    if (tag.kind !== 'close') continue;
    const opener = open.pop();
    if (opener === undefined) return [{ at: tag.start, code, message: `{{/${tag.name}}} closes nothing` }];
    if (opener.name !== tag.name) {
      const message = `{{/${tag.name}}} stands where {{/${opener.name}}} is expected`;
      return [{ at: tag.start, code, message }];
    }
  }
  return open.map(({ start, name }) => ({ at: start, code, message: `{{#${name}}} is never closed` }));
}

function standsAlone(tag: string, { kind, name }: Mustache): boolean {
  if (kind === 'else' || kind === 'close') return true;
  try {
    Handlebars.parse(kind === 'open' ? `${tag}{{/${name}}}` : tag);
    return true;
  } catch {
    return false;
  }
}

/** The first `{{` that is no tag: it has no end. */
function unreadTag(text: string, mustaches: readonly Mustache[]): number {
  const starts = new Set(mustaches.map(({ start }) => start));
  let at = text.indexOf('{{');
  while (at >= 0 && (starts.has(at) || text[at - 1] === '\\')) {
    at = text.indexOf('{{', mustaches.find(({ start }) => start === at)?.end ?? at + 2);
  }
  return Math.max(at, 0);
}
