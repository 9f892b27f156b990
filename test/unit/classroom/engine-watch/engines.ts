import { IN_TURN, STARTS_LABEL } from '../../../../src/classroom/rollout/start-gate.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { merged, type Partially } from '../../../support/builders.ts';
import { containerStatus, enginePod } from '../../../support/classroom.ts';

export interface EnginePodOptions {
  readonly node?: string;
  /** Time of the day on 2026-09-01; the container's start. */
  readonly started?: string;
  /** When it answered first; undefined: it has not yet. */
  readonly ready?: string | undefined;
  readonly args?: readonly string[];
  /** Whether it shares its GPU by time. Default: it does. */
  readonly shares?: boolean;
  readonly ended?: { readonly startedAt: string; readonly finishedAt: string };
}

const day = (time: string): string => `2026-09-01T${time}Z`;

const REPLICA_SET = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  name: 'python-101-engine-5d5f',
  uid: 'uid-of-replica-set',
  controller: true,
};

/** A pod that shares a GPU of node-1 with others, answers since 09:01:00, and was started at 09:00:00. */
export function sharingPod(name: string, options: EnginePodOptions = {}): Pod {
  const {
    node = 'node-1',
    started = '09:00:00',
    args = ['m', '--max-model-len', '4096'],
    shares = true,
  } = options;
  const ready = 'ready' in options ? options.ready : '09:01:00';
  const difference: Partially<Pod> = {
    metadata: {
      name,
      uid: `uid-of-${name}`,
      labels: shares ? { [STARTS_LABEL]: IN_TURN } : {},
      ownerReferences: [REPLICA_SET],
    },
    spec: {
      nodeName: node,
      containers: [
        {
          name: 'vllm',
          image: 'vllm/vllm-openai:v0.32.0',
          args: [...args],
          ports: [{ name: 'http', containerPort: 8000 }],
        },
      ],
    },
    status: {
      podIP: '10.0.0.7',
      conditions: [
        ready === undefined
          ? { type: 'Ready', status: 'False', lastTransitionTime: day(started) }
          : { type: 'Ready', status: 'True', lastTransitionTime: day(ready) },
      ],
      containerStatuses: [
        containerStatus({
          ready: ready !== undefined,
          started: ready !== undefined,
          state: { running: { startedAt: day(started) } },
          ...(options.ended === undefined
            ? {}
            : {
                lastState: {
                  terminated: {
                    exitCode: 1,
                    startedAt: day(options.ended.startedAt),
                    finishedAt: day(options.ended.finishedAt),
                  },
                },
              }),
        }),
      ],
    },
  };
  return merged(enginePod(), difference);
}
