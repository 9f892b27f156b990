import { API_GROUP } from '../../api/group.ts';
import type { Pod } from '../../kube/resources.ts';

type PodSpec = NonNullable<Pod['spec']>;
type Container = PodSpec['containers'][number];

/** Where the kubelet reads what a container says of its end; the default of `terminationMessagePath`. */
const TERMINATION_LOG = '/dev/termination-log';
/** On the pod: the logging configuration, which the pod mounts as a file. */
export const LOGGING_ANNOTATION = `${API_GROUP}/vllm-logging`;
const VOLUME = 'logging';
const FOLDER = '/etc/gpu-classroom';
const FILE = 'logging.json';
/** Begins each record with its time, so that records can be told apart in what the kubelet passes on. */
export const ENGINE_ERROR_FORMAT = '%(asctime)s %(message)s';

/**
 * Python's logging configuration for vLLM: as its own, and what ends an engine goes to the termination log too. It
 * names no class of vLLM, so that every release can read it.
 *
 * Without it the cause is lost: it is in the log of the engine process, and the traceback of the server that follows
 * is longer than the 2048 bytes of the log that the kubelet passes on; after exit code 0, with which vLLM follows an
 * engine that has died, the kubelet passes on nothing. A termination log is passed on after every end, its last 4096
 * bytes.
 *
 * uvicorn takes the same file, so its loggers are here as well; its access log, a line for every probe, is left out.
 *
 * @see https://docs.vllm.ai/en/latest/examples/others/logging_configuration.html
 * @see https://kubernetes.io/docs/tasks/debug/debug-application/determine-reason-pod-failure/
 */
const LOGGING_CONFIGURATION = {
  version: 1,
  disable_existing_loggers: false,
  formatters: {
    vllm: {
      datefmt: '%m-%d %H:%M:%S',
      format:
        '(%(processName)s pid=%(process)d) %(levelname)s %(asctime)s [%(filename)s:%(lineno)d] %(message)s',
    },
    uvicorn: { format: '%(levelname)s:     %(message)s' },
    end: { format: ENGINE_ERROR_FORMAT },
  },
  handlers: {
    vllm: {
      class: 'logging.StreamHandler',
      formatter: 'vllm',
      level: 'INFO',
      stream: 'ext://sys.stdout',
    },
    uvicorn: { class: 'logging.StreamHandler', formatter: 'uvicorn', stream: 'ext://sys.stderr' },
    end: {
      class: 'logging.FileHandler',
      formatter: 'end',
      level: 'ERROR',
      filename: TERMINATION_LOG,
      delay: true,
    },
  },
  loggers: {
    vllm: { handlers: ['vllm'], level: 'INFO', propagate: false },
    // They say `EngineCore failed to start.` and the like; their records go to the handler of `vllm` as before.
    'vllm.v1.engine.core': { handlers: ['end'] },
    'vllm.v1.executor.multiproc_executor': { handlers: ['end'] },
    uvicorn: { handlers: ['uvicorn'], level: 'INFO', propagate: false },
    'uvicorn.access': { level: 'WARNING' },
  },
};

/** What the pod of an engine needs so that the cause of its end reaches `status`. */
export const ENGINE_LOG = {
  annotations: { [LOGGING_ANNOTATION]: JSON.stringify(LOGGING_CONFIGURATION) },
  volume: {
    name: VOLUME,
    downwardAPI: {
      items: [
        {
          path: FILE,
          fieldRef: { apiVersion: 'v1', fieldPath: `metadata.annotations['${LOGGING_ANNOTATION}']` },
        },
      ],
    },
  },
  volumeMount: { name: VOLUME, mountPath: FOLDER, readOnly: true },
  env: { name: 'VLLM_LOGGING_CONFIG_PATH', value: `${FOLDER}/${FILE}` },
  /** Of the container: the log of the server itself, where there is nothing in the termination log. */
  terminationMessage: {
    terminationMessagePath: TERMINATION_LOG,
    terminationMessagePolicy: 'FallbackToLogsOnError',
  },
} as const satisfies {
  annotations: Record<string, string>;
  volume: NonNullable<PodSpec['volumes']>[number];
  volumeMount: NonNullable<Container['volumeMounts']>[number];
  env: NonNullable<Container['env']>[number];
  terminationMessage: Pick<Container, 'terminationMessagePath' | 'terminationMessagePolicy'>;
};
