/** What changed between releases of vLLM as far as memory goes. */
export interface ReleaseRules {
  /** `0.32.0`, for people. */
  release: string;
  /** False where the text names no release, so that the pinned one is taken. */
  isKnown: boolean;
  /** Which activation formula: what the profiling run holds at its peak. */
  activations: 'compileCopy' | 'sampler' | 'largeSampler';
  /** True where the estimated CUDA graphs are charged to the budget; else they come on top of it. */
  chargesGraphs: boolean;
  /** True where activations and weights were measured; else they are carried over from a neighbour. */
  isMeasured: boolean;
  /** True for releases after the last one that was measured, which keep its terms. */
  isLater: boolean;
  /** True where `--quantization fp8` loads the whole model at full precision before it packs it. */
  packsAfterLoading: boolean;
  /** True where `--kv-cache-memory-bytes` exists. */
  pinsCache: boolean;
}

/** First minor releases of 0.x in which something changed. */
const PINS_CACHE = 11;
const SMALL_SAMPLER = 17;
const GRAPHS_CHARGED = 21;
const SECOND_RUNNER = 26;
const SECOND_RUNNER_FOR_ALL = 29;

/**
 * The rules of a release for a kind of model.
 *
 * - before 0.17: the profiling run holds more than twice as much (5.64 against 2.23 GiB for 1,024 sequences).
 * - 0.17 to 0.20: CUDA graphs are taken outside of the budget.
 * - 0.21 to 0.25: their estimated size is charged to the budget.
 * - from 0.26: the second model runner (default for dense models, from 0.29 for all) charges no graphs, and its peak is
 *   the one copy of the embedding that torch.compile makes when its cache is cold.
 *
 * @param isDense false for mixtures of experts and models with layers that keep a state
 * @param version such as `v0.32.0`; undefined: `pinned`
 * @see https://github.com/vllm-project/vllm/releases
 * @see https://github.com/vllm-project/vllm/pull/53183
 */
export function releaseRules(version: string | undefined, pinned: string, isDense: boolean): ReleaseRules {
  const stated = version === undefined ? undefined : readMinor(version);
  const minor = stated ?? readMinor(pinned) ?? SECOND_RUNNER_FOR_ALL;
  const hasSecondRunner = minor >= (isDense ? SECOND_RUNNER : SECOND_RUNNER_FOR_ALL);
  return {
    release: (stated === undefined ? pinned : (version ?? pinned)).replace(/^v/, ''),
    isKnown: version === undefined || stated !== undefined,
    activations: activationsOf(minor, hasSecondRunner),
    chargesGraphs: minor >= GRAPHS_CHARGED && !hasSecondRunner,
    isMeasured: (minor >= SMALL_SAMPLER && minor < GRAPHS_CHARGED) || minor >= SECOND_RUNNER,
    isLater: minor > SECOND_RUNNER,
    packsAfterLoading: minor < SMALL_SAMPLER,
    pinsCache: minor >= PINS_CACHE,
  };
}

function activationsOf(minor: number, hasSecondRunner: boolean): ReleaseRules['activations'] {
  if (hasSecondRunner) return 'compileCopy';
  return minor < SMALL_SAMPLER ? 'largeSampler' : 'sampler';
}

/** Releases are 0.minor.patch; a major release counts as newer than all of them. */
function readMinor(version: string): number | undefined {
  const match = /^v?(\d+)\.(\d+)/.exec(version.trim());
  if (match === null) return undefined;
  return Number(match[1]) > 0 ? Number.POSITIVE_INFINITY : Number(match[2]);
}
