import { type PrefixCache, prefixBlockKeys } from './prefix-cache.ts';

/** What the engine has to know of a sequence: lengths, never text. */
export interface SequenceSpec {
  readonly promptTokens: readonly number[];
  /** Tokens the answer has, its end-of-sequence token included. At least 1. */
  readonly outputTokens: number;
  /** The bound the request had, and what its answer will end by: for the metrics. */
  readonly maxTokens: number;
  readonly endsBy: 'stop' | 'length';
  /** Lower runs first under the priority policy. */
  readonly priority: number;
  /** Whatever keeps this prompt's blocks from being shared: cache salt and adapter. */
  readonly cacheScope: string;
}

/** A sequence in the engine. Only the scheduler changes it. */
export interface Sequence {
  readonly spec: SequenceSpec;
  readonly arrivalMs: number;
  readonly order: number;
  state: 'waiting' | 'running' | 'finished' | 'aborted';
  generatedTokens: number;
  /** Prompt tokens that came from the prefix cache at the first scheduling. */
  cachedTokens: number;
  computedTokens: number;
  heldBlocks: number;
  preemptions: number;
  scheduledMs: number | undefined;
  firstTokenMs: number | undefined;
  finishedMs: number | undefined;
  blockKeys: readonly number[];
}

export interface SchedulerLimits {
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  /** Tokens per block. */
  readonly blockSize: number;
  readonly kvBlocks: number;
  readonly policy: 'fcfs' | 'priority';
}

/** One forward pass: which sequences, and how many tokens of each. */
export interface Step {
  readonly parts: readonly { readonly sequence: Sequence; readonly tokens: number }[];
  readonly totalTokens: number;
}

/** What a step brought about. */
export interface StepResult {
  /** Sequences that have one token more, the finished ones among them. */
  readonly advanced: readonly Sequence[];
}

/**
 * vLLM's continuous batching, without time: sequences join and leave between steps, prompts are cut into chunks
 * that share a step with decoding, and a sequence that finds no KV block pushes out the last one of the batch,
 * which starts over. A shared prefix counts once per sequence that uses it; vLLM counts it once.
 * Source: https://docs.vllm.ai/en/latest/design/arch_overview.html, vllm/v1/core/sched/scheduler.py
 */
export class Scheduler {
  readonly limits: SchedulerLimits;
  readonly #prefixCache: PrefixCache | undefined;
  readonly #waiting: Sequence[] = [];
  readonly #running: Sequence[] = [];
  #freeBlocks: number;
  #arrivals = 0;
  #preemptions = 0;

  /** @param prefixCache undefined switches prefix caching off */
  constructor(limits: SchedulerLimits, prefixCache: PrefixCache | undefined) {
    this.limits = limits;
    this.#prefixCache = prefixCache;
    this.#freeBlocks = limits.kvBlocks;
  }

  get running(): readonly Sequence[] {
    return this.#running;
  }

  get waiting(): readonly Sequence[] {
    return this.#waiting;
  }

  /** How often a sequence was pushed out so far. */
  get preemptions(): number {
    return this.#preemptions;
  }

  /** Share of the KV cache in use, 0 to 1. */
  get kvUsage(): number {
    return 1 - this.#freeBlocks / this.limits.kvBlocks;
  }

  /** Puts a new sequence into the queue. */
  submit(spec: SequenceSpec, nowMs: number): Sequence {
    const sequence: Sequence = {
      spec,
      arrivalMs: nowMs,
      order: this.#arrivals++,
      state: 'waiting',
      generatedTokens: 0,
      cachedTokens: 0,
      computedTokens: 0,
      heldBlocks: 0,
      preemptions: 0,
      scheduledMs: undefined,
      firstTokenMs: undefined,
      finishedMs: undefined,
      blockKeys:
        this.#prefixCache === undefined
          ? []
          : prefixBlockKeys(spec.promptTokens, spec.cacheScope, this.limits.blockSize),
    };
    this.#enqueue(sequence);
    return sequence;
  }

  /** Takes a sequence out at once, as a client that hangs up does. Harmless on one that has ended. */
  abort(sequence: Sequence, nowMs: number): void {
    if (sequence.state === 'finished' || sequence.state === 'aborted') return;
    this.#remove(sequence.state === 'running' ? this.#running : this.#waiting, sequence);
    this.#release(sequence);
    sequence.state = 'aborted';
    sequence.finishedMs = nowMs;
  }

  /** Chooses the work of the next step; undefined when there is none. */
  schedule(nowMs: number): Step | undefined {
    const parts: { sequence: Sequence; tokens: number }[] = [];
    const budget = this.limits.maxNumBatchedTokens;
    let used = 0;
    let preempted = false;
    for (const sequence of [...this.#running]) {
      if (used >= budget) break;
      if (sequence.state !== 'running') continue;
      const tokens = Math.min(lengthOf(sequence) - sequence.computedTokens, budget - used);
      while (!this.#reserve(sequence, tokens)) {
        preempted = true;
        if (this.#preemptOne() === sequence) break;
      }
      if (sequence.state !== 'running') break;
      parts.push({ sequence, tokens });
      used += tokens;
    }
    if (!preempted) used += this.#admit(parts, budget - used, nowMs);
    const running = parts.filter(({ sequence }) => sequence.state === 'running');
    if (running.length === 0) return undefined;
    return { parts: running, totalTokens: used };
  }

  /** The step has been computed: prompts advance, complete sequences get one token, finished ones leave. */
  complete(step: Step, nowMs: number): StepResult {
    const advanced: Sequence[] = [];
    for (const { sequence, tokens } of step.parts) {
      if (sequence.state !== 'running') continue;
      sequence.computedTokens += tokens;
      if (sequence.computedTokens < lengthOf(sequence)) continue;
      if (sequence.generatedTokens === 0) {
        sequence.firstTokenMs = nowMs;
        this.#prefixCache?.insert(sequence.blockKeys);
      }
      sequence.generatedTokens += 1;
      advanced.push(sequence);
      if (sequence.generatedTokens >= sequence.spec.outputTokens) this.#finish(sequence, nowMs);
    }
    return { advanced };
  }

  #admit(parts: { sequence: Sequence; tokens: number }[], budget: number, nowMs: number): number {
    let used = 0;
    while (used < budget && this.#running.length < this.limits.maxNumSeqs) {
      const sequence = this.#waiting[0];
      if (sequence === undefined) break;
      if (sequence.computedTokens === 0) sequence.computedTokens = this.#cachedPrefix(sequence);
      const tokens = Math.min(lengthOf(sequence) - sequence.computedTokens, budget - used);
      if (!this.#reserve(sequence, tokens)) {
        sequence.computedTokens = 0;
        break;
      }
      this.#waiting.shift();
      if (sequence.scheduledMs === undefined) {
        sequence.scheduledMs = nowMs;
        sequence.cachedTokens = sequence.computedTokens;
      }
      sequence.state = 'running';
      this.#running.push(sequence);
      parts.push({ sequence, tokens });
      used += tokens;
    }
    return used;
  }

  /** At least one token of a prompt is always computed, as in vLLM. */
  #cachedPrefix(sequence: Sequence): number {
    const blocks = this.#prefixCache?.match(sequence.blockKeys) ?? 0;
    const usable = Math.floor((lengthOf(sequence) - 1) / this.limits.blockSize);
    return Math.min(blocks, usable) * this.limits.blockSize;
  }

  #reserve(sequence: Sequence, tokens: number): boolean {
    const blocks = Math.ceil((sequence.computedTokens + tokens) / this.limits.blockSize);
    const needed = blocks - sequence.heldBlocks;
    if (needed > this.#freeBlocks) return false;
    if (needed > 0) {
      this.#freeBlocks -= needed;
      sequence.heldBlocks = blocks;
    }
    return true;
  }

  #preemptOne(): Sequence | undefined {
    const victim =
      this.limits.policy === 'fcfs'
        ? this.#running.at(-1)
        : this.#running.reduce((worst, each) => (runsBefore(worst, each) ? each : worst));
    if (victim === undefined) return undefined;
    this.#remove(this.#running, victim);
    this.#release(victim);
    victim.state = 'waiting';
    victim.computedTokens = 0;
    victim.preemptions += 1;
    this.#preemptions += 1;
    this.#enqueue(victim);
    return victim;
  }

  #enqueue(sequence: Sequence): void {
    const position = this.#waiting.findLastIndex((each) => !this.#goesBefore(sequence, each)) + 1;
    this.#waiting.splice(position, 0, sequence);
  }

  #goesBefore(sequence: Sequence, other: Sequence): boolean {
    return this.limits.policy === 'fcfs' ? sequence.order < other.order : runsBefore(sequence, other);
  }

  #finish(sequence: Sequence, nowMs: number): void {
    this.#remove(this.#running, sequence);
    this.#release(sequence);
    sequence.state = 'finished';
    sequence.finishedMs = nowMs;
  }

  #release(sequence: Sequence): void {
    this.#freeBlocks += sequence.heldBlocks;
    sequence.heldBlocks = 0;
  }

  #remove(list: Sequence[], sequence: Sequence): void {
    const index = list.indexOf(sequence);
    if (index >= 0) list.splice(index, 1);
  }
}

/** Tokens that must be in the KV cache before the next one can be made. */
const lengthOf = (sequence: Sequence): number => sequence.spec.promptTokens.length + sequence.generatedTokens;

const runsBefore = (one: Sequence, other: Sequence): boolean =>
  one.spec.priority === other.spec.priority
    ? one.order < other.order
    : one.spec.priority < other.spec.priority;
