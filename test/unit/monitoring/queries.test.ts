import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { createGatewayMetrics } from '../../../src/gateway/metrics.ts';
import { ALERT_GROUPS } from '../../../src/monitoring/alerts.ts';
import { DASHBOARDS } from '../../../src/monitoring/dashboards/all.ts';
import { JOBS } from '../../../src/monitoring/jobs.ts';
import { monitoringReference } from '../../../src/monitoring/reference.ts';
import { createMetrics } from '../../../src/operator/metrics.ts';
import { grafanaDashboards } from '../../support/grafana-dashboard.ts';

const ALERTS = ALERT_GROUPS.flatMap(({ alerts }) => alerts);
const ALERT_QUERIES = ALERTS.map(({ name, expr }) => [name, expr] as const);
const PANEL_QUERIES = DASHBOARDS.flatMap(({ name, rows }) =>
  rows.flatMap(({ panels }) =>
    panels.flatMap((panel) =>
      panel.kind === 'note'
        ? []
        : panel.queries.map(({ expr }) => [`${name}: ${panel.title}`, expr] as const),
    ),
  ),
);
const QUERIES = [...ALERT_QUERIES, ...PANEL_QUERIES];

/** Prometheus makes this one itself. */
const ITS_OWN = 'up';

/** Names of metrics before their selectors, without what histograms append. */
function metricsIn(expr: string): string[] {
  return [...expr.matchAll(/([a-zA-Z_:][\w:]*)\{/g)].map(([, name = '']) => name);
}

async function exportedMetrics(): Promise<Set<string>> {
  const gateway = createGatewayMetrics({
    requestsInFlight: () => 0,
    engines: () => ({ ready: 0, out: 0, inFlight: 0, capacity: 0 }),
    queues: () => new Map(),
    seats: () => 0,
    classrooms: () => 0,
    stateStore: () => ({ isUp: true, degradedRequests: 0, unbooked: 0, replicas: 1 }),
  });
  const texts = [await gateway.text(), await createMetrics([]).text(), recordedEngine()];
  const types = texts.flatMap((text) => [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)]);
  return new Set(
    types.flatMap(([, name = '', type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
  );
}

/** What a real vLLM said. */
function recordedEngine(): string {
  const folder = join(import.meta.dirname, '../../fixtures/vllm/0.32.0-cpu');
  return readFileSync(join(folder, 'metrics.txt'), 'utf8');
}

describe('queries of alerts and dashboards', () => {
  test.each(QUERIES)('%s asks for metrics that there are', async (_, expr) => {
    const exported = await exportedMetrics();
    const asked = metricsIn(expr).filter((name) => name !== ITS_OWN);
    expect(asked.filter((name) => !exported.has(name))).toEqual([]);
    expect(metricsIn(expr)).not.toEqual([]);
  });

  test.each(QUERIES)('%s says whose metrics are meant', (_, expr) => {
    const selectors = [...expr.matchAll(/[\w:]\{([^}]*)\}/g)].map(([, selector = '']) => selector);
    const jobs = selectors.map((selector) => /(?:^|,)job="([^"]+)"/.exec(selector)?.[1]);
    expect(jobs.filter((job) => !Object.values<string | undefined>(JOBS).includes(job))).toEqual([]);
  });
});

describe('an alert', () => {
  test('has a name of its own', () => {
    const names = ALERTS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(ALERTS)('$name is named after the product, and says what it means and what to do', (alert) => {
    expect(alert.name).toMatch(/^GpuClassroom[A-Z][A-Za-z]+$/);
    for (const text of [alert.summary, alert.meaning, alert.action]) expect(text).toMatch(/\.$/);
  });
});

describe('a dashboard as Grafana reads it', () => {
  test('there is one file for each', async () => {
    const names = DASHBOARDS.map(({ name }) => name).sort();
    expect([...(await grafanaDashboards()).keys()]).toEqual(names);
  });

  test.each(DASHBOARDS)('$name fits the grid, and panels do not lie upon each other', async ({ name }) => {
    const panels = (await grafanaDashboards()).get(name)?.panels ?? [];
    expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  test.each(DASHBOARDS)('$name explains each panel', async ({ name }) => {
    const panels = (await grafanaDashboards()).get(name)?.panels ?? [];
    const silent = panels.filter(
      ({ type, description }) => type !== 'row' && type !== 'text' && !description,
    );
    expect(silent).toEqual([]);
  });
});

test('the reference for people has none of the templates that Alertmanager fills in', () => {
  expect(monitoringReference()).not.toContain('{{');
});
