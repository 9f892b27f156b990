import { ENGINE_FAILURE_REASONS, type EngineFailureReason } from '../../api/reasons.ts';

/**
 * What can mend a failure, and so what the operator does about it.
 *
 * - `Lowering`: settings are lowered step by step until the engine fits.
 * - `Spec`: the same start fails for ever; after the second the engines are held until the spec changes.
 * - `Outside`: somebody mends it elsewhere; after a few starts the engines are held, and tried again later.
 * - `Itself`: the engine is started again and works, or Kubernetes goes on trying without taking the GPU's time.
 */
export type Cure = 'Lowering' | 'Spec' | 'Outside' | 'Itself';

/** A failure as a person reads of it. `{name}` stands for a figure of the log, `{name|words}` for words without it. */
export interface FailureEntry {
  /** How it is recognised. */
  sign: string;
  /** What is wrong: a clause. */
  what: string;
  /** The one thing to do next: sentences. */
  next: string;
  cure: Cure;
}

const REASONS = ENGINE_FAILURE_REASONS;

const MODEL_FAILURES = {
  [REASONS.modelNotFound]: {
    sign: '`Repository Not Found`, `is not a valid model identifier`, `Repo id must be in the form` (which vLLM also says of a path that is not there), `does not appear to have a file named`, `Invalid repository ID or local directory specified`',
    what: 'the model is neither on the hub nor at this path, or it is private',
    next: 'Check `model.id`. A path must be that of a folder with `config.json` on the model volume, below /models; a private model needs `model.tokenSecretRef`.',
    cure: 'Outside',
  },
  [REASONS.revisionNotFound]: {
    sign: '`Revision Not Found`, `is not a valid git identifier`',
    what: 'the model has no such revision',
    next: 'Set `model.revision` to a branch, tag or commit of the model, or leave it out.',
    cure: 'Outside',
  },
  [REASONS.modelTokenMissing]: {
    sign: '`must have access to it and be authenticated`, `Please log in`, `Invalid credentials`',
    what: 'the hub wants a token for this model, and there is none or it is not valid',
    next: 'Put a valid token into a Secret and name it in `model.tokenSecretRef`.',
    cure: 'Outside',
  },
  [REASONS.modelGated]: {
    sign: '`Cannot access gated repo`, `not in the authorized list`',
    what: 'the model is gated, and the account of the token has no access',
    next: "Accept the terms on the model's page with the account that the token in `model.tokenSecretRef` is of.",
    cure: 'Outside',
  },
  [REASONS.hubUnreachable]: {
    sign: "`couldn't connect to`, `Temporary failure in name resolution`, `Max retries exceeded`, `429 Too Many Requests`",
    what: 'the hub cannot be reached from the engine',
    next: 'Let the pods of the namespace reach it (DNS and HTTPS), or put the model on the model volume and name its path in `model.id`.',
    cure: 'Outside',
  },
  [REASONS.noSpaceLeft]: {
    sign: '`No space left on device`, `Disk quota exceeded`',
    what: 'the model volume is full',
    next: 'Raise `model.storage.size` where the storage class can grow volumes, or remove files that no class needs.',
    cure: 'Outside',
  },
  [REASONS.volumeNotWritable]: {
    sign: '`PermissionError`, `Read-only file system`',
    what: 'vLLM may not write to, or read from, the model volume',
    next: 'Let group 0, which engines run with, read and write it (`chgrp -R 0`, `chmod -R g+rwX`): caches lie on it as well.',
    cure: 'Outside',
  },
  [REASONS.weightsUnreadable]: {
    sign: '`SafetensorError`, `Error while deserializing header`',
    what: 'a file of weights is damaged or was not downloaded to its end',
    next: "Delete the model's folder on the model volume, so that it is downloaded again.",
    cure: 'Outside',
  },
  [REASONS.adapterNotFound]: {
    sign: '`Loading lora … failed`',
    what: 'the files of adapter {adapter|} are not there; vLLM ends when it needs them',
    next: 'Put them back on the model volume, or remove the adapter from `adapters`.',
    cure: 'Outside',
  },
  [REASONS.adaptersUnsupported]: {
    sign: '`… does not support LoRA yet`',
    what: 'this vLLM cannot use adapters with {architecture|this kind of model}',
    next: 'Remove `adapters`, choose another model, or set `engine.image` to a release of vLLM that can.',
    cure: 'Spec',
  },
  [REASONS.modelUnsupported]: {
    sign: '`Model architectures … are not supported for now`, `does not recognize this architecture`; of the first only the end of its long list may be in the message',
    what: 'this vLLM does not know the kind of model {architectures|}{type|}',
    next: 'Choose another model, or set `engine.image` to a release of vLLM that supports it.',
    cure: 'Spec',
  },
  [REASONS.quantizationMismatch]: {
    sign: '`does not match the quantization`, `Cannot find the config file for`, `Unknown quantization method`',
    what: 'the checkpoint is not quantised in the way that `model.quantization` says',
    next: 'Set `model.quantization` to None, which takes the checkpoint as it is, or name a checkpoint of that kind in `model.id`.',
    cure: 'Spec',
  },
  [REASONS.contextAboveModel]: {
    sign: '`max_model_len (…) is greater than the derived max_model_len`',
    what: 'a context of {wanted|so many} tokens is longer than the model was made for',
    next: 'Set `model.maxModelLen` to {most|what its `config.json` says} or less.',
    cure: 'Spec',
  },
} as const satisfies Partial<Record<EngineFailureReason, FailureEntry>>;

const ARGUMENT_FAILURES = {
  [REASONS.argumentRefused]: {
    sign: 'exit code 2; `error: unrecognized arguments`, `error: argument --…`, `1 validation error for …`',
    what: 'vLLM refuses the argument {flag|}{parameter|}',
    next: 'Correct it in `engine.extraArgs`; one that is not from there needs another release of vLLM in `engine.image`.',
    cure: 'Spec',
  },
  [REASONS.batchedTokensTooFew]: {
    sign: '`max_num_batched_tokens (…) must be greater than or equal to max_num_seqs`',
    what: 'a step of {tokens|so many} tokens is less than the {atLeast|sequences} that it must hold',
    next: 'Raise `engine.maxNumBatchedTokens` to at least {atLeast|`engine.maxNumSeqs`}, or leave it out.',
    cure: 'Spec',
  },
  [REASONS.tensorParallelIndivisible]: {
    sign: '`must be divisible by tensor parallel size`',
    what: 'the model cannot be divided over {gpus|so many} GPUs: it has {heads|another number of} attention heads',
    next: 'Set `gpu.gpusPerEngine` to a number that divides the attention heads: 1, 2, 4 or 8.',
    cure: 'Spec',
  },
  [REASONS.tooFewGPUs]: {
    sign: '`World size (…) is larger than the number of available GPUs`',
    what: 'the engine wants {wanted|more} GPUs and its container has {there|fewer}',
    next: 'Set `gpu.gpusPerEngine` to the GPUs that a pod gets, and remove `--tensor-parallel-size` from `engine.extraArgs`.',
    cure: 'Spec',
  },
  [REASONS.serviceNameCollision]: {
    sign: "`VLLM_PORT '…' appears to be a URI`",
    what: 'a Service called `vllm` puts {value|its address} into the variable `VLLM_PORT` of the engine',
    next: 'Rename that Service of the namespace.',
    cure: 'Outside',
  },
  [REASONS.migDeviceSelected]: {
    sign: "`invalid literal for int() with base 10: 'MIG-…'`",
    what: '`CUDA_VISIBLE_DEVICES` names a MIG device, which vLLM does not understand',
    next: 'Remove `CUDA_VISIBLE_DEVICES` from the image, or from whatever injects it: the device plugin alone selects the device.',
    cure: 'Outside',
  },
} as const satisfies Partial<Record<EngineFailureReason, FailureEntry>>;

const DEVICE_FAILURES = {
  [REASONS.driverTooOld]: {
    sign: '`The NVIDIA driver on your system is too old`, `unsatisfied condition: cuda>=…`, CUDA errors 803 and 804',
    what: "the node's NVIDIA driver is too old for this image of vLLM",
    next: 'Update the driver of the node, or set `engine.image` to a release built for an older CUDA.',
    cure: 'Outside',
  },
  [REASONS.noVisibleGPU]: {
    sign: '`out of bounds for 0 devices`, `No CUDA GPUs are available`, `Failed to infer device type`',
    what: 'no GPU is visible in the container',
    next: "See to the node: is NVIDIA's container runtime the default of its pods, and does `nvidia-smi` answer there?",
    cure: 'Outside',
  },
  [REASONS.gpuUnsuited]: {
    sign: '`Bfloat16 is only supported on GPUs with compute capability`, `no kernel image is available`',
    what: 'the GPU cannot compute this model in its data type',
    next: 'Choose a newer GPU in `gpu.product`, or add `--dtype=half` to `engine.extraArgs`.',
    cure: 'Spec',
  },
  [REASONS.gpuAllocationFailed]: {
    sign: 'pod reason `UnexpectedAdmissionError` or `OutOfnvidia.com/…`',
    what: 'the node did not give the pod its GPU',
    next: 'Look at the device plugin of the node: a GPU may have become unhealthy.',
    cure: 'Itself',
  },
  [REASONS.gpuMemoryTaken]: {
    sign: '`on startup is less than desired GPU memory utilization`',
    what: 'only {free|too little} of {total|the} GiB of the GPU are free, and the engine wants {wanted|more}',
    next: 'Find what else uses this GPU (`nvidia-smi` on the node); engines that share it need `gpu.sharing` and `gpu.slicesPerGPU`.',
    cure: 'Outside',
  },
  [REASONS.memoryProfilingDisturbed]: {
    sign: '`Error in memory profiling`',
    what: 'another process freed memory of the GPU while the engine measured it',
    next: 'Nothing: it starts again. If it goes on, something outside this class uses the GPU.',
    cure: 'Outside',
  },
} as const satisfies Partial<Record<EngineFailureReason, FailureEntry>>;

/** What the operator does about all of them; said once. */
const LOWERING = 'The operator lowers settings step by step: see `status.failures.memorySteps`.';

const MEMORY_FAILURES = {
  [REASONS.weightsDoNotFit]: {
    sign: '`No available memory for the cache blocks`',
    what: 'the weights leave no memory for the KV cache',
    next: `${LOWERING} Better: a smaller or quantised model, or a larger GPU or slice.`,
    cure: 'Lowering',
  },
  [REASONS.kvCacheTooSmall]: {
    sign: "`To serve at least one request with the model's max seq len`",
    what: 'the KV cache ({there|too few} GiB) is smaller than one request of {wanted|full} tokens needs ({needed|more} GiB)',
    next: `${LOWERING} vLLM estimates that {most|fewer} tokens would fit: set \`model.maxModelLen\` to that or less.`,
    cure: 'Lowering',
  },
  [REASONS.samplerOutOfMemory]: {
    sign: '`CUDA out of memory occurred when warming up sampler`',
    what: 'GPU memory ran out when the sampler was tried with {sequences|all} requests',
    next: `${LOWERING} Lower \`engine.maxNumSeqs\` to save the tries.`,
    cure: 'Lowering',
  },
  [REASONS.outOfGPUMemoryAtStart]: {
    sign: '`torch.OutOfMemoryError`, `CUDA out of memory` before the engine serves',
    what: 'GPU memory ran out at the start',
    next: LOWERING,
    cure: 'Lowering',
  },
  [REASONS.outOfGPUMemory]: {
    sign: 'the same after `EngineCore encountered a fatal error`',
    what: 'GPU memory ran out while the engine served',
    next: LOWERING,
    cure: 'Lowering',
  },
} as const satisfies Partial<Record<EngineFailureReason, FailureEntry>>;

const OTHER_FAILURES = {
  [REASONS.engineDied]: {
    sign: 'exit code 0, `EngineCore encountered a fatal error`, `EngineDeadError`',
    what: "vLLM's engine process died",
    next: 'It is started again. If it happens again, read the log with `kubectl logs --previous` of the pod.',
    cure: 'Itself',
  },
  [REASONS.startFailed]: {
    sign: 'any other exit code above 0',
    what: 'vLLM gave up',
    next: 'Read the log with `kubectl logs --previous` of the pod.',
    cure: 'Outside',
  },
  [REASONS.startTimedOut]: {
    sign: '`KeyboardInterrupt: terminated`; killed after just the time of the startup probe',
    what: 'loading took longer than the startup probe allows, half an hour or, for a large model, more',
    next: 'Use a model volume (`model.storage`), so that the next start finds what was downloaded, or faster storage.',
    cure: 'Outside',
  },
  [REASONS.healthCheckFailed]: {
    sign: 'Ready turned false while the container runs',
    what: 'the engine no longer answers its health check',
    next: 'It is restarted if it goes on for a minute.',
    cure: 'Itself',
  },
  [REASONS.killed]: {
    sign: 'exit code 137 or 143 without `OOMKilled`',
    what: 'the engine was killed from outside, most often because its health check failed for a minute',
    next: 'It is started again. If it happens again, read the events with `kubectl describe pod`.',
    cure: 'Itself',
  },
  [REASONS.hostOutOfMemory]: {
    sign: 'reason `OOMKilled`',
    what: "the node's memory (not the GPU's) ran out, or the container reached its limit",
    next: 'Use a node with more memory: loading needs about the size of the weights.',
    cure: 'Outside',
  },
  [REASONS.evicted]: {
    sign: 'the pod failed: `Evicted`, `Preempting` and the like',
    what: 'Kubernetes ended the pod',
    next: 'It is replaced. If it happens again, give the node more disk or memory, or the engines a `priorityClassName`.',
    cure: 'Itself',
  },
  [REASONS.nodeLost]: {
    sign: 'pod reason `NodeLost`, `NodeShutdown`, `Terminated`; a pod that is to end on a node that does not answer',
    what: 'the node of the engine is gone or does not answer',
    next: 'The engine is made elsewhere where a GPU is free. If the node is off for good, delete its Node object, or give it the taint `node.kubernetes.io/out-of-service`.',
    cure: 'Itself',
  },
  [REASONS.imageNotPulled]: {
    sign: '`ErrImagePull`, `ImagePullBackOff`, `InvalidImageName`',
    what: 'the image cannot be pulled',
    next: 'Check `engine.image` and whether the node may pull from its registry; it is tried again by itself.',
    cure: 'Itself',
  },
  [REASONS.tokenSecretMissing]: {
    sign: '`CreateContainerConfigError`: a Secret or its key is not there',
    what: 'Secret {secret|of the token}, or its key, is not there',
    next: 'Create it in the namespace of the class, with the key that `model.tokenSecretRef` or `engine.env` names; the engine then starts by itself.',
    cure: 'Itself',
  },
  [REASONS.containerNotStarted]: {
    sign: '`CreateContainerError`, `RunContainerError`, `CreateContainerConfigError` of another kind',
    what: 'the node cannot start the container',
    next: 'Read the events with `kubectl describe pod`; it is tried again by itself.',
    cure: 'Itself',
  },
} as const satisfies Partial<Record<EngineFailureReason, FailureEntry>>;

/** Every failure of an engine: what it means, the one next step, and what the operator does. */
export const FAILURES: Readonly<Record<EngineFailureReason, FailureEntry>> = {
  ...MODEL_FAILURES,
  ...ARGUMENT_FAILURES,
  ...DEVICE_FAILURES,
  ...MEMORY_FAILURES,
  ...OTHER_FAILURES,
};
