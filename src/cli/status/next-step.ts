import type { Classroom } from '../../api/classroom.ts';
import { CLASSROOM_REASONS, ENGINE_FAILURE_REASONS, MISFIT_REASONS } from '../../api/reasons.ts';

const REASONS = CLASSROOM_REASONS;

/** What decides about the next step. */
export interface Situation {
  readonly name: string;
  readonly namespace: string;
  readonly access: Classroom['spec']['access'];
  readonly serving: boolean;
  /** Of the condition Ready. */
  readonly reason: string;
  /** Seats of the class; undefined: one may not see them, and so neither enrol nor hand out keys. */
  readonly students: number | undefined;
}

const MISFITS: ReadonlySet<string> = new Set(Object.values(MISFIT_REASONS));
const ENGINE_FAILURES: ReadonlySet<string> = new Set([
  ...Object.values(ENGINE_FAILURE_REASONS),
  REASONS.failing,
]);
const GOES_ON_BY_ITSELF: ReadonlySet<string> = new Set([
  REASONS.partlyServing,
  REASONS.awaitingTurn,
  REASONS.scheduling,
  REASONS.loading,
  REASONS.stopping,
  REASONS.awaitingDeletion,
]);

/** The one thing to do next for a class, as a sentence with a command to type. The message says why. */
export function nextStep({ name, namespace, access, serving, reason, students }: Situation): string {
  const call = (command: string): string => `kubectl classroom ${command} ${name} -n ${namespace}`;
  if (MISFITS.has(reason)) return `Change the class so that it fits. What fits: ${call('plan')}`;
  if (ENGINE_FAILURES.has(reason)) return `Do what the message says; the engine's own words: ${call('logs')}`;
  if (GOES_ON_BY_ITSELF.has(reason)) return `It goes on by itself; to wait for it: ${call('status')} --wait`;
  if (reason === REASONS.closed)
    return `Nothing, where it is meant to be closed. To open it: ${call('open')}${access === 'Closed' ? '' : ' --for 2h'}`;
  if (students === 0) return `Enrol the students: ${call('enroll')} -f roster.csv`;
  if (serving && students === undefined) return 'Nothing: the class is ready.';
  if (serving) return `Hand out the keys: ${call('keys export')}`;
  return `Do what the message says; to have the cluster checked: ${call('doctor')}`;
}
