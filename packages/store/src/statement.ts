/**
 * Statements of the hot path: planned once per connection instead of once per call.
 *
 * One rule: only texts that are constants are prepared, so a connection never holds more statements than the
 * source has. Planning the opt-out statement costs more than running it.
 *
 * @module
 */
import { CompiledQuery } from 'kysely';
import type { Db } from './database.ts';

/** How a constant text is run. */
interface Preparation {
  readonly name: string;
  /** Milliseconds after which its connection is given up; undefined: as any other statement. */
  readonly patience: number | undefined;
}

const preparations = new Map<string, Preparation>();

/** A constant SQL text with `$1…` parameters and the shape of its rows. */
export interface Statement<Row> {
  readonly text: string;
  /** Never set; carries the type of a row. */
  readonly row?: Row;
}

/**
 * Declares a statement that is prepared under its name on every connection that runs it. With `patience` (milliseconds) a
 * connection that has gone silent is given up sooner: for statements that a person or a robot waits for.
 */
export function prepared<Row>(
  name: string,
  text: string,
  { patience }: { readonly patience?: number } = {},
): Statement<Row> {
  preparations.set(text, { name, patience });
  return { text };
}

/** A statement about the messages of one month, for any month (`YYYY-MM-01`). */
export type MonthlyStatement<Row> = (month: string) => Statement<Row>;

/**
 * Declares a statement that names the month's own tables. With the partitioned table in their place the planner
 * would have to guess over all months at once, and a month that is still empty would spoil the guess.
 */
export function preparedMonthly<Row>(
  name: string,
  text: (messages: string, events: string) => string,
): MonthlyStatement<Row> {
  const months = new Map<string, Statement<Row>>();
  return (month) => {
    const known = months.get(month);
    if (known !== undefined) return known;
    const suffix = /^(\d{4})-(\d{2})-01$/.exec(month)?.slice(1).join('_');
    if (suffix === undefined) throw new RangeError('not a month');
    const statement = prepared<Row>(`${name}_${suffix}`, text(`message_${suffix}`, `event_${suffix}`));
    months.set(month, statement);
    return statement;
  };
}

/** How a text is run, or undefined when it is not prepared. */
export function preparationOf(text: string): Preparation | undefined {
  return preparations.get(text);
}

/** Runs a statement and answers its rows. */
export async function run<Row>(
  db: Db,
  statement: Statement<Row>,
  parameters: readonly unknown[],
): Promise<Row[]> {
  const result = await db.executeQuery<Row>(CompiledQuery.raw(statement.text, [...parameters]));
  return result.rows;
}
