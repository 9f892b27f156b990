import type { Classroom } from '../../../../src/api/classroom.ts';
import type { ClassCommand } from '../../../../src/cli/change/change-class.ts';
import type { Patch } from '../../../../src/cli/change/change-object.ts';
import { CliError } from '../../../../src/cli/problem.ts';
import { type ClassroomDifference, classroom, merged } from '../../../support/builders.ts';

/** Mondays from nine to twelve in Berlin. */
export const MONDAYS = {
  timeZone: 'Europe/Berlin',
  sessions: [{ days: ['Mon' as const], start: '09:00', end: '12:00' }],
};
export const IN_SESSION = '2026-11-23T10:00:00+01:00';
export const AFTERNOON = '2026-11-23T15:00:00+01:00';

/** The class python-101 with that timetable, and these annotations of ours. */
export function monday(
  spec: ClassroomDifference['spec'] = {},
  annotations: Readonly<Record<string, string>> = {},
): Classroom {
  const full = Object.entries(annotations).map(([key, value]) => [`gpu-classroom.io/${key}`, value]);
  return classroom({
    metadata: { annotations: Object.fromEntries(full) },
    spec: { schedule: MONDAYS, ...spec },
  });
}

/** What a command makes of a class at a moment, in short. */
export interface Outcome {
  /** What is written; undefined: nothing. */
  readonly patch?: Patch | undefined;
  readonly question?: string | undefined;
  /** What is said of the class then. */
  readonly words?: readonly string[];
  /** Why it cannot be done. */
  readonly problem?: CliError['problem'];
}

/** As the API server would: what is null is taken away. */
export function patched(object: Classroom, patch: Patch | undefined): Classroom {
  return withoutNulls(merged(object, patch));
}

function withoutNulls<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, (_, child) => child ?? undefined));
}

export function outcomeOf({ decide, words }: ClassCommand, found: Classroom, now: string): Outcome {
  const nowMs = Date.parse(now);
  try {
    const change = decide(found, nowMs);
    return { ...change, words: words(patched(found, change?.patch), nowMs) };
  } catch (error) {
    if (error instanceof CliError) return { problem: error.problem };
    throw error;
  }
}
