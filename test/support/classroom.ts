import { COMPONENTS, LABELS } from '../../src/api/labels.ts';
import type { ObservedClass } from '../../src/classroom/observe.ts';
import type { Pod } from '../../src/kube/resources.ts';
import type { OperatorSettings } from '../../src/reconcile/settings.ts';
import { classroom, merged, type Partially } from './builders.ts';

/** What the operator sees of the class python-101 before it made anything; a case states only what differs. */
export function observedClass(difference: Partial<ObservedClass> = {}): ObservedClass {
  return {
    classroom: classroom(),
    seats: [],
    pods: [],
    deployment: undefined,
    modelCache: undefined,
    children: [],
    enginePods: [],
    gpus: { kind: 'Known', nodes: [], pods: [], dra: [], seesAllPods: true },
    activity: { kind: 'quiet', sinceMs: 0 },
    watched: new Map(),
    demandLeases: [],
    needHistory: undefined,
    adapters: undefined,
    allClasses: [],
    preparationNote: undefined,
    ...difference,
  };
}

/** An operator and a gateway in the namespace gpu-classroom, and no monitoring. */
export function settings(difference: Partial<OperatorSettings> = {}): OperatorSettings {
  const peer = (component: string) => ({
    namespace: 'gpu-classroom',
    podLabels: { [LABELS.name]: 'gpu-classroom', [LABELS.component]: component },
  });
  return {
    gatewayBaseURL: 'http://gateway.test/v1',
    operatorNamespace: 'gpu-classroom',
    watchNamespace: undefined,
    gatewayPeer: peer(COMPONENTS.gateway),
    operatorPeer: peer(COMPONENTS.operator),
    prometheusPeer: undefined,
    rolloutIdleMs: 300_000,
    ...difference,
  };
}

/** An engine pod of python-101 on node-1 that loads its model since 09:00:00; a case states only what differs. */
export function enginePod(difference: Partially<Pod> = {}): Pod {
  const base: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: 'python-101-engine-a',
      namespace: 'python-101',
      labels: { [LABELS.component]: COMPONENTS.engine, [LABELS.classroom]: 'python-101' },
    },
    spec: { nodeName: 'node-1', containers: [] },
    status: {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: '2026-09-01T08:59:58Z' }],
      containerStatuses: [containerStatus()],
    },
  };
  return merged(base, difference);
}

type ContainerStatus = NonNullable<NonNullable<Pod['status']>['containerStatuses']>[number];

/** The container `vllm`, running since 09:00:00 and not started yet in the sense of its probe. */
export function containerStatus(difference: Partial<ContainerStatus> = {}): ContainerStatus {
  return {
    name: 'vllm',
    image: '',
    imageID: '',
    ready: false,
    started: false,
    restartCount: 0,
    state: { running: { startedAt: '2026-09-01T09:00:00Z' } },
    ...difference,
  };
}

/** An engine that answers since 09:01:00. */
export function readyPod(name: string): Pod {
  return enginePod({
    metadata: { name },
    status: {
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-09-01T09:01:00Z' }],
      containerStatuses: [containerStatus({ ready: true, started: true })],
    },
  });
}
