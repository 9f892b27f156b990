import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RunHelm } from './install-manifest.ts';

const ROOT = join(import.meta.dirname, '..');
const CHARTS_TEST = join(ROOT, 'test/integration/charts');

/** Where the goldens are, a folder for each chart. */
export const GOLDENS = join(CHARTS_TEST, 'goldens');

interface GoldenChart {
  readonly name: string;
  readonly release: string;
  readonly namespace: string;
  readonly flags: readonly string[];
  /** Folders of values files, each of which has a golden. */
  readonly values: readonly string[];
}

const CHARTS: readonly GoldenChart[] = [
  {
    name: 'gpu-classroom',
    release: 'school',
    namespace: 'gpu-classroom',
    // Kinds and dashboards are compared as they are generated.
    flags: [
      '--set=crds.install=false',
      '--set=monitoring.dashboards.enabled=false',
      '--api-versions=monitoring.coreos.com/v1/ServiceMonitor',
      '--api-versions=monitoring.coreos.com/v1/PrometheusRule',
    ],
    values: ['charts/gpu-classroom/examples', 'test/integration/charts/values'],
  },
  {
    name: 'classroom',
    release: 'python-101',
    namespace: 'python-101',
    flags: [],
    values: ['charts/classroom/examples'],
  },
];

export interface ChartGolden {
  /** Absolute. */
  readonly path: string;
  /** What Helm renders now. */
  readonly content: string;
}

/** What both charts render with their defaults and each of their values files, hooks included. */
export async function chartGoldens(helm: RunHelm): Promise<ChartGolden[]> {
  const goldens = await Promise.all(
    CHARTS.map(async (chart) => {
      const files = await Promise.all(chart.values.map(valuesFilesIn));
      const cases = [undefined, ...files.flat()];
      return Promise.all(cases.map((file) => golden(chart, file, helm)));
    }),
  );
  return goldens.flat();
}

async function valuesFilesIn(folder: string): Promise<string[]> {
  return (await readdir(join(ROOT, folder))).sort().map((file) => join(ROOT, folder, file));
}

async function golden(chart: GoldenChart, values: string | undefined, helm: RunHelm): Promise<ChartGolden> {
  const content = await helm(
    'template',
    chart.release,
    join(ROOT, 'charts', chart.name),
    `--namespace=${chart.namespace}`,
    ...(values === undefined ? [] : [`--values=${values}`]),
    ...chart.flags,
  );
  const name = values === undefined ? 'defaults.yaml' : basename(values);
  return { path: join(GOLDENS, chart.name, name), content };
}
