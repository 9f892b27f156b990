import type { Classroom } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { openUntilOf } from '../../timetable/open-until.ts';
import { minuteInZone } from '../../timetable/words.ts';
import { accessPatch } from '../change/access.ts';
import type { ClassChange, ClassCommand } from '../change/change-class.ts';
import { openingNow, openingWords, timeZoneOf } from '../change/opening-words.ts';
import { leaveExam } from '../exam/leave.ts';

/**
 * Closes a class until somebody opens it; an exam or an extension ends with it.
 *
 * @param user who closes it
 */
export function closingOfClass(user: string | undefined): ClassCommand {
  return {
    decide: (latest, nowMs) => decideClose(latest, user, nowMs),
    words: (result, nowMs) => [openingWords(result, nowMs)],
  };
}

function decideClose(latest: Classroom, user: string | undefined, nowMs: number): ClassChange | undefined {
  const { metadata, spec } = latest;
  const isExtended = metadata.annotations?.[ANNOTATIONS.openUntil] !== undefined;
  if (spec.access === 'Closed' && !isExtended) return undefined;
  const access = spec.access === 'Closed' ? undefined : accessPatch('Closed', user);
  const exam = spec.access === 'Exam' ? leaveExam(latest) : undefined;
  const annotations = {
    ...access?.metadata.annotations,
    ...exam?.metadata.annotations,
    ...(isExtended ? { [ANNOTATIONS.openUntil]: null } : {}),
  };
  return {
    patch: { metadata: { annotations }, spec: { ...exam?.spec, ...access?.spec } },
    question: questionOf(latest, nowMs),
  };
}

/** A class that is closed anyway loses nobody's work. */
function questionOf(latest: Classroom, nowMs: number): string | undefined {
  const { metadata, spec } = latest;
  const { isOpen } = openingNow(latest, nowMs);
  const openUntil = openUntilOf(metadata.annotations);
  const sentences = [
    ...(isOpen
      ? [
          `This closes ${metadata.name} for all its students: answers that run are finished, new requests refused.`,
        ]
      : []),
    ...(spec.access === 'Exam' ? ['Its exam ends.'] : []),
    ...(openUntil.kind === 'Until' && openUntil.ms > nowMs
      ? [`It was opened until ${minuteInZone(openUntil.ms, timeZoneOf(latest))}: that is taken back.`]
      : []),
  ];
  return sentences.length === 0 ? undefined : sentences.join(' ');
}
