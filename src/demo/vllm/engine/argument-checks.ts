import type { EngineOptions } from '../command-line/options.ts';
import type { ModelFacts } from './models.ts';
import { StartFailure } from './start-failure.ts';

/**
 * What vLLM refuses before it looks at its GPU.
 *
 * @throws {StartFailure} with vLLM's own text
 */
export function checkArguments(
  options: EngineOptions,
  facts: ModelFacts,
  plan: { readonly seqs: number; readonly batched: number; readonly gpus: number },
): void {
  if (options.gpuMemoryUtilization > 1 || options.gpuMemoryUtilization <= 0) {
    const bound = options.gpuMemoryUtilization > 1 ? 'less than or equal to 1' : 'greater than 0';
    throw StartFailure.validation(
      'CacheConfig',
      `gpu_memory_utilization\n  Input should be ${bound} [type=${options.gpuMemoryUtilization > 1 ? 'less_than_equal' : 'greater_than'}, input_value=${options.gpuMemoryUtilization}, input_type=float]`,
    );
  }
  if ((options.maxModelLen ?? 0) > facts.maxPositions) {
    throw StartFailure.validation(
      'ModelConfig',
      `  Value error, User-specified max_model_len (${options.maxModelLen}) is greater than the derived max_model_len (max_position_embeddings=${facts.maxPositions}.0 or model_max_length=None in model's config.json). To allow overriding this maximum, set the env var VLLM_ALLOW_LONG_MAX_MODEL_LEN=1. [type=value_error]`,
    );
  }
  if (options.tensorParallelSize > plan.gpus) {
    throw StartFailure.validation(
      'ParallelConfig',
      `  Value error, World size (${options.tensorParallelSize}) is larger than the number of available GPUs (${plan.gpus}) in this node. If this is intentional and you are using:\n- ray, set '--distributed-executor-backend ray'.\n- multiprocessing, set '--nnodes' appropriately. [type=value_error]`,
    );
  }
  if (plan.batched < plan.seqs) {
    throw StartFailure.validation(
      'SchedulerConfig',
      `  Value error, max_num_batched_tokens (${plan.batched}) must be greater than or equal to max_num_seqs (${plan.seqs}). [type=value_error]`,
    );
  }
}
