/**
 * The opt-out links of a stored template: how many, which an author must not forget (U8), and the levels they name (U3).
 *
 * Known by compiling, once per version and process; a version never changes.
 *
 * @module
 */
import type { CompileTemplate, OptOutScope, TemplateSource } from '@adieu/core';
import type { Scope } from '@adieu/store';

export interface OptOutLinks {
  readonly count: number;
  readonly levels: readonly OptOutScope[];
}

export type FindOptOutLinks = (scope: Scope, source: TemplateSource) => Promise<OptOutLinks>;

/** Versions remembered. */
const MAX_KNOWN = 1_000;

export function openOptOutLinks(compile: CompileTemplate): FindOptOutLinks {
  const known = new Map<string, OptOutLinks>();
  return async (scope, source) => {
    const key = `${scope.sandboxId} ${source.version} ${source.id}`;
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const outcome = await compile(source);
    const links = outcome.ok
      ? { count: outcome.optOutLinks, levels: outcome.levels }
      : { count: 0, levels: [] };
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, links);
    return links;
  };
}
