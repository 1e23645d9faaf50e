/**
 * How many opt-out links a stored template has: what an author must not forget (U8).
 *
 * Known by compiling, once per version and process; a version never changes.
 *
 * @module
 */
import type { CompileTemplate, TemplateSource } from '@adieu/core';
import type { Scope } from '@adieu/store';

export type OptOutLinks = (scope: Scope, source: TemplateSource) => Promise<number>;

/** Versions remembered. */
const MAX_KNOWN = 1_000;

export function openOptOutLinks(compile: CompileTemplate): OptOutLinks {
  const known = new Map<string, number>();
  return async (scope, source) => {
    const key = `${scope.sandboxId} ${source.version} ${source.id}`;
    const counted = known.get(key);
    if (counted !== undefined) return counted;
    const outcome = await compile(source);
    const links = outcome.ok ? outcome.optOutLinks : 0;
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, links);
    return links;
  };
}
