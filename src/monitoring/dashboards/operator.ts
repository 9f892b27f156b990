import { JOBS } from '../jobs.ts';
import { type Dashboard, quantiles } from './dashboard.ts';

const OPERATOR = `job="${JOBS.operator}",namespace=~"$namespace"`;

/** For the platform engineer: does the operator keep up? */
export const OPERATOR_DASHBOARD: Dashboard = {
  name: 'operator',
  title: 'GPU Classroom / Operator',
  description: 'Whether the operator keeps up: its passes, its queues, its talk with the API server.',
  variables: [
    {
      name: 'namespace',
      label: 'Release in',
      series: `gpu_classroom_operator_leading{job="${JOBS.operator}"}`,
      seriesLabel: 'namespace',
    },
  ],
  rows: [
    {
      title: 'Work',
      panels: [
        {
          kind: 'figure',
          title: 'At work',
          description: 'Operators that lead. 1 is right.',
          unit: 'short',
          queries: [{ expr: `sum(gpu_classroom_operator_leading{${OPERATOR}})`, legend: 'leading' }],
        },
        {
          kind: 'graph',
          title: 'Passes',
          description: 'A pass looks at one object as a whole and does what is missing.',
          unit: 'ops',
          stacked: true,
          queries: [
            {
              expr: `sum by (controller, outcome) (rate(gpu_classroom_operator_reconciles_total{${OPERATOR}}[$__rate_interval]))`,
              legend: '{{controller}} {{outcome}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Duration of passes',
          description: 'Mostly what the API server takes.',
          unit: 's',
          queries: quantiles(`gpu_classroom_operator_reconcile_seconds_bucket{${OPERATOR}}`, ['controller']),
        },
        {
          kind: 'graph',
          title: 'Objects that wait for a pass',
          description: 'It should come back to 0.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (queue) (gpu_classroom_operator_queue_depth{${OPERATOR}})`,
              legend: '{{queue}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Time in the queue',
          description: 'From a change to the pass that looks at it.',
          unit: 's',
          queries: quantiles(`gpu_classroom_operator_queue_wait_seconds_bucket{${OPERATOR}}`, ['queue']),
        },
        {
          kind: 'graph',
          title: 'Written objects',
          description: 'In a quiet class none: the operator writes only what differs.',
          unit: 'ops',
          stacked: true,
          queries: [
            {
              expr: `sum by (kind, verb) (rate(gpu_classroom_operator_object_writes_total{${OPERATOR}}[$__rate_interval]))`,
              legend: '{{verb}} {{kind}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Issued keys',
          description: 'In the last hour, by why.',
          unit: 'short',
          stacked: true,
          queries: [
            {
              expr: `sum by (cause) (increase(gpu_classroom_operator_keys_issued_total{${OPERATOR}}[1h]))`,
              legend: '{{cause}}',
            },
          ],
        },
      ],
    },
    {
      title: 'API server',
      panels: [
        {
          kind: 'graph',
          title: 'Requests',
          description: 'By status. 409: two wrote at once; 0: no answer.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (verb, status) (rate(gpu_classroom_operator_kube_requests_total{${OPERATOR}}[$__rate_interval]))`,
              legend: '{{verb}} {{status}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Duration of requests',
          description: 'Without watches.',
          unit: 's',
          queries: quantiles(`gpu_classroom_operator_kube_request_seconds_bucket{${OPERATOR}}`),
        },
        {
          kind: 'graph',
          title: 'Full lists',
          description: 'After starts and broken watches only.',
          unit: 'ops',
          stacked: true,
          queries: [
            {
              expr: `sum by (resource) (rate(gpu_classroom_operator_lists_total{${OPERATOR}}[$__rate_interval]))`,
              legend: '{{resource}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          kind: 'graph',
          title: 'Memory',
          description: 'Against `operator.resources.limits.memory`.',
          unit: 'bytes',
          queries: [{ expr: `max by (pod) (process_resident_memory_bytes{${OPERATOR}})`, legend: '{{pod}}' }],
        },
        {
          kind: 'graph',
          title: 'Processors',
          description: 'Used at a time.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (pod) (rate(process_cpu_seconds_total{${OPERATOR}}[$__rate_interval]))`,
              legend: '{{pod}}',
            },
          ],
        },
      ],
    },
  ],
};
