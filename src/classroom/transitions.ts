import type { ClassroomStatus } from '../api/classroom.ts';
import { findCondition } from '../api/condition.ts';
import { EVENT_REASONS } from '../api/event-reasons.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS, MISFIT_REASONS } from '../api/reasons.ts';
import { boostEvents } from '../boost/events.ts';
import type { OperatorEvent } from '../reconcile/controller.ts';
import type { ApplyOutcome } from './apply.ts';
import { describeSteps } from './failures/lower-planning.ts';
import { describeChild } from './kinds.ts';
import { openingEvents } from './opening/events.ts';
import type { Plan } from './plan.ts';
import { describeChanges } from './rollout/changes.ts';

/**
 * The events of one pass: what it wrote, and what changed from the previous status to the next. A pass that finds
 * everything as before has none.
 */
export function transitions(
  previous: ClassroomStatus | undefined,
  next: ClassroomStatus,
  outcome: ApplyOutcome | undefined,
  plan: Plan,
): OperatorEvent[] {
  return [
    ...rolloutEvents(plan, outcome),
    ...outcomeEvents(outcome),
    ...conditionEvents(previous, next),
    ...openingEvents(previous, next),
    ...boostEvents(previous?.conditions, next.conditions),
    ...gpuEvents(previous, next),
    ...engineEvents(previous, next),
    ...failureEvents(previous, next),
  ];
}

/** Engines that are replaced: why now, and what changes. The first ones replace nothing. */
function rolloutEvents(plan: Plan, outcome: ApplyOutcome | undefined): OperatorEvent[] {
  if (plan.kind !== 'wanted' || plan.rollout.kind !== 'now' || plan.deployment === undefined) return [];
  const { changes, why } = plan.rollout;
  if (changes.length === 0 || outcome?.written.includes(describeChild(plan.deployment)) !== true) return [];
  const note = `Engines are replaced, because ${why}: ${describeChanges(changes)}.`;
  return [{ type: 'Normal', reason: EVENT_REASONS.rolloutStarted, action: 'Apply', note }];
}

function outcomeEvents(outcome: ApplyOutcome | undefined): OperatorEvent[] {
  const events: OperatorEvent[] = [];
  if (outcome !== undefined && outcome.written.length > 0) {
    const note = `Brought to what the class wants: ${outcome.written.join(', ')}.`;
    events.push({ type: 'Normal', reason: EVENT_REASONS.childrenApplied, action: 'Apply', note });
  }
  if (outcome !== undefined && outcome.deleted.length > 0) {
    const note = `Deleted, because the class no longer wants it: ${outcome.deleted.join(', ')}.`;
    events.push({ type: 'Normal', reason: EVENT_REASONS.childDeleted, action: 'Delete', note });
  }
  return events;
}

/** Conditions that a person should be told of when they get one of these reasons, and the events. */
const CONDITION_EVENTS = [
  ...Object.values(MISFIT_REASONS).map(
    (code) => [CLASSROOM_CONDITIONS.fits, code, EVENT_REASONS.doesNotFit] as const,
  ),
  [CLASSROOM_CONDITIONS.rolloutPending, CLASSROOM_REASONS.awaitingIdle, EVENT_REASONS.rolloutPending],
  [CLASSROOM_CONDITIONS.rolloutPending, CLASSROOM_REASONS.awaitingClassEnd, EVENT_REASONS.rolloutPending],
  [CLASSROOM_CONDITIONS.rolloutPending, CLASSROOM_REASONS.awaitingExamEnd, EVENT_REASONS.rolloutPending],
  [
    CLASSROOM_CONDITIONS.engineAsPlanned,
    CLASSROOM_REASONS.smallerThanPlanned,
    EVENT_REASONS.engineNotAsPlanned,
  ],
  [CLASSROOM_CONDITIONS.engineAsPlanned, CLASSROOM_REASONS.startRace, EVENT_REASONS.engineNotAsPlanned],
  [CLASSROOM_CONDITIONS.specValid, CLASSROOM_REASONS.argumentDenied, EVENT_REASONS.specInvalid],
  [CLASSROOM_CONDITIONS.specValid, CLASSROOM_REASONS.specUnreadable, EVENT_REASONS.specInvalid],
  [CLASSROOM_CONDITIONS.specValid, CLASSROOM_REASONS.timeZoneUnknown, EVENT_REASONS.specInvalid],
  [CLASSROOM_CONDITIONS.childrenApplied, CLASSROOM_REASONS.nameConflict, EVENT_REASONS.nameConflict],
  [CLASSROOM_CONDITIONS.childrenApplied, CLASSROOM_REASONS.applyRefused, EVENT_REASONS.applyRefused],
  [CLASSROOM_CONDITIONS.adaptersLoaded, CLASSROOM_REASONS.adapterFailed, EVENT_REASONS.adapterFailed],
  [
    CLASSROOM_CONDITIONS.adaptersLoaded,
    CLASSROOM_REASONS.adapterQuarantined,
    EVENT_REASONS.adapterQuarantined,
  ],
  [CLASSROOM_CONDITIONS.adaptersLoaded, CLASSROOM_REASONS.allAdaptersLoaded, EVENT_REASONS.adaptersLoaded],
] as const;

function conditionEvents(previous: ClassroomStatus | undefined, next: ClassroomStatus): OperatorEvent[] {
  return CONDITION_EVENTS.flatMap(([type, conditionReason, reason]) => {
    const now = findCondition(next.conditions, type);
    const before = findCondition(previous?.conditions, type);
    if (now?.reason !== conditionReason || before?.reason === conditionReason) return [];
    const eventType = now.status === 'True' ? ('Normal' as const) : ('Warning' as const);
    return [{ type: eventType, reason, action: 'Reconcile', note: now.message }];
  });
}

/** What the operator does about engines that fail. */
function failureEvents(previous: ClassroomStatus | undefined, next: ClassroomStatus): OperatorEvent[] {
  const [before, now] = [previous?.failures, next.failures];
  const known = before?.specHash === now?.specHash ? (before?.memorySteps.length ?? 0) : 0;
  const steps = (now?.memorySteps ?? []).slice(known).map(
    (step): OperatorEvent => ({
      type: 'Warning',
      reason: EVENT_REASONS.memoryStepTaken,
      action: 'Lower',
      note: `${describeSteps([step])}: ${now?.message ?? step.reason}`,
    }),
  );
  const held = now?.held;
  if (held !== undefined && before?.held === undefined) {
    const until = held.retryTime === undefined ? 'until the spec changes' : `until ${held.retryTime}`;
    const note = `No engine is started ${until}: ${now?.message ?? ''}`;
    return [...steps, { type: 'Warning', reason: EVENT_REASONS.enginesHeld, action: 'Hold', note }];
  }
  if (held === undefined && before?.held !== undefined) {
    const note = 'Engines that were held are started again.';
    return [...steps, { type: 'Normal', reason: EVENT_REASONS.enginesRetried, action: 'Start', note }];
  }
  return steps;
}

/** A class that wants no engine lacks none. */
function gpuEvents(previous: ClassroomStatus | undefined, next: ClassroomStatus): OperatorEvent[] {
  const now = findCondition(next.conditions, CLASSROOM_CONDITIONS.gpuAvailable);
  const before = findCondition(previous?.conditions, CLASSROOM_CONDITIONS.gpuAvailable);
  if (now?.status !== 'False' || before?.status === 'False' || (next.replicas ?? 0) === 0) return [];
  const { message } = now;
  return [{ type: 'Warning', reason: EVENT_REASONS.gpuUnavailable, action: 'Observe', note: message }];
}

function engineEvents(previous: ClassroomStatus | undefined, next: ClassroomStatus): OperatorEvent[] {
  return (next.engines ?? []).flatMap((engine): OperatorEvent[] => {
    const before = previous?.engines?.find(({ name }) => name === engine.name);
    if (before?.state === engine.state) return [];
    if (engine.state === 'Ready') {
      const note = `Engine ${engine.name} answers.`;
      return [{ type: 'Normal', reason: EVENT_REASONS.engineReady, action: 'Observe', note }];
    }
    if (engine.state === 'Failing') {
      const note = `Engine ${engine.name} fails: ${engine.message ?? 'no cause is given'}`;
      return [{ type: 'Warning', reason: EVENT_REASONS.engineFailing, action: 'Observe', note }];
    }
    return [];
  });
}
