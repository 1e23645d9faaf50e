/**
 * Columns of a CSV file, and where in a profile their values go.
 *
 * `email`, `id` and a few everyday names have a place of their own, however they are spelt (`First name`,
 * `first_name`); every other column is a dotted path: `loyalty.points` of the attributes, or one that begins with
 * `identities.`, `attributes.`, `consents.` or `context.`. An empty cell says nothing.
 *
 * @module
 */

/** What a row says of one person. */
export interface PersonRecord {
  readonly identities: Readonly<Record<string, string>>;
  readonly attributes?: Readonly<Record<string, unknown>>;
  readonly consents?: Readonly<Record<string, unknown>>;
  /** For this sending only. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/** A place in a {@link PersonRecord}. */
export type Place = readonly string[];

const EVERYDAY: Readonly<Record<string, Place>> = {
  email: ['identities', 'Email'],
  emailaddress: ['identities', 'Email'],
  mail: ['identities', 'Email'],
  id: ['identities', 'CRMID'],
  crmid: ['identities', 'CRMID'],
  firstname: ['attributes', 'person', 'name', 'firstName'],
  lastname: ['attributes', 'person', 'name', 'lastName'],
  fullname: ['attributes', 'person', 'name', 'fullName'],
  language: ['attributes', 'preferredLanguage'],
  city: ['attributes', 'homeAddress', 'city'],
  country: ['attributes', 'homeAddress', 'country'],
};

const ROOTS = new Set(['identities', 'attributes', 'consents', 'context']);
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** The place of a column, or null where its name leads nowhere. */
export function placeOf(column: string): Place | null {
  const name = column.trim();
  const everyday = EVERYDAY[name.toLowerCase().replace(/[\s_-]/g, '')];
  if (everyday !== undefined && !name.includes('.')) return everyday;
  const parts = name.split('.');
  if (parts.some((part) => part === '' || FORBIDDEN.has(part))) return null;
  const [root = ''] = parts;
  if (!ROOTS.has(root)) return ['attributes', ...parts];
  return parts.length > 1 ? parts : null;
}

/** A person out of the cells of a row; null when the row names nobody. */
export function readRow(places: readonly Place[], cells: readonly string[]): PersonRecord | null {
  const record: Tree = {};
  for (const [index, place] of places.entries()) {
    const cell = cells[index]?.trim() ?? '';
    if (cell !== '') put(record, place, cell);
  }
  return record.identities === undefined ? null : (record as unknown as PersonRecord);
}

/** Two columns of which one is a place inside the other's value cannot both be kept. */
export function findConflict(places: readonly Place[]): string | null {
  const paths = places.map((place) => place.join('.'));
  const at = paths.findIndex((path, index) =>
    paths.some(
      (other, place) => place !== index && (other === path ? place < index : other.startsWith(`${path}.`)),
    ),
  );
  return at === -1 ? null : (paths[at] ?? null);
}

interface Tree {
  [key: string]: Tree | string;
}

function put(tree: Tree, place: Place, value: string): void {
  const [key, ...rest] = place;
  if (key === undefined) return;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const known = tree[key];
  const child: Tree = typeof known === 'object' ? known : {};
  tree[key] = child;
  put(child, rest, value);
}
