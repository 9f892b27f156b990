/** A dashboard as data: what to show. How Grafana is told is in `grafana.ts`. */
export interface Dashboard {
  /** Of the file, and part of Grafana's uid. */
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** Chosen by whoever looks; queries name them as `$name`. */
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** A series that has the values, and the label that they are in. */
  readonly series: string;
  readonly seriesLabel: string;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export type Panel = FigurePanel | GraphPanel | NotePanel;

interface WithQueries {
  readonly title: string;
  /** What one sees, and when to worry. */
  readonly description: string;
  /** Grafana's name of it: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/#unit */
  readonly unit: Unit;
  readonly queries: readonly Query[];
}

/** One figure for each query. */
export interface FigurePanel extends WithQueries {
  readonly kind: 'figure';
}

/** Lines over time. */
export interface GraphPanel extends WithQueries {
  readonly kind: 'graph';
  /** One upon the other, where the sum says something. */
  readonly stacked?: boolean;
}

/** Text in Markdown. */
export interface NotePanel {
  readonly kind: 'note';
  readonly title: string;
  readonly text: string;
}

export interface Query {
  /** PromQL. `$__rate_interval` is Grafana's: at least four scrapes. */
  readonly expr: string;
  /** Of each result, such as `{{classroom}}`. */
  readonly legend: string;
}

export type Unit =
  | 'short'
  | 's'
  | 'bytes'
  | 'percentunit'
  | 'reqps'
  | 'ops'
  | 'suffix: tokens'
  | 'suffix: tokens/s';

/** Quantiles of a histogram as queries. */
export function quantiles(buckets: string, by: readonly string[] = []): Query[] {
  const labels = ['le', ...by].join(', ');
  const suffix = by.map((label) => ` {{${label}}}`).join('');
  return [0.5, 0.95].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (${labels}) (rate(${buckets}[$__rate_interval])))`,
    legend: `${quantile === 0.5 ? 'half are below' : '95 % are below'}${suffix}`,
  }));
}
