import { StartFailure } from '../engine/start-failure.ts';
import type { START_FAILURES } from '../failures.ts';
import { STEPS } from './loading.ts';

type StartFailureKind = Exclude<(typeof START_FAILURES)[number], 'Hang'>;

/** A failed start that was asked for: what it says, and at which share of the loading time. */
export function playedStartFailure(kind: StartFailureKind): { failure: StartFailure; at: number } {
  const late = (reason: string): { failure: StartFailure; at: number } => ({
    failure: StartFailure.engineCore(reason),
    at: STEPS.cacheTaken,
  });
  switch (kind) {
    case 'NoMemoryForKvCache':
      return late(
        'ValueError: No available memory for the cache blocks. Try increasing `gpu_memory_utilization` when initializing the engine. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.',
      );
    case 'MaxModelLenTooLarge':
      return late(
        "ValueError: To serve at least one request with the model's max seq len (131072), (16.0 GiB KV cache is needed, which is larger than the available KV cache memory (4.33 GiB). Based on the available memory, the estimated maximum model length is 35472. Try increasing `gpu_memory_utilization` (which also controls CPU memory on the CPU backend) or decreasing `max_model_len` when initializing the engine. See https://docs.vllm.ai/en/latest/configuration/conserving_memory/ for more details.",
      );
    case 'FreeMemoryBelowUtilization':
      return {
        failure: StartFailure.engineCore(
          'ValueError: Free memory on device cuda:0 (8.15/79.18 GiB) on startup is less than desired GPU memory utilization (0.9, 71.26 GiB). Decrease GPU memory utilization or reduce GPU memory used by other processes.',
        ),
        at: STEPS.memoryFirstSeen,
      };
    case 'MemoryProfiling':
      return late(
        'AssertionError: Error in memory profiling. Initial free memory 21.6 GiB, current free memory 22.9 GiB. This happens when other processes sharing the same container release GPU memory while vLLM is profiling during initialization. To fix this, ensure consistent GPU memory allocation or isolate vLLM in its own container.',
      );
    case 'SamplerWarmUp':
      return late(
        'RuntimeError: CUDA out of memory occurred when warming up sampler with 1024 dummy requests. Please try lowering `max_num_seqs` or `gpu_memory_utilization` when initializing the engine.',
      );
    case 'CudaOutOfMemory':
      return late(
        'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.02 GiB. GPU 0 has a total capacity of 21.98 GiB of which 512.00 MiB is free.',
      );
    case 'EngineCoreCrash':
      return late('RuntimeError: CUDA error: an illegal memory access was encountered');
    case 'TensorParallelDivisibility':
      return {
        failure: StartFailure.validation(
          'VllmConfig',
          '  Value error, Total number of attention heads (28) must be divisible by tensor parallel size (8). [type=value_error]',
        ),
        at: STEPS.modelInspected,
      };
    case 'PortIsUri':
      return { failure: StartFailure.portIsUri('tcp://10.0.0.1:8000'), at: 0 };
    case 'MigUuidInCudaVisibleDevices':
      return {
        failure: StartFailure.migUuid('MIG-4bd0d0a0-0000-0000-0000-000000000000'),
        at: STEPS.memoryFirstSeen,
      };
    case 'NoGpu':
      return {
        failure: StartFailure.engineCore(
          'AssertionError: DP adjusted local rank 0 is out of bounds for 0 devices.',
        ),
        at: STEPS.memoryFirstSeen,
      };
    case 'ModelNotFound':
      return {
        failure: new StartFailure([
          {
            origin: 'APIServer',
            text: 'huggingface_hub.errors.LocalEntryNotFoundError: Cannot find an appropriate cached snapshot folder for the specified revision on the local disk and outgoing traffic has been disabled.',
          },
        ]),
        at: STEPS.modelInspected,
      };
  }
}
