import type { ClassroomSpec } from '../../api/classroom.ts';
import { COMPONENTS, ENGINE_CONTAINER, ENGINE_PORT, ENGINE_PORT_NAME } from '../../api/labels.ts';
import { MODEL_VOLUME_PATH } from '../../api/model.ts';
import { GPU_TOLERATION, productLabels } from '../../gpu/nodes/class-demand.ts';
import { GPU_LABELS } from '../../gpu/nodes/gpu-labels.ts';
import { engineArgs, SHUTDOWN_TIMEOUT_SECONDS } from '../engine-args.ts';
import type { EngineSettings } from '../engine-settings.ts';
import { ENGINE_LOG } from '../failures/engine-log.ts';
import { LOST_NODE_TOLERATIONS } from '../failures/lost-node.ts';
import type { PodTemplate } from '../rollout/rolled-out.ts';
import { IN_TURN, START_GATE, STARTS_LABEL } from '../rollout/start-gate.ts';
import { engineEnvironment } from './engine-environment.ts';
import { containerResources } from './engine-resources.ts';
import { childLabels, engineName, engineSelector, modelCacheName } from './metadata.ts';

type PodSpec = NonNullable<PodTemplate['spec']>;
type Container = PodSpec['containers'][number];
type Volume = NonNullable<PodSpec['volumes']>[number];

/**
 * Time for the gateway to see the pod go before vLLM is told: it answers new requests with 500 from then on, while
 * `/health` goes on to say 200. The watch of the gateway takes a fraction of it.
 */
const PRE_STOP_SECONDS = 5;
/** An idle vLLM takes 4 to 7 s to exit; one whose last answers hang never does and has to be killed. */
const EXIT_SECONDS = 15;
/** A shorter startup probe kills the load again and again. */
const SHORTEST_STARTUP_SECONDS = 1800;
/** Imports, compilation, CUDA graphs; 265 s were seen for compilation alone. */
const STARTUP_WITHOUT_WEIGHTS_SECONDS = 600;
/** 200 Mbit/s: a hub over the line of a school. */
const SLOW_DOWNLOAD_MIB_PER_SECOND = 24;
/** So long may an engine that has loaded stay unnoticed, with students waiting whose request woke its class. */
const STARTUP_PERIOD_SECONDS = 2;
const LIVENESS_PROBE = { periodSeconds: 10, failureThreshold: 6 };
/** An engine that fails its health check has nothing to finish; one that loads may not even notice SIGTERM. */
const WITHOUT_GRACE = { terminationGracePeriodSeconds: EXIT_SECONDS };
/**
 * The kubelet gives volumes that the operator made to this group, and the pod a part in it: without capabilities, root too
 * writes only where permissions let it.
 */
const VOLUME_GROUP = 2000;
/** The user of the non-root image, and its group. https://github.com/vllm-project/vllm/blob/main/docker/Dockerfile */
const NON_ROOT = { runAsNonRoot: true, runAsUser: 2000, runAsGroup: 0 };

/** The pod of one engine. */
export function enginePodTemplate(
  classroom: string,
  spec: ClassroomSpec,
  settings: EngineSettings,
): PodTemplate {
  return {
    metadata: {
      labels: { ...childLabels(classroom, COMPONENTS.engine), ...startLabels(spec) },
      annotations: ENGINE_LOG.annotations,
    },
    spec: {
      ...startGates(spec),
      serviceAccountName: engineName(classroom),
      automountServiceAccountToken: false,
      // A Service link such as VLLM_PORT would be taken for configuration of vLLM.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: PRE_STOP_SECONDS + SHUTDOWN_TIMEOUT_SECONDS + EXIT_SECONDS,
      securityContext: podSecurityContext(spec),
      ...(spec.engine.priorityClassName === undefined
        ? {}
        : { priorityClassName: spec.engine.priorityClassName }),
      ...(spec.engine.runtimeClassName === undefined
        ? {}
        : { runtimeClassName: spec.engine.runtimeClassName }),
      ...placement(classroom, spec, settings.resourceName),
      containers: [engineContainer(spec, settings)],
      volumes: [
        { name: 'models', ...modelVolume(classroom, spec) },
        // Worker processes exchange tensors through shared memory; the default of 64 MiB is too small.
        { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '2Gi' } },
        ENGINE_LOG.volume,
      ],
    },
  };
}

function engineContainer(spec: ClassroomSpec, settings: EngineSettings): Container {
  return {
    name: ENGINE_CONTAINER,
    image: spec.engine.image,
    args: engineArgs(spec, settings),
    env: engineEnvironment(spec),
    ports: [{ name: ENGINE_PORT_NAME, containerPort: ENGINE_PORT, protocol: 'TCP' }],
    resources: containerResources(spec.engine.resources ?? {}, {
      [settings.resourceName]: String(settings.resourceCount),
    }),
    startupProbe: { ...healthProbe(), ...startupTime(settings), ...WITHOUT_GRACE },
    readinessProbe: { ...healthProbe(), periodSeconds: 5, failureThreshold: 3 },
    // vLLM can hang with its process alive.
    livenessProbe: { ...healthProbe(), ...LIVENESS_PROBE, ...WITHOUT_GRACE },
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
    ...ENGINE_LOG.terminationMessage,
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'models', mountPath: MODEL_VOLUME_PATH },
      { name: 'shm', mountPath: '/dev/shm' },
      ENGINE_LOG.volumeMount,
    ],
  };
}

function healthProbe() {
  return { httpGet: { path: '/health', port: ENGINE_PORT_NAME }, timeoutSeconds: 5 };
}

/** Half an hour, and for large models as long as a cold load over a slow line takes. */
function startupTime({ weightsMiB = 0 }: EngineSettings) {
  const seconds = STARTUP_WITHOUT_WEIGHTS_SECONDS + weightsMiB / SLOW_DOWNLOAD_MIB_PER_SECOND;
  return {
    periodSeconds: STARTUP_PERIOD_SECONDS,
    // With a longer one, an engine that takes connections and answers none would be given more time than is meant.
    timeoutSeconds: STARTUP_PERIOD_SECONDS,
    failureThreshold: Math.ceil(Math.max(SHORTEST_STARTUP_SECONDS, seconds) / STARTUP_PERIOD_SECONDS),
  };
}

function modelVolume(classroom: string, spec: ClassroomSpec): Omit<Volume, 'name'> {
  const storage = spec.model.storage;
  if (storage === undefined) return { emptyDir: {} };
  return { persistentVolumeClaim: { claimName: storage.claimName ?? modelCacheName(classroom) } };
}

/**
 * The default image runs as root: with `runAsNonRoot` it would not start, so that is for images that do not. All else
 * of the "restricted" standard holds for both.
 *
 * The group of a volume that others made stays as it is.
 *
 * @see https://kubernetes.io/docs/concepts/security/pod-security-standards/
 */
function podSecurityContext({ engine, model }: ClassroomSpec): NonNullable<PodSpec['securityContext']> {
  return {
    seccompProfile: { type: 'RuntimeDefault' },
    ...(engine.podSecurity === 'Restricted' ? NON_ROOT : {}),
    ...(model.storage?.claimName === undefined
      ? { fsGroup: VOLUME_GROUP, fsGroupChangePolicy: 'OnRootMismatch' }
      : {}),
  };
}

/** Engines that take turns on a GPU begin one after another. */
function startGates({ gpu }: ClassroomSpec): Pick<PodSpec, 'schedulingGates'> {
  return gpu.sharing === 'TimeSliced' ? { schedulingGates: [{ name: START_GATE }] } : {};
}

function startLabels({ gpu }: ClassroomSpec): Record<string, string> {
  return gpu.sharing === 'TimeSliced' ? { [STARTS_LABEL]: IN_TURN } : {};
}

type Placement = Pick<PodSpec, 'nodeSelector' | 'affinity' | 'tolerations' | 'topologySpreadConstraints'>;

/** Spread over the nodes where that is possible: the loss of one then costs the fewest engines. */
function placement(classroom: string, spec: ClassroomSpec, resourceName: string): Placement {
  const { gpu } = spec;
  const products = gpu.product === undefined ? [] : productLabels(gpu, gpu.product);
  const ofProduct: NodeExpression[] =
    products.length === 0 ? [] : [{ key: GPU_LABELS.product, operator: 'In', values: products }];
  const alternatives = resourceName === WHOLE_GPU ? howShared(gpu) : [[]];
  return {
    ...(gpu.nodeSelector === undefined ? {} : { nodeSelector: gpu.nodeSelector }),
    ...affinityFor(alternatives.map((shared) => [...ofProduct, ...shared])),
    tolerations: [GPU_TOLERATION, ...LOST_NODE_TOLERATIONS, ...gpu.tolerations],
    topologySpreadConstraints: [
      {
        maxSkew: 1,
        topologyKey: 'kubernetes.io/hostname',
        whenUnsatisfiable: 'ScheduleAnyway',
        labelSelector: { matchLabels: engineSelector(classroom) },
      },
    ],
  };
}

/** Depending on the settings of the device plugin this is a whole GPU, a time-slice or a MIG slice. */
const WHOLE_GPU = 'nvidia.com/gpu';

type NodeExpression = { key: string; operator: string; values?: string[] };

/**
 * What tells them apart, in alternatives. `NotIn` also takes nodes without the label: theirs say nothing, and the spec
 * decides. So it does of MIG slices where it names the resource: some clouds cut GPUs and do not label them.
 */
function howShared({
  sharing,
  migProfile = '',
  product,
  resourceName,
}: ClassroomSpec['gpu']): NodeExpression[][] {
  switch (sharing) {
    case 'None':
      return [
        [
          { key: GPU_LABELS.sharingStrategy, operator: 'NotIn', values: ['time-slicing', 'mps'] },
          { key: GPU_LABELS.computeSlices, operator: 'DoesNotExist' },
        ],
      ];
    case 'TimeSliced':
      return [[{ key: GPU_LABELS.sharingStrategy, operator: 'NotIn', values: ['none', 'mps'] }]];
    case 'MIG': {
      // The number before `g` of a profile; nodes may be cut in other sizes too.
      const labelled = { key: GPU_LABELS.computeSlices, operator: 'In', values: [migProfile.slice(0, 1)] };
      const unlabelled = { key: GPU_LABELS.product, operator: 'DoesNotExist' };
      return resourceName === undefined || product !== undefined ? [[labelled]] : [[labelled], [unlabelled]];
    }
  }
}

/** @param alternatives one of them must hold; one without expressions always does */
function affinityFor(alternatives: NodeExpression[][]): Pick<PodSpec, 'affinity'> {
  if (alternatives.some((expressions) => expressions.length === 0)) return {};
  const nodeSelectorTerms = alternatives.map((matchExpressions) => ({ matchExpressions }));
  return {
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  };
}
