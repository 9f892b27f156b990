import { JOBS } from '../jobs.ts';
import { type Dashboard, quantiles } from './dashboard.ts';

const ENGINE = `job="${JOBS.engine}",classroom=~"$classroom",pod=~"$pod"`;
const GATEWAY = `job="${JOBS.gateway}"`;

/** For the platform engineer: what do the engines do with their GPUs? */
export const ENGINES: Dashboard = {
  name: 'engines',
  title: 'GPU Classroom / Engines',
  description: 'What each engine does: its batches, its KV cache, its speed.',
  variables: [
    {
      name: 'classroom',
      label: 'Class',
      series: `vllm:num_requests_running{job="${JOBS.engine}"}`,
      seriesLabel: 'classroom',
    },
    {
      name: 'pod',
      label: 'Engine',
      series: `vllm:num_requests_running{job="${JOBS.engine}",classroom=~"$classroom"}`,
      seriesLabel: 'pod',
    },
  ],
  rows: [
    {
      title: 'As the gateway sees them',
      panels: [
        {
          kind: 'figure',
          title: 'Ready',
          description: 'Engines that can be asked.',
          unit: 'short',
          queries: [{ expr: `max(gpu_classroom_gateway_engines_ready{${GATEWAY}})`, legend: 'ready' }],
        },
        {
          kind: 'figure',
          title: 'Out',
          description: 'Ready, but taken out after failures until they answer a probe.',
          unit: 'short',
          queries: [{ expr: `max(gpu_classroom_gateway_engines_out{${GATEWAY}})`, legend: 'out' }],
        },
        {
          kind: 'figure',
          title: 'Room',
          description: 'Requests that they are given at a time.',
          unit: 'short',
          queries: [{ expr: `max(gpu_classroom_gateway_engines_capacity{${GATEWAY}})`, legend: 'room' }],
        },
        {
          kind: 'figure',
          title: 'Tell no metrics',
          description: 'They start, hang, or Prometheus is kept out.',
          unit: 'short',
          queries: [{ expr: `count(up{${ENGINE}}) - sum(up{${ENGINE}})`, legend: 'silent' }],
        },
      ],
    },
    {
      title: 'Work',
      panels: [
        {
          kind: 'graph',
          title: 'Requests in a batch',
          description: 'Each engine works on all of them at once.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: `sum by (pod) (vllm:num_requests_running{${ENGINE}})`, legend: '{{pod}}' }],
        },
        {
          kind: 'graph',
          title: 'Requests that wait in the engine',
          description: 'Few: the gateway lets them wait before it, where students take turns.',
          unit: 'short',
          stacked: true,
          queries: [{ expr: `sum by (pod) (vllm:num_requests_waiting{${ENGINE}})`, legend: '{{pod}}' }],
        },
        {
          kind: 'graph',
          title: 'Generated tokens',
          description: 'By each engine.',
          unit: 'suffix: tokens/s',
          stacked: true,
          queries: [
            {
              expr: `sum by (pod) (rate(vllm:generation_tokens_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{pod}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Read tokens',
          description: 'Prompts, with what was found in the prefix cache.',
          unit: 'suffix: tokens/s',
          stacked: true,
          queries: [
            {
              expr: `sum by (pod) (rate(vllm:prompt_tokens_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{pod}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Memory',
      panels: [
        {
          kind: 'graph',
          title: 'KV cache in use',
          description: 'At 100 % vLLM stops some answers and computes them again later.',
          unit: 'percentunit',
          queries: [{ expr: `max by (pod) (vllm:kv_cache_usage_perc{${ENGINE}})`, legend: '{{pod}}' }],
        },
        {
          kind: 'graph',
          title: 'Stopped to make room',
          description: 'Answers a second that must be computed again.',
          unit: 'ops',
          queries: [
            {
              expr: `sum by (pod) (rate(vllm:num_preemptions_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{pod}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Found in the prefix cache',
          description:
            'Share of read tokens that need not be computed: conversations that go on, common instructions.',
          unit: 'percentunit',
          queries: [
            {
              expr: `
                sum by (pod) (rate(vllm:prefix_cache_hits_total{${ENGINE}}[$__rate_interval]))
                  / sum by (pod) (rate(vllm:prefix_cache_queries_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{pod}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Memory of the process',
          description: 'Of the API server of the engine, not of the GPU.',
          unit: 'bytes',
          queries: [{ expr: `max by (pod) (process_resident_memory_bytes{${ENGINE}})`, legend: '{{pod}}' }],
        },
      ],
    },
    {
      title: 'Speed',
      panels: [
        {
          kind: 'graph',
          title: 'Time to the first token',
          description: 'Waiting in the engine and reading the prompt.',
          unit: 's',
          queries: quantiles(`vllm:time_to_first_token_seconds_bucket{${ENGINE}}`),
        },
        {
          kind: 'graph',
          title: 'Time between two tokens',
          description: 'People read some 5 words a second: below 0.1 s nobody notices.',
          unit: 's',
          queries: quantiles(`vllm:inter_token_latency_seconds_bucket{${ENGINE}}`),
        },
        {
          kind: 'graph',
          title: 'Where the time of an answer goes',
          description: 'The mean of waiting in the engine, reading the prompt, and writing.',
          unit: 's',
          stacked: true,
          queries: (['queue', 'prefill', 'decode'] as const).map((phase) => ({
            expr: `
              sum(rate(vllm:request_${phase}_time_seconds_sum{${ENGINE}}[$__rate_interval]))
                / sum(rate(vllm:request_${phase}_time_seconds_count{${ENGINE}}[$__rate_interval]))`,
            legend: { queue: 'waiting', prefill: 'reading', decode: 'writing' }[phase],
          })),
        },
        {
          kind: 'graph',
          title: 'Ended answers',
          description: '`error` should not be.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (finished_reason) (rate(vllm:request_success_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{finished_reason}}',
            },
          ],
        },
      ],
    },
  ],
};
