import { ENGINE_FAILURE_REASONS, type EngineFailureReason } from '../../api/reasons.ts';

/** Words of a log by which a failure is known. Named groups are figures for the message. */
export interface Sign {
  reason: EngineFailureReason;
  pattern: RegExp;
  /** What is quoted in the place of the line, where that says nothing to a person. */
  quote?: string;
}

const REASONS = ENGINE_FAILURE_REASONS;

/**
 * The words of vLLM, PyTorch, huggingface_hub and transformers, the first that is found wins: what names a cause
 * stands before what may follow from it.
 *
 * @see https://github.com/vllm-project/vllm the texts are those of its releases 0.26 to 0.32
 * @see https://github.com/huggingface/huggingface_hub/blob/main/src/huggingface_hub/utils/_http.py
 */
export const LOG_SIGNS: readonly Sign[] = [
  sign(REASONS.serviceNameCollision, /VLLM_PORT '(?<value>[^']*)' appears to be a URI/),
  sign(
    REASONS.migDeviceSelected,
    /invalid literal for int\(\) with base 10: '(?<value>MIG-[^']*)'|NVMLError_NotFound/,
  ),
  sign(
    REASONS.driverTooOld,
    /NVIDIA driver on your system is too old(?: \(found version (?<found>\d+)\))?|driver version is insufficient for CUDA runtime|unsupported display driver ?\/ ?cuda driver combination|forward compatibility was attempted on non supported HW|provided PTX was compiled with an unsupported toolchain|unsatisfied condition: (?<needed>(?:cuda|driver)\s*[><=]+\s*[\d.]+)/i,
  ),
  sign(
    REASONS.noVisibleGPU,
    /out of bounds for 0 devices|No CUDA GPUs are available|Failed to infer device type|no CUDA-capable device is detected|Found no NVIDIA driver|libcuda\.so\.1: cannot open|nvidia-container-cli: initialization error/,
  ),
  sign(
    REASONS.tensorParallelIndivisible,
    /number of attention heads \((?<heads>\d+)\)\s+must be divisible by tensor parallel size \((?<gpus>\d+)\)|must be divisible by tensor parallel size|is not divisible by (?:tp_size )?(?<size>\d+)/,
  ),
  sign(
    REASONS.tooFewGPUs,
    /World size \((?<wanted>\d+)\) is larger than the number of available GPUs \((?<there>\d+)\)/,
  ),
  sign(
    REASONS.batchedTokensTooFew,
    /max_num_batched_tokens \((?<tokens>\d+)\) (?:must be greater than or equal to|is smaller than) max_(?:num_seqs|model_len) \((?<atLeast>\d+)\)/,
  ),
  sign(
    REASONS.contextAboveModel,
    /max_model_len \((?<wanted>\d+)\) is greater than the derived max_model_len \((?:\w+=)?(?<most>\d+)/,
  ),
  sign(
    REASONS.quantizationMismatch,
    /Cannot find the config file for (?<method>\w+)|Quantization method specified in the model config|Unknown quantization method|[Qq]uantization method \S+ is not supported/,
  ),
  sign(
    REASONS.gpuUnsuited,
    /Bfloat16 is only supported on GPUs|Minimum capability: \d+|no kernel image is available for execution|requires? (?:a GPU with )?compute capability/,
  ),
  sign(
    REASONS.modelUnsupported,
    /Model architectures? (?<architectures>\[[^\]]*\]|\w+) (?:are not supported|failed to be inspected|was supported in vLLM until|is not supported)|model type `(?<type>[^`]+)` but Transformers does not recognize/,
  ),
  {
    // The end of the first of these lines: a list of hundreds of names, in which what comes before is lost.
    reason: REASONS.modelUnsupported,
    pattern: /(?:'\w+(?:ForCausalLM|ForConditionalGeneration|Model)', ){3}/,
    quote: 'vLLM lists the architectures that it supports',
  },
  ...hubSigns(),
  sign(REASONS.noSpaceLeft, /No space left on device|Disk quota exceeded|Not enough free disk space/),
  sign(REASONS.volumeNotWritable, /PermissionError|\[Errno (?:13|30)\]|Read-only file system/),
  sign(
    REASONS.weightsUnreadable,
    /SafetensorError|Error while deserializing header|MetadataIncompleteBuffer|PytorchStreamReader failed|invalid load key/,
  ),
  ...memorySigns(),
  ...argumentSigns(),
  sign(REASONS.startTimedOut, /KeyboardInterrupt: terminated/),
];

/** A 401 of the hub is also its answer for what does not exist, so the words that follow decide. */
function hubSigns(): Sign[] {
  return [
    sign(
      REASONS.modelTokenMissing,
      /must have access to it and be authenticated|Please log in|Invalid (?:username or password|credentials in Authorization header|user token)|token (?:is|has) expired/i,
    ),
    sign(
      REASONS.modelGated,
      /Cannot access gated repo|trying to access a gated repo|GatedRepoError|not in the authorized list|awaiting a review from the repo authors/,
    ),
    sign(
      REASONS.revisionNotFound,
      /Revision Not Found for url|RevisionNotFoundError|is not a valid git identifier/,
    ),
    sign(
      REASONS.modelNotFound,
      /Repository Not Found for url|RepositoryNotFoundError|is not a valid model identifier|Repo id must be in the form|HFValidationError|Cannot find an appropriate cached snapshot folder|outgoing traffic has been disabled|Cannot find any model weights|Could not detect config format for no config file found|does not appear to have (?:a file|files) named|Can't load the configuration of/,
    ),
    sign(
      REASONS.hubUnreachable,
      /couldn't connect to '|Temporary failure in name resolution|Name or service not known|Network is unreachable|Max retries exceeded with url|ConnectError|ConnectTimeout|ReadTimeout|429 Too Many Requests|50[0-9] Server Error/,
    ),
    // What vLLM says of all of the above when it cannot tell.
    sign(REASONS.modelNotFound, /Invalid repository ID or local directory specified/),
  ];
}

function memorySigns(): Sign[] {
  return [
    sign(
      REASONS.kvCacheTooSmall,
      /max seq len \((?<wanted>\d+)\),? (?:\((?<needed>[\d.]+) GiB KV\s+cache is needed[\s\S]*?\((?<there>[\d.]+) GiB\)\.?(?:[\s\S]*?estimated maximum model length is (?<most>\d+))?|is larger than the maximum number of tokens that can be stored in KV cache \((?<tokens>\d+)\))/,
    ),
    sign(REASONS.weightsDoNotFit, /No available memory for the cache blocks/),
    sign(
      REASONS.gpuMemoryTaken,
      /Free memory on device \S+ \((?<free>[\d.]+)\/(?<total>[\d.]+) GiB\) on startup is less than (?:desired GPU memory utilization|the engine's budget)[^(]*\((?<share>[\d.]+), (?<wanted>[\d.]+) GiB\)/,
    ),
    sign(REASONS.memoryProfilingDisturbed, /Error in memory profiling/),
    sign(REASONS.samplerOutOfMemory, /out of memory occurred when warming up sampler with (?<sequences>\d+)/),
    sign(
      REASONS.outOfGPUMemoryAtStart,
      /(?:CUDA|HIP|NCCL)[^\n]{0,40}out of memory|torch\.OutOfMemoryError|CUDA_ERROR_OUT_OF_MEMORY|cudaErrorMemoryAllocation/i,
    ),
  ];
}

function argumentSigns(): Sign[] {
  return [
    sign(REASONS.adaptersUnsupported, /(?<architecture>\w+) does not support LoRA yet/),
    sign(REASONS.adapterNotFound, /Loading lora (?<adapter>\S+) failed: /),
    sign(REASONS.argumentRefused, /error: argument (?<flag>--[\w-]+)[^:\n]*: /),
    sign(REASONS.argumentRefused, /error: unrecognized arguments: (?<flag>[^\n]*)/),
    sign(REASONS.argumentRefused, /error: (?:argument|the following arguments)/),
    sign(REASONS.argumentRefused, /VLLMValidationError: [^\n]*?(?:\(parameter=(?<parameter>\w+)[^)]*\))?$/m),
    // pydantic: a field on a line of its own, what is wrong with it on the next.
    sign(REASONS.argumentRefused, /validation errors? for \w+\n(?<parameter>[a-z_.]+)\n\s+[^\n]*/),
    sign(REASONS.argumentRefused, /Value error, [^\n]*/),
  ];
}

function sign(reason: EngineFailureReason, pattern: RegExp): Sign {
  return { reason, pattern };
}
