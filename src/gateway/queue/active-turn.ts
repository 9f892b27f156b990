import type { EngineFault } from '../engines/circuit.ts';
import type { EngineUse } from '../engines/registry.ts';
import type { TokenUsage } from '../token-usage.ts';
import type { Ticket, Turn } from './dispatch-queue.ts';
import { serviceOf } from './vtc.ts';

/** What a turn tells its queue; one object for all turns. */
export interface TurnKeeper<Student> {
  /** Service that the student got; less than 0 takes some back. */
  charge(student: Student, service: number): void;
  /** A place at another engine than this one. */
  otherThan(engine: EngineUse, student: Student, ticket: Ticket): EngineUse | undefined;
  /** The turn is over; the engine's place is not given back yet. */
  ended(student: Student, engine: EngineUse, ending: TurnEnding): void;
}

export interface TurnEnding {
  readonly usage: TokenUsage | undefined;
  readonly fault: EngineFault | undefined;
  readonly startedMs: number;
}

/** A turn of a student: charges the prompt at once, output as it is told of, and corrects both at the end. */
export class ActiveTurn<Student> implements Turn {
  readonly waitedMs: number;
  readonly #keeper: TurnKeeper<Student>;
  readonly #student: Student;
  readonly #ticket: Ticket;
  readonly #startedMs: number;
  #engine: EngineUse;
  #told = 0;

  /** @param times ms of the monotonic clock */
  constructor(
    keeper: TurnKeeper<Student>,
    student: Student,
    ticket: Ticket,
    engine: EngineUse,
    times: { readonly startedMs: number; readonly enteredMs: number },
  ) {
    this.#keeper = keeper;
    this.#student = student;
    this.#ticket = ticket;
    this.#engine = engine;
    this.#startedMs = times.startedMs;
    this.waitedMs = times.startedMs - times.enteredMs;
    keeper.charge(student, serviceOf(ticket.promptTokens, 0));
  }

  get engine(): EngineUse {
    return this.#engine;
  }

  generated(tokens: number): void {
    this.#told += tokens;
    this.#keeper.charge(this.#student, serviceOf(0, tokens));
  }

  another(fault: EngineFault | undefined): EngineUse | undefined {
    const other = this.#keeper.otherThan(this.#engine, this.#student, this.#ticket);
    if (other === undefined) return undefined;
    this.#engine.release(fault);
    this.#engine = other;
    return other;
  }

  done(usage: TokenUsage | undefined, fault?: EngineFault): void {
    const prompt = (usage?.promptTokens ?? 0) - this.#ticket.promptTokens;
    this.#keeper.charge(this.#student, serviceOf(prompt, (usage?.completionTokens ?? 0) - this.#told));
    this.#keeper.ended(this.#student, this.#engine, { usage, fault, startedMs: this.#startedMs });
  }
}
