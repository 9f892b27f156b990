import type { Classroom } from '../../api/classroom.ts';
import { accessPatch } from '../change/access.ts';
import type { ClassChange, ClassCommand } from '../change/change-class.ts';
import { commandFor, openingWords } from '../change/opening-words.ts';
import { problems } from '../problems.ts';
import { accessBefore, leaveExam } from './leave.ts';

/** Ends an exam: everything is as it was before. @param user who ends it */
export function endOfExam(user: string | undefined): ClassCommand {
  return {
    decide: (latest) => decideStop(latest, user),
    words: (result, nowMs) => [`The exam of ${result.metadata.name} is over.`, openingWords(result, nowMs)],
  };
}

function decideStop(latest: Classroom, user: string | undefined): ClassChange {
  const { access: now } = latest.spec;
  if (now !== 'Exam') {
    throw problems.noExam({
      name: latest.metadata.name,
      access: now,
      start: commandFor('exam start', latest),
    });
  }
  const left = leaveExam(latest);
  const access = accessPatch(accessBefore(latest), user);
  return {
    patch: {
      metadata: { annotations: { ...left.metadata.annotations, ...access.metadata.annotations } },
      spec: { ...left.spec, ...access.spec },
    },
  };
}
