import type { GpuProfile } from './gpu-profiles.ts';
import { bytesPerWeight, type ModelFacts } from './models.ts';
import type { Step } from './scheduler.ts';

/**
 * Batches of these sizes replay a whole CUDA graph; a larger one than the largest captured size pays for launching
 * kernels one by one: 1.0 ms per step, measured on an H100 with vLLM 0.26 (batches of 10 with `--max-num-seqs 10`).
 */
const PIECEWISE_GRAPH_MS = 1;

const graphSizes = (maxNumSeqs: number): number =>
  maxNumSeqs < 8 ? 2 ** Math.floor(Math.log2(maxNumSeqs)) : Math.floor(maxNumSeqs / 8) * 8;

/**
 * How long a step takes, in milliseconds: weights read once, arithmetic per token, never below the floor.
 *
 * @param gpus the engine spans: each reads and computes its part; what they wait for each other is not played
 * @param slowdown how many times longer because others compute on the same GPU (time-slicing); 1 when alone
 * @param speed how many times faster than the real GPU the simulation runs
 */
export function stepTimer(
  profile: GpuProfile,
  model: { readonly name: string; readonly facts: ModelFacts; readonly quantization: string | undefined },
  settings: {
    readonly maxNumSeqs: number;
    readonly gpus: number;
    readonly slowdown: number;
    readonly speed: number;
  },
): (step: Step) => number {
  const parameters = (model.facts.parametersBillion * 1e9) / settings.gpus;
  const readMs =
    (parameters * bytesPerWeight(model.name, model.quantization) * 1000) / profile.effectiveBytesPerSecond;
  const tokenMs = (2 * parameters * 1000) / profile.effectiveFlopsPerSecond;
  const largestGraph = graphSizes(settings.maxNumSeqs);
  return ({ parts, totalTokens }) => {
    const graphMs = parts.length > largestGraph ? PIECEWISE_GRAPH_MS : 0;
    const ms = Math.max(profile.stepFloorMs, readMs + totalTokens * tokenMs) + graphMs;
    return (ms * settings.slowdown) / settings.speed;
  };
}
