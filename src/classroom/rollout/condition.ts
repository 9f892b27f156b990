import type { ConditionDraft } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../../api/reasons.ts';
import { describeChanges } from './changes.ts';
import type { RolloutDecision } from './decision.ts';
import type { Awaited } from './leave.ts';

const type = CLASSROOM_CONDITIONS.rolloutPending;

/** What the wait costs, in words. */
export interface RolloutTerms {
  /** How long the engines may not be asked for anything, so that they count as idle (ms). */
  idleMs: number;
  /** How long the last engine took from its start until it answered; undefined: not measured yet. */
  lastLoadSeconds: number | undefined;
  /** For what the engines wait that are left of those that are replaced one by one; undefined: for nothing. */
  pausedFor: Awaited | undefined;
}

/** Whether a change of the spec waits, for what, what changes and how long the class will be without its engines. */
export function rolloutCondition(
  decision: Exclude<RolloutDecision, { kind: 'refused' }>,
  terms: RolloutTerms,
): ConditionDraft {
  switch (decision.kind) {
    case 'current':
    case 'now':
      if (terms.pausedFor !== undefined) return pausedCondition(terms.pausedFor, terms);
      return condition('False', 'upToDate', 'The engines run, or are being started, as the spec says.');
    case 'unfit':
      return decision.runs
        ? condition(
            'True',
            'planDoesNotFit',
            'The engines run as before: what the spec now wants does not fit the GPU, see the condition Fits.',
          )
        : condition('False', 'planDoesNotFit', 'No engine is started: see the condition Fits.');
    case 'wait':
      return condition('True', REASONS[decision.for], waitMessage(decision, terms));
  }
}

const REASONS = {
  Idle: 'awaitingIdle',
  Answers: 'awaitingIdle',
  ClassEnd: 'awaitingClassEnd',
  SessionEnd: 'awaitingClassEnd',
  ExamEnd: 'awaitingExamEnd',
} as const satisfies Record<Awaited, keyof typeof CLASSROOM_REASONS>;

function condition(
  status: ConditionDraft['status'],
  reason: keyof typeof CLASSROOM_REASONS,
  message: string,
): ConditionDraft {
  return { type, status, reason: CLASSROOM_REASONS[reason], message };
}

function pausedCondition(awaited: Awaited, terms: RolloutTerms): ConditionDraft {
  const message = [
    'Some engines still run without the last change: students asked again before it was their turn.',
    untilSentence(awaited, terms),
    loadClause(terms.lastLoadSeconds),
    ...atOnce(awaited),
  ].join(' ');
  return condition('True', REASONS[awaited], message);
}

/** Not in an exam, and not for the seconds that an answer takes. */
function atOnce(awaited: Awaited): string[] {
  return awaited === 'ExamEnd' || awaited === 'Answers'
    ? []
    : ['To replace them now, set `engine.rollout` to Immediately.'];
}

function untilSentence(awaited: Awaited, { idleMs }: RolloutTerms): string {
  const idle = `nobody has asked for ${inWords(idleMs / 1000)}`;
  switch (awaited) {
    case 'Idle':
      return `They are replaced when ${idle}.`;
    case 'Answers':
      return 'The class is closed: they are replaced as soon as running answers are finished.';
    case 'ClassEnd':
      return `They are replaced when the class is over (\`engine.rollout\` is AfterClass): it has no timetable, so that is when ${idle}.`;
    case 'SessionEnd':
      return 'They are replaced when the session is over (`engine.rollout` is AfterClass).';
    case 'ExamEnd':
      return 'They are replaced after the exam: no engine is restarted in one.';
  }
}

function waitMessage(decision: Extract<RolloutDecision, { kind: 'wait' }>, terms: RolloutTerms): string {
  return [
    `The engines still run without this change: ${describeChanges(decision.changes)}.`,
    untilSentence(decision.for, terms),
    ...(decision.obstacle === undefined ? [] : [`Whether they are idle is not known: ${decision.obstacle}.`]),
    loadClause(terms.lastLoadSeconds),
    ...atOnce(decision.for),
  ].join(' ');
}

function loadClause(lastLoadSeconds: number | undefined): string {
  return lastLoadSeconds === undefined
    ? 'How long an engine then takes to load was not measured yet.'
    : describeLastLoad(lastLoadSeconds);
}

/** What students wait for while an engine loads, as a sentence. */
export function describeLastLoad(seconds: number): string {
  return `The last engine took ${inWords(seconds)} to load.`;
}

function inWords(seconds: number): string {
  const rounded = Math.max(1, Math.round(seconds));
  if (rounded < 120) return `${rounded} s`;
  const minutes = Math.round(rounded / 60);
  return `${minutes} min`;
}
