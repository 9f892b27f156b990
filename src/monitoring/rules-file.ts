import { stringify } from 'yaml';
import { APP_NAME } from '../api/labels.ts';
import { ALERT_GROUPS, type Alert } from './alerts.ts';
import { oneLine } from './promql.ts';

/**
 * The alerts as a file of rules of Prometheus, but for the namespace of the release.
 * https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
 */
export function rulesFile(): string {
  const groups = ALERT_GROUPS.map(({ name, alerts }) => ({ name, rules: alerts.map(ruleOf) }));
  return stringify({ groups }, { lineWidth: 0 });
}

function ruleOf(alert: Alert) {
  return {
    alert: alert.name,
    expr: oneLine(alert.expr),
    ...(alert.for === '0s' ? {} : { for: alert.for }),
    labels: { severity: alert.severity, product: APP_NAME },
    annotations: { summary: alert.summary, description: `${alert.meaning} ${alert.action}` },
  };
}
