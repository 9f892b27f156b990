import type { Failure } from '../failures.ts';
import { isRunningFailure } from '../failures.ts';
import { goDuration, nextBackOff, restartAt } from './back-off.ts';
import { conditionsOf } from './conditions.ts';
import { firstProbe, type ProbeKind, probeAnswered, probeOf, probeSent } from './probes.ts';
import { type Container, containersOf, graceSecondsOf, hasEnded, isTerminating, restarts } from './spec.ts';
import type { ContainerState, PodAction, PodEvent, PodState, StopState, Termination } from './state.ts';

/** What one event leads to. */
export interface Step {
  readonly state: PodState;
  /** To be carried out in this order. */
  readonly actions: readonly PodAction[];
  /** When to come back with a `tick`; undefined: only the next event changes anything. */
  readonly wakeAtMs: number | undefined;
}

/** A process gets at least this long to end, however long the preStop hook took: `minimumGracePeriodInSeconds`. */
const MINIMUM_GRACE_MS = 2000;
const PROBE_KINDS: readonly ProbeKind[] = ['startup', 'readiness', 'liveness'];

/**
 * The life of a pod as a kubelet leads it, without doing any of it: what is known, what happened and the time give
 * what is known next and what to do.
 * https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
 */
export function step(state: PodState, event: PodEvent, nowMs: number): Step {
  const actions: PodAction[] = [];
  const received = receive(state, event, nowMs, actions);
  const advanced = withTransitions(advance(received, nowMs, actions), nowMs);
  return { state: advanced, actions, wakeAtMs: nextWake(advanced) };
}

function receive(state: PodState, event: PodEvent, nowMs: number, actions: PodAction[]): PodState {
  switch (event.type) {
    case 'tick':
      return state;
    case 'podChanged':
      return { ...state, pod: event.pod };
    case 'failureSet': {
      const isSame = JSON.stringify(event.failure) === JSON.stringify(state.failure);
      return isSame ? state : { ...state, failure: event.failure, failuresPlayed: 0 };
    }
    case 'started':
    case 'notStarted':
    case 'exited':
    case 'probed':
      return {
        ...state,
        address: event.type === 'started' ? event.address : state.address,
        containers: state.containers.map((container) =>
          container.name === event.container && container.attempt === event.attempt
            ? receiveForContainer(state, container, event, nowMs, actions)
            : container,
        ),
      };
  }
}

type ContainerEvent = Extract<PodEvent, { container: string }>;

function receiveForContainer(
  state: PodState,
  container: ContainerState,
  event: ContainerEvent,
  nowMs: number,
  actions: PodAction[],
): ContainerState {
  const isExpected = container.phase.type === (isStartAnswer(event) ? 'creating' : 'running');
  if (!isExpected) return container;
  switch (event.type) {
    case 'started':
      return onStarted(state, container, event.containerId, nowMs, actions);
    case 'notStarted':
      return onNotStarted(state, container, event, nowMs, actions);
    case 'exited':
      return onExited(state, container, event, nowMs, actions);
    case 'probed':
      return onProbed(state, container, event, actions);
  }
}

function isStartAnswer({ type }: ContainerEvent): boolean {
  return type === 'started' || type === 'notStarted';
}

function onStarted(
  state: PodState,
  container: ContainerState,
  containerId: string,
  nowMs: number,
  actions: PodAction[],
): ContainerState {
  const spec = specOf(state, container);
  actions.push({
    type: 'event',
    kind: 'Normal',
    reason: 'Started',
    message: `Container ${container.name} started`,
  });
  const probes: ContainerState['probes'] = {};
  for (const kind of PROBE_KINDS) {
    const probe = probeOf(spec, kind);
    if (probe !== undefined) probes[kind] = firstProbe(probe, nowMs, nowMs, state.pace.probes);
  }
  return {
    ...container,
    containerId,
    phase: { type: 'running', startedAtMs: nowMs },
    restartCount: container.last === undefined ? container.restartCount : container.restartCount + 1,
    pullBackOff: undefined,
    probes,
    startupDone: spec.startupProbe === undefined,
    stop: undefined,
  };
}

function onNotStarted(
  state: PodState,
  container: ContainerState,
  { reason, message }: Extract<PodEvent, { type: 'notStarted' }>,
  nowMs: number,
  actions: PodAction[],
): ContainerState {
  actions.push({ type: 'event', kind: 'Warning', reason: 'Failed', message });
  if (reason !== 'ErrImagePull') {
    const retryAtMs = nowMs + state.pace.configRetryMs;
    return { ...container, phase: { type: 'waiting', reason, message, retryAtMs } };
  }
  const pullBackOff = nextBackOff(container.pullBackOff, nowMs, nowMs, state.pace.pullBackOff);
  const image = specOf(state, container).image ?? '';
  return {
    ...container,
    pullBackOff,
    phase: {
      type: 'waiting',
      reason,
      message,
      retryAtMs: nowMs + pullBackOff.delayMs,
      later: {
        atMs: nowMs + state.pace.pullErrorShownMs,
        reason: 'ImagePullBackOff',
        message: `Back-off pulling image "${image}": ErrImagePull: ${message}`,
      },
    },
  };
}

function onExited(
  state: PodState,
  container: ContainerState,
  event: Extract<PodEvent, { type: 'exited' }>,
  nowMs: number,
  actions: PodAction[],
): ContainerState {
  const termination = terminationOf(state, container, event, nowMs);
  const ended = { ...container, stop: undefined, probes: {}, startupDone: false };
  if (isTerminating(state.pod) || !restarts(state.pod, container.init, termination.exitCode)) {
    return { ...ended, phase: { type: 'terminated', termination } };
  }
  const { atMs, delayMs } = restartAt(container.restartBackOff, nowMs, state.pace.restartBackOff);
  if (delayMs === 0) {
    const phase = { type: 'waiting', reason: 'ContainerCreating', retryAtMs: atMs } as const;
    return { ...ended, last: termination, phase };
  }
  const { name, namespace, uid } = state.pod.metadata;
  const message = `back-off ${goDuration(delayMs)} restarting failed container=${container.name} pod=${name}_${namespace}(${uid})`;
  actions.push({ type: 'event', kind: 'Warning', reason: 'BackOff', message });
  return {
    ...ended,
    last: termination,
    phase: { type: 'waiting', reason: 'CrashLoopBackOff', message, retryAtMs: atMs },
  };
}

function terminationOf(
  state: PodState,
  container: ContainerState,
  { exitCode, terminationLog, output }: Extract<PodEvent, { type: 'exited' }>,
  nowMs: number,
): Termination {
  const fallsBack = specOf(state, container).terminationMessagePolicy === 'FallbackToLogsOnError';
  const fallback = fallsBack && exitCode !== 0 ? output : '';
  const message = terminationLog === '' ? fallback : terminationLog;
  return {
    exitCode,
    reason: exitCode === 0 ? 'Completed' : container.played?.kind === 'OOMKilled' ? 'OOMKilled' : 'Error',
    message: message === '' ? undefined : message,
    startedAtMs: container.phase.type === 'running' ? container.phase.startedAtMs : nowMs,
    finishedAtMs: nowMs,
    containerId: container.containerId,
  };
}

function onProbed(
  state: PodState,
  container: ContainerState,
  event: Extract<PodEvent, { type: 'probed' }>,
  actions: PodAction[],
): ContainerState {
  const probe = probeOf(specOf(state, container), event.probe);
  const before = container.probes[event.probe];
  if (probe === undefined || before === undefined) return container;
  const after = probeAnswered(before, probe, event);
  if (!event.success) {
    const kind = event.probe.charAt(0).toUpperCase() + event.probe.slice(1);
    const message = `${kind} probe failed: ${event.message}`;
    actions.push({ type: 'event', kind: 'Warning', reason: 'Unhealthy', message });
  }
  const startupDone = container.startupDone || (event.probe === 'startup' && after.outcome === 'success');
  return { ...container, startupDone, probes: { ...container.probes, [event.probe]: after } };
}

function advance(state: PodState, nowMs: number, actions: PodAction[]): PodState {
  if (state.finished) return state;
  if (isTerminating(state.pod)) return advanceTerminating(state, nowMs, actions);
  if (hasEnded(state.pod)) return state;
  let next = state;
  for (const { name } of state.containers) {
    const container = next.containers.find((one) => one.name === name);
    if (container === undefined) continue;
    next = advanceContainer(next, container, nowMs, actions);
  }
  return next;
}

function advanceTerminating(state: PodState, nowMs: number, actions: PodAction[]): PodState {
  const graceMs = graceSecondsOf(state.pod) * 1000;
  const containers = state.containers.map((container) => {
    if (container.phase.type !== 'running') return container;
    const stop = stopWithin(container.stop ?? beginStop(state, container, nowMs, actions), graceMs, nowMs);
    const stopping = advanceStop({ ...container, stop }, nowMs, actions);
    return advanceProbes(state, stopping, nowMs, actions);
  });
  const isBusy = containers.some(({ phase }) => phase.type === 'running' || phase.type === 'creating');
  if (!isBusy) actions.push({ type: 'finish' });
  return { ...state, containers, finished: !isBusy };
}

function advanceContainer(
  state: PodState,
  container: ContainerState,
  nowMs: number,
  actions: PodAction[],
): PodState {
  switch (container.phase.type) {
    case 'waiting':
      return advanceWaiting(state, container, container.phase, nowMs, actions);
    case 'running':
      return advanceRunning(state, container, container.phase.startedAtMs, nowMs, actions);
    case 'creating':
    case 'terminated':
      return state;
  }
}

function advanceWaiting(
  state: PodState,
  container: ContainerState,
  phase: Extract<ContainerState['phase'], { type: 'waiting' }>,
  nowMs: number,
  actions: PodAction[],
): PodState {
  if (!isItsTurn(state, container)) return state;
  if (phase.retryAtMs > nowMs) {
    const { later } = phase;
    if (later === undefined || later.atMs > nowMs) return state;
    const { reason, message } = later;
    actions.push({ type: 'event', kind: 'Warning', reason: 'BackOff', message });
    return replaced(state, { ...container, phase: { ...phase, reason, message, later: undefined } });
  }
  const failure = isFirstMain(state, container) ? atStart(state) : undefined;
  const attempt = container.attempt + 1;
  actions.push({ type: 'start', container: container.name, attempt, failure });
  const restartBackOff =
    container.last === undefined
      ? container.restartBackOff
      : nextBackOff(container.restartBackOff, container.last.finishedAtMs, nowMs, state.pace.restartBackOff);
  return {
    ...replaced(state, {
      ...container,
      attempt,
      restartBackOff,
      played: failure,
      phase: { type: 'creating' },
    }),
    failuresPlayed: state.failuresPlayed + (failure === undefined ? 0 : 1),
  };
}

function advanceRunning(
  state: PodState,
  container: ContainerState,
  startedAtMs: number,
  nowMs: number,
  actions: PodAction[],
): PodState {
  let [nextState, next] = [state, container];
  const failure = dueFailure(state, container);
  if (failure !== undefined && startedAtMs + failure.afterMs <= nowMs) {
    actions.push({ type: 'playFailure', container: container.name, failure: failure.failure });
    next = { ...next, played: failure.failure };
    nextState = { ...nextState, failuresPlayed: nextState.failuresPlayed + 1 };
  }
  next = advanceProbes(state, stopUnhealthy(state, next, nowMs, actions), nowMs, actions);
  return replaced(nextState, advanceStop(next, nowMs, actions));
}

function stopUnhealthy(
  state: PodState,
  container: ContainerState,
  nowMs: number,
  actions: PodAction[],
): ContainerState {
  if (container.stop !== undefined) return container;
  const failed = (['startup', 'liveness'] as const).find(
    (kind) => container.probes[kind]?.outcome === 'failure',
  );
  if (failed === undefined) return container;
  const message = `Container ${container.name} failed ${failed} probe, will be restarted`;
  actions.push({ type: 'event', kind: 'Normal', reason: 'Killing', message });
  const probe = probeOf(specOf(state, container), failed);
  const graceMs = (probe?.terminationGracePeriodSeconds ?? graceSecondsOf(state.pod)) * 1000;
  return { ...container, stop: stopWithin(beginStop(state, container, nowMs), graceMs, nowMs) };
}

/** After the preStop hook. Its end is known beforehand, because only `sleep` is played. */
function beginStop(
  state: PodState,
  container: ContainerState,
  nowMs: number,
  actions?: PodAction[],
): StopState {
  const name = container.name;
  actions?.push({ type: 'event', kind: 'Normal', reason: 'Killing', message: `Stopping container ${name}` });
  const preStop = specOf(state, container).lifecycle?.preStop;
  if (preStop !== undefined && preStop.sleep === undefined) {
    const message = `the preStop hook of container ${name} was skipped: the node agent plays only sleep`;
    actions?.push({ type: 'event', kind: 'Warning', reason: 'FailedPreStopHook', message });
  }
  const termAtMs = nowMs + (preStop?.sleep?.seconds ?? 0) * 1000;
  return { termAtMs, killAtMs: Number.POSITIVE_INFINITY, termSent: false, killSent: false };
}

/** The grace period counts from now on, but never moves an earlier end further away. */
function stopWithin(stop: StopState, graceMs: number, nowMs: number): StopState {
  const termAtMs = Math.min(stop.termAtMs, nowMs + graceMs);
  const killAtMs = Math.min(stop.killAtMs, Math.max(nowMs + graceMs, termAtMs + MINIMUM_GRACE_MS));
  return { ...stop, termAtMs, killAtMs };
}

function advanceStop(container: ContainerState, nowMs: number, actions: PodAction[]): ContainerState {
  const { stop } = container;
  if (stop === undefined) return container;
  const termSent = stop.termSent || stop.termAtMs <= nowMs;
  const killSent = stop.killSent || stop.killAtMs <= nowMs;
  if (termSent !== stop.termSent) {
    actions.push({ type: 'signal', container: container.name, signal: 'SIGTERM' });
  }
  if (killSent !== stop.killSent) {
    actions.push({ type: 'signal', container: container.name, signal: 'SIGKILL' });
  }
  return { ...container, stop: { ...stop, termSent, killSent } };
}

function advanceProbes(
  state: PodState,
  container: ContainerState,
  nowMs: number,
  actions: PodAction[],
): ContainerState {
  const probes = { ...container.probes };
  for (const kind of activeProbes(container)) {
    const [probe, before] = [probeOf(specOf(state, container), kind), probes[kind]];
    if (probe === undefined || before === undefined || before.inFlight || before.nextAtMs > nowMs) continue;
    probes[kind] = probeSent(before, probe, nowMs, state.pace.probes);
    const { name, attempt } = container;
    actions.push({ type: 'probe', container: name, attempt, probe: kind });
  }
  return { ...container, probes };
}

/** Readiness goes on while a container is being ended; the others would only end it again. */
function activeProbes(container: ContainerState): ProbeKind[] {
  if (!container.startupDone) return container.stop === undefined ? ['startup'] : [];
  return container.stop === undefined ? ['readiness', 'liveness'] : ['readiness'];
}

/** Init containers run one after another, and all of them before the others. */
function isItsTurn(state: PodState, container: ContainerState): boolean {
  const current = state.containers.find(
    ({ init, phase }) => init && !(phase.type === 'terminated' && phase.termination.exitCode === 0),
  );
  return current === undefined ? !container.init : current.name === container.name;
}

function isFirstMain(state: PodState, container: ContainerState): boolean {
  return state.containers.find(({ init }) => !init)?.name === container.name;
}

function mayPlay(state: PodState): boolean {
  const times = state.failure?.times;
  return state.failure !== undefined && (times === undefined || state.failuresPlayed < times);
}

function atStart(state: PodState): Failure | undefined {
  const { failure } = state;
  return failure !== undefined && !isRunningFailure(failure) && mayPlay(state) ? failure : undefined;
}

function dueFailure(
  state: PodState,
  container: ContainerState,
): { failure: Failure; afterMs: number } | undefined {
  const { failure } = state;
  if (failure === undefined || !isRunningFailure(failure) || !mayPlay(state)) return undefined;
  if (container.played !== undefined || container.stop !== undefined || !isFirstMain(state, container)) {
    return undefined;
  }
  return { failure, afterMs: failure.afterSeconds * 1000 };
}

function specOf(state: PodState, container: ContainerState): Container {
  const found = containersOf(state.pod).find((one) => one.container.name === container.name);
  // The containers of a pod never change after its creation.
  if (found === undefined)
    throw new Error(`pod ${state.pod.metadata.name} has no container ${container.name}`);
  return found.container;
}

function replaced(state: PodState, container: ContainerState): PodState {
  return {
    ...state,
    containers: state.containers.map((one) => (one.name === container.name ? container : one)),
  };
}

function withTransitions(state: PodState, nowMs: number): PodState {
  const transitions = Object.fromEntries(
    conditionsOf(state).map(({ type, status }) => {
      const before = state.transitions[type];
      return [type, before?.status === status ? before : { status, atMs: nowMs }];
    }),
  );
  return { ...state, transitions };
}

function nextWake(state: PodState): number | undefined {
  if (state.finished) return undefined;
  const times = state.containers.flatMap((container) => wakesOf(state, container)).filter(Number.isFinite);
  return times.length === 0 ? undefined : Math.min(...times);
}

function wakesOf(state: PodState, container: ContainerState): number[] {
  const { phase, stop } = container;
  if (phase.type === 'waiting') {
    if (isTerminating(state.pod) || hasEnded(state.pod) || !isItsTurn(state, container)) return [];
    return [phase.retryAtMs, phase.later?.atMs ?? Number.POSITIVE_INFINITY];
  }
  if (phase.type !== 'running') return [];
  const times: number[] = [];
  for (const kind of activeProbes(container)) {
    const probe = container.probes[kind];
    if (probe !== undefined && !probe.inFlight) times.push(probe.nextAtMs);
  }
  if (stop !== undefined && !stop.termSent) times.push(stop.termAtMs);
  if (stop !== undefined && !stop.killSent) times.push(stop.killAtMs);
  const failure = dueFailure(state, container);
  if (failure !== undefined && !isTerminating(state.pod)) times.push(phase.startedAtMs + failure.afterMs);
  return times;
}
