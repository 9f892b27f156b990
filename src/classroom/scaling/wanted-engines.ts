import type { ClassroomSpec } from '../../api/classroom.ts';
import type { EngineHours } from '../../timetable/engine-hours.ts';
import type { Opening } from '../../timetable/opening.ts';
import { earliestAfter } from '../earliest.ts';
import type { RequestDemand } from './demand.ts';
import type { EngineLoad } from './engine-load.ts';
import { beginHistory, type NeedHistory, peakFallsAtMs, peakNeed, withNeed } from './need-history.ts';

/** What decides how many engines a class has. */
export interface ScalingInput {
  readonly spec: Pick<ClassroomSpec, 'access' | 'idle'> & {
    readonly engine: Pick<ClassroomSpec['engine'], 'replicas'>;
  };
  /** As many as the active seats need, within `engine.replicas`. */
  readonly enough: number;
  /** Students that one engine carries; undefined: nobody knows. */
  readonly studentsPerReplica: number | undefined;
  /** Engines that the Deployment asks for; undefined: there is none. */
  readonly current: number | undefined;
  readonly opening: Pick<Opening, 'isOpen' | 'nextSession'>;
  readonly hours: Pick<EngineHours, 'areUp' | 'session'>;
  /** Since when the class is open or closed, as the condition Open says (epoch ms). */
  readonly openingChangedMs: number;
  /** When the youngest engine was made (epoch ms); undefined: there is none. */
  readonly youngestMadeMs: number | undefined;
  /** At most so long before a session its engines are started, however long the last one took to load (ms). */
  readonly longestLeadMs: number;
  readonly load: EngineLoad;
  readonly demand: RequestDemand;
  /** Undefined: the operator has just begun. */
  readonly history: NeedHistory | undefined;
  readonly nowMs: number;
}

/**
 * Why a class has as many engines as it has. `Needed`: for its students. `Asleep`: none, until somebody asks. `Warming`:
 * for the session that comes. `Draining`: the class is closed, and answers that run are finished. `Resting`: closed by a
 * person, perhaps for a moment. `Closed`: none.
 */
export type ScalingReason = 'Needed' | 'Asleep' | 'Warming' | 'Draining' | 'Resting' | 'Closed';

export interface Scaling {
  readonly replicas: number;
  readonly reason: ScalingReason;
  readonly history: NeedHistory;
  /** When this may be otherwise though nothing changes (epoch ms). */
  readonly lookAtMs: number | undefined;
}

/** Over this time need is looked at, where `idle` does not say another. */
export const WINDOW_MS = 30 * 60_000;

/** Longer than it takes to ask an engine once more: until then one that got the last request may still count as idle. */
export const SETTLE_MS = 20_000;

/** How long answers that run when the class closes may take. */
export const LONGEST_DRAIN_MS = 10 * 60_000;

/**
 * How many engines a class has now. Pure.
 *
 * In open hours as many as were needed at most within the window, so up at once and down only after it; all that the
 * students need in the first window after the class opened, from the warm-up for a session to the end of its first
 * window, and in an exam; never fewer than have requests, nor than
 * run while nobody knows what they do. Outside of them none, as soon as running answers are finished, whatever anybody
 * asks for.
 */
export function scaleEngines(input: ScalingInput): Scaling {
  const { opening, hours, enough, spec } = input;
  if (opening.isOpen) return openScaling(input);
  const history = withNeed(historyOf(input), 0, windowOf(input));
  if (spec.access === 'Closed') {
    return closingScaling(input, history, hours.areUp ? windowOf(input).windowMs : SETTLE_MS);
  }
  const closing = closingScaling(input, history, SETTLE_MS);
  const isWarming = hours.areUp || isWarm(input);
  // What the session before still has to finish may be on more engines than this one needs.
  if (!isWarming || closing.replicas > enough) return closing;
  return { replicas: enough, reason: 'Warming', history, lookAtMs: undefined };
}

function openScaling(input: ScalingInput): Scaling {
  const { enough, demand, nowMs } = input;
  const window = windowOf(input);
  const history = withNeed(historyOf(input), Math.min(enough, neededNow(input)), window);
  const { least, untilMs: askedUntilMs } = leastEngines(input, window);
  const needed = Math.min(enough, Math.max(peakNeed(history, window), least));
  const freshUntilMs = openSinceMs(input) + window.windowMs;
  const replicas = Math.max(freshUntilMs > nowMs ? enough : needed, enginesKept(input));
  return {
    replicas,
    reason: replicas === 0 && enough > 0 ? 'Asleep' : 'Needed',
    history,
    lookAtMs: earliestAfter(nowMs, [
      needed < enough ? freshUntilMs : undefined,
      needed > 0 ? askedUntilMs : undefined,
      needed > least ? peakFallsAtMs(history, window) : undefined,
      demand.trustedUntilMs,
    ]),
  };
}

/** Engines that a class has though they have nothing to do, and until when that holds (epoch ms). */
function leastEngines(
  input: ScalingInput,
  { nowMs, windowMs }: { nowMs: number; windowMs: number },
): { least: number; untilMs: number | undefined } {
  const { idle, engine } = input.spec;
  if (idle === undefined) return { least: Math.max(1, engine.replicas.min), untilMs: undefined };
  const untilMs = lastAskedMs(input) + windowMs;
  // Who asked for it may ask again when it answers: until then nobody can use it.
  return { least: untilMs > nowMs || input.load.loading > 0 ? 1 : 0, untilMs };
}

/** By requests alone: of many engines that have one each, most are not needed. */
function neededNow({ load, demand, studentsPerReplica, current = 0, enough }: ScalingInput): number {
  // What runs on engines is in flight at a gateway, or was sent past it; what waits there is nowhere else.
  const requests = Math.max(load.requests, demand.inFlight) + demand.queued;
  const forRequests =
    studentsPerReplica === undefined
      ? enough * Math.min(1, requests)
      : Math.ceil(requests / studentsPerReplica);
  return Math.max(forRequests, load.unknown > 0 ? current : 0);
}

/** What is not taken from those who use it now; `engine.replicas.max` is a person's word. */
function enginesKept({ spec, load, current = 0, enough }: ScalingInput): number {
  if (spec.access === 'Exam') return Math.max(current, enough);
  return Math.min(spec.engine.replicas.max, current, load.busy + load.unknown);
}

/**
 * When the class opened, or its session began or will, whichever is later (epoch ms): engines warm up for a session also
 * where the class is open before it.
 */
function openSinceMs({ openingChangedMs, hours }: ScalingInput): number {
  return Math.max(openingChangedMs, hours.session?.startMs ?? Number.NEGATIVE_INFINITY);
}

/** Engines count what gateways do not see, and a gateway remembers what engines that are gone have seen. */
function lastAskedMs({ demand, load }: ScalingInput): number {
  return Math.max(
    demand.lastAskedMs ?? Number.NEGATIVE_INFINITY,
    load.quietSinceMs ?? Number.NEGATIVE_INFINITY,
  );
}

/**
 * Whether engines run that were started for the session that comes: one that loads faster than the one before it would
 * else be stopped, as if it had been started too early, and started once more. Those made longer before it were for
 * another session, which was cancelled.
 */
function isWarm({
  opening,
  current,
  youngestMadeMs,
  longestLeadMs,
  openingChangedMs,
}: ScalingInput): boolean {
  const startMs = opening.nextSession?.startMs;
  if (startMs === undefined || current === undefined || current === 0) return false;
  if (youngestMadeMs === undefined || startMs - youngestMadeMs > longestLeadMs) return false;
  return youngestMadeMs > openingChangedMs + LONGEST_DRAIN_MS;
}

/** A class that is closed: all engines for `restMs`, then those that have something to finish, at last none. */
function closingScaling(input: ScalingInput, history: NeedHistory, restMs: number): Scaling {
  const { current = 0, openingChangedMs, load, demand, nowMs } = input;
  const restUntilMs = openingChangedMs + (restMs > SETTLE_MS || serves(load) ? restMs : 0);
  if (current > 0 && restUntilMs > nowMs) {
    const reason = restMs > SETTLE_MS ? 'Resting' : 'Draining';
    return { replicas: current, reason, history, lookAtMs: restUntilMs };
  }
  const limitMs = openingChangedMs + Math.max(restMs, LONGEST_DRAIN_MS);
  const atWork = Math.max(load.busy + load.unknown, demand.inFlight + demand.queued > 0 ? 1 : 0);
  const replicas = limitMs > nowMs ? Math.min(current, atWork) : 0;
  if (replicas === 0) return { replicas, reason: 'Closed', history, lookAtMs: undefined };
  const lookAtMs = earliestAfter(nowMs, [limitMs, demand.trustedUntilMs]);
  return { replicas, reason: 'Draining', history, lookAtMs };
}

/** Whether an engine serves, so that somebody may have sent it something. */
function serves({ busy, unknown, quietSinceMs }: EngineLoad): boolean {
  return busy + unknown > 0 || quietSinceMs !== undefined;
}

function historyOf({ history, current = 0, nowMs }: ScalingInput): NeedHistory {
  return history ?? beginHistory(current, nowMs);
}

function windowOf({ spec, nowMs }: ScalingInput): { nowMs: number; windowMs: number } {
  const minutes = spec.idle?.scaleToZeroAfterMinutes;
  return { nowMs, windowMs: minutes === undefined ? WINDOW_MS : minutes * 60_000 };
}
