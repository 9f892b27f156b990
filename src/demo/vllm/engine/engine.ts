import type { CancelTimer, Clock } from './clock.ts';
import type { Scheduler, Sequence, SequenceSpec, Step } from './scheduler.ts';

/** Hears of one sequence. Called outside of any step, in the order of the batch. */
export interface SequenceListener {
  /** The sequence now has `generatedTokens`; `ended` tells that there will be no more, and why. */
  progress(generatedTokens: number, ended: 'finished' | 'aborted' | undefined): void;
  /** The engine is dead; nothing more will come. */
  engineDied(): void;
}

/** Hears of the engine as a whole: what the metrics are made of. */
export interface EngineObserver {
  stepCompleted(step: Step, advanced: readonly Sequence[], nowMs: number): void;
  sequenceFinished(sequence: Sequence, nowMs: number): void;
}

/** Engine time may lag this far behind the clock (a busy machine) before the lag is forgotten. */
const MAX_LAG_MS = 1000;

/**
 * Runs the scheduler against a clock. One timer serves the whole batch: when it fires late, all steps that should
 * have ended by then are made up for, one after another. The real API server merges tokens into one event when it
 * lags; here every token is told on its own, so that runs come out the same.
 */
export class Engine {
  readonly #scheduler: Scheduler;
  readonly #clock: Clock;
  readonly #stepMs: (step: Step) => number;
  readonly #observer: EngineObserver;
  readonly #listeners = new Map<Sequence, SequenceListener>();
  #step: Step | undefined;
  #stepEndsMs = 0;
  #cancelTimer: CancelTimer | undefined;
  #state: 'live' | 'stalled' | 'dead' = 'live';

  constructor(scheduler: Scheduler, clock: Clock, stepMs: (step: Step) => number, observer: EngineObserver) {
    this.#scheduler = scheduler;
    this.#clock = clock;
    this.#stepMs = stepMs;
    this.#observer = observer;
  }

  get dead(): boolean {
    return this.#state === 'dead';
  }

  get stalled(): boolean {
    return this.#state === 'stalled';
  }

  get scheduler(): Scheduler {
    return this.#scheduler;
  }

  /** Queues sequences that share their first step. No listener hears anything before this returns. */
  submit(
    entries: readonly { readonly spec: SequenceSpec; readonly listener: SequenceListener }[],
  ): Sequence[] {
    const now = this.#clock.nowMs();
    const sequences = entries.map(({ spec, listener }) => {
      const sequence = this.#scheduler.submit(spec, now);
      this.#listeners.set(sequence, listener);
      return sequence;
    });
    this.#wake();
    return sequences;
  }

  /** The client has left: the sequence ends without a word to its listener. */
  abort(sequence: Sequence): void {
    this.#listeners.delete(sequence);
    this.#scheduler.abort(sequence, this.#clock.nowMs());
  }

  /** What shutdown does by default: running sequences end with what they have, waiting ones are just dropped. */
  abortRunning(): void {
    const now = this.#clock.nowMs();
    const running = [...this.#scheduler.running];
    for (const sequence of running) this.#scheduler.abort(sequence, now);
    for (const sequence of running) this.#notify(sequence, 'aborted');
  }

  /** No step ends any more, though requests stay in the batch: a hanging GPU. */
  stall(): void {
    if (this.#state === 'live') this.#halt('stalled');
  }

  /** Goes on after {@link stall}. */
  resume(): void {
    if (this.#state !== 'stalled') return;
    this.#state = 'live';
    this.#wake();
  }

  /** The engine process is gone: every listener hears of it once. */
  kill(): void {
    if (this.#state === 'dead') return;
    this.#halt('dead');
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    for (const listener of listeners) listener.engineDied();
  }

  /** Stops for good without telling anyone: what a client sees is a stream that hangs. */
  halt(): void {
    this.#halt('dead');
    this.#listeners.clear();
  }

  #halt(state: 'stalled' | 'dead'): void {
    this.#state = state;
    this.#step = undefined;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
  }

  #wake(): void {
    if (this.#state !== 'live' || this.#step !== undefined) return;
    this.#begin(this.#clock.nowMs());
    this.#setTimer();
  }

  #begin(nowMs: number): void {
    this.#step = this.#scheduler.schedule(nowMs);
    if (this.#step !== undefined) this.#stepEndsMs = nowMs + this.#stepMs(this.#step);
  }

  #setTimer(): void {
    if (this.#step === undefined) return;
    const delayMs = Math.max(0, this.#stepEndsMs - this.#clock.nowMs());
    this.#cancelTimer = this.#clock.after(delayMs, () => {
      this.#cancelTimer = undefined;
      this.#catchUp(this.#clock.nowMs());
    });
  }

  #catchUp(nowMs: number): void {
    if (nowMs - this.#stepEndsMs > MAX_LAG_MS) this.#stepEndsMs = nowMs;
    while (this.#step !== undefined && this.#stepEndsMs <= nowMs) {
      const endedMs = this.#stepEndsMs;
      const { advanced } = this.#scheduler.complete(this.#step, endedMs);
      this.#observer.stepCompleted(this.#step, advanced, endedMs);
      this.#begin(endedMs);
      for (const sequence of advanced) this.#report(sequence);
    }
    this.#setTimer();
  }

  #report(sequence: Sequence): void {
    if (sequence.state === 'finished') {
      this.#observer.sequenceFinished(sequence, sequence.finishedMs ?? this.#clock.nowMs());
      this.#notify(sequence, 'finished');
    } else {
      this.#notify(sequence, undefined);
    }
  }

  #notify(sequence: Sequence, ended: 'finished' | 'aborted' | undefined): void {
    const listener = this.#listeners.get(sequence);
    if (ended !== undefined) this.#listeners.delete(sequence);
    listener?.progress(sequence.generatedTokens, ended);
  }
}
