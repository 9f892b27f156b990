import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CHARTS } from './helm.ts';

const FOLDER = join(CHARTS.gpuClassroom, 'files/dashboards');

const targetSchema = z.object({ expr: z.string(), legendFormat: z.string() });
const gridPosSchema = z.object({ x: z.number(), y: z.number(), w: z.number(), h: z.number() });

/** What Grafana reads, as far as the tests look at it. https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/ */
const dashboardSchema = z.object({
  uid: z.string(),
  title: z.string(),
  templating: z.object({
    list: z.array(z.object({ type: z.string(), name: z.string(), query: z.string() })),
  }),
  panels: z.array(
    z.object({
      type: z.string(),
      title: z.string(),
      description: z.string().optional(),
      gridPos: gridPosSchema,
      targets: z.array(targetSchema).default([]),
    }),
  ),
});

export type GrafanaDashboard = z.infer<typeof dashboardSchema>;

/** The dashboards of the chart by their files' names without `.json`. */
export async function grafanaDashboards(): Promise<Map<string, GrafanaDashboard>> {
  const dashboards = new Map<string, GrafanaDashboard>();
  for (const file of (await readdir(FOLDER)).sort()) {
    const content: unknown = JSON.parse(await readFile(join(FOLDER, file), 'utf8'));
    dashboards.set(file.replace(/\.json$/, ''), dashboardSchema.parse(content));
  }
  return dashboards;
}

/** `label_values(series{…}, label)`, the only kind of variable that the dashboards ask Prometheus for. */
export function labelValuesOf(query: string): { selector: string; label: string } {
  const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
  if (selector === undefined || label === undefined) throw new Error(`${query} is no label_values(…, …)`);
  return { selector, label };
}

/** A query with the variables filled in as Grafana does when all values are chosen one by one. */
export function filledIn(
  expr: string,
  values: ReadonlyMap<string, readonly string[]>,
  rateInterval: string,
): string {
  return expr.replaceAll('$__rate_interval', rateInterval).replaceAll(/\$(\w+)/g, (_, name: string) => {
    const chosen = values.get(name);
    if (chosen === undefined) throw new Error(`${expr} asks for $${name}, which the dashboard does not have`);
    return chosen.length === 1 ? `${chosen[0]}` : `(${chosen.join('|')})`;
  });
}
