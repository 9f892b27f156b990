import { instant } from '../api/bounds.ts';
import type { Classroom } from '../api/classroom.ts';
import { ANNOTATIONS } from '../api/labels.ts';
import type { TimetableInput } from './opening.ts';

/** What the annotation `open-until` of a class says. */
export type OpenUntil =
  | { readonly kind: 'Absent' }
  | { readonly kind: 'Until'; readonly ms: number }
  /** It is not RFC 3339: nobody goes by it, and the condition Open says so. */
  | { readonly kind: 'Unreadable'; readonly text: string };

const instantSchema = instant();

/** Until when somebody opened the class, whatever its timetable says. */
export function openUntilOf(annotations: Readonly<Record<string, string>> | undefined): OpenUntil {
  const text = annotations?.[ANNOTATIONS.openUntil];
  if (text === undefined) return { kind: 'Absent' };
  if (!instantSchema.safeParse(text).success) return { kind: 'Unreadable', text };
  return { kind: 'Until', ms: Date.parse(text) };
}

/** All of a class that decides when it is open. Of a class as the API server has it, too: there null means absent. */
export function timetableInputOf({ metadata, spec }: Pick<Classroom, 'metadata' | 'spec'>): TimetableInput {
  const openUntil = openUntilOf(metadata.annotations);
  const { access, schedule } = spec;
  return {
    access,
    schedule: schedule ?? undefined,
    openUntilMs: openUntil.kind === 'Until' ? openUntil.ms : undefined,
  };
}
