/**
 * Which Handlebars a template may hold, and where it is wrong.
 *
 * Paths, `if`, `unless`, `each`, `with`, `lookup` and the link helpers; nothing that reaches out of the template
 * (partials, decorators, `log`) and nothing that fails only when the first recipient is rendered. What passes
 * here compiles. A link's page and level are literals, since they are bound into its token.
 *
 * @module
 */
import type { TemplateError, TemplatePart } from '@adieu/core';
import Handlebars from 'handlebars';
import {
  LINK_HELPERS,
  OFFERED_HELPERS,
  type ReadLink,
  readLink,
  refusedLink,
  type TemplateLink,
} from './link.ts';
import { type Mustache, mask, positionAt, readMustaches } from './mustache.ts';
import { findPlaceholder } from './placeholder.ts';
import { errorAt, syntaxError, tagErrors } from './tag-errors.ts';

/** A place where a template calls for a link's URL. */
export interface LinkCall {
  readonly node: hbs.AST.MustacheStatement;
  readonly link: TemplateLink;
}

/** A template that is allowed, with its links in document order. */
export interface Grammar {
  readonly program: hbs.AST.Program;
  readonly calls: readonly LinkCall[];
  readonly warnings: readonly string[];
}

/** How many arguments a helper takes, and where it may stand. */
const HELPERS: ReadonlyMap<string, { readonly block: boolean; readonly parameters: number }> = new Map([
  ['if', { block: true, parameters: 1 }],
  ['unless', { block: true, parameters: 1 }],
  ['each', { block: true, parameters: 1 }],
  ['with', { block: true, parameters: 1 }],
  ['lookup', { block: false, parameters: 2 }],
]);

/** Parses a text and checks it; errors carry line and column of the tag at fault. */
export function parseHandlebars(
  text: string,
  part: TemplatePart,
):
  | { readonly ok: true; readonly grammar: Grammar }
  | { readonly ok: false; readonly errors: TemplateError[] } {
  const mustaches = readMustaches(text);
  const early = tagErrors(text, mustaches, part);
  if (early.length > 0) return { ok: false, errors: early };
  let program: hbs.AST.Program;
  try {
    program = Handlebars.parse(text);
  } catch {
    return { ok: false, errors: [syntaxError(text, mustaches, part)] };
  }
  const visit: Visit = { calls: [], warnings: [], errors: [], part, depth: 0 };
  visitProgram(program, visit);
  refuseLeftover(text, mustaches, visit);
  if (visit.errors.length > 0) return { ok: false, errors: visit.errors };
  return { ok: true, grammar: { program, calls: visit.calls, warnings: visit.warnings } };
}

interface Visit {
  readonly calls: LinkCall[];
  readonly warnings: string[];
  readonly errors: TemplateError[];
  readonly part: TemplatePart;
  /** Blocks around: paths at depth 0 start at the root. */
  depth: number;
}

/** A link helper that Handlebars does not see would be delivered as it stands (OH-21). */
function refuseLeftover(text: string, mustaches: readonly Mustache[], { errors, part }: Visit): void {
  const left = findPlaceholder(mask(text, mustaches));
  if (left === null) return;
  const message = `${left.spelled} is not read as a link helper and would be delivered as it stands`;
  errors.push(errorAt(positionAt(text, left.at), part, { code: 'link_invalid', message }));
}

type Call = hbs.AST.MustacheStatement | hbs.AST.SubExpression | hbs.AST.BlockStatement;

function visitProgram(program: hbs.AST.Program | undefined, visit: Visit): void {
  for (const statement of program?.body ?? []) {
    if (isMustache(statement)) visitCall(statement, visit);
    if (isBlock(statement)) visitBlock(statement, visit);
  }
}

function visitBlock(block: hbs.AST.BlockStatement, visit: Visit): void {
  visitCall(block, visit);
  visit.depth += 1;
  visitProgram(block.program, visit);
  visitProgram(block.inverse, visit);
  visit.depth -= 1;
}

function visitCall(call: Call, visit: Visit): void {
  const name = nameOf(call.path);
  const linkType = LINK_HELPERS.get(name);
  const inner: hbs.AST.Node[] = [...call.params, ...(call.hash?.pairs ?? []).map((pair) => pair.value)];
  const known = HELPERS.get(name);
  if (linkType !== undefined) visitLink(call, linkType, visit);
  else if (known !== undefined) checkHelper(call, { name, ...known }, visit);
  else if (inner.length > 0 || call.type === 'SubExpression') {
    const names = [...HELPERS.keys(), ...OFFERED_HELPERS].join(', ');
    refuse(call, visit, 'handlebars_unknown_helper', `there is no helper "${name}"; there are ${names}`);
  } else checkPath(call.path, visit, call);
  for (const node of inner) {
    if (isSubExpression(node)) visitCall(node, visit);
    else checkPath(node, visit);
  }
}

function visitLink(call: Call, type: string, visit: Visit): void {
  const read = readCall(call, type, visit.part);
  if (!read.ok) refuse(call, visit, read.code, read.reason);
  else if (call.type === 'MustacheStatement') {
    if (read.warning !== undefined) warn(call, visit, read.warning);
    visit.calls.push({ node: call, link: read.link });
  }
}

function readCall(call: Call, type: string, part: TemplatePart): ReadLink {
  const name = nameOf(call.path);
  if (call.type === 'BlockStatement') return refusedLink(`{{${name}}} is a URL, it cannot be a block`);
  if (call.type === 'SubExpression') return refusedLink(`{{${name}}} stands alone, it is no argument`);
  if (part === 'subject' || part === 'preheader') return refusedLink(`a link cannot stand in the ${part}`);
  if (call.params.length > 0) return refusedLink(`{{${name}}} takes page="…" and level="…" only`);
  const given: { type: string; level?: string; page?: string } = { type };
  for (const { key, value } of call.hash?.pairs ?? []) {
    if (key !== 'page' && key !== 'level') {
      return refusedLink(`{{${name}}} takes page="…" and level="…", not ${key}`);
    }
    if (!isString(value)) return refusedLink(`${key} of {{${name}}} must be a quoted text`);
    given[key] = value.value;
  }
  return readLink(given);
}

function checkHelper(
  call: Call,
  helper: { readonly name: string; readonly block: boolean; readonly parameters: number },
  visit: Visit,
): void {
  const { name, block, parameters } = helper;
  const code = 'handlebars_syntax';
  if ((call.type === 'BlockStatement') !== block) {
    refuse(call, visit, code, block ? `"${name}" is a block: {{#${name} …}}` : `"${name}" is not a block`);
  } else if (call.params.length !== parameters) {
    refuse(
      call,
      visit,
      code,
      `"${name}" takes ${parameters === 1 ? 'one argument' : `${parameters} arguments`}`,
    );
  }
}

/** At the root there are `profile` and `context` only: any other path is empty for everybody. */
function checkPath(node: hbs.AST.Node, visit: Visit, at = node): void {
  if (visit.depth > 0 || !isPath(node) || node.data || node.depth > 0) return;
  const [first] = node.parts;
  if (first === undefined || first === 'profile' || first === 'context') return;
  warn(at, visit, `{{${node.original}}} is always empty, paths start with profile or context`);
}

function warn(node: hbs.AST.Node, visit: Visit, message: string): void {
  const { line, column } = node.loc.start;
  visit.warnings.push(`${visit.part} line ${line}, column ${column + 1}: ${message}`);
}

function refuse(node: hbs.AST.Node, visit: Visit, code: string, message: string): void {
  const { line, column } = node.loc.start;
  visit.errors.push(errorAt({ line, column: column + 1 }, visit.part, { code, message }));
}

/** A path as written; a literal in its place (`{{"each"}}`) names a helper just the same. */
function nameOf(path: hbs.AST.PathExpression | hbs.AST.Literal): string {
  return 'original' in path ? String(path.original) : '';
}

function isMustache(node: hbs.AST.Node): node is hbs.AST.MustacheStatement {
  return node.type === 'MustacheStatement';
}
function isBlock(node: hbs.AST.Node): node is hbs.AST.BlockStatement {
  return node.type === 'BlockStatement';
}
function isSubExpression(node: hbs.AST.Node): node is hbs.AST.SubExpression {
  return node.type === 'SubExpression';
}
function isPath(node: hbs.AST.Node): node is hbs.AST.PathExpression {
  return node.type === 'PathExpression';
}
function isString(node: hbs.AST.Node): node is hbs.AST.StringLiteral {
  return node.type === 'StringLiteral';
}
