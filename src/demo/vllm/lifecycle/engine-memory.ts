import type { EngineOptions } from '../command-line/options.ts';
import type { GpuMemory } from '../engine/gpu-memory.ts';
import {
  CUDA_CONTEXT_GIB,
  checkFreeMemory,
  type EnginePlan,
  type EngineSizes,
  measureCache,
  NON_TORCH_GIB,
  outOfMemory,
  READY_OVERHEAD_GIB,
  UNDER_LOAD_GIB,
} from '../engine/memory.ts';
import { StartFailure } from '../engine/start-failure.ts';

/** What an engine does to its GPU's memory, step by step, in vLLM's order. Each step fails with vLLM's words. */
export interface EngineMemory {
  /** Looks at what is free and opens the CUDA context. @throws {StartFailure} */
  begin(): void;
  /** Weights come in evenly within `overMs`. */
  loadWeights(overMs: number): void;
  /** @throws {StartFailure} when somebody took the room that was free at the beginning */
  weightsLoaded(): void;
  /** Computes once at full size, measures, and takes the KV cache. @throws {StartFailure} */
  takeCache(): EnginePlan;
  /** @throws {StartFailure} */
  captureGraphs(): void;
  /** The first request is computed. @returns PyTorch's words when the GPU is full: the engine dies of it */
  firstRequest(): string | undefined;
  release(): void;
}

/** The memory of an engine on a GPU that others may be on too. */
export function engineMemory(options: EngineOptions, sizes: EngineSizes, gpu: GpuMemory): EngineMemory {
  let atStartGiB = 0;
  let heldGiB = 0;
  const failureIfTaken = (moreGiB: number): string | undefined => {
    const others = gpu.usedByOthersGiB();
    if (heldGiB + moreGiB + others <= sizes.totalGiB) return undefined;
    return outOfMemory(moreGiB, heldGiB, sizes.totalGiB, others);
  };
  const need = (moreGiB: number): void => {
    const failure = failureIfTaken(moreGiB);
    if (failure !== undefined) throw StartFailure.engineCore(failure);
  };
  const hold = (gib: number, overMs = 0): void => {
    heldGiB = gib;
    gpu.hold(gib, overMs);
  };

  return {
    begin() {
      atStartGiB = gpu.usedByOthersGiB();
      checkFreeMemory(options, sizes, atStartGiB);
      hold(CUDA_CONTEXT_GIB);
    },
    loadWeights: (overMs) => gpu.hold(CUDA_CONTEXT_GIB + NON_TORCH_GIB + sizes.weightsGiB, overMs),
    weightsLoaded() {
      need(sizes.weightsGiB);
      hold(CUDA_CONTEXT_GIB + NON_TORCH_GIB + sizes.weightsGiB);
    },
    takeCache() {
      need(sizes.activationGiB);
      const whenMeasuredGiB = gpu.usedByOthersGiB();
      const plan = measureCache(options, sizes, { atStartGiB, whenMeasuredGiB });
      need(plan.kvCacheGiB);
      hold(sizes.weightsGiB + plan.kvCacheGiB + READY_OVERHEAD_GIB);
      return plan;
    },
    captureGraphs() {
      need(sizes.graphsGiB);
      hold(heldGiB + sizes.graphsGiB);
    },
    firstRequest() {
      const failure = failureIfTaken(UNDER_LOAD_GIB);
      if (failure === undefined) hold(heldGiB + UNDER_LOAD_GIB);
      return failure;
    },
    release: () => gpu.release(),
  };
}
