import type { EngineFault } from '../engines/circuit.ts';
import type { EngineUse } from '../engines/registry.ts';
import type { Refusal } from '../errors.ts';
import type { AdapterRecord, Seat } from '../identity/seat.ts';
import type { TokenUsage } from '../token-usage.ts';

/** A request that waits for an engine. */
export interface Ticket {
  readonly seat: Seat;
  /** What the prompt will probably count; {@link Turn.done} corrects it. */
  readonly promptTokens: number;
  /** The most tokens the request can occupy in an engine's KV cache. */
  readonly kvTokens: number;
  /** What the queue holds for it meanwhile. */
  readonly bodyBytes: number;
  /** What its engine must have loaded; undefined: only the base model. */
  readonly adapter?: AdapterRecord | undefined;
}

/** It is the request's turn: it has an engine. Must be given back exactly once, with `done`. */
export interface Turn {
  readonly engine: EngineUse;
  readonly waitedMs: number;
  /** Tells of tokens that arrived since the last call, so that a long answer counts while it runs. */
  generated(tokens: number): void;
  /**
   * The engine did not take the request: another one instead, if there is one.
   *
   * @param fault of the engine; undefined: it is only full
   */
  another(fault: EngineFault | undefined): EngineUse | undefined;
  /** @param usage what is charged; undefined: nothing */
  done(usage: TokenUsage | undefined, fault?: EngineFault): void;
}

export interface TicketHandlers {
  /** May be called before `enter` returns. */
  onTurn(turn: Turn): void;
  /** No engine, a full queue, or too long a wait. May be called before `enter` returns. */
  onRefused(refusal: Refusal): void;
}

/** A place in the queue. */
export interface Waiting {
  /** The client left: neither handler is called any more. Does nothing once one of them was. */
  cancel(): void;
}

/** Decides in which order admitted requests reach the engines, and which engine each gets. */
export interface DispatchQueue {
  enter(ticket: Ticket, handlers: TicketHandlers): Waiting;
  /** Requests that wait now. */
  readonly waiting: number;
}
