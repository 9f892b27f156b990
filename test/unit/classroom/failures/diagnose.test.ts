import { describe, expect, test } from '@jest/globals';
import { ENGINE_FAILURE_REASONS, type EngineFailureReason } from '../../../../src/api/reasons.ts';
import { FAILURES } from '../../../../src/classroom/failures/catalogue.ts';
import { describeFailure } from '../../../../src/classroom/failures/describe.ts';
import { diagnose } from '../../../../src/classroom/failures/diagnose.ts';
import type { Symptom } from '../../../../src/classroom/failures/symptom.ts';

interface LogCase {
  reason: EngineFailureReason;
  /** As vLLM, PyTorch or the hub's library write it. */
  message: string;
  exitCode?: number;
}

const engineError = (title: string, cause: string) =>
  `2026-11-23 06:33:25,120 EngineCore ${title}\nTraceback (most recent call last):\n  File "x.py", line 1, in y\n${cause}\n`;
const atStart = (cause: string) => engineError('failed to start.', cause);
const atRunTime = (cause: string) => engineError('encountered a fatal error.', cause);

const LOGS: LogCase[] = [
  {
    reason: 'ModelNotFound',
    message:
      'huggingface_hub.errors.RepositoryNotFoundError: 404 Client Error. (Request ID: Root=1)\n\nRepository Not Found for url: https://huggingface.co/api/models/a/b.\nPlease make sure you specified the correct `repo_id` and `repo_type`.\nIf you are trying to access a private or gated repo, make sure you are authenticated',
  },
  {
    reason: 'ModelNotFound',
    message:
      "ValueError: Invalid repository ID or local directory specified: '/models/nope'.\nPlease verify the following requirements:",
  },
  {
    reason: 'RevisionNotFound',
    message: 'OSError: v9 is not a valid git identifier (branch name, tag name or commit id)',
  },
  {
    reason: 'ModelTokenMissing',
    message:
      'GatedRepoError: 401 Client Error.\n\nCannot access gated repo for url https://huggingface.co/a/b.\nAccess to model a/b is restricted. You must have access to it and be authenticated to access it. Please log in.',
  },
  {
    reason: 'ModelGated',
    message:
      'GatedRepoError: 403 Client Error.\n\nCannot access gated repo for url https://huggingface.co/a/b.\nAccess to model a/b is restricted and you are not in the authorized list.',
  },
  {
    reason: 'HubUnreachable',
    message:
      "OSError: We couldn't connect to 'https://huggingface.co' to load the files, and couldn't find them",
  },
  { reason: 'NoSpaceLeft', message: 'OSError: [Errno 28] No space left on device' },
  { reason: 'VolumeNotWritable', message: "PermissionError: [Errno 13] Permission denied: '/models/.cache'" },
  {
    reason: 'WeightsUnreadable',
    message: atStart(
      'safetensors_rust.SafetensorError: Error while deserializing header: MetadataIncompleteBuffer',
    ),
  },
  {
    reason: 'ModelUnsupported',
    message:
      "  Value error, Model architectures ['TurnipForCausalLM'] are not supported for now. Supported architectures: dict_keys(['A']) [type=value_error, input_value=ArgsKwargs(()), input_type=ArgsKwargs]",
  },
  {
    reason: 'ModelUnsupported',
    message: `orCausalLM', '${Array(60).fill('QwenForCausalLM').join("', '")}']) [type=value_error, input_value=ArgsKwargs(()), input_type=ArgsKwargs]`,
  },
  {
    reason: 'ModelUnsupported',
    message:
      'ValueError: The checkpoint you are trying to load has model type `turnip` but Transformers does not recognize this architecture.',
  },
  {
    reason: 'GPUUnsuited',
    message:
      'ValueError: Bfloat16 is only supported on GPUs with compute capability of at least 8.0. Your Tesla T4 GPU has compute capability 7.5.',
  },
  {
    reason: 'QuantizationMismatch',
    message:
      '  Value error, Quantization method specified in the model config (gptq) does not match the quantization method specified in the `quantization` argument (awq). [type=value_error, x]',
  },
  { reason: 'QuantizationMismatch', message: atStart('ValueError: Cannot find the config file for awq') },
  {
    reason: 'ContextAboveModel',
    message:
      '  Value error, User-specified max_model_len (100000) is greater than the derived max_model_len (x=32768.0 or',
  },
  {
    reason: 'BatchedTokensTooFew',
    message: 'max_num_batched_tokens (8) must be greater than or equal to max_num_seqs (64).',
  },
  {
    reason: 'TensorParallelIndivisible',
    message:
      '  Value error, Total number of attention heads (28) must be divisible by tensor parallel size (8). [type=value_error]',
  },
  {
    reason: 'TooFewGPUs',
    message: 'World size (2) is larger than the number of available GPUs (1) in this node.',
  },
  { reason: 'ArgumentRefused', exitCode: 2, message: 'vllm: error: unrecognized arguments: --swap-space 4' },
  {
    reason: 'AdaptersUnsupported',
    message: atStart('ValueError: Gemma3nForConditionalGeneration does not support LoRA yet.'),
  },
  { reason: 'AdapterNotFound', message: 'ValueError: Loading lora x failed: No adapter found for /nope' },
  {
    reason: 'ServiceNameCollision',
    message:
      "ValueError: VLLM_PORT 'tcp://10.0.0.1:8000' appears to be a URI. This may be caused by a Kubernetes",
  },
  {
    reason: 'MIGDeviceSelected',
    message: atStart("ValueError: invalid literal for int() with base 10: 'MIG-4bd0d0a0'"),
  },
  {
    reason: 'DriverTooOld',
    message: atStart(
      'RuntimeError: The NVIDIA driver on your system is too old (found version 12020). Please update your GPU driver',
    ),
  },
  { reason: 'NoVisibleGPU', message: 'RuntimeError: No CUDA GPUs are available' },
  {
    reason: 'GPUMemoryTaken',
    message: atStart(
      "ValueError: Free memory on device cuda:0 (8.15/79.18 GiB) on startup is less than the engine's budget after excluding external process's weights (0.9, 71.26 GiB). Decrease GPU memory utilization",
    ),
  },
  {
    reason: 'MemoryProfilingDisturbed',
    message: atStart('AssertionError: Error in memory profiling. Initial free memory 21.6 GiB'),
  },
  {
    reason: 'WeightsDoNotFit',
    message: atStart('ValueError: No available memory for the cache blocks. Try'),
  },
  {
    reason: 'KVCacheTooSmall',
    message: atStart(
      "ValueError: To serve at least one request with the model's max seq len (4096), (0.5 GiB KV cache is needed, which is larger than the available KV cache memory (0.1 GiB). Try increasing",
    ),
  },
  {
    reason: 'KVCacheTooSmall',
    message: atStart(
      "ValueError: The model's max seq len (8192) is larger than the maximum number of tokens that can be stored in KV cache (2048).",
    ),
  },
  {
    reason: 'SamplerOutOfMemory',
    message: atStart(
      'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB\n\nThe above exception was the direct cause of the following exception:\n\nRuntimeError: CUDA out of memory occurred when warming up sampler with 256 dummy requests. Please try lowering `max_num_seqs`',
    ),
  },
  {
    reason: 'OutOfGPUMemoryAtStart',
    message: atStart('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.02 GiB.'),
  },
  {
    reason: 'OutOfGPUMemory',
    exitCode: 0,
    message: atRunTime('torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.02 GiB.'),
  },
  { reason: 'EngineDied', exitCode: 0, message: '' },
  {
    reason: 'EngineDied',
    exitCode: 0,
    message: atRunTime('RuntimeError: CUDA error: an illegal memory access was encountered'),
  },
  { reason: 'StartFailed', message: atStart('RuntimeError: something that nobody knows') },
  { reason: 'StartFailed', message: '' },
  { reason: 'StartTimedOut', message: 'KeyboardInterrupt: terminated', exitCode: 1 },
  { reason: 'Killed', exitCode: 137, message: '' },
];

function ended(exitCode: number, message: string, difference: object = {}): Symptom {
  return { kind: 'ended', end: { exitCode, reason: 'Error', message, ...difference }, startupSeconds: 1800 };
}

const OTHERS: { name: string; symptom: Symptom; reason: EngineFailureReason }[] = [
  {
    name: 'the kernel ended it for want of memory',
    symptom: ended(137, '', { reason: 'OOMKilled' }),
    reason: 'HostOutOfMemory',
  },
  {
    name: 'it lived just as long as its startup probe allows',
    symptom: ended(137, '', { startedAt: '2026-09-01T09:00:00Z', finishedAt: '2026-09-01T09:31:20Z' }),
    reason: 'StartTimedOut',
  },
  {
    name: 'it was killed after hours',
    symptom: ended(137, '', { startedAt: '2026-09-01T09:00:00Z', finishedAt: '2026-09-01T12:00:00Z' }),
    reason: 'Killed',
  },
  {
    name: 'its image cannot be pulled',
    symptom: { kind: 'waiting', reason: 'ErrImagePull', message: 'not found' },
    reason: 'ImageNotPulled',
  },
  {
    name: 'its Secret is missing',
    symptom: {
      kind: 'waiting',
      reason: 'CreateContainerConfigError',
      message: 'secret "hf-token" not found',
    },
    reason: 'TokenSecretMissing',
  },
  {
    name: 'its Secret has no such key',
    symptom: {
      kind: 'waiting',
      reason: 'CreateContainerConfigError',
      message: "couldn't find key token in Secret python-101/hf-token",
    },
    reason: 'TokenSecretMissing',
  },
  {
    name: 'the container runtime wants a newer driver',
    symptom: {
      kind: 'waiting',
      reason: 'RunContainerError',
      message:
        'nvidia-container-cli: requirement error: unsatisfied condition: cuda>=13.0, please update your driver to a newer version',
    },
    reason: 'DriverTooOld',
  },
  {
    name: 'the container cannot be made for another reason',
    symptom: { kind: 'waiting', reason: 'CreateContainerError', message: 'context deadline exceeded' },
    reason: 'ContainerNotStarted',
  },
  {
    name: 'it was evicted',
    symptom: { kind: 'podEnded', reason: 'Evicted', message: 'low on memory' },
    reason: 'Evicted',
  },
  {
    name: 'its node was shut down',
    symptom: { kind: 'podEnded', reason: 'NodeShutdown', message: 'Pod was terminated' },
    reason: 'NodeLost',
  },
  {
    name: 'its GPU was not given to it',
    symptom: { kind: 'podEnded', reason: 'UnexpectedAdmissionError', message: 'Allocate failed' },
    reason: 'GPUAllocationFailed',
  },
  {
    name: 'it stopped answering',
    symptom: { kind: 'unhealthy', since: '2026-09-01T10:00:00Z' },
    reason: 'HealthCheckFailed',
  },
];

describe('why an engine ended, from its last words', () => {
  test.each(LOGS)('$reason: $message', ({ reason, message, exitCode = 1 }) => {
    expect(diagnose(ended(exitCode, message)).reason).toBe(reason);
  });
});

describe('why an engine does not work, from its pod', () => {
  test.each(OTHERS)('$name: $reason', ({ symptom, reason }) => {
    expect(diagnose(symptom).reason).toBe(reason);
  });
});

describe('the catalogue', () => {
  test('every reason is found by one of these cases', () => {
    const found = new Set([...LOGS, ...OTHERS].map(({ reason }) => reason));
    expect(Object.values(ENGINE_FAILURE_REASONS).filter((reason) => !found.has(reason))).toEqual([]);
  });

  test('every message has what, why and what next, and fits into the status', () => {
    const symptoms = [
      ...LOGS.map(({ exitCode = 1, message }) => ended(exitCode, message)),
      ...OTHERS.map((one) => one.symptom),
    ];
    for (const symptom of symptoms) {
      const text = describeFailure(diagnose(symptom));
      expect(text).toMatch(/^\S.* \(.+\)\. \S.*\.$|^\S.* \(.+\)\. \S.*\?$/);
      expect(text).not.toMatch(/[{}|]|undefined| {2}/);
      expect(text.length).toBeLessThanOrEqual(1024);
    }
  });

  test('every failure has one next step', () => {
    for (const { next, sign, what } of Object.values(FAILURES)) {
      for (const text of [next, sign, what]) expect(text.trim()).not.toBe('');
    }
  });
});

describe('what else is in the log', () => {
  test('an error that the engine outlived is not why it ended later', () => {
    const survived =
      '2026-11-23 06:33:25,120 Invocation of add_lora method failed\nTraceback (most recent call last):\nPermissionError: [Errno 13] Permission denied: x\n';
    expect(diagnose(ended(0, survived)).reason).toBe('EngineDied');
    const later = atStart('OSError: [Errno 28] No space left on device');
    expect(diagnose(ended(1, survived + later)).reason).toBe('NoSpaceLeft');
  });

  test('nor is what a worker said of it; what a worker says of the end of the engine is', () => {
    const worker =
      '2026-11-23 06:33:25,120 WorkerProc hit an exception.\nTraceback (most recent call last):\nOSError: [Errno 28] No space left on device\n';
    expect(diagnose(ended(0, worker)).reason).toBe('EngineDied');
    expect(diagnose(ended(0, worker + atRunTime('RuntimeError: Worker failed'))).reason).toBe('NoSpaceLeft');
  });

  test('of a long traceback the exception is quoted, not the line that raises it', () => {
    const message = atStart(
      '    raise ValueError("No available memory for the cache blocks")\nValueError: No available memory for the cache blocks. Try',
    );
    expect(diagnose(ended(1, message)).cause).toBe(
      'ValueError: No available memory for the cache blocks. Try',
    );
  });

  test('what nobody knows is told in the words of its last exception', () => {
    const { cause } = diagnose(ended(1, atStart('KeyError: colour')));
    expect(cause).toBe('exit code 1: KeyError: colour');
  });
});
