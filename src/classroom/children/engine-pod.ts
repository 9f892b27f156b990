import type { ClassroomSpec } from '../../api/classroom.ts';
import { COMPONENTS, ENGINE_CONTAINER, ENGINE_PORT, ENGINE_PORT_NAME } from '../../api/labels.ts';
import type { Deployment } from '../../kube/resources.ts';
import { engineArgs, SHUTDOWN_TIMEOUT_SECONDS } from '../engine-args.ts';
import type { EngineSettings } from '../engine-settings.ts';
import { childLabels, engineName, modelCacheName } from './metadata.ts';

type PodTemplate = NonNullable<NonNullable<Deployment['spec']>['template']>;
type PodSpec = NonNullable<PodTemplate['spec']>;
type Container = PodSpec['containers'][number];
type Volume = NonNullable<PodSpec['volumes']>[number];

/** Where the model volume is mounted: a `model.id` that is a path lies below it. */
export const MODEL_VOLUME_PATH = '/models';

/** Time for the gateway to see the pod go before vLLM stops accepting: new requests would get status 500. */
const PRE_STOP_SECONDS = 5;
/** An idle vLLM takes 4 to 7 s to exit; one whose last answers hang never does and has to be killed. */
const EXIT_SECONDS = 15;
/** 30 min: weights from a slow hub, compilation, warm-up. A shorter probe kills the load again and again. */
const STARTUP_PROBE = { periodSeconds: 10, failureThreshold: 180 };
/** The group that may write to volumes that the operator made: that of the non-root image of vLLM. */
const VOLUME_GROUP = 2000;
const GPU_TAINT = 'nvidia.com/gpu';
const GPU_PRODUCT_LABEL = 'nvidia.com/gpu.product';

/** The pod of one engine. */
export function enginePodTemplate(
  classroom: string,
  spec: ClassroomSpec,
  settings: EngineSettings,
): PodTemplate {
  return {
    metadata: { labels: childLabels(classroom, COMPONENTS.engine) },
    spec: {
      serviceAccountName: engineName(classroom),
      automountServiceAccountToken: false,
      // A Service link such as VLLM_PORT would be taken for configuration of vLLM.
      enableServiceLinks: false,
      terminationGracePeriodSeconds: PRE_STOP_SECONDS + SHUTDOWN_TIMEOUT_SECONDS + EXIT_SECONDS,
      securityContext: podSecurityContext(spec),
      ...placement(spec),
      containers: [engineContainer(spec, settings)],
      volumes: [
        { name: 'models', ...modelVolume(classroom, spec) },
        // Worker processes exchange tensors through shared memory; the default of 64 MiB is too small.
        { name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '2Gi' } },
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
    resources: { limits: { [settings.resourceName]: String(settings.resourceCount) } },
    startupProbe: { ...healthProbe(), ...STARTUP_PROBE },
    readinessProbe: { ...healthProbe(), periodSeconds: 5, failureThreshold: 3 },
    // vLLM can hang with its process alive.
    livenessProbe: { ...healthProbe(), periodSeconds: 10, failureThreshold: 6 },
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_SECONDS } } },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    // The image of vLLM runs as root, so `runAsNonRoot` would keep it from starting; all else of "restricted" holds.
    securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
    volumeMounts: [
      { name: 'models', mountPath: MODEL_VOLUME_PATH },
      { name: 'shm', mountPath: '/dev/shm' },
    ],
  };
}

function healthProbe() {
  return { httpGet: { path: '/health', port: ENGINE_PORT_NAME }, timeoutSeconds: 5 };
}

/** Caches lie on the model volume, so that a restart neither downloads nor compiles again. */
function engineEnvironment(spec: ClassroomSpec): NonNullable<Container['env']> {
  const token = spec.model.tokenSecretRef;
  return [
    { name: 'HF_HOME', value: `${MODEL_VOLUME_PATH}/.cache/huggingface` },
    ...(token === undefined
      ? []
      : [{ name: 'HF_TOKEN', valueFrom: { secretKeyRef: { name: token.name, key: token.key } } }]),
    { name: 'TRITON_CACHE_DIR', value: `${MODEL_VOLUME_PATH}/.cache/triton` },
    { name: 'VLLM_CACHE_ROOT', value: `${MODEL_VOLUME_PATH}/.cache/vllm` },
    // Above the time for which the gateway keeps idle connections; with vLLM's 5 s it would reuse closed ones.
    { name: 'VLLM_HTTP_TIMEOUT_KEEP_ALIVE', value: '75' },
    // Completions of one request: with vLLM's default of 16384 one student can exhaust the memory of all.
    { name: 'VLLM_MAX_N_SEQUENCES', value: '4' },
    { name: 'VLLM_NO_USAGE_STATS', value: '1' },
  ];
}

function modelVolume(classroom: string, spec: ClassroomSpec): Omit<Volume, 'name'> {
  const storage = spec.model.storage;
  if (storage === undefined) return { emptyDir: {} };
  return { persistentVolumeClaim: { claimName: storage.claimName ?? modelCacheName(classroom) } };
}

/** The group of a volume that others made stays as it is. */
function podSecurityContext(spec: ClassroomSpec): NonNullable<PodSpec['securityContext']> {
  const seccompProfile = { type: 'RuntimeDefault' };
  if (spec.model.storage?.claimName !== undefined) return { seccompProfile };
  return { seccompProfile, fsGroup: VOLUME_GROUP, fsGroupChangePolicy: 'OnRootMismatch' };
}

function placement(spec: ClassroomSpec): Pick<PodSpec, 'nodeSelector' | 'affinity' | 'tolerations'> {
  const { gpu } = spec;
  const selector = { ...(gpu.sharing === 'None' ? productSelector(gpu.product) : {}), ...gpu.nodeSelector };
  const products = productVariants(spec);
  return {
    ...(Object.keys(selector).length === 0 ? {} : { nodeSelector: selector }),
    ...(products.length === 0 ? {} : { affinity: productAffinity(products) }),
    tolerations: [{ key: GPU_TAINT, operator: 'Exists', effect: 'NoSchedule' }, ...gpu.tolerations],
  };
}

function productSelector(product: string | undefined): Record<string, string> {
  return product === undefined ? {} : { [GPU_PRODUCT_LABEL]: product };
}

/**
 * GPU Feature Discovery adds to the product how it is shared, depending on the plugin's settings.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin/blob/main/docs/gpu-feature-discovery/README.md
 */
function productVariants({ gpu }: ClassroomSpec): string[] {
  if (gpu.product === undefined) return [];
  switch (gpu.sharing) {
    case 'None':
      return [];
    case 'TimeSliced':
      return [gpu.product, `${gpu.product}-SHARED`];
    case 'MIG':
      return [gpu.product, `${gpu.product}-MIG-${(gpu.migProfile ?? '').replace('+', '.')}`];
  }
}

function productAffinity(products: string[]): NonNullable<PodSpec['affinity']> {
  return {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: GPU_PRODUCT_LABEL, operator: 'In', values: products }] },
        ],
      },
    },
  };
}
