import type { ClassroomSpec } from '../../api/classroom.ts';
import type { Opening } from '../../timetable/opening.ts';
import { SETTLE_MS } from '../scaling/wanted-engines.ts';

/** For what a change waits. `ClassEnd`: of a class without a timetable, which is over when nobody asks. */
export type Awaited = 'Idle' | 'ClassEnd' | 'SessionEnd' | 'ExamEnd' | 'Answers';

/** When engines that serve may be replaced. */
export type Leave =
  | { readonly kind: 'AtOnce' }
  /** As soon as nobody has asked them for so long (ms). */
  | { readonly kind: 'WhenQuiet'; readonly forMs: number; readonly awaited: Awaited }
  /** Not before something else has happened. */
  | { readonly kind: 'NotYet'; readonly awaited: Awaited };

interface LeaveInput {
  readonly spec: Pick<ClassroomSpec, 'access' | 'schedule'> & {
    readonly engine: Pick<ClassroomSpec['engine'], 'rollout'>;
  };
  readonly opening: Pick<Opening, 'isOpen' | 'reason' | 'session' | 'nextSession'>;
  /** How long nobody may have asked for, so that engines count as idle (ms). */
  readonly idleMs: number;
  /** How long an engine takes to load, as far as that was measured (ms). */
  readonly loadMs: number;
  /** Epoch ms. */
  readonly nowMs: number;
}

/**
 * When the spec and the timetable let engines be replaced that serve. In an exam never, nor right before one; a class
 * that is closed by its timetable has nobody to wait for but answers that run.
 */
export function leaveToReplace(input: LeaveInput): Leave {
  const { spec, opening, idleMs } = input;
  if (spec.access === 'Exam' && (opening.isOpen || isInSession(input))) {
    return { kind: 'NotYet', awaited: 'ExamEnd' };
  }
  switch (spec.engine.rollout) {
    case 'Immediately':
      return { kind: 'AtOnce' };
    case 'WhenIdle':
      return isOver(opening)
        ? { kind: 'WhenQuiet', forMs: SETTLE_MS, awaited: 'Answers' }
        : { kind: 'WhenQuiet', forMs: idleMs, awaited: 'Idle' };
    case 'AfterClass':
      if (spec.schedule === undefined) return { kind: 'WhenQuiet', forMs: idleMs, awaited: 'ClassEnd' };
      if (isInSession(input)) return { kind: 'NotYet', awaited: 'SessionEnd' };
      return isOver(opening)
        ? { kind: 'WhenQuiet', forMs: SETTLE_MS, awaited: 'Answers' }
        : { kind: 'WhenQuiet', forMs: idleMs, awaited: 'Idle' };
  }
}

/** Nobody is served, and the next session is not here yet. A class that a person closed may be opened at any moment. */
function isOver({ reason }: LeaveInput['opening']): boolean {
  return reason === 'OutsideSessions';
}

/** Also when a session would begin before engines that are warm for it could be loaded again. */
function isInSession({ opening, loadMs, nowMs }: LeaveInput): boolean {
  const { reason, session, nextSession } = opening;
  if (session !== undefined || reason === 'Extended') return true;
  return nextSession !== undefined && nextSession.startMs < nowMs + loadMs;
}
