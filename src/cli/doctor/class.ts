import type { Classroom } from '../../api/classroom.ts';
import { CLASSROOM_REASONS } from '../../api/reasons.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import type { Mark } from '../status/condition-words.ts';
import { counted } from '../status/counted.ts';
import { type ClassReport, classReport } from '../status/report.ts';
import type { Finding } from './finding.ts';

/** What the operator says of a class, and of the seats. Pure. @param nowMs epoch ms */
export function checkClass(
  classroom: Classroom,
  seats: readonly StudentQuota[] | undefined,
  nowMs: number,
): Finding[] {
  const report = classReport(classroom, seats, nowMs);
  // Ready says what the condition says that keeps it from being so.
  const bad = report.conditions.filter(
    ({ mark, message }) => mark !== 'Good' && !report.message.startsWith(message),
  );
  const engines = report.engines.list.filter(
    ({ state, message }) => state !== 'Ready' && message !== undefined,
  );
  return [
    {
      area: 'Class',
      mark: markOf(report),
      what: `${report.name}: ${report.message}`,
      ...(report.serving ? {} : { next: report.next }),
    },
    ...bad.map(
      ({ mark, words, message }): Finding => ({ area: 'Class', mark, what: `${words}.`, why: message }),
    ),
    ...engines.map(({ name, state, message = '' }): Finding => {
      const mark = state === 'Failing' ? 'Bad' : 'Note';
      return { area: 'Class', mark, what: `Engine ${name}, ${state}: ${message}` };
    }),
    ...studentFindings(report),
  ];
}

/** A class that is closed is as somebody wants it. */
function markOf({ serving, reason }: ClassReport): Mark {
  if (serving) return 'Good';
  return reason === CLASSROOM_REASONS.closed ? 'Note' : 'Bad';
}

function studentFindings({ name, namespace, students }: ClassReport): Finding[] {
  if (students === undefined) return [{ area: 'Class', mark: 'Unknown', what: 'You may not see the seats.' }];
  const { total, active, waiting } = students;
  if (total === 0) {
    const next = `Enrol students: kubectl classroom enroll ${name} -n ${namespace} -f roster.csv`;
    return [{ area: 'Class', mark: 'Note', what: 'Nobody is enrolled.', next }];
  }
  return [
    { area: 'Class', mark: 'Good', what: `${active} of ${counted(total, 'student')} can work.` },
    ...waiting.map(
      ({ id, why }): Finding => ({ area: 'Class', mark: 'Bad', what: `The student ${id} cannot work.`, why }),
    ),
  ];
}
