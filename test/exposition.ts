/**
 * Metrics as Prometheus reads them: a small reader of its text format, which shares nothing with what writes it.
 *
 * The rule: what Prometheus would refuse is refused here: a sample without its HELP and TYPE, a series twice, a histogram whose
 * buckets shrink or do not add up.
 *
 * @module
 */

/** What was scraped. */
export interface Exposition {
  /** Every name with its type. */
  readonly types: ReadonlyMap<string, string>;
  /** The value of a series; undefined where there is none. */
  value(name: string, labels?: Readonly<Record<string, string>>): number | undefined;
  readonly series: readonly Sample[];
}

/** One line. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(?:,|$)/gy;

/** Reads a whole exposition. Throws at the first line that is not right. */
export function readExposition(text: string): Exposition {
  const types = new Map<string, string>();
  const helped = new Set<string>();
  const series: Sample[] = [];
  const seen = new Set<string>();
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (comment !== null) {
      const [, what = '', name = '', rest = ''] = comment;
      if (what === 'HELP') helped.add(name);
      else types.set(name, rest);
      continue;
    }
    const sample = readSample(line);
    const family = types.has(sample.name) ? sample.name : sample.name.replace(/_(?:bucket|sum|count)$/, '');
    if (!types.has(family) || !helped.has(family)) throw new Error(`no HELP and TYPE: ${line}`);
    const key = keyOf(sample.name, sample.labels);
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    series.push(sample);
  }
  checkHistograms(types, series);
  const values = new Map(series.map(({ name, labels, value }) => [keyOf(name, labels), value]));
  return { types, series, value: (name, labels = {}) => values.get(keyOf(name, labels)) };
}

function readSample(line: string): Sample {
  const [, name = '', braces = '', number = ''] = LINE.exec(line) ?? [];
  const labels: Record<string, string> = {};
  let read = 0;
  for (const [whole, label = '', value = ''] of braces.matchAll(LABEL)) {
    labels[label] = value;
    read += whole.length;
  }
  const value = number === '+Inf' ? Number.POSITIVE_INFINITY : Number(number);
  if (name === '' || read !== braces.length || (Number.isNaN(value) && number !== 'NaN'))
    throw new Error(`no sample: ${line}`);
  return { name, labels, value };
}

function checkHistograms(types: ReadonlyMap<string, string>, series: readonly Sample[]): void {
  const rows = new Map<string, Sample[]>();
  for (const sample of series) {
    const { le, ...labels } = sample.labels;
    const family = sample.name.replace(/_bucket$/, '');
    if (le === undefined || types.get(family) !== 'histogram') continue;
    const key = keyOf(family, labels);
    rows.set(key, [...(rows.get(key) ?? []), sample]);
  }
  for (const [key, buckets] of rows) {
    const counts = buckets.map(({ value }) => value);
    const grows = counts.every((count, index) => index === 0 || count >= (counts[index - 1] ?? 0));
    if (!grows || buckets.at(-1)?.labels.le !== '+Inf') throw new Error(`no histogram: ${key}`);
  }
}

function keyOf(name: string, labels: Readonly<Record<string, string>>): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
}
