/**
 * A text as constants and slots: what is the same for everybody, and what is rendered for one.
 *
 * Top-level content of a Handlebars program is constant; every top-level tag or block is a slot with a compiled
 * program of its own. Rendering a message touches its slots only. Prototypes stay out of reach (Handlebars'
 * own default), no helper reaches out, and what a template calls is checked before it is compiled.
 *
 * @module
 */
import { escapeHtml } from '@adieu/core';
import Handlebars from 'handlebars';
import type { Grammar } from './grammar.ts';
import { LINK_HELPERS, type LinkRegistry } from './link.ts';
import { findProfilePath } from './profile-path.ts';

/** What one recipient brings to a template. */
export interface Rendering {
  /** `profile` and `context`. */
  readonly data: object;
  /** The URL of a link of the template, sealed for this message when it is first asked for. */
  readonly url: (link: number) => string;
}

/** A stretch of a text. */
export type Piece =
  | { readonly kind: 'constant'; readonly text: string }
  | { readonly kind: 'slot'; readonly render: (rendering: Rendering) => string };

/** How slots of a part are written. */
export interface SlotStyle {
  /** Values and URLs are escaped once. */
  readonly html: boolean;
  /** An unknown path is an error: no path, every path, or every path but those of the profile. */
  readonly strict: 'no' | 'all' | 'context';
}

/** Splits a checked program; adds its links to the registry. The program is used up. */
export function openPieces(grammar: Grammar, registry: LinkRegistry, style: SlotStyle): readonly Piece[] {
  const direct = new Map<hbs.AST.Node, number>();
  for (const { node, link } of grammar.calls) {
    const index = registry.add(link);
    direct.set(node, index);
    // Inside a block the helper is called by Handlebars: it gets the link's number instead of page and level.
    node.params = [numberLiteral(index, node.loc)];
    Reflect.deleteProperty(node, 'hash');
  }
  const pieces: Piece[] = [];
  for (const statement of grammar.program.body) {
    if (statement.type === 'CommentStatement') continue;
    const link = direct.get(statement);
    if (isContent(statement)) addConstant(pieces, statement.value);
    else if (link !== undefined) pieces.push({ kind: 'slot', render: linkSlot(link, style) });
    else pieces.push({ kind: 'slot', render: programSlot(grammar.program, statement, style) });
  }
  return pieces;
}

/** Renders pieces into one text. */
export function renderPieces(pieces: readonly Piece[], rendering: Rendering): string {
  return pieces.map((piece) => (piece.kind === 'constant' ? piece.text : piece.render(rendering))).join('');
}

function addConstant(pieces: Piece[], text: string): void {
  const last = pieces.at(-1);
  if (text === '') return;
  if (last?.kind === 'constant') pieces[pieces.length - 1] = { kind: 'constant', text: last.text + text };
  else pieces.push({ kind: 'constant', text });
}

function linkSlot(link: number, { html }: SlotStyle): (rendering: Rendering) => string {
  return html ? ({ url }) => escapeHtml(url(link)) : ({ url }) => url(link);
}

function programSlot(
  program: hbs.AST.Program,
  statement: hbs.AST.Statement,
  { html, strict }: SlotStyle,
): (rendering: Rendering) => string {
  const engine = isValue(statement) ? BARE_ENGINE : html ? HTML_ENGINE : TEXT_ENGINE;
  const template = engine.compile<object>(
    { ...program, body: [statement] },
    {
      noEscape: !html,
      strict: strict === 'all' || (strict === 'context' && findProfilePath(statement) === null),
      knownHelpersOnly: true,
      knownHelpers: KNOWN_HELPERS,
    },
  );
  return ({ data, url }) => template(data, { data: { [URL_KEY]: url } });
}

/** A path and nothing else, as most slots are: with helpers out of reach by name, it calls none. */
function isValue(statement: hbs.AST.Statement): boolean {
  if (statement.type !== 'MustacheStatement') return false;
  const { path, params, hash } = statement as hbs.AST.MustacheStatement;
  return (
    path.type === 'PathExpression' &&
    params.length === 0 &&
    hash === undefined &&
    !Object.hasOwn(KNOWN_HELPERS, (path as hbs.AST.PathExpression).parts[0] ?? '')
  );
}

/** A name with a space: no path of a template reaches it by accident. */
const URL_KEY = 'link url';
const KNOWN_HELPERS = {
  helperMissing: true,
  blockHelperMissing: true,
  each: true,
  if: true,
  unless: true,
  with: true,
  lookup: true,
  log: false,
  ...Object.fromEntries([...LINK_HELPERS.keys()].map((name) => [name, true])),
};

// Handlebars would tell the console of every path that meets a prototype; nobody reads that per message.
Handlebars.logger.level = Number.MAX_SAFE_INTEGER;
const HTML_ENGINE = openEngine((url) => new Handlebars.SafeString(escapeHtml(url)));
const TEXT_ENGINE = openEngine((url) => url);
/** Handlebars wraps every helper anew for every rendering; without any that costs nothing. */
const BARE_ENGINE = Handlebars.create();
for (const name of Object.keys(BARE_ENGINE.helpers)) BARE_ENGINE.unregisterHelper(name);

function openEngine(write: (url: string) => unknown): typeof Handlebars {
  const engine = Handlebars.create();
  engine.unregisterHelper('log');
  for (const name of LINK_HELPERS.keys()) {
    engine.registerHelper(
      name,
      (link: number, options: { readonly data: Record<string, Rendering['url']> }) =>
        write(options.data[URL_KEY]?.(link) ?? ''),
    );
  }
  return engine;
}

function numberLiteral(value: number, loc: hbs.AST.SourceLocation): hbs.AST.NumberLiteral {
  return { type: 'NumberLiteral', value, original: value, loc };
}

function isContent(node: hbs.AST.Statement): node is hbs.AST.ContentStatement {
  return node.type === 'ContentStatement';
}
