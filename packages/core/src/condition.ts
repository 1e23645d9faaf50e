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

/** Whether a condition holds; null where that cannot be told, which is as good as no. */
export function truthOf(condition: Condition, subject: Subject): boolean | null {
  if ('all' in condition) return everyTruth(condition.all, subject, true);
  if ('any' in condition) return everyTruth(condition.any, subject, false);
  if ('not' in condition) {
    const truth = truthOf(condition.not, subject);
    return truth === null ? null : !truth;
  }
  return truthOfTest(condition, valueAt(condition.path, subject));
}

/** Whether a test holds of a value; `undefined`: there is none. */
export function truthOfTest(test: ValueTest, value: unknown): boolean | null {
  if ('exists' in test) return (value !== undefined) === test.exists;
  if (value === undefined) return null;
  if ('equals' in test) return isOfKind(value, test.equals) ? value === test.equals : null;
  if ('in' in test) {
    if (!test.in.some((one) => isOfKind(value, one))) return null;
    return (test.in as readonly unknown[]).includes(value);
  }
  if ('contains' in test) return containsValue(value, test.contains);
  if ('greater' in test) return order(value, test.greater, (sign) => sign > 0);
  if ('atLeast' in test) return order(value, test.atLeast, (sign) => sign >= 0);
  if ('less' in test) return order(value, test.less, (sign) => sign < 0);
  if ('atMost' in test) return order(value, test.atMost, (sign) => sign <= 0);
  // A word of a later version, in a database that went back: whoever wrote it wanted to narrow.
  return null;
}

/** What a condition saw, for people: each path once, with its value. */
export function describeSubject(condition: Condition, subject: Subject): string {
  const paths = new Set(testsOf(condition).map(({ path }) => path));
  return [...paths].map((path) => `${path}: ${quote(valueAt(path, subject))}`).join('; ');
}

/** The value at a path; undefined where there is none. Lists and texts have no names inside. */
function valueAt(path: string, subject: Subject): unknown {
  let value: unknown = subject;
  for (const name of path.split('.')) {
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

/** All of them are `wanted`, or one is not; else one is open and decides. With `wanted` false: any of them holds. */
function everyTruth(conditions: readonly Condition[], subject: Subject, wanted: boolean): boolean | null {
  let open = false;
  for (const condition of conditions) {
    const truth = truthOf(condition, subject);
    if (truth === !wanted) return !wanted;
    if (truth === null) open = true;
  }
  return open ? null : wanted;
}

function isOfKind(value: unknown, other: Scalar): boolean {
  return typeof value === typeof other;
}

function containsValue(value: unknown, wanted: Scalar): boolean | null {
  if (Array.isArray(value)) return value.includes(wanted);
  return typeof value === 'string' && typeof wanted === 'string' ? value.includes(wanted) : null;
}

function order(value: unknown, other: string | number, holds: (sign: number) => boolean): boolean | null {
  if (typeof value === 'number' && typeof other === 'number') return holds(value - other);
  if (typeof value !== 'string' || typeof other !== 'string') return null;
  return holds(value < other ? -1 : value > other ? 1 : 0);
}

function quote(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value);
  const characters = [...text.slice(0, 2 * QUOTE)];
  return characters.length > QUOTE ? `${characters.slice(0, QUOTE).join('')}…` : text;
}
