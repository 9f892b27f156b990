import { APP_NAME } from '../api/labels.ts';

/**
 * What Prometheus calls the three kinds of processes, in the label `job`: the ServiceMonitors of the chart say so, and
 * alerts and dashboards ask for them, whatever the release is called.
 */
export const JOBS = {
  operator: `${APP_NAME}-operator`,
  gateway: `${APP_NAME}-gateway`,
  engine: `${APP_NAME}-engine`,
} as const;
