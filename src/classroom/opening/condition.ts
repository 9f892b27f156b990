import type { Classroom } from '../../api/classroom.ts';
import type { ConditionDraft } from '../../api/condition.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { CLASSROOM_CONDITIONS } from '../../api/reasons.ts';
import { openUntilOf } from '../../timetable/open-until.ts';
import type { Opening } from '../../timetable/opening.ts';
import { localMinute, minuteInZone, sessionText } from '../../timetable/words.ts';

/** Open: whether students may ask by timetable and access, why, and what comes next. */
export function openCondition({ metadata, spec }: Classroom, opening: Opening): ConditionDraft {
  const sentences = [
    ...whySentences(opening, metadata),
    ...(spec.access === 'Exam' ? ['`access` is Exam: who may ask, and how, is in `exam`.'] : []),
    ...extensionFault(metadata.annotations),
  ];
  return {
    type: CLASSROOM_CONDITIONS.open,
    status: opening.isOpen ? 'True' : 'False',
    reason: opening.reason,
    message: sentences.join(' '),
  };
}

function whySentences(opening: Opening, of: Classroom['metadata']): string[] {
  const { reason, session, nextChangeMs, timeZone } = opening;
  switch (reason) {
    case 'AlwaysOpen':
      return ['The class has no timetable: it is always open.'];
    case 'SessionRunning': {
      const running = session === undefined ? [] : [`The session ${sessionText(session, timeZone)} runs.`];
      if (nextChangeMs === undefined || nextChangeMs === session?.endMs)
        return [...running, nextSession(opening)];
      return [...running, `The class stays open until ${localMinute(nextChangeMs, timeZone)}.`];
    }
    case 'Extended':
      return [`No session runs, and the class was opened ${untilWhen(opening)}.`, nextSession(opening)];
    case 'OutsideSessionsOpen':
      return ['No session runs, and `schedule.outsideSessions` is Open.', nextSession(opening)];
    case 'OutsideSessions':
      return [
        'No session runs.',
        nextSession(opening),
        `To open it all the same: \`${openCommand(of)} --for 2h\`.`,
      ];
    case 'AccessClosed':
      return [`\`access\` is Closed: no student is served until somebody opens it: \`${openCommand(of)}\`.`];
  }
}

function openCommand({ name, namespace }: Classroom['metadata']): string {
  return `kubectl classroom open ${name}${namespace === undefined ? '' : ` -n ${namespace}`}`;
}

function untilWhen({ nextChangeMs, timeZone }: Opening): string {
  return nextChangeMs === undefined ? 'for long' : `until ${minuteInZone(nextChangeMs, timeZone)}`;
}

function nextSession({ nextSession: next, timeZone }: Opening): string {
  return next === undefined
    ? 'No session comes within a year: add some to `schedule`.'
    : `The next session: ${sessionText(next, timeZone)}.`;
}

const SHOWN_LETTERS = 40;

/** An extension that nobody can read must not pass for one. */
function extensionFault(annotations: Readonly<Record<string, string>> | undefined): string[] {
  const openUntil = openUntilOf(annotations);
  if (openUntil.kind !== 'Unreadable') return [];
  return [
    `The annotation \`${ANNOTATIONS.openUntil}\` is ignored: '${openUntil.text.slice(0, SHOWN_LETTERS)}' is no time with an offset, such as 2026-12-01T10:30:00Z.`,
  ];
}
