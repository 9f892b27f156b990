import { beforeAll, describe, expect, jest, test } from '@jest/globals';
import { customResourceDefinitions } from '../../../src/api/crd.ts';
import { API_GROUP_VERSION } from '../../../src/api/group.ts';
import { walk } from '../../../src/api/structural-schema.ts';
import { type ApiServer, apiServer } from '../../support/api/api-server.ts';
import type { Kind } from '../../support/api/bound-cases.ts';
import { merged } from '../../support/builders.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// A busy machine is slow, not wrong.
jest.setTimeout(60_000);

/** What a case changes in the plain object of its kind. */
interface Difference {
  metadata?: { name: string };
  spec?: Record<string, unknown>;
}

/** One CEL rule with an object that keeps it and one that breaks it. */
interface Row {
  kind: Kind;
  /** Where the rule stands in the schema. */
  at: string;
  accepted: Difference;
  refused: Difference;
  wantField: string;
  /** The whole message that a trainer reads. */
  wantMessage: string;
}

const plain = {
  Classroom: { metadata: { name: 'python-101' }, spec: { model: { id: 'Qwen/Qwen2.5-7B-Instruct' } } },
  StudentQuota: {
    metadata: { name: 'python-101-alice' },
    spec: { classroomRef: { name: 'python-101' }, student: { id: 'alice' } },
  },
};

const window = { days: ['Mon'], start: '22:00', end: '06:00' };
const dataset = { claimName: 'datasets', path: 'sql.jsonl' };
const adapters = [{ name: 'sql-tutor', path: 'adapters/sql-tutor' }];

const ADAPTER_NAME_MESSAGE =
  'Invalid value: `name` of `adapters` must not be a name of the model, nor the end of one after a colon: students could not tell them apart';

/** Rules about what one object says. */
const rows: Record<string, Row> = {
  'the name of a class leaves room for the names of its engines': {
    kind: 'Classroom',
    at: '',
    accepted: { metadata: { name: 'a'.repeat(40) } },
    refused: { metadata: { name: 'a'.repeat(41) } },
    wantField: 'metadata.name',
    wantMessage:
      'Invalid value: `metadata.name` must not be longer than 40 characters: the names of the engines begin with it',
  },
  'the name of a class begins with a letter': {
    kind: 'Classroom',
    at: '',
    accepted: { metadata: { name: 'python-101' } },
    refused: { metadata: { name: '101-python' } },
    wantField: 'metadata.name',
    wantMessage:
      "Invalid value: `metadata.name` must begin with a letter and must not contain '.': it becomes part of host names",
  },
  'the name of a class has no dots': {
    kind: 'Classroom',
    at: '',
    accepted: { metadata: { name: 'python-3-14' } },
    refused: { metadata: { name: 'python-3.14' } },
    wantField: 'metadata.name',
    wantMessage:
      "Invalid value: `metadata.name` must begin with a letter and must not contain '.': it becomes part of host names",
  },
  'an exam says what holds during it': {
    kind: 'Classroom',
    at: 'spec',
    accepted: { spec: { access: 'Exam', exam: {} } },
    refused: { spec: { access: 'Exam' } },
    wantField: 'spec.exam',
    wantMessage: "Required value: `exam` must be set when `access` is 'Exam'",
  },
  'engines that always run do not stop when idle': {
    kind: 'Classroom',
    at: 'spec',
    accepted: { spec: { idle: { scaleToZeroAfterMinutes: 30 }, engine: { replicas: { min: 0 } } } },
    refused: { spec: { idle: { scaleToZeroAfterMinutes: 30 } } },
    wantField: 'spec.idle',
    wantMessage:
      'Invalid value: `idle.scaleToZeroAfterMinutes` must not be set unless `engine.replicas.min` is 0',
  },
  'adapters are read from a volume': {
    kind: 'Classroom',
    at: 'spec',
    accepted: { spec: { adapters, model: { storage: { claimName: 'models' } } } },
    refused: { spec: { adapters } },
    wantField: 'spec.adapters',
    wantMessage:
      'Required value: `model.storage` must be set when `adapters` are used: they are read from the model volume',
  },
  'an adapter is not called as the model is': {
    kind: 'Classroom',
    at: 'spec',
    accepted: {
      spec: { adapters, model: { servedName: 'sql', aliases: ['a:b'], storage: { claimName: 'models' } } },
    },
    refused: {
      spec: { adapters, model: { servedName: 'sql-tutor', storage: { claimName: 'models' } } },
    },
    wantField: 'spec.adapters',
    wantMessage: ADAPTER_NAME_MESSAGE,
  },
  'an adapter is not what an alias calls it already': {
    kind: 'Classroom',
    at: 'spec',
    accepted: {
      spec: { adapters, model: { aliases: ['qwen:tutor'], storage: { claimName: 'models' } } },
    },
    refused: {
      spec: { adapters, model: { aliases: ['qwen:sql-tutor'], storage: { claimName: 'models' } } },
    },
    wantField: 'spec.adapters',
    wantMessage: ADAPTER_NAME_MESSAGE,
  },
  'students do not write a path as the model': {
    kind: 'Classroom',
    at: 'spec.model',
    accepted: { spec: { model: { id: '/models/qwen', servedName: 'qwen' } } },
    refused: { spec: { model: { id: '/models/qwen' } } },
    wantField: 'spec.model.servedName',
    wantMessage: 'Required value: `servedName` must be set where `id` is a path',
  },
  'an alias is another name than the served one': {
    kind: 'Classroom',
    at: 'spec.model',
    accepted: { spec: { model: { servedName: 'qwen', aliases: ['gpt-4o-mini'] } } },
    refused: { spec: { model: { servedName: 'qwen', aliases: ['gpt-4o-mini', 'qwen'] } } },
    wantField: 'spec.model.aliases',
    wantMessage: 'Invalid value: `aliases` must not repeat the served name',
  },
  'an alias is another name than the id where there is no served name': {
    kind: 'Classroom',
    at: 'spec.model',
    accepted: { spec: { model: { id: 'qwen', aliases: ['gpt-4o-mini'] } } },
    refused: { spec: { model: { id: 'qwen', aliases: ['qwen'] } } },
    wantField: 'spec.model.aliases',
    wantMessage: 'Invalid value: `aliases` must not repeat the served name',
  },
  'a volume is either there or made': {
    kind: 'Classroom',
    at: 'spec.model.storage',
    accepted: { spec: { model: { storage: { size: '50Gi' } } } },
    refused: { spec: { model: { storage: { claimName: 'models', size: '50Gi' } } } },
    wantField: 'spec.model.storage',
    wantMessage: 'Invalid value: `storage` must have either `claimName` or `size`',
  },
  'a volume is one of the two': {
    kind: 'Classroom',
    at: 'spec.model.storage',
    accepted: { spec: { model: { storage: { claimName: 'models', size: null } } } },
    refused: { spec: { model: { storage: {} } } },
    wantField: 'spec.model.storage',
    wantMessage: 'Invalid value: `storage` must have either `claimName` or `size`',
  },
  'only a volume that is made has a storage class': {
    kind: 'Classroom',
    at: 'spec.model.storage',
    accepted: { spec: { model: { storage: { size: '50Gi', storageClassName: 'fast' } } } },
    refused: { spec: { model: { storage: { claimName: 'models', storageClassName: 'fast' } } } },
    wantField: 'spec.model.storage.storageClassName',
    wantMessage: 'Forbidden: `storageClassName` must not be set without `size`',
  },
  'MIG needs a profile': {
    kind: 'Classroom',
    at: 'spec.gpu',
    accepted: { spec: { gpu: { sharing: 'MIG', migProfile: '1g.10gb' } } },
    refused: { spec: { gpu: { sharing: 'MIG' } } },
    wantField: 'spec.gpu.migProfile',
    wantMessage: "Required value: `migProfile` must be set when `sharing` is 'MIG', for example '1g.10gb'",
  },
  'a null profile is no profile': {
    kind: 'Classroom',
    at: 'spec.gpu',
    accepted: { spec: { gpu: { sharing: 'None', migProfile: null } } },
    refused: { spec: { gpu: { sharing: 'MIG', migProfile: null } } },
    wantField: 'spec.gpu.migProfile',
    wantMessage: "Required value: `migProfile` must be set when `sharing` is 'MIG', for example '1g.10gb'",
  },
  'a profile needs MIG': {
    kind: 'Classroom',
    at: 'spec.gpu',
    accepted: { spec: { gpu: { sharing: 'MIG', migProfile: '3g.40gb' } } },
    refused: { spec: { gpu: { migProfile: '3g.40gb' } } },
    wantField: 'spec.gpu.migProfile',
    wantMessage: "Forbidden: `migProfile` must not be set unless `sharing` is 'MIG'",
  },
  'time slices are counted': {
    kind: 'Classroom',
    at: 'spec.gpu',
    accepted: { spec: { gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 } } },
    refused: { spec: { gpu: { sharing: 'TimeSliced' } } },
    wantField: 'spec.gpu.slicesPerGPU',
    wantMessage: "Required value: `slicesPerGPU` must be set when `sharing` is 'TimeSliced'",
  },
  'only time slices are counted': {
    kind: 'Classroom',
    at: 'spec.gpu',
    accepted: { spec: { gpu: { sharing: 'TimeSliced', slicesPerGPU: 2 } } },
    refused: { spec: { gpu: { sharing: 'None', slicesPerGPU: 2 } } },
    wantField: 'spec.gpu.slicesPerGPU',
    wantMessage: "Forbidden: `slicesPerGPU` must not be set unless `sharing` is 'TimeSliced'",
  },
  'an engine spans whole GPUs only': {
    kind: 'Classroom',
    at: 'spec.gpu',
    accepted: { spec: { gpu: { gpusPerEngine: 2 } } },
    refused: { spec: { gpu: { sharing: 'MIG', migProfile: '1g.10gb', gpusPerEngine: 2 } } },
    wantField: 'spec.gpu.gpusPerEngine',
    wantMessage:
      "Invalid value: `gpusPerEngine` must be 1 unless `sharing` is 'None': slices cannot work together",
  },
  'nodes are selected by labels': {
    kind: 'Classroom',
    at: 'spec.gpu',
    accepted: { spec: { gpu: { nodeSelector: { 'nvidia.com/gpu.product': 'NVIDIA-A10', pool: 'class' } } } },
    refused: { spec: { gpu: { nodeSelector: { 'gpu pool': 'class' } } } },
    wantField: 'spec.gpu.nodeSelector',
    wantMessage:
      "Invalid value: `nodeSelector` must have label names as keys, such as 'nvidia.com/gpu.product'",
  },
  'a toleration of one value names the taint': {
    kind: 'Classroom',
    at: 'spec.gpu.tolerations[*]',
    accepted: { spec: { gpu: { tolerations: [{ operator: 'Exists' }] } } },
    refused: { spec: { gpu: { tolerations: [{ value: 'class' }] } } },
    wantField: 'spec.gpu.tolerations[0].key',
    wantMessage: "Required value: `key` must be set unless `operator` is 'Exists'",
  },
  'a toleration of every value names none': {
    kind: 'Classroom',
    at: 'spec.gpu.tolerations[*]',
    accepted: { spec: { gpu: { tolerations: [{ key: 'pool', value: 'class' }] } } },
    refused: { spec: { gpu: { tolerations: [{ key: 'pool', operator: 'Exists', value: 'class' }] } } },
    wantField: 'spec.gpu.tolerations[0].value',
    wantMessage: "Forbidden: `value` must not be set when `operator` is 'Exists'",
  },
  'only an eviction can be delayed': {
    kind: 'Classroom',
    at: 'spec.gpu.tolerations[*]',
    accepted: {
      spec: { gpu: { tolerations: [{ key: 'pool', effect: 'NoExecute', tolerationSeconds: 60 }] } },
    },
    refused: {
      spec: { gpu: { tolerations: [{ key: 'pool', effect: 'NoSchedule', tolerationSeconds: 60 }] } },
    },
    wantField: 'spec.gpu.tolerations[0].tolerationSeconds',
    wantMessage: "Forbidden: `tolerationSeconds` must not be set unless `effect` is 'NoExecute'",
  },
  'the fewest engines are not more than the most': {
    kind: 'Classroom',
    at: 'spec.engine.replicas',
    accepted: { spec: { engine: { replicas: { min: 2, max: 2 } } } },
    refused: { spec: { engine: { replicas: { min: 2 } } } },
    wantField: 'spec.engine.replicas.min',
    wantMessage: 'Invalid value: `min` must not be greater than `max`',
  },
  'one step has room for a token of each sequence': {
    kind: 'Classroom',
    at: 'spec.engine',
    accepted: { spec: { engine: { maxNumSeqs: 64, maxNumBatchedTokens: 64 } } },
    refused: { spec: { engine: { maxNumSeqs: 64, maxNumBatchedTokens: 63 } } },
    wantField: 'spec.engine.maxNumBatchedTokens',
    wantMessage:
      'Invalid value: `maxNumBatchedTokens` must not be less than `maxNumSeqs`: vLLM refuses to start',
  },
  'arguments of the operator are its own': {
    kind: 'Classroom',
    at: 'spec.engine',
    accepted: { spec: { engine: { extraArgs: ['--enforce-eager', '--max-logprobs', '5'] } } },
    refused: { spec: { engine: { extraArgs: ['--enforce-eager', '--api-key', 'secret'] } } },
    wantField: 'spec.engine.extraArgs',
    wantMessage:
      'Forbidden: `extraArgs` must not contain arguments that the operator sets, such as `--api-key`, `--host`, `--port` or `--max-model-len`: use the fields of the Classroom',
  },
  'short flags cannot hide them': {
    kind: 'Classroom',
    at: 'spec.engine',
    accepted: { spec: { engine: { extraArgs: ['--seed', '-1'] } } },
    refused: { spec: { engine: { extraArgs: ['-tp', '2'] } } },
    wantField: 'spec.engine.extraArgs',
    wantMessage: 'Forbidden: `extraArgs` must not contain short flags, such as `-tp`: write the long form',
  },
  'the model is no argument': {
    kind: 'Classroom',
    at: 'spec.engine',
    accepted: { spec: { engine: { extraArgs: ['--dtype', 'half'] } } },
    refused: { spec: { engine: { extraArgs: ['another/model', '--dtype', 'half'] } } },
    wantField: 'spec.engine.extraArgs',
    wantMessage: 'Invalid value: `extraArgs` must begin with a flag: the model is set by `model.id`',
  },
  'an added variable says what it is in one way': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: {
      spec: {
        engine: {
          env: [
            { name: 'NO_PROXY', value: '' },
            { name: 'HTTPS_PROXY', secretKeyRef: { name: 'proxy', key: 'url' } },
          ],
        },
      },
    },
    refused: {
      spec: {
        engine: { env: [{ name: 'PROXY', value: 'x', secretKeyRef: { name: 'proxy', key: 'url' } }] },
      },
    },
    wantField: 'spec.engine.env[0]',
    wantMessage: 'Invalid value: `env` must have either `value` or `secretKeyRef` for each variable',
  },
  'the token of a model has a field of its own': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: { spec: { engine: { env: [{ name: 'HF_ENDPOINT', value: 'https://mirror.example.com' }] } } },
    refused: { spec: { engine: { env: [{ name: 'HF_TOKEN', value: 'hf_x' }] } } },
    wantField: 'spec.engine.env[0].name',
    wantMessage: 'Forbidden: `name` must not be a token of Hugging Face: use `model.tokenSecretRef`',
  },
  'caches stay on the model volume': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: {
      spec: { engine: { env: [{ name: 'MODELSCOPE_CACHE', value: '/models/.cache/modelscope' }] } },
    },
    refused: { spec: { engine: { env: [{ name: 'HF_HOME', value: '/tmp' }] } } },
    wantField: 'spec.engine.env[0].name',
    wantMessage:
      'Forbidden: `name` must not be that of a home folder or cache: the operator keeps caches on the volume of `model.storage`',
  },
  'an engine opens no paths for its administrators': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: { spec: { engine: { env: [{ name: 'VLLM_LOGGING_LEVEL', value: 'DEBUG' }] } } },
    refused: { spec: { engine: { env: [{ name: 'VLLM_SERVER_DEV_MODE', value: '1' }] } } },
    wantField: 'spec.engine.env[0].name',
    wantMessage:
      'Forbidden: `name` must not be that of a variable which opens paths of vLLM for its administrators: the operator sets what `adapters` need',
  },
  'the gateway finds the engine as it expects it': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: { spec: { engine: { env: [{ name: 'VLLM_USE_MODELSCOPE', value: 'True' }] } } },
    refused: { spec: { engine: { env: [{ name: 'VLLM_API_KEY', value: 'secret' }] } } },
    wantField: 'spec.engine.env[0].name',
    wantMessage:
      'Forbidden: `name` must not be that of a variable by which gateway and engine find each other: students have keys of the gateway',
  },
  'an engine keeps no answers': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: { spec: { engine: { env: [{ name: 'VLLM_ENABLE_CUDA_COMPATIBILITY', value: '1' }] } } },
    refused: { spec: { engine: { env: [{ name: 'VLLM_ENABLE_RESPONSES_API_STORE', value: '1' }] } } },
    wantField: 'spec.engine.env[0].name',
    wantMessage:
      'Forbidden: `name` must not be that of a variable by which vLLM keeps what students are answered',
  },
  'an engine says why it ended': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: { spec: { engine: { env: [{ name: 'NCCL_DEBUG', value: 'INFO' }] } } },
    refused: { spec: { engine: { env: [{ name: 'VLLM_CONFIGURE_LOGGING', value: '0' }] } } },
    wantField: 'spec.engine.env[0].name',
    wantMessage:
      'Forbidden: `name` must not be that of a variable by which the operator learns why an engine ended, or keeps vLLM from telling others of it',
  },
  'an engine has the GPUs that Kubernetes gives it': {
    kind: 'Classroom',
    at: 'spec.engine.env[*]',
    accepted: { spec: { engine: { env: [{ name: 'CUDA_DEVICE_ORDER', value: 'PCI_BUS_ID' }] } } },
    refused: { spec: { engine: { env: [{ name: 'NVIDIA_VISIBLE_DEVICES', value: 'all' }] } } },
    wantField: 'spec.engine.env[0].name',
    wantMessage:
      'Forbidden: `name` must not be that of a variable which chooses GPUs: Kubernetes gives an engine those that `gpu` asks for',
  },
  'GPUs are not requested twice': {
    kind: 'Classroom',
    at: 'spec.engine.resources.requests',
    accepted: { spec: { engine: { resources: { requests: { 'ephemeral-storage': '20Gi' } } } } },
    refused: { spec: { engine: { resources: { requests: { 'nvidia.com/gpu': '1' } } } } },
    wantField: 'spec.engine.resources.requests',
    wantMessage:
      "Forbidden: `requests` must not name other resources than 'cpu', 'memory' and 'ephemeral-storage': GPUs are asked for by `gpu`",
  },
  'GPUs are not limited twice': {
    kind: 'Classroom',
    at: 'spec.engine.resources.limits',
    accepted: { spec: { engine: { resources: { limits: { cpu: '4', memory: '16Gi' } } } } },
    refused: { spec: { engine: { resources: { limits: { cpu: '4', 'nvidia.com/gpu': '1' } } } } },
    wantField: 'spec.engine.resources.limits',
    wantMessage:
      "Forbidden: `limits` must not name other resources than 'cpu', 'memory' and 'ephemeral-storage': GPUs are asked for by `gpu`",
  },
  'a request for memory is no thousandth of a byte': {
    kind: 'Classroom',
    at: 'spec.engine.resources.requests',
    accepted: { spec: { engine: { resources: { requests: { cpu: '500m', memory: '512Mi' } } } } },
    refused: { spec: { engine: { resources: { requests: { cpu: '500m', memory: '512m' } } } } },
    wantField: 'spec.engine.resources.requests',
    wantMessage:
      "Invalid value: `requests` must not have the unit 'm' but for 'cpu': it is a thousandth, and a megabyte is 'Mi'",
  },
  'a limit of memory is no thousandth of a byte': {
    kind: 'Classroom',
    at: 'spec.engine.resources.limits',
    accepted: { spec: { engine: { resources: { limits: { cpu: '1500m', memory: '512M' } } } } },
    refused: { spec: { engine: { resources: { limits: { 'ephemeral-storage': '512m' } } } } },
    wantField: 'spec.engine.resources.limits',
    wantMessage:
      "Invalid value: `limits` must not have the unit 'm' but for 'cpu': it is a thousandth, and a megabyte is 'Mi'",
  },
  'an engine does not ask for more than it may use, whatever the spelling': {
    kind: 'Classroom',
    at: 'spec.engine.resources',
    accepted: {
      spec: {
        engine: {
          resources: { requests: { cpu: '1000m', memory: '1024Mi' }, limits: { cpu: 1, memory: '1Gi' } },
        },
      },
    },
    refused: {
      spec: {
        engine: { resources: { requests: { memory: '1025Mi' }, limits: { cpu: '1', memory: '1Gi' } } },
      },
    },
    wantField: 'spec.engine.resources.requests',
    wantMessage: 'Invalid value: `requests` must not be greater than `limits`',
  },
  'an engine does not ask for more than it may use, also as a number': {
    kind: 'Classroom',
    at: 'spec.engine.resources',
    accepted: { spec: { engine: { resources: { requests: { cpu: 2 }, limits: { cpu: 2 } } } } },
    refused: { spec: { engine: { resources: { requests: { cpu: 2 }, limits: { cpu: '1500m' } } } } },
    wantField: 'spec.engine.resources.requests',
    wantMessage: 'Invalid value: `requests` must not be greater than `limits`',
  },
  'a timetable opens the class at some time': {
    kind: 'Classroom',
    at: 'spec.schedule',
    accepted: { spec: { schedule: { timeZone: 'Asia/Shanghai', outsideSessions: 'Open' } } },
    refused: { spec: { schedule: { timeZone: 'Asia/Shanghai' } } },
    wantField: 'spec.schedule.sessions',
    wantMessage:
      "Required value: `sessions` must not be empty unless `outsideSessions` is 'Open': the class would never be open",
  },
  'the time zone of a class is one that there is': {
    kind: 'Classroom',
    at: 'spec.schedule.timeZone',
    accepted: { spec: { schedule: { timeZone: 'Australia/Lord_Howe', outsideSessions: 'Open' } } },
    refused: { spec: { schedule: { timeZone: 'Europe/Berlim', outsideSessions: 'Open' } } },
    wantField: 'spec.schedule.timeZone',
    wantMessage:
      'Invalid value: "string": unknown time zone Europe/Berlim evaluating rule: `timeZone` must be a name of the IANA database, such as \'Europe/Berlin\'',
  },
  'extra sessions open the class too': {
    kind: 'Classroom',
    at: 'spec.schedule',
    accepted: {
      spec: {
        schedule: { exceptions: [{ date: '2026-12-05', sessions: [{ start: '09:00', end: '12:00' }] }] },
      },
    },
    refused: { spec: { schedule: { exceptions: [{ date: '2026-12-25', closed: true }] } } },
    wantField: 'spec.schedule.sessions',
    wantMessage:
      "Required value: `sessions` must not be empty unless `outsideSessions` is 'Open': the class would never be open",
  },
  'a session takes time': {
    kind: 'Classroom',
    at: 'spec.schedule.sessions[*]',
    accepted: { spec: { schedule: { sessions: [{ days: ['Mon'], start: '00:00', end: '24:00' }] } } },
    refused: { spec: { schedule: { sessions: [{ days: ['Mon'], start: '09:00', end: '09:00' }] } } },
    wantField: 'spec.schedule.sessions[0].end',
    wantMessage: 'Invalid value: `end` must differ from `start`',
  },
  'an extra session takes time': {
    kind: 'Classroom',
    at: 'spec.schedule.exceptions[*].sessions[*]',
    accepted: {
      spec: {
        schedule: { exceptions: [{ date: '2026-12-05', sessions: [{ start: '22:00', end: '02:00' }] }] },
      },
    },
    refused: {
      spec: {
        schedule: { exceptions: [{ date: '2026-12-05', sessions: [{ start: '09:00', end: '09:00' }] }] },
      },
    },
    wantField: 'spec.schedule.exceptions[0].sessions[0].end',
    wantMessage: 'Invalid value: `end` must differ from `start`',
  },
  'an exception says what differs': {
    kind: 'Classroom',
    at: 'spec.schedule.exceptions[*]',
    accepted: {
      spec: { schedule: { outsideSessions: 'Open', exceptions: [{ date: '2026-12-25', closed: true }] } },
    },
    refused: {
      spec: { schedule: { outsideSessions: 'Open', exceptions: [{ date: '2026-12-25', closed: false }] } },
    },
    wantField: 'spec.schedule.exceptions[0]',
    wantMessage: 'Invalid value: an exception must have either `closed` set to true or `sessions`',
  },
  'a night takes time': {
    kind: 'Classroom',
    at: 'spec.fineTuning.window',
    accepted: { spec: { fineTuning: { window, jobs: [{ name: 'sql-tutor', dataset }] } } },
    refused: {
      spec: { fineTuning: { window: { ...window, end: '22:00' }, jobs: [{ name: 'sql-tutor', dataset }] } },
    },
    wantField: 'spec.fineTuning.window.end',
    wantMessage: 'Invalid value: `end` must differ from `start`',
  },
  'an own trainer has an image': {
    kind: 'Classroom',
    at: 'spec.fineTuning.jobs[*]',
    accepted: {
      spec: { fineTuning: { window, jobs: [{ name: 'a', dataset, trainer: 'Custom', image: 'trainer:1' }] } },
    },
    refused: { spec: { fineTuning: { window, jobs: [{ name: 'a', dataset, trainer: 'Custom' }] } } },
    wantField: 'spec.fineTuning.jobs[0].image',
    wantMessage: "Required value: `image` must be set when `trainer` is 'Custom'",
  },
  'the name of a seat is the value of a label': {
    kind: 'StudentQuota',
    at: '',
    accepted: { metadata: { name: 'a'.repeat(63) } },
    refused: { metadata: { name: 'a'.repeat(64) } },
    wantField: 'metadata.name',
    wantMessage:
      'Invalid value: `metadata.name` must not be longer than 63 characters: it becomes the value of a label',
  },
  'the name of a seat has no dots': {
    kind: 'StudentQuota',
    at: '',
    accepted: { metadata: { name: 'python-101-alice-zhang' } },
    refused: { metadata: { name: 'python-101-alice.zhang' } },
    wantField: 'metadata.name',
    wantMessage: "Invalid value: `metadata.name` must not contain '.': write '-' instead",
  },
};

/** Rules about a change: the object is there, and then it is replaced. */
const transitions: Record<string, Row & { before: Difference }> = {
  'a seat stays in its class': {
    kind: 'StudentQuota',
    at: 'spec.classroomRef',
    before: {},
    accepted: { spec: { classroomRef: { name: 'python-101' }, weight: 2 } },
    refused: { spec: { classroomRef: { name: 'python-102' } } },
    wantField: 'spec.classroomRef.name',
    wantMessage: 'Forbidden: `classroomRef` must not change: make another StudentQuota for another class',
  },
  'a seat stays with its student': {
    kind: 'StudentQuota',
    at: 'spec.student',
    before: {},
    accepted: { spec: { student: { id: 'alice', displayName: 'Alice Zhang' } } },
    refused: { spec: { student: { id: 'bob' } } },
    wantField: 'spec.student.id',
    wantMessage: 'Forbidden: `student.id` must not change: make another StudentQuota for another student',
  },
  'an old key does not come back': {
    kind: 'StudentQuota',
    at: 'spec.keyRotation',
    before: { spec: { keyRotation: { generation: 3 } } },
    accepted: { spec: { keyRotation: { generation: 4 } } },
    refused: { spec: { keyRotation: { generation: 2 } } },
    wantField: 'spec.keyRotation.generation',
    wantMessage: 'Invalid value: `generation` must not decrease: keys are only ever replaced by newer ones',
  },
  'an old key does not come back by leaving the rotation out': {
    kind: 'StudentQuota',
    at: 'spec.keyRotation',
    before: { spec: { keyRotation: { generation: 2 } } },
    accepted: { spec: { keyRotation: { generation: 2, overlapMinutes: 0 } } },
    refused: {},
    wantField: 'spec.keyRotation.generation',
    wantMessage: 'Invalid value: `generation` must not decrease: keys are only ever replaced by newer ones',
  },
};

const { controlPlane, client } = await connectToControlPlane();

function objectOf(kind: Kind, difference: Difference): unknown {
  return merged({ apiVersion: API_GROUP_VERSION, kind, ...plain[kind] }, difference);
}

describe('what one object says', () => {
  let server: ApiServer;
  beforeAll(async () => {
    server = apiServer(client, await controlPlane.createNamespace('rules'));
  });

  test.each(Object.entries(rows))('%s', async (_name, row) => {
    const { kind, accepted, refused, wantField: field, wantMessage: message } = row;
    expect((await server.dryRun(objectOf(kind, accepted))).causes).toEqual([]);
    expect((await server.dryRun(objectOf(kind, refused))).causes).toEqual([{ field, message }]);
  });
});

describe('what a change does', () => {
  test.each(Object.entries(transitions))('%s', async (_name, row) => {
    const { kind, before, accepted, refused, wantField: field, wantMessage: message } = row;
    const server: ApiServer = apiServer(client, await controlPlane.createNamespace('transitions'));
    expect((await server.create(objectOf(kind, before))).causes).toEqual([]);
    expect((await server.replace(objectOf(kind, accepted))).causes).toEqual([]);
    expect((await server.replace(objectOf(kind, refused))).causes).toEqual([{ field, message }]);
  });
});

test('every rule of the CRDs has a case here', () => {
  const rules = customResourceDefinitions().flatMap(({ spec: { names, versions } }) =>
    versions.flatMap(({ schema }) =>
      [...walk(schema.openAPIV3Schema, '')].flatMap(({ path, schema: node }) =>
        (node['x-kubernetes-validations'] ?? []).map(({ message }) => `${names.kind} ${path}: ${message}`),
      ),
    ),
  );
  const cases = [...Object.values(rows), ...Object.values(transitions)].map(
    ({ kind, at, wantMessage }) =>
      `${kind} ${at}: ${wantMessage.replace(/^[A-Z][a-z ]+: ("string": .* evaluating rule: )?/, '')}`,
  );
  expect([...new Set(cases)].sort()).toEqual(rules.sort());
});
