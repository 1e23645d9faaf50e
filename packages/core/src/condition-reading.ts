/**
 * Conditions from strangers: read into {@link Condition}, or refused with the place that is to blame.
 *
 * One rule: what is let through is small, flat and can hold. A name that consents do not have, or a value that no
 * consent takes, would stop everybody for a typing error, so both are refused.
 *
 * @module
 */
import type { Condition, Operators, Scalar, ValueTest } from './condition.ts';
import { findContradiction } from './condition-contradiction.ts';
import { isConsentValue } from './consent.ts';
import { hasControlCharacter } from './control-character.ts';
import { Failure } from './failure.ts';

/** How large a condition may be: levels, nodes, octets of JSON, values of one `in`, octets of a text. */
export const CONDITION_LIMITS = { depth: 8, nodes: 64, octets: 16_384, values: 100, text: 255 } as const;

const OPERATORS = [
  'exists',
  'equals',
  'in',
  'contains',
  'greater',
  'atLeast',
  'less',
  'atMost',
] as const satisfies readonly (keyof Operators)[];
const WORDS: readonly string[] = ['all', 'any', 'not', 'path', ...OPERATORS];
/** Half of a surrogate pair: no database keeps it. */
const LONE_SURROGATE = /\p{Cs}/u;
const PATH_STEPS = 10;
const NAME_OCTETS = 100;

/** Names below a name; null: a value. `*` stands for names that a document chooses. */
interface Names {
  readonly [name: string]: Names | null;
}

const CHOICE: Names = { val: null, time: null, reason: null };
const SUBSCRIPTION: Names = {
  ...CHOICE,
  start: null,
  end: null,
  type: null,
  subscribers: { '*': { time: null, source: null } },
};
const CHANNEL: Names = { ...CHOICE, subscriptions: { '*': SUBSCRIPTION } };
const MARKETING: Names = {
  any: CHOICE,
  preferred: CHOICE,
  email: CHANNEL,
  sms: CHANNEL,
  push: CHANNEL,
  whatsApp: CHANNEL,
  call: CHOICE,
  fax: CHOICE,
  commercialEmail: CHOICE,
  postalMail: CHOICE,
};
/** Below `consents`; what belongs to one address is asked by the gate itself. */
const CONSENTS: Names = {
  marketing: MARKETING,
  collect: CHOICE,
  share: CHOICE,
  personalize: { content: CHOICE },
  adID: CHOICE,
  metadata: { time: null },
};

interface Reading {
  nodes: number;
}

/**
 * Reads a condition. Throws a {@link Failure} with the place as its field: `condition_invalid`, `condition_too_deep`,
 * `condition_too_large`, or `condition_contradictory` for one that can never hold.
 */
export function readCondition(value: unknown, place = 'condition'): Condition {
  const condition = readNode(value, { place, depth: 1, reading: { nodes: 0 } });
  if (Buffer.byteLength(JSON.stringify(condition)) > CONDITION_LIMITS.octets) {
    throw tooLarge(`At most ${CONDITION_LIMITS.octets} octets of JSON.`, place);
  }
  const found = findContradiction([{ condition, place }]);
  if (found === null) return condition;
  const other = found.other === null ? 'what stands before it' : found.other;
  const detail = `This can never hold together with ${other}: nobody would get mail.`;
  throw new Failure('condition_contradictory', detail, { field: found.place });
}

interface Position {
  readonly place: string;
  readonly depth: number;
  readonly reading: Reading;
}

function readNode(value: unknown, { place, depth, reading }: Position): Condition {
  if (depth > CONDITION_LIMITS.depth) {
    throw new Failure('condition_too_deep', `At most ${CONDITION_LIMITS.depth} levels.`, { field: place });
  }
  reading.nodes += 1;
  if (reading.nodes > CONDITION_LIMITS.nodes)
    throw tooLarge(`At most ${CONDITION_LIMITS.nodes} parts.`, place);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalid('A condition is an object: all, any, not, or a path with a test.', place);
  }
  const node = value as Readonly<Record<string, unknown>>;
  const words = Object.keys(node);
  const stranger = words.find((word) => !WORDS.includes(word));
  if (stranger !== undefined)
    throw invalid(`There is no ${JSON.stringify(stranger.slice(0, 100))} here.`, place);
  const [word] = words;
  if (words.includes('path')) return readTest(node, place);
  if (words.length !== 1 || (word !== 'all' && word !== 'any' && word !== 'not')) {
    throw invalid('Exactly one of all, any, not, or a path with a test.', place);
  }
  const below = (child: unknown, step: string) =>
    readNode(child, { place: `${place}.${step}`, depth: depth + 1, reading });
  if (word === 'not') return { not: below(node.not, 'not') };
  const list = node[word];
  if (!Array.isArray(list) || list.length === 0) {
    throw invalid(`${word} is a list of at least one condition.`, `${place}.${word}`);
  }
  const conditions: Condition[] = [];
  for (const [index, child] of list.entries()) conditions.push(below(child, `${word}.${index}`));
  return word === 'all' ? { all: conditions } : { any: conditions };
}

function readTest(node: Readonly<Record<string, unknown>>, place: string): ValueTest {
  const operators = OPERATORS.filter((word) => Object.hasOwn(node, word));
  const [operator] = operators;
  if (operator === undefined || Object.keys(node).length !== 2) {
    throw invalid(`A path goes with exactly one of ${OPERATORS.join(', ')}.`, place);
  }
  const path = readPath(node.path, operator, `${place}.path`);
  const value = node[operator];
  checkOperand(operator, value, `${place}.${operator}`);
  if (isConsentPath(path) && (operator === 'equals' || operator === 'in')) {
    checkConsentValues(value, `${place}.${operator}`);
  }
  // Nothing that the caller holds goes on into what is kept.
  return { path, [operator]: Array.isArray(value) ? [...value] : value } as ValueTest;
}

function readPath(value: unknown, operator: keyof Operators, place: string): string {
  if (typeof value !== 'string') throw invalid('A path is a text such as attributes.country.', place);
  const [root, ...names] = value.split('.');
  if ((root !== 'attributes' && root !== 'consents') || names.length === 0) {
    throw invalid('A path begins with attributes. or consents.', place);
  }
  if (names.length > PATH_STEPS || !names.every(isName)) {
    const detail = `A path has at most ${PATH_STEPS} names of 1 to ${NAME_OCTETS} octets, without control characters.`;
    throw invalid(detail, place);
  }
  if (root === 'attributes') return value;
  if (names[0] === 'idSpecific') {
    throw invalid('What was said about an address is asked of every message; no policy can ask it.', place);
  }
  const found = below(CONSENTS, names);
  if (found === undefined || found === MARKETING) throw invalid('Consents have no such name.', place);
  if (found !== null && operator !== 'exists') {
    throw invalid('This holds names and is no value: only exists can ask it.', place);
  }
  return value;
}

/** What stands at a path; undefined where consents have nothing of that name. */
function below(names: Names, path: readonly string[]): Names | null | undefined {
  let found: Names | null | undefined = names;
  for (const name of path) {
    if (found === undefined || found === null) return undefined;
    found = found[Object.hasOwn(found, name) ? name : '*'];
  }
  return found;
}

function isName(name: string): boolean {
  return name !== '' && Buffer.byteLength(name) <= NAME_OCTETS && isCleanText(name);
}

function isCleanText(text: string): boolean {
  return !hasControlCharacter(text) && !LONE_SURROGATE.test(text);
}

function checkOperand(operator: keyof Operators, value: unknown, place: string): void {
  if (operator === 'exists') {
    if (typeof value !== 'boolean') throw invalid('exists is true or false.', place);
  } else if (operator === 'in') {
    const fits = Array.isArray(value) && value.length > 0 && value.length <= CONDITION_LIMITS.values;
    if (!fits) throw invalid(`in is a list of 1 to ${CONDITION_LIMITS.values} values.`, place);
    if (!value.every(isScalar)) throw invalid(SCALAR, place);
  } else if (!isScalar(value)) throw invalid(SCALAR, place);
  else if (typeof value === 'boolean' && operator !== 'equals' && operator !== 'contains') {
    throw invalid('Only numbers and texts have an order.', place);
  }
}

const SCALAR = `A value is a text of at most ${CONDITION_LIMITS.text} octets without control characters, a number, true or false.`;

function isScalar(value: unknown): value is Scalar {
  if (typeof value === 'string') {
    return Buffer.byteLength(value) <= CONDITION_LIMITS.text && isCleanText(value);
  }
  return typeof value === 'boolean' || Number.isFinite(value);
}

/** Where a consent value stands; the preferred channel is no consent. */
function isConsentPath(path: string): boolean {
  return path.startsWith('consents.') && path.endsWith('.val') && path !== 'consents.marketing.preferred.val';
}

function checkConsentValues(value: unknown, place: string): void {
  for (const one of Array.isArray(value) ? value : [value]) {
    if (!isConsentValue(one)) throw invalid(`${JSON.stringify(one)} is no consent value.`, place);
  }
}

function invalid(detail: string, field: string): Failure {
  return new Failure('condition_invalid', detail, { field });
}

function tooLarge(detail: string, field: string): Failure {
  return new Failure('condition_too_large', detail, { field });
}
