/** When each step of one start was seen, ms of the monotonic clock. */
export interface Moments {
  /** The request was sent; by hand: the Deployment was scaled. */
  readonly askedMs: number;
  /** The gateway had asked for an engine; undefined by hand, where nobody has to. */
  readonly demandedMs: number | undefined;
  /** The Deployment wanted an engine. */
  readonly scaledMs: number;
  /** The engine's container ran. */
  readonly runningMs: number;
  /** The engine answered its health check. */
  readonly answersMs: number;
  /** Its pod was ready. */
  readonly readyMs: number;
  /** The first content had come to whoever asked. */
  readonly contentMs: number;
}

/** How long each step of one start took, s. Steps follow each other, so that together they are `total`. */
export interface WakeUp {
  readonly total: number;
  /** The engine's own: from its container's start until it answers. */
  readonly engine: number;
  /** All but the engine's own start. */
  readonly added: number;
  readonly untilDemanded: number | undefined;
  readonly untilScaled: number;
  readonly untilRunning: number;
  readonly untilReady: number;
  readonly untilContent: number;
}

export function wakeUpOf(moments: Moments): WakeUp {
  const { askedMs, demandedMs, scaledMs, runningMs, answersMs, readyMs, contentMs } = moments;
  const seconds = (fromMs: number, toMs: number): number => (toMs - fromMs) / 1000;
  const total = seconds(askedMs, contentMs);
  const engine = seconds(runningMs, answersMs);
  return {
    total,
    engine,
    added: total - engine,
    untilDemanded: demandedMs === undefined ? undefined : seconds(askedMs, demandedMs),
    untilScaled: seconds(demandedMs ?? askedMs, scaledMs),
    untilRunning: seconds(scaledMs, runningMs),
    untilReady: seconds(answersMs, readyMs),
    untilContent: seconds(readyMs, contentMs),
  };
}

/** The ways to the first content that one round measures, one after the other. */
export interface Round {
  /** Through the gateway, streamed. */
  readonly streamed: WakeUp;
  /** Through the gateway, in one piece. */
  readonly plain: WakeUp;
  /** The same pod in a Deployment that was scaled by hand, asked directly as soon as it was ready. */
  readonly byHand: WakeUp;
}
