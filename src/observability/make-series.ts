import { Counter, Gauge, Histogram, Registry } from 'prom-client';

type Common<L extends string> = {
  name: string;
  help: string;
  labels: readonly L[];
  /**
   * `process`: the work or the state of this process. The processes of a container are added up (`across: 'sum'`), or the largest value
   * counts where a sum means nothing. `installation`: a value that all replicas share, such as the depth of a queue. Every replica answers
   * the same, so over replicas `max` is right and `sum` is not.
   */
  scope: 'process' | 'installation';
  across: 'sum' | 'max';
  /** Its values are computed at each scrape. */
  live: boolean;
};

export type CounterSpec<L extends string> = Common<L> & { type: 'counter' };
export type GaugeSpec<L extends string> = Common<L> & { type: 'gauge' };
export type HistogramSpec<L extends string> = Common<L> & { type: 'histogram'; buckets: readonly number[] };

/** The declaration of one metric: everything but its values. */
export type SeriesSpec = CounterSpec<string> | GaugeSpec<string> | HistogramSpec<string>;

/** A count of this process. */
export function counter<const L extends string>(name: string, help: string, labels: readonly L[] = []): CounterSpec<L> {
  return { type: 'counter', name, help, labels, scope: 'process', across: 'sum', live: false };
}

/** A counter that is kept elsewhere for all replicas and read at each scrape. */
export function sharedCounter<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): CounterSpec<L> {
  return { ...counter(name, help, labels), scope: 'installation', across: 'max', live: true };
}

/** A state of this process. */
export function gauge<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[] = [],
  across: 'sum' | 'max' = 'sum',
): GaugeSpec<L> {
  return { type: 'gauge', name, help, labels, scope: 'process', across, live: false };
}

/** A state of this process that is computed at each scrape. */
export function liveGauge<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[] = [],
  across: 'sum' | 'max' = 'sum',
): GaugeSpec<L> {
  return { ...gauge(name, help, labels, across), live: true };
}

/** A state that all replicas share, read at each scrape. */
export function sharedGauge<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[] = [],
): GaugeSpec<L> {
  return { type: 'gauge', name, help, labels, scope: 'installation', across: 'max', live: true };
}

/** Durations in seconds. */
export function histogram<const L extends string>(
  name: string,
  help: string,
  labels: readonly L[],
  buckets: readonly number[],
): HistogramSpec<L> {
  return { type: 'histogram', name, help, labels, scope: 'process', across: 'sum', live: false, buckets };
}

/** Computes the values of the live series of a scope. */
export type Readers = Readonly<Record<SeriesSpec['scope'], () => void | Promise<void>>>;

/** The metric that a declaration becomes. */
type Made<S> =
  S extends CounterSpec<infer L>
    ? Counter<L>
    : S extends GaugeSpec<infer L>
      ? Gauge<L>
      : S extends HistogramSpec<infer L>
        ? Histogram<L>
        : never;

/** The metrics that a list of declarations becomes. */
export type MadeOf<S> = { readonly [name in keyof S]: Made<S[name]> };

/** Puts all metrics into one registry. A live series without labels shows nothing before it has been read. */
export function makeSeries<S extends Readonly<Record<string, SeriesSpec>>>(
  specs: S,
  readers: Readers,
): { registry: Registry; series: MadeOf<S> } {
  const registry = new Registry();
  const made = Object.entries(specs).map(([key, spec]) => [key, makeOne(spec, registry, readers)]);
  return { registry, series: Object.fromEntries(made) };
}

function makeOne(spec: SeriesSpec, registry: Registry, readers: Readers) {
  const { across, help, labels, live, name, scope } = spec;
  const common = { name, help, labelNames: labels, aggregator: across, registers: [registry] };
  if (spec.type === 'histogram') return new Histogram({ ...common, buckets: [...spec.buckets] });
  const config = { ...common, ...(live && { collect: readers[scope] }) };
  const made = spec.type === 'counter' ? new Counter(config) : new Gauge(config);
  if (live && labels.length === 0) made.remove();
  return made;
}
