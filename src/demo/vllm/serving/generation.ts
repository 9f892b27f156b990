import type { CancelTimer } from '../engine/clock.ts';
import type { Scheduler, Sequence } from '../engine/scheduler.ts';
import type { Fault } from '../failures.ts';
import { ApiError, errors } from '../http/errors.ts';
import type { PlannedAnswer } from './answer-plan.ts';
import type { ServingContext } from './context.ts';
import type { ServedAdapter } from './models.ts';

export type FinishReason = 'stop' | 'length' | 'abort';

/** A request that has passed every check. */
export interface PreparedGeneration {
  readonly id: string;
  readonly path: string;
  readonly modelName: string;
  readonly requestedModel: string | undefined;
  readonly adapter: ServedAdapter | undefined;
  /** Tokens of each prompt; a chat has one, a completion may have several. */
  readonly prompts: readonly (readonly number[])[];
  readonly promptText: string;
  readonly priority: number;
  readonly cacheSalt: string | undefined;
  readonly maxTokens: number;
  /** Choices in the order of their index. */
  readonly answers: readonly { readonly prompt: number; readonly plan: PlannedAnswer }[];
}

/** One choice while it is being generated. */
export interface Choice {
  readonly index: number;
  readonly answer: PlannedAnswer;
  readonly promptTokens: readonly number[];
  readonly generatedTokens: number;
  readonly finishReason: FinishReason | null;
}

/** Hears how the answer comes about. */
export interface GenerationListener {
  /** Tokens `from` to `to` (exclusive) of a choice are there; the choice tells whether it has ended. */
  advanced(choice: Choice, from: number, to: number): void;
  /** All choices have ended. */
  completed(): void;
  /** There will be no answer, or no more of it. */
  failed(error: ApiError): void;
  /** The connection is to be broken. */
  cut(how: 'reset' | 'close'): void;
}

/** Token counts for `usage`. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
  readonly cachedTokens: number;
  readonly createdCacheTokens: number;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

type TokenFault = Extract<Fault, { afterTokens: number }>;

/**
 * One request in the engine, from submission to its end. The faults asked for happen here, between the engine and
 * whoever writes the answer.
 */
export class Generation {
  readonly prepared: PreparedGeneration;
  readonly #context: ServingContext;
  readonly #listener: GenerationListener;
  readonly #generated: number[];
  readonly #finish: (FinishReason | null)[];
  #sequences: readonly Sequence[] = [];
  #fault: TokenFault | undefined;
  #state: 'open' | 'held' | 'over' = 'open';
  #cancelTimer: CancelTimer | undefined;

  /**
   * Starts at once, or after the delay of a fault.
   *
   * @throws {ApiError} if the request is refused: queue limits, shutdown, dead engine or a fault
   */
  constructor(context: ServingContext, prepared: PreparedGeneration, listener: GenerationListener) {
    this.#context = context;
    this.prepared = prepared;
    this.#listener = listener;
    this.#generated = prepared.answers.map(() => 0);
    this.#finish = prepared.answers.map(() => null);
    checkAdmission(context);
    const fault = context.faults().take({
      path: prepared.path,
      prompt: prepared.promptText,
      model: prepared.requestedModel,
    });
    if (fault?.kind === 'HttpError') {
      throw errors.played(fault.status, fault.type, fault.message);
    }
    context.onGenerationStart();
    const delayMs = fault?.kind === 'SlowFirstToken' ? fault.delayMs : 0;
    this.#fault = fault === undefined || fault.kind === 'SlowFirstToken' ? undefined : fault;
    // Not at once: requests that arrive together pass the first check together, and the later ones lose here.
    this.#cancelTimer = context.clock.after(delayMs, () => this.#submit());
  }

  get usage(): Usage {
    const { prompts, answers } = this.prepared;
    // The first choice of each prompt: the others find its blocks in the cache.
    const firsts = prompts.map(
      (_, prompt) => this.#sequences[answers.findIndex((each) => each.prompt === prompt)],
    );
    const cachedTokens = sum(firsts.map((sequence) => sequence?.cachedTokens ?? 0));
    const wholeBlocks = sum(firsts.map((sequence) => sequence?.blockKeys.length ?? 0));
    return {
      promptTokens: sum(prompts.map(({ length }) => length)),
      completionTokens: sum(this.#generated),
      cachedTokens,
      createdCacheTokens: Math.max(0, wholeBlocks * this.#context.plan.blockSize - cachedTokens),
    };
  }

  choice(index: number): Choice {
    const answer = this.prepared.answers[index];
    if (answer === undefined) throw new RangeError(`no choice ${index}`);
    return {
      index,
      answer: answer.plan,
      promptTokens: this.prepared.prompts[answer.prompt] ?? [],
      generatedTokens: this.#generated[index] ?? 0,
      finishReason: this.#finish[index] ?? null,
    };
  }

  /** The client has left: the engine stops working on it. */
  abort(): void {
    if (this.#state === 'over') return;
    this.#over();
    for (const sequence of this.#sequences) this.#context.engine.abort(sequence);
  }

  #submit(): void {
    this.#cancelTimer = undefined;
    try {
      checkAdmission(this.#context);
      this.#context.adapters?.use(this.prepared.adapter);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    const { prepared } = this;
    if (this.#fault?.afterTokens === 0 && this.#meetFault(this.#fault)) return;
    this.#sequences = this.#context.engine.submit(
      prepared.answers.map(({ prompt, plan }, index) => ({
        spec: {
          promptTokens: prepared.prompts[prompt] ?? [],
          outputTokens: Math.max(1, plan.tokens.length),
          maxTokens: prepared.maxTokens,
          endsBy: plan.finishReason,
          priority: prepared.priority,
          cacheScope: `${prepared.adapter?.name ?? ''}\n${prepared.cacheSalt ?? ''}`,
        },
        listener: {
          progress: (count, ended) => this.#progress(index, count, ended),
          engineDied: () => this.#fail(errors.engineDead()),
        },
      })),
    );
    this.#context.requests.add({
      id: prepared.id,
      path: prepared.path,
      model: prepared.modelName,
      promptTokens: this.usage.promptTokens,
      priority: prepared.priority,
      cacheSalt: prepared.cacheSalt,
      sequences: this.#sequences,
    });
  }

  #progress(index: number, count: number, ended: 'finished' | 'aborted' | undefined): void {
    if (this.#state === 'over') return;
    const from = this.#generated[index] ?? 0;
    this.#generated[index] = count;
    if (ended !== undefined) {
      this.#finish[index] = ended === 'aborted' ? 'abort' : this.choice(index).answer.finishReason;
    }
    if (this.#state === 'held') return;
    this.#listener.advanced(this.choice(index), from, count);
    if (this.#fault !== undefined && count >= this.#fault.afterTokens && this.#meetFault(this.#fault)) return;
    this.#completeIfAllEnded();
  }

  #completeIfAllEnded(): void {
    if (this.#finish.includes(null)) return;
    this.#over();
    this.#listener.completed();
  }

  /** Plays the fault; true if it ends the answer. */
  #meetFault(fault: TokenFault): boolean {
    this.#fault = undefined;
    switch (fault.kind) {
      case 'Stall':
        this.#hold(fault.durationMs);
        return false;
      case 'Reset':
      case 'CutOff':
        this.#listener.cut(fault.kind === 'Reset' ? 'reset' : 'close');
        this.abort();
        return true;
      case 'StreamError':
        this.#listener.failed(errors.played(fault.status, fault.type, fault.message));
        this.abort();
        return true;
      case 'EngineDeath':
        this.#context.killEngine(
          'torch.AcceleratorError: CUDA error: an illegal memory access was encountered',
        );
        if (this.#sequences.length === 0) this.#fail(errors.engineDead());
        return true;
      case 'ProcessCrash':
        this.#context.crash(fault.exitCode);
        return true;
    }
  }

  /** Keeps back what the engine makes; afterwards it comes all at once. */
  #hold(durationMs: number | undefined): void {
    const shown = [...this.#generated];
    this.#state = 'held';
    if (durationMs === undefined) return;
    this.#cancelTimer = this.#context.clock.after(durationMs, () => {
      this.#state = 'open';
      for (const [index, from] of shown.entries()) {
        const choice = this.choice(index);
        if (choice.generatedTokens > from) this.#listener.advanced(choice, from, choice.generatedTokens);
      }
      this.#completeIfAllEnded();
    });
  }

  #fail(error: Error): void {
    if (this.#state === 'over') return;
    this.#over();
    this.#listener.failed(error instanceof ApiError ? error : errors.internal(error.message));
  }

  #over(): void {
    this.#state = 'over';
    this.#cancelTimer?.();
    this.#context.onGenerationEnd();
  }
}

function prefillBacklog({ running, waiting }: Scheduler): number {
  const prefilling = [...waiting, ...running.filter(({ generatedTokens }) => generatedTokens === 0)];
  return prefilling.reduce((sum, { spec }) => sum + spec.promptTokens.length, 0);
}

function checkAdmission({ options, engine, shuttingDown, onRejected }: ServingContext): void {
  if (engine.dead) throw errors.engineDead();
  if (shuttingDown()) throw errors.shuttingDown();
  const { running, waiting } = engine.scheduler;
  const { maxNumQueuedRequests, maxNumQueuedTokens } = options;
  const full =
    (maxNumQueuedRequests !== undefined && running.length + waiting.length >= maxNumQueuedRequests) ||
    (maxNumQueuedTokens !== undefined && prefillBacklog(engine.scheduler) >= maxNumQueuedTokens);
  if (!full) return;
  onRejected();
  throw errors.busy();
}
