import type { ClassroomSpec } from '../api/classroom.ts';
import { servedNameOf } from '../api/model.ts';
import { adapterArgs } from './adapters/engine-options.ts';
import type { EngineSettings } from './engine-settings.ts';

/** How long vLLM finishes running answers after SIGTERM; with its default of 0 it cuts them. */
export const SHUTDOWN_TIMEOUT_SECONDS = 60;

const SERVED_NAME_FLAG = '--served-model-name';

/** Paths that probes and monitoring ask every few seconds. */
const QUIET_PATHS = '/health,/metrics,/ping';

/** vLLM's names of the quantisations of the API; `None` leaves it to the checkpoint. */
const QUANTIZATION_FLAGS = {
  None: undefined,
  AWQ: 'awq',
  FP8: 'fp8',
  GPTQ: 'gptq',
  BitsAndBytes: 'bitsandbytes',
} as const satisfies Record<ClassroomSpec['model']['quantization'], string | undefined>;

/**
 * The arguments of the vLLM image, whose entry point is `vllm serve`: the model first, then flags, the trainer's own
 * last. Every figure is stated: vLLM's defaults follow the memory of the whole device, not that of a slice.
 *
 * @see https://docs.vllm.ai/en/latest/cli/serve.html
 */
export function engineArgs(spec: ClassroomSpec, settings: EngineSettings): string[] {
  const { model, gpu, engine } = spec;
  const quantization = QUANTIZATION_FLAGS[model.quantization];
  return [
    model.id,
    ...[SERVED_NAME_FLAG, servedNameOf(model), ...model.aliases],
    ...['--max-model-len', String(settings.maxModelLen)],
    ...['--max-num-seqs', String(settings.maxNumSeqs)],
    ...['--max-num-batched-tokens', String(settings.maxNumBatchedTokens)],
    ...['--gpu-memory-utilization', String(settings.gpuMemoryUtilization)],
    ...pinnedCache(settings),
    ...['--shutdown-timeout', String(SHUTDOWN_TIMEOUT_SECONDS)],
    ...['--disable-access-log-for-endpoints', QUIET_PATHS],
    '--enable-prompt-tokens-details',
    '--disable-fastapi-docs',
    ...(model.revision === undefined ? [] : ['--revision', model.revision]),
    ...(quantization === undefined ? [] : ['--quantization', quantization]),
    ...(settings.dtype === undefined ? [] : ['--dtype', settings.dtype]),
    ...(gpu.gpusPerEngine === 1 ? [] : ['--tensor-parallel-size', String(gpu.gpusPerEngine)]),
    ...adapterArgs(spec),
    ...engine.extraArgs,
  ];
}

/** Which model an engine loads, and the name under which it serves it first. */
export interface StartedModel {
  readonly id: string | undefined;
  readonly servedName: string | undefined;
}

/** What {@link engineArgs} said of the model. */
export function startedModel(args: readonly string[]): StartedModel {
  return { id: args[0], servedName: args[args.indexOf(SERVED_NAME_FLAG) + 1] };
}

/**
 * With this vLLM does not measure what is left for the cache, so that every start has the same, also beside others; it
 * still wants the share of `--gpu-memory-utilization` to be free when it starts.
 */
function pinnedCache({ kvCacheMemoryBytes }: EngineSettings): string[] {
  return kvCacheMemoryBytes === undefined ? [] : ['--kv-cache-memory-bytes', String(kvCacheMemoryBytes)];
}
