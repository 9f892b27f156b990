import { JOBS } from '../jobs.ts';
import { type Dashboard, quantiles } from './dashboard.ts';

const GATEWAY = `job="${JOBS.gateway}",classroom=~"$classroom"`;
const ENGINE = `job="${JOBS.engine}",classroom=~"$classroom"`;
const OPERATOR = `job="${JOBS.operator}",classroom=~"$classroom"`;

/** For the trainer: is the class served? */
export const CLASS: Dashboard = {
  name: 'class',
  title: 'GPU Classroom / Class',
  description: 'Whether a class is served: its engines, how much they do, and how long students wait.',
  variables: [
    {
      name: 'classroom',
      label: 'Class',
      // Not the engines': a class that has none is one to look at.
      series: `gpu_classroom_operator_class_condition{job="${JOBS.operator}"}`,
      seriesLabel: 'classroom',
    },
  ],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          kind: 'figure',
          title: 'Ready',
          description:
            '1: everything wanted is there and answers. `kubectl classroom status` says why not. A class that is closed does not count.',
          unit: 'short',
          queries: [
            {
              expr: `min(max by (classroom) (gpu_classroom_operator_class_condition{${OPERATOR},condition="Ready",reason!="Closed"}))`,
              legend: 'ready',
            },
          ],
        },
        {
          kind: 'figure',
          title: 'Engines that answer',
          description: 'As Prometheus sees them.',
          unit: 'short',
          queries: [{ expr: `sum(up{${ENGINE}})`, legend: 'engines' }],
        },
        {
          kind: 'figure',
          title: 'Requests at work',
          description: 'What engines have from the gateway.',
          unit: 'short',
          queries: [{ expr: `sum(gpu_classroom_gateway_queue_running{${GATEWAY}})`, legend: 'at work' }],
        },
        {
          kind: 'figure',
          title: 'Requests that wait',
          description: 'For an engine, in the gateway. Students take turns.',
          unit: 'short',
          queries: [{ expr: `sum(gpu_classroom_gateway_queue_waiting{${GATEWAY}})`, legend: 'wait' }],
        },
        {
          kind: 'figure',
          title: 'Room at the engines',
          description: 'Requests that they may have at a time. 0: no engine is ready.',
          unit: 'short',
          queries: [{ expr: `sum(gpu_classroom_gateway_queue_capacity{${GATEWAY}})`, legend: 'room' }],
        },
        {
          kind: 'figure',
          title: 'Fairness',
          description: 'Of the shares of those who wait (Jain). 1 is fair.',
          unit: 'short',
          queries: [{ expr: `min(gpu_classroom_gateway_queue_fairness{${GATEWAY}})`, legend: 'fairness' }],
        },
        {
          kind: 'figure',
          title: 'Generated',
          description: 'Tokens a second, by all engines.',
          unit: 'suffix: tokens/s',
          queries: [
            {
              expr: `sum(rate(vllm:generation_tokens_total{${ENGINE}}[$__rate_interval]))`,
              legend: 'generated',
            },
          ],
        },
      ],
    },
    {
      title: 'Work',
      panels: [
        {
          kind: 'graph',
          title: 'Requests at work and waiting',
          description: 'When the line of what waits leaves the ground, the engines are full.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (classroom) (gpu_classroom_gateway_queue_running{${GATEWAY}})`,
              legend: '{{classroom}} at work',
            },
            {
              expr: `sum by (classroom) (gpu_classroom_gateway_queue_waiting{${GATEWAY}})`,
              legend: '{{classroom}} waiting',
            },
            {
              expr: `sum by (classroom) (gpu_classroom_gateway_queue_capacity{${GATEWAY}})`,
              legend: '{{classroom}} room',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Wait for an engine',
          description:
            "The mean, by Little's law: those who wait, by those who are answered in a second. Nobody sees a word meanwhile.",
          unit: 's',
          queries: [
            {
              expr: `
                sum by (classroom) (avg_over_time(gpu_classroom_gateway_queue_waiting{${GATEWAY}}[$__rate_interval]))
                  / sum by (classroom) (rate(vllm:request_success_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{classroom}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Tokens',
          description: 'What engines read and what they write.',
          unit: 'suffix: tokens/s',
          queries: [
            {
              expr: `sum by (classroom) (rate(vllm:prompt_tokens_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{classroom}} read',
            },
            {
              expr: `sum by (classroom) (rate(vllm:generation_tokens_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{classroom}} written',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'How answers ended',
          description:
            '`stop`: the model was done; `length`: at the limit of tokens; `abort`: the student left.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (finished_reason) (rate(vllm:request_success_total{${ENGINE}}[$__rate_interval]))`,
              legend: '{{finished_reason}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Length of prompts and answers',
          description: 'The mean. Long prompts take the room of many short ones.',
          unit: 'suffix: tokens',
          queries: [
            {
              expr: `
                sum by (classroom) (rate(vllm:request_prompt_tokens_sum{${ENGINE}}[$__rate_interval]))
                  / sum by (classroom) (rate(vllm:request_prompt_tokens_count{${ENGINE}}[$__rate_interval]))`,
              legend: '{{classroom}} prompt',
            },
            {
              expr: `
                sum by (classroom) (rate(vllm:request_generation_tokens_sum{${ENGINE}}[$__rate_interval]))
                  / sum by (classroom) (rate(vllm:request_generation_tokens_count{${ENGINE}}[$__rate_interval]))`,
              legend: '{{classroom}} answer',
            },
          ],
        },
      ],
    },
    {
      title: 'Conditions',
      panels: [
        {
          kind: 'graph',
          title: 'Conditions of the class',
          description:
            '1: true, 0: false, -1: unknown. `RolloutPending` and `FeaturePending` are well when they are false, `Open` and `Boosted` either way, all others when they are true.',
          unit: 'short',
          queries: [
            {
              expr: `max by (classroom, condition) (gpu_classroom_operator_class_condition{${OPERATOR}})`,
              legend: '{{classroom}} {{condition}}',
            },
          ],
        },
      ],
    },
    {
      title: 'What students feel, once an engine has their request',
      panels: [
        {
          kind: 'graph',
          title: 'Time to the first token',
          description: 'How long nothing appears.',
          unit: 's',
          queries: quantiles(`vllm:time_to_first_token_seconds_bucket{${ENGINE}}`, ['classroom']),
        },
        {
          kind: 'graph',
          title: 'Time of a whole answer',
          description: 'It grows with the length of answers and with how many share an engine.',
          unit: 's',
          queries: quantiles(`vllm:e2e_request_latency_seconds_bucket{${ENGINE}}`, ['classroom']),
        },
      ],
    },
  ],
};
