import { JOBS } from '../jobs.ts';
import { type Dashboard, quantiles } from './dashboard.ts';

const GATEWAY = `job="${JOBS.gateway}",namespace=~"$namespace"`;

/** For the platform engineer: does the gateway keep up, and what does it refuse? */
export const GATEWAY_DASHBOARD: Dashboard = {
  name: 'gateway',
  title: 'GPU Classroom / Gateway',
  description: 'Whether the gateway keeps up, what it refuses, and whether it can count.',
  variables: [
    {
      name: 'namespace',
      label: 'Release in',
      series: `gpu_classroom_gateway_build_info{job="${JOBS.gateway}"}`,
      seriesLabel: 'namespace',
    },
  ],
  rows: [
    {
      title: 'Requests',
      panels: [
        {
          kind: 'figure',
          title: 'In flight',
          description: 'From authentication to the end of the answer.',
          unit: 'short',
          queries: [
            { expr: `sum(gpu_classroom_gateway_requests_in_flight{${GATEWAY}})`, legend: 'in flight' },
          ],
        },
        {
          kind: 'figure',
          title: 'Classes',
          description: 'That the gateway knows.',
          unit: 'short',
          queries: [{ expr: `max(gpu_classroom_gateway_classrooms{${GATEWAY}})`, legend: 'classes' }],
        },
        {
          kind: 'figure',
          title: 'Seats',
          description: 'Students of all classes.',
          unit: 'short',
          queries: [{ expr: `max(gpu_classroom_gateway_seats{${GATEWAY}})`, legend: 'seats' }],
        },
        {
          kind: 'figure',
          title: 'Gateways',
          description: 'That Prometheus reaches.',
          unit: 'short',
          queries: [{ expr: `sum(up{${GATEWAY}})`, legend: 'gateways' }],
        },
        {
          kind: 'graph',
          title: 'Requests by status',
          description: '499: the student left. 5xx are faults of engines or of the gateway.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (status) (rate(gpu_classroom_gateway_requests_total{${GATEWAY}}[$__rate_interval]))`,
              legend: '{{status}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Requests by endpoint',
          description: 'What clients use.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (endpoint) (rate(gpu_classroom_gateway_requests_total{${GATEWAY}}[$__rate_interval]))`,
              legend: '{{endpoint}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Refusals by code',
          description: 'docs/gateway-requests.md says what each code means and what students are told.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (code) (rate(gpu_classroom_gateway_refusals_total{${GATEWAY}}[$__rate_interval]))`,
              legend: '{{code}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Tokens',
          description: 'As engines counted them, of all classes.',
          unit: 'suffix: tokens/s',
          stacked: true,
          queries: [
            {
              expr: `sum by (type) (rate(gpu_classroom_gateway_tokens_total{${GATEWAY}}[$__rate_interval]))`,
              legend: '{{type}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Time from admission to the first byte',
          description: 'Waiting and the engine.',
          unit: 's',
          queries: quantiles(`gpu_classroom_gateway_time_to_first_byte_seconds_bucket{${GATEWAY}}`),
        },
        {
          kind: 'graph',
          title: 'Time of whole requests',
          description: 'Streams last as long as they are written.',
          unit: 's',
          queries: quantiles(`gpu_classroom_gateway_request_seconds_bucket{${GATEWAY}}`),
        },
      ],
    },
    {
      title: 'Counting together (with Valkey)',
      panels: [
        {
          kind: 'figure',
          title: 'Store',
          description: '1: it decides; 0: a gateway has lost it. Nothing: one gateway counts on its disk.',
          unit: 'short',
          queries: [{ expr: `min(gpu_classroom_gateway_state_store_up{${GATEWAY}})`, legend: 'store' }],
        },
        {
          kind: 'figure',
          title: 'Not yet booked',
          description: 'Ended requests whose tokens are not in the store yet.',
          unit: 'short',
          queries: [
            { expr: `sum(gpu_classroom_gateway_unbooked_requests{${GATEWAY}})`, legend: 'not booked' },
          ],
        },
        {
          kind: 'figure',
          title: 'Gateways that count together',
          description: 'As far as they know.',
          unit: 'short',
          queries: [{ expr: `max(gpu_classroom_gateway_replicas{${GATEWAY}})`, legend: 'gateways' }],
        },
        {
          kind: 'graph',
          title: 'Admitted without the store',
          description: "By a gateway's own part of the limits.",
          unit: 'reqps',
          queries: [
            {
              expr: `sum by (pod) (rate(gpu_classroom_gateway_degraded_requests_total{${GATEWAY}}[$__rate_interval]))`,
              legend: '{{pod}}',
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
          title: 'Waiting for the event loop',
          description: 'How long a request waits before the gateway sees it: 99 % wait less.',
          unit: 's',
          queries: [
            { expr: `max by (pod) (nodejs_eventloop_lag_p99_seconds{${GATEWAY}})`, legend: '{{pod}}' },
          ],
        },
        {
          kind: 'graph',
          title: 'Memory',
          description: 'Against `gateway.resources.limits.memory`.',
          unit: 'bytes',
          queries: [{ expr: `max by (pod) (process_resident_memory_bytes{${GATEWAY}})`, legend: '{{pod}}' }],
        },
        {
          kind: 'graph',
          title: 'Processors',
          description: 'Used at a time. More than 1 it cannot use much of.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (pod) (rate(process_cpu_seconds_total{${GATEWAY}}[$__rate_interval]))`,
              legend: '{{pod}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Connections closed unheard',
          description: 'Above `gateway.settings.maxConnections`.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (pod) (rate(gpu_classroom_gateway_connections_dropped_total{${GATEWAY}}[$__rate_interval]))`,
              legend: '{{pod}}',
            },
          ],
        },
      ],
    },
  ],
};
