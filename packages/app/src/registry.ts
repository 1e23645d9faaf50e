/**
 * The registry: what every part of this process measures, as Prometheus reads it.
 *
 * One rule: this is the only place that knows Prometheus, and there is no global registry: whoever measures was handed a
 * meter. A value that a metric does not list is written as `other`, so no text of a mail or of a caller can ever become a label.
 *
 * @module
 */
import type { Exposition } from '@adieu/api';
import type { Labels, LabelValues, Mark, Meter, Metric } from '@adieu/core';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Metrics of one process. */
export interface Metrics extends Exposition {
  readonly meter: Meter;
}

/** Milliseconds that a gauge may take to read; then it is left out, so that an outage of the database can still be seen. */
const PATIENCE = 2_000;

/** Opens a registry, with what Node tells about the process: memory, CPU, lag of the event loop. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });

  const meter: Meter = {
    counter(metric) {
      const counter = new Counter({ ...described(metric), registers: [registry] });
      for (const labels of everyLabel(metric.labels)) counter.inc(labels, 0);
      return (labels, value) => counter.inc(known(metric, labels), value);
    },
    histogram(metric) {
      const { buckets } = metric;
      const histogram = new Histogram({
        ...described(metric),
        buckets: [...buckets],
        registers: [registry],
      });
      for (const labels of everyLabel(metric.labels)) histogram.zero(labels);
      return (labels, value) => histogram.observe(known(metric, labels), value);
    },
    gauge(metric, reading) {
      new Gauge({
        ...described(metric),
        registers: [registry],
        async collect() {
          const found: [Record<string, string>, number][] = [];
          const mark: Mark<typeof metric.labels> = (labels, value) => {
            found.push([known(metric, labels), value]);
          };
          const read = await inTime(reading(mark));
          this.reset();
          // A reset of a metric without labels is a zero, and nothing said so.
          if (Object.keys(metric.labels).length === 0) this.remove();
          if (read) for (const [labels, value] of found) this.set(labels, value);
        },
      });
    },
  };
  return {
    meter,
    type: registry.contentType,
    // Its spelling of no number, between two readings of the event loop, is not the format's.
    read: async () => (await registry.metrics()).replace(/ Nan$/gm, ' NaN'),
  };
}

function described({ name, meaning, labels }: Metric) {
  return { name, help: meaning, labelNames: Object.keys(labels) };
}

function known<L extends Labels>({ labels }: Metric<L>, given: LabelValues<L>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(labels).map(([name, values]) => {
      const value = given[name] ?? 'other';
      return [name, values.includes(value) ? value : 'other'];
    }),
  );
}

/** Each combination of values. */
function everyLabel(labels: Labels): Record<string, string>[] {
  return Object.entries(labels).reduce<Record<string, string>[]>(
    (sets, [name, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [name]: value }))),
    [{}],
  );
}

async function inTime(reading: void | Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE);
  });
  const read = Promise.resolve(reading).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([read, late]);
  } finally {
    clearTimeout(timer);
  }
}
