/**
 * Conditions that can never hold: found when a policy is written, since afterwards they only look like silence.
 *
 * One rule: what is found is certain, what is not found is not promised. Tests that have to hold together are held
 * against each other path by path; of an `any` every branch has to fail by itself.
 *
 * @module
 */
import { type Condition, compileTest, type Scalar, type ValueTest } from './condition.ts';

/** A condition and where it stands. */
export interface Placed {
  readonly condition: Condition;
  readonly place: string;
}

/** The place that cannot hold, and the earlier one that it cannot hold with; null where it takes several. */
export interface Contradiction {
  readonly place: string;
  readonly other: string | null;
}

interface PlacedTest {
  readonly test: ValueTest;
  readonly negated: boolean;
  readonly place: string;
}

interface Branch extends Placed {
  readonly negated: boolean;
}

/** What has to hold at once: tests, and of each choice one branch. */
interface Conjunction {
  readonly tests: PlacedTest[];
  readonly choices: (readonly Branch[])[];
}

/** Finds what keeps these conditions from ever holding together; null where nothing was found. */
export function findContradiction(conditions: readonly Placed[]): Contradiction | null {
  return contradictionOf(
    conditions.map((placed) => ({ ...placed, negated: false })),
    [],
  );
}

function contradictionOf(together: readonly Branch[], outer: readonly PlacedTest[]): Contradiction | null {
  const { tests, choices }: Conjunction = { tests: [...outer], choices: [] };
  for (const branch of together) gather(branch, { tests, choices });
  const found = clash(tests);
  if (found !== null) return found;
  for (const branches of choices) {
    let last: Contradiction | null = null;
    for (const branch of branches) {
      last = contradictionOf([branch], tests);
      if (last === null) break;
    }
    if (last !== null) return last;
  }
  return null;
}

/** Takes apart what holds only as a whole. A negation goes inwards: not all is any not, not any is all not. */
function gather({ condition, place, negated }: Branch, into: Conjunction): void {
  if ('not' in condition) {
    gather({ condition: condition.not, place: `${place}.not`, negated: !negated }, into);
  } else if ('all' in condition || 'any' in condition) {
    const word = 'all' in condition ? 'all' : 'any';
    const children = 'all' in condition ? condition.all : condition.any;
    const branches = children.map((child, index) => ({
      condition: child,
      place: `${place}.${word}.${index}`,
      negated,
    }));
    if ((word === 'all') === negated) into.choices.push(branches);
    else for (const branch of branches) gather(branch, into);
  } else into.tests.push({ test: condition, negated, place });
}

function clash(tests: readonly PlacedTest[]): Contradiction | null {
  const byPath = new Map<string, PlacedTest[]>();
  for (const test of tests) {
    const known = byPath.get(test.test.path) ?? [];
    const together = [...known, test];
    if (isImpossible(together)) {
      const other = known.find((one) => isImpossible([one, test]));
      return { place: test.place, other: other?.place ?? null };
    }
    byPath.set(test.test.path, together);
  }
  return null;
}

/** Whether no value passes all tests of one path. */
function isImpossible(tests: readonly PlacedTest[]): boolean {
  if (tests.some(wantsNothing)) return !tests.every(wantsNothing);
  const values = tests.map(valuesOf).find((found) => found !== null);
  if (values !== undefined && values !== null) return !values.some((value) => passes(tests, value));
  return haveNoKind(tests) || haveNoRoom(tests);
}

function wantsNothing({ test, negated }: PlacedTest): boolean {
  return 'exists' in test && test.exists === negated;
}

function passes(tests: readonly PlacedTest[], value: Scalar): boolean {
  return tests.every(({ test, negated }) => compileTest(test)(value) === !negated);
}

/** The only values that pass a test, where it names them. */
function valuesOf({ test, negated }: PlacedTest): readonly Scalar[] | null {
  if (negated) return null;
  if ('equals' in test) return [test.equals];
  return 'in' in test ? test.in : null;
}

/** Every test can be told of some kinds of values only. */
function haveNoKind(tests: readonly PlacedTest[]): boolean {
  let left: readonly string[] | null = null;
  for (const { test } of tests) {
    const kinds = kindsOf(test);
    if (kinds === null) continue;
    left = left === null ? kinds : left.filter((kind) => kinds.includes(kind));
  }
  return left?.length === 0;
}

function kindsOf(test: ValueTest): readonly string[] | null {
  if ('exists' in test) return null;
  if ('in' in test) return test.in.map((value) => typeof value);
  if ('contains' in test) return typeof test.contains === 'string' ? ['list', 'string'] : ['list'];
  if ('equals' in test) return [typeof test.equals];
  return [typeof boundOf(test)?.value];
}

interface Bound {
  readonly value: string | number;
  readonly side: 'lower' | 'upper';
  readonly strict: boolean;
}

/** Bounds of one kind that leave nothing between them. */
function haveNoRoom(tests: readonly PlacedTest[]): boolean {
  const bounds = tests.flatMap(({ test, negated }) => boundOf(test, negated) ?? []);
  return bounds.some((lower) =>
    bounds.some((upper) => {
      if (lower.side !== 'lower' || upper.side !== 'upper') return false;
      return lower.value > upper.value || (lower.value === upper.value && (lower.strict || upper.strict));
    }),
  );
}

function boundOf(test: ValueTest, negated = false): Bound | null {
  const bound = plainBoundOf(test);
  if (bound === null || !negated) return bound;
  return { ...bound, side: bound.side === 'lower' ? 'upper' : 'lower', strict: !bound.strict };
}

function plainBoundOf(test: ValueTest): Bound | null {
  if ('greater' in test) return { value: test.greater, side: 'lower', strict: true };
  if ('atLeast' in test) return { value: test.atLeast, side: 'lower', strict: false };
  if ('less' in test) return { value: test.less, side: 'upper', strict: true };
  if ('atMost' in test) return { value: test.atMost, side: 'upper', strict: false };
  return null;
}
