/**
 * Conditions over a profile: what a policy asks of its attributes and consents.
 *
 * One rule: what cannot be told does not hold, and its negation does not either. A value that is missing (or null), or
 * of another kind than the one it is compared with, answers no test but `exists`. Pure data: no code, no pattern, and
 * nothing of a profile but its own properties is ever read.
 *
 * @module
 */
import type { Consents } from './consent.ts';

/** What a value of a profile may be compared with. */
export type Scalar = string | number | boolean;

/** A word for a test with what it compares with. Texts are ordered by their UTF-16 units, so ISO dates by time. */
export interface Operators {
  readonly exists: boolean;
  readonly equals: Scalar;
  readonly in: readonly Scalar[];
  /** A list holds it, or a text has it within. */
  readonly contains: Scalar;
  readonly greater: string | number;
  readonly atLeast: string | number;
  readonly less: string | number;
  readonly atMost: string | number;
}

/** One value of the profile before one operator. `path`: dotted names from `attributes` or `consents` on. */
export type ValueTest = { readonly path: string } & {
  readonly [Word in keyof Operators]: { readonly [Key in Word]: Operators[Word] };
}[keyof Operators];

/** What has to hold. */
export type Condition =
  | { readonly all: readonly Condition[] }
  | { readonly any: readonly Condition[] }
  | { readonly not: Condition }
  | ValueTest;

/** Whom a condition is asked about. */
export interface Subject {
  readonly attributes: Readonly<Record<string, unknown>>;
  /** The profile's own, without `idSpecific`. */
  readonly consents: Consents;
}

/** The longest text that {@link describeSubject} quotes of one value, in characters. */
const QUOTE = 60;

/** A condition, ready to be asked often. Null where it cannot be told, which is as good as no. */
export type Question = (subject: Subject) => boolean | null;

/** Makes a condition ready; asking it is many times faster than reading it again for everybody. */
export function compileCondition(condition: Condition): Question {
  if ('all' in condition) return together(condition.all.map(compileCondition), true);
  if ('any' in condition) return together(condition.any.map(compileCondition), false);
  if ('not' in condition) {
    const question = compileCondition(condition.not);
    return (subject) => {
      const truth = question(subject);
      return truth === null ? null : !truth;
    };
  }
  const holds = compileTest(condition);
  const names = condition.path.split('.');
  return (subject) => holds(valueAt(names, subject));
}

/** Whether a test holds of a value; `undefined`: there is none. Null where it cannot be told. */
export function compileTest(test: ValueTest): (value: unknown) => boolean | null {
  if ('exists' in test) return (value) => (value !== undefined) === test.exists;
  if ('equals' in test) {
    return (value) => (typeof value === typeof test.equals ? value === test.equals : null);
  }
  if ('in' in test) {
    const values = new Set<unknown>(test.in);
    const kinds = new Set<string>(test.in.map((value) => typeof value));
    return (value) => (kinds.has(typeof value) ? values.has(value) : null);
  }
  if ('contains' in test) return (value) => containsValue(value, test.contains);
  if ('greater' in test) return ordered(test.greater, (sign) => sign > 0);
  if ('atLeast' in test) return ordered(test.atLeast, (sign) => sign >= 0);
  if ('less' in test) return ordered(test.less, (sign) => sign < 0);
  if ('atMost' in test) return ordered(test.atMost, (sign) => sign <= 0);
  // A word of a later version, in a database that went back: whoever wrote it wanted to narrow.
  return () => null;
}

/** What a condition saw, for people: each path once, with its value. */
export function describeSubject(condition: Condition, subject: Subject): string {
  const paths = new Set(testsOf(condition).map(({ path }) => path));
  return [...paths].map((path) => `${path}: ${quote(valueAt(path.split('.'), subject))}`).join('; ');
}

/** The value at a path; undefined where there is none. Lists and texts have no names inside. */
function valueAt(names: readonly string[], subject: Subject): unknown {
  let value: unknown = subject;
  for (const name of names) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value ?? undefined;
}

function testsOf(condition: Condition): readonly ValueTest[] {
  if ('all' in condition) return condition.all.flatMap(testsOf);
  if ('any' in condition) return condition.any.flatMap(testsOf);
  return 'not' in condition ? testsOf(condition.not) : [condition];
}

/** Holds when all do; with `wanted` false, when any does. What cannot be told leaves it open, unless another decides. */
function together(questions: readonly Question[], wanted: boolean): Question {
  return (subject) => {
    let open = false;
    for (const question of questions) {
      const truth = question(subject);
      if (truth === !wanted) return truth;
      if (truth === null) open = true;
    }
    return open ? null : wanted;
  };
}

function containsValue(value: unknown, wanted: Scalar): boolean | null {
  if (Array.isArray(value)) return value.includes(wanted);
  return typeof value === 'string' && typeof wanted === 'string' ? value.includes(wanted) : null;
}

function ordered(
  other: string | number,
  holds: (sign: number) => boolean,
): (value: unknown) => boolean | null {
  return (value) => {
    if (typeof value === 'number' && typeof other === 'number') return holds(value - other);
    if (typeof value !== 'string' || typeof other !== 'string') return null;
    return holds(value < other ? -1 : value > other ? 1 : 0);
  };
}

function quote(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  const characters = [...text.slice(0, 2 * QUOTE)];
  return characters.length > QUOTE ? `${characters.slice(0, QUOTE).join('')}…` : text;
}
