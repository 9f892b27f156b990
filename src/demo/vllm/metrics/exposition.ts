/** Label names and values of one series. */
export type Labels = Readonly<Record<string, string>>;

const escapeValue = (value: string): string =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

/** `{a="1",b="2"}` with names in order, as Python's client writes it. */
export function labelText(labels: Labels): string {
  const entries = Object.entries(labels).sort(([one], [other]) => (one < other ? -1 : 1));
  return entries.length === 0
    ? ''
    : `{${entries.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(',')}}`;
}

/** Python's spelling of a float: 1.0, 0.25, 1.5e-07, +Inf. */
export function floatText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return '+Inf';
  return Number.isInteger(value) && Math.abs(value) < 1e16 ? `${value}.0` : String(value);
}

/** One series of a counter or gauge. */
export interface Cell {
  value: number;
  readonly createdSeconds: number;
}

/** One series of a histogram. */
export class HistogramCell {
  readonly createdSeconds: number;
  readonly counts: number[];
  readonly #bounds: readonly number[];
  sum = 0;
  count = 0;

  constructor(bounds: readonly number[], createdSeconds: number) {
    this.#bounds = bounds;
    this.counts = bounds.map(() => 0);
    this.createdSeconds = createdSeconds;
  }

  /** @param times how often the same value was seen */
  observe(value: number, times = 1): void {
    this.sum += value * times;
    this.count += times;
    const index = this.#bounds.findIndex((bound) => value <= bound);
    if (index >= 0) this.counts[index] = (this.counts[index] ?? 0) + times;
  }
}

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** Python's client adds a gauge with the time of creation to everything but gauges. */
  readonly createdName: string | undefined;
  /** The lines of all series. */
  readonly lines: () => string[];
  readonly createdLines: () => string[];
}

/** Anything with labels: finds the series of some labels, or makes it. */
class Series<T> {
  readonly #cells = new Map<string, { readonly labels: Labels; readonly cell: T }>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  with(labels: Labels): T {
    const key = labelText(labels);
    const found = this.#cells.get(key);
    if (found !== undefined) return found.cell;
    const cell = this.#make();
    this.#cells.set(key, { labels, cell });
    return cell;
  }

  lines(write: (labels: Labels, cell: T) => string[]): string[] {
    return [...this.#cells.values()].flatMap(({ labels, cell }) => write(labels, cell));
  }
}

/**
 * A metrics registry that writes what Python's prometheus_client 0.x writes, `_created` series and `1.0` included,
 * because that is what readers of vLLM's metrics meet.
 */
export class Registry {
  readonly #families: Family[] = [];
  readonly #nowSeconds: () => number;

  constructor(nowSeconds: () => number) {
    this.#nowSeconds = nowSeconds;
  }

  /** @param name with `_total` */
  counter(name: string, help: string): Series<Cell> {
    return this.#simple(name, help, 'counter', `${name.replace(/_total$/, '')}_created`);
  }

  /** A counter that other code keeps, without a `_created` series. */
  bareCounter(name: string, help: string): Series<Cell> {
    return this.#simple(name, help, 'counter', undefined);
  }

  gauge(name: string, help: string): Series<Cell> {
    return this.#simple(name, help, 'gauge', undefined);
  }

  histogram(name: string, help: string, bounds: readonly number[]): Series<HistogramCell> {
    const all = [...bounds, Number.POSITIVE_INFINITY];
    const series = new Series(() => new HistogramCell(all, this.#nowSeconds()));
    this.#families.push({
      name,
      help,
      type: 'histogram',
      createdName: `${name}_created`,
      lines: () =>
        series.lines((labels, cell) => {
          let total = 0;
          const buckets = all.map((bound, index) => {
            total += cell.counts[index] ?? 0;
            return `${name}_bucket${labelText({ ...labels, le: floatText(bound) })} ${floatText(total)}`;
          });
          const text = labelText(labels);
          return [
            ...buckets,
            `${name}_count${text} ${floatText(cell.count)}`,
            `${name}_sum${text} ${floatText(cell.sum)}`,
          ];
        }),
      createdLines: () => series.lines((labels, cell) => [created(name, labels, cell.createdSeconds)]),
    });
    return series;
  }

  /** A summary without quantiles: count and sum. */
  summary(name: string, help: string): Series<HistogramCell> {
    const series = new Series(() => new HistogramCell([], this.#nowSeconds()));
    this.#families.push({
      name,
      help,
      type: 'summary',
      createdName: `${name}_created`,
      lines: () =>
        series.lines((labels, { count, sum }) => {
          const text = labelText(labels);
          return [`${name}_count${text} ${floatText(count)}`, `${name}_sum${text} ${floatText(sum)}`];
        }),
      createdLines: () => series.lines((labels, cell) => [created(name, labels, cell.createdSeconds)]),
    });
    return series;
  }

  /** All metrics in the text format. */
  render(): string {
    const parts = this.#families.flatMap(({ name, help, type, createdName, lines, createdLines }) => {
      const own = [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines()];
      if (createdName === undefined) return own;
      return [...own, `# HELP ${createdName} ${help}`, `# TYPE ${createdName} gauge`, ...createdLines()];
    });
    return `${parts.join('\n')}\n`;
  }

  #simple(
    name: string,
    help: string,
    type: 'counter' | 'gauge',
    createdName: string | undefined,
  ): Series<Cell> {
    const series = new Series<Cell>(() => ({ value: 0, createdSeconds: this.#nowSeconds() }));
    this.#families.push({
      name,
      help,
      type,
      createdName,
      lines: () => series.lines((labels, { value }) => [`${name}${labelText(labels)} ${floatText(value)}`]),
      createdLines: () =>
        series.lines((labels, cell) => [
          `${createdName}${labelText(labels)} ${floatText(cell.createdSeconds)}`,
        ]),
    });
    return series;
  }
}

const created = (name: string, labels: Labels, seconds: number): string =>
  `${name}_created${labelText(labels)} ${floatText(seconds)}`;

export type { Series };
