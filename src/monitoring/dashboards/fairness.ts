import { JOBS } from '../jobs.ts';
import { type Dashboard, quantiles } from './dashboard.ts';

const OF_ALL = `job="${JOBS.gateway}"`;
const OF_CLASS = `${OF_ALL},classroom=~"$classroom"`;
/** A bound of the histogram. Prometheus 3 writes it as 10.0, older ones as the gateway does. */
const SLOW_S = 10;

/** For trainer and platform engineer: does everybody get a share, and who is sent away, and why? */
export const FAIRNESS: Dashboard = {
  name: 'fairness',
  title: 'GPU Classroom / Student fairness',
  description: 'Whether students get equal shares, how long they wait for them, and what they are refused.',
  variables: [
    {
      name: 'classroom',
      label: 'Class',
      series: `gpu_classroom_gateway_queue_fairness{${OF_ALL}}`,
      seriesLabel: 'classroom',
    },
  ],
  rows: [
    {
      title: 'Shares',
      panels: [
        {
          kind: 'note',
          title: 'Where are the students?',
          text: 'No metric has a student: what a person does is nothing for a monitoring system, and a series for each would be many. `kubectl classroom top` shows who uses what now.',
        },
        {
          kind: 'graph',
          title: 'Fairness',
          description:
            "Jain's index of the shares, by weight, of those who waited all through the last minute. 1: all equal; 0.5: as if half of them got nothing.",
          unit: 'short',
          queries: [
            {
              expr: `min by (classroom) (gpu_classroom_gateway_queue_fairness{${OF_CLASS}})`,
              legend: '{{classroom}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Waiting for each place',
          description:
            'Requests that wait, by the room at the engines. At 1 there is one behind every request at work.',
          unit: 'short',
          queries: [
            {
              expr: `
                sum by (classroom) (gpu_classroom_gateway_queue_waiting{${OF_CLASS}})
                  / sum by (classroom) (gpu_classroom_gateway_queue_capacity{${OF_CLASS}})`,
              legend: '{{classroom}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Waiting, in all classes of the gateway',
      panels: [
        {
          kind: 'graph',
          title: 'Time in the queue',
          description: 'From the request to its turn.',
          unit: 's',
          queries: quantiles(`gpu_classroom_gateway_queue_wait_seconds_bucket{${OF_ALL}}`),
        },
        {
          kind: 'graph',
          title: `Requests that wait longer than ${SLOW_S} seconds`,
          description: 'Share of all. Students notice these.',
          unit: 'percentunit',
          queries: [
            {
              expr: `
                1 - sum(rate(gpu_classroom_gateway_queue_wait_seconds_bucket{${OF_ALL},le=~"${SLOW_S}|${SLOW_S}.0"}[$__rate_interval]))
                  / sum(rate(gpu_classroom_gateway_queue_wait_seconds_count{${OF_ALL}}[$__rate_interval]))`,
              legend: 'share',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'How waits ended',
          description:
            '`dispatched`: it was their turn; `refused`: it took too long; `left`: the student gave up.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (end) (rate(gpu_classroom_gateway_queue_wait_seconds_count{${OF_ALL}}[$__rate_interval]))`,
              legend: '{{end}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'How admitted requests ended',
          description:
            '`throttled`: broken off at a limit; `interrupted`: the engine ended before the answer.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (kind) (rate(gpu_classroom_gateway_outcomes_total{${OF_ALL}}[$__rate_interval]))`,
              legend: '{{kind}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Refusals and charges, in all classes of the gateway',
      panels: [
        {
          kind: 'graph',
          title: 'Refused by limits and by the queue',
          description:
            'Limits of students and classes that were reached. Many of `tokens_per_day_exceeded` early in the day: the limit is too low, or somebody uses the class for something else.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (code) (rate(gpu_classroom_gateway_refusals_total{${OF_ALL},code=~".+_exceeded|queue_.+"}[$__rate_interval]))`,
              legend: '{{code}}',
            },
          ],
        },
        {
          kind: 'graph',
          title: 'Where the figures of charges came from',
          description:
            '`reported`: the engine counted; `seen`, `expected`: the answer broke off; `reserved`: a complete answer without a count, which should not be.',
          unit: 'reqps',
          stacked: true,
          queries: [
            {
              expr: `sum by (basis) (rate(gpu_classroom_gateway_charges_total{${OF_ALL}}[$__rate_interval]))`,
              legend: '{{basis}}',
            },
          ],
        },
      ],
    },
  ],
};
