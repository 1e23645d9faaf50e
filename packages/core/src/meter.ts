/**
 * What every part of Adieu is handed to be measured with, as it is handed a log.
 *
 * One rule: a label has a handful of values that are known beforehand and say nothing about anybody: never an address, a
 * domain, a token or an id. So each metric lists them, and what is not listed cannot be written.
 *
 * @module
 */

/** The labels of a metric and every value that each may have. */
export type Labels = Readonly<Record<string, readonly string[]>>;

/** One value for each label. */
export type LabelValues<L extends Labels> = { readonly [Name in keyof L]: L[Name][number] };

/** A metric. */
export interface Metric<L extends Labels = Labels> {
  /** As Prometheus names it: with its unit, in base units, counters with `_total`. */
  readonly name: string;
  /** One sentence for whoever reads it in a graph. */
  readonly meaning: string;
  readonly labels: L;
}

/** A metric of which the distribution counts. */
export interface Distribution<L extends Labels = Labels> extends Metric<L> {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** Writes one value. */
export type Mark<L extends Labels> = (labels: LabelValues<L>, value: number) => void;

/** Where a part is measured. Each metric is opened once in a process. */
export interface Meter {
  /** What only grows; begins at 0 for all its labels. */
  counter<const L extends Labels>(metric: Metric<L>): Mark<L>;
  histogram<const L extends Labels>(metric: Distribution<L>): Mark<L>;
  /** What goes up and down: read whenever somebody asks. What is not marked then is left out. */
  gauge<const L extends Labels>(metric: Metric<L>, read: (mark: Mark<L>) => void | Promise<void>): void;
}

/** The meter of a caller who does not want one. */
export const UNMETERED: Meter = {
  counter: () => () => undefined,
  histogram: () => () => undefined,
  gauge: () => undefined,
};

/** Seconds that a person, a provider or an operator waits: upper bounds of a distribution. */
export const WAITING_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
