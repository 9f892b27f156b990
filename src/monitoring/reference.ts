import { ALERT_GROUPS, type Alert, RELEASE_NAMESPACE } from './alerts.ts';
import { DASHBOARDS } from './dashboards/all.ts';
import { oneLine } from './promql.ts';

/** `docs/monitoring.md`. */
export function monitoringReference(): string {
  const dashboards = DASHBOARDS.map(({ title, description }) => `| ${title} | ${description} |`);
  const alerts = ALERT_GROUPS.flatMap((group) => group.alerts).flatMap(sectionOf);
  return `${[...HEAD, ...dashboards, ...ALERTS, ...alerts].join('\n').trimEnd()}\n`;
}

function sectionOf({ name, severity, expr, for: forTime, summary, meaning, action }: Alert): string[] {
  return [
    `### ${name}`,
    '',
    `${severity}, ${whenOf(forTime)}: ${[summary, meaning, action].join(' ').replaceAll(/\{\{[^}]*\}\}/g, '…')}`,
    '',
    '```promql',
    oneLine(expr).replaceAll(RELEASE_NAMESPACE, 'gpu-classroom'),
    '```',
    '',
  ];
}

function whenOf(forTime: string): string {
  return forTime === '0s' ? 'at once' : `after ${forTime}`;
}

const HEAD = [
  '<!-- Generated from src/ by `npm run generate`: do not edit. -->',
  '',
  '# Monitoring',
  '',
  'Where the cluster has the kinds of [Prometheus Operator](https://prometheus-operator.dev), the chart makes three',
  'ServiceMonitors (operator, gateway, engines of all classes) and a PrometheusRule. Give them the labels that your Prometheus',
  'selects by (`monitoring.serviceMonitor.labels`, `monitoring.prometheusRule.labels`), and let it through the',
  'NetworkPolicies with `monitoring.prometheus.namespace`. `monitoring.dashboards.enabled` makes a ConfigMap of each',
  "dashboard for Grafana's sidecar; the files themselves are in `charts/gpu-classroom/files/dashboards`.",
  '',
  'Without that operator, scrape `/metrics` of all three and call the jobs `gpu-classroom-operator`,',
  '`gpu-classroom-gateway` and `gpu-classroom-engine`; engines need the labels `classroom` (`namespace/name`) and `pod`.',
  '',
  '## Dashboards',
  '',
  '| dashboard | shows |',
  '|---|---|',
];

const ALERTS = ['', '## Alerts', ''];
