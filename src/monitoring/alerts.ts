import { APP_NAME } from '../api/labels.ts';
import { JOBS } from './jobs.ts';

/** Something that a person should look at. */
export interface Alert {
  readonly name: string;
  readonly severity: 'critical' | 'warning';
  /** PromQL that has a result while something is wrong. */
  readonly expr: string;
  /** How long it must have one, as Prometheus writes durations. */
  readonly for: string;
  /** One line; may use labels of the result in Go's template syntax. */
  readonly summary: string;
  /** What it means for the people who use the product. */
  readonly meaning: string;
  readonly action: string;
}

export interface AlertGroup {
  readonly name: string;
  readonly alerts: readonly Alert[];
}

/** Stands for the namespace of the release; the chart fills it in. */
export const RELEASE_NAMESPACE = '$RELEASE_NAMESPACE';

const OPERATOR = `job="${JOBS.operator}",namespace="${RELEASE_NAMESPACE}"`;
const GATEWAY = `job="${JOBS.gateway}",namespace="${RELEASE_NAMESPACE}"`;
const ENGINE = `job="${JOBS.engine}"`;

const OPERATOR_ALERTS: readonly Alert[] = [
  {
    name: 'GpuClassroomNoOperator',
    severity: 'critical',
    expr: `absent(gpu_classroom_operator_leading{${OPERATOR}} == 1)`,
    for: '10m',
    summary: 'No operator is at work.',
    meaning:
      'Running engines and keys go on. But nobody makes engines for new classes, keys for new students, or replaces engines that hang.',
    action:
      'Look at the pods of the operator and their logs. If they are well, Prometheus cannot read them: see the NetworkPolicy of the operator and `monitoring.prometheus.namespace`.',
  },
  {
    name: 'GpuClassroomPassesFail',
    severity: 'warning',
    expr: `
      sum by (controller) (rate(gpu_classroom_operator_reconciles_total{${OPERATOR},outcome=~"error|terminal_error"}[15m]))
        / sum by (controller) (rate(gpu_classroom_operator_reconciles_total{${OPERATOR}}[15m])) > 0.5`,
    for: '15m',
    summary: 'More than half of the passes of {{ $labels.controller }} fail.',
    meaning: 'What classes and students are told to be is not done, or only after many attempts.',
    action:
      'Look at the warnings in the log of the operator: each says which object it was and why it failed. Rights that were taken from it and an API server that refuses are the usual causes.',
  },
  {
    name: 'GpuClassroomWorkPilesUp',
    severity: 'warning',
    expr: `min by (queue) (min_over_time(gpu_classroom_operator_queue_depth{${OPERATOR}}[15m])) > 0`,
    for: '15m',
    summary: 'The queue {{ $labels.queue }} of the operator was never empty for half an hour.',
    meaning: 'Changes of classes and students wait long before anything happens.',
    action: 'Look how long requests to the API server take, and raise `operator.workers`.',
  },
  {
    name: 'GpuClassroomClassNotReady',
    severity: 'warning',
    expr: `max by (classroom) (gpu_classroom_operator_class_condition{${OPERATOR},condition="Ready",reason!="Closed"}) == 0`,
    for: '30m',
    summary: 'The class {{ $labels.classroom }} has not been ready for half an hour.',
    meaning:
      'It is not closed, and has not all that it asks for: its students are served more slowly, or not at all.',
    action:
      '`kubectl classroom status` says why, and what to do next; docs/troubleshooting.md has every reason.',
  },
];

const GATEWAY_ALERTS: readonly Alert[] = [
  {
    name: 'GpuClassroomNoGateway',
    severity: 'critical',
    expr: `absent(up{${GATEWAY}} == 1)`,
    for: '5m',
    summary: 'No gateway can be reached.',
    meaning: 'No student gets an answer, unless only Prometheus is kept out.',
    action:
      'Look at the pods of the gateway, their events and logs. A claim that cannot be mounted keeps a single gateway from starting.',
  },
  {
    name: 'GpuClassroomGatewayFails',
    severity: 'warning',
    expr: `
      sum(rate(gpu_classroom_gateway_requests_total{${GATEWAY},status=~"5.."}[10m]))
        / sum(rate(gpu_classroom_gateway_requests_total{${GATEWAY}}[10m])) > 0.05`,
    for: '10m',
    summary:
      '{{ $value | humanizePercentage }} of all requests end with an error that is not the fault of students.',
    meaning: 'Students see errors of engines or of the gateway.',
    action:
      'The panel "Refusals by code" of the dashboard of the gateway says which; docs/gateway-requests.md says what each means.',
  },
  {
    name: 'GpuClassroomClassWithoutEngine',
    severity: 'critical',
    expr: `
      sum by (classroom) (max_over_time(gpu_classroom_gateway_queue_waiting{${GATEWAY}}[5m])) > 0
        and sum by (classroom) (max_over_time(gpu_classroom_gateway_queue_capacity{${GATEWAY}}[5m])) == 0`,
    for: '5m',
    summary: 'Students of {{ $labels.classroom }} ask, and no engine of the class is ready.',
    meaning: 'Their requests wait, and are then refused with engine_starting or no_engine_ready.',
    action:
      '`kubectl classroom status` says why engines do not start. A large model that is downloaded for the first time, or woken from sleep, may take longer than this alert waits.',
  },
  {
    name: 'GpuClassroomEngineOut',
    severity: 'warning',
    expr: `max(gpu_classroom_gateway_engines_out{${GATEWAY}}) > 0`,
    for: '10m',
    summary: '{{ $value }} engines are ready, but do not answer the gateway.',
    meaning: 'Their classes have less room than planned.',
    action:
      'Look at the log of the gateway for the engines that it took out, and at the logs of those. A NetworkPolicy of somebody else may keep the gateway out.',
  },
  {
    name: 'GpuClassroomLongWaits',
    severity: 'warning',
    expr: `histogram_quantile(0.95, sum by (le) (rate(gpu_classroom_gateway_queue_wait_seconds_bucket{${GATEWAY}}[10m]))) > 60`,
    for: '10m',
    summary: 'One request in twenty waits for more than a minute for an engine.',
    meaning: 'There is more to do than the engines can do. It is shared fairly, but everybody waits.',
    action:
      'Give the classes more engines, a smaller model, or fewer concurrent requests for each student. `kubectl classroom plan` says what fits.',
  },
  {
    name: 'GpuClassroomUnfair',
    severity: 'warning',
    expr: `min by (classroom) (gpu_classroom_gateway_queue_fairness{${GATEWAY}}) < 0.5`,
    for: '15m',
    summary: 'Students of {{ $labels.classroom }} who wait get very unequal shares.',
    meaning: 'It is as unequal as if half of those who wait got nothing.',
    action:
      'It should not happen for longer than a long answer takes. Look at the figures of the students with `kubectl classroom top`, and report it with them.',
  },
  {
    name: 'GpuClassroomStateStoreAway',
    severity: 'critical',
    expr: `min(gpu_classroom_gateway_state_store_up{${GATEWAY}}) == 0`,
    for: '2m',
    summary: 'A gateway has lost the store in which the gateways count together.',
    meaning: 'Each gateway counts for itself: with its part of the limits, and not for long.',
    action: 'Look at the Valkey server of `gateway.valkey.url` and at the log of the gateway.',
  },
  {
    name: 'GpuClassroomNotBooked',
    severity: 'warning',
    expr: `min_over_time(gpu_classroom_gateway_unbooked_requests{${GATEWAY}}[15m]) > 0`,
    for: '5m',
    summary: 'Ended requests have not been booked for a quarter of an hour.',
    meaning: 'Their tokens are missing in reports and limits, and are lost when the gateway ends.',
    action: 'Look at the log of the gateway {{ $labels.pod }} and at the Valkey server.',
  },
  {
    name: 'GpuClassroomNotMetered',
    severity: 'warning',
    expr: `sum(increase(gpu_classroom_gateway_charges_total{${GATEWAY},basis="reserved"}[30m])) > 0`,
    for: '5m',
    summary: 'Engines give complete answers and do not say how many tokens they took.',
    meaning: 'Students are charged what was reserved for these answers, which is more than what they used.',
    action: 'Look whether `engine.extraArgs` or another image changed what vLLM answers.',
  },
  {
    name: 'GpuClassroomGatewayBusy',
    severity: 'warning',
    expr: `max by (pod) (nodejs_eventloop_lag_p99_seconds{${GATEWAY}}) > 0.5`,
    for: '10m',
    summary: 'The gateway {{ $labels.pod }} is busy: requests wait before it even sees them.',
    meaning: 'All answers become slower, whatever the engines do.',
    action: 'Give it more CPU, or run several gateways with `gateway.valkey.url`.',
  },
  {
    name: 'GpuClassroomConnectionsDropped',
    severity: 'warning',
    expr: `sum(increase(gpu_classroom_gateway_connections_dropped_total{${GATEWAY}}[15m])) > 0`,
    for: '0s',
    summary: 'The gateway closed connections unheard: it has as many as it may.',
    meaning: 'Students see refused connections and no words.',
    action:
      'Look for a client that opens connections without end, or raise `gateway.settings.maxConnections`.',
  },
];

const ENGINE_ALERTS: readonly Alert[] = [
  {
    name: 'GpuClassroomEngineSilent',
    severity: 'warning',
    expr: `up{${ENGINE}} == 0`,
    for: '45m',
    summary: 'The engine {{ $labels.pod }} of {{ $labels.classroom }} has told no metrics for long.',
    meaning: 'It does not start, hangs, or Prometheus is kept out.',
    action: '`kubectl classroom status` and `kubectl classroom logs` say what the engine says.',
  },
  {
    name: 'GpuClassroomEngineShortOfMemory',
    severity: 'warning',
    expr: `
      sum by (classroom, pod) (rate(vllm:num_preemptions_total{${ENGINE}}[15m]))
        / sum by (classroom, pod) (rate(vllm:request_success_total{${ENGINE}}[15m])) > 0.2`,
    for: '15m',
    summary:
      'The engine {{ $labels.pod }} of {{ $labels.classroom }} often stops answers to make room for others.',
    meaning: 'The KV cache is too small for what is asked at a time: answers are computed twice.',
    action: 'Ask for a shorter context, fewer concurrent requests, or more GPU memory for the class.',
  },
];

/** All alerts, in groups by who is meant. */
export const ALERT_GROUPS: readonly AlertGroup[] = [
  { name: `${APP_NAME}.operator`, alerts: OPERATOR_ALERTS },
  { name: `${APP_NAME}.gateway`, alerts: GATEWAY_ALERTS },
  { name: `${APP_NAME}.engines`, alerts: ENGINE_ALERTS },
];
