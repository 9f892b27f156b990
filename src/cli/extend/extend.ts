import type { Classroom } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { localInstant } from '../../timetable/words.ts';
import type { ClassChange, ClassCommand } from '../change/change-class.ts';
import { commandFor, openingNow, openingWords } from '../change/opening-words.ts';
import { neverCloses } from '../open/open.ts';
import { problems } from '../problems.ts';

/** Lets a class that is open close later than it would. @param longerMs by how much */
export function extensionOfClass(longerMs: number): ClassCommand {
  return {
    decide: (latest, nowMs) => decideExtend(latest, longerMs, nowMs),
    words: (result, nowMs) => [openingWords(result, nowMs)],
  };
}

/** Sessions that touch are one opening, so that an extension counts from its end and not from that of the first. */
function decideExtend(latest: Classroom, longerMs: number, nowMs: number): ClassChange {
  const { isOpen, nextChangeMs, timeZone } = openingNow(latest, nowMs);
  if (!isOpen) {
    const open = `${commandFor('open', latest)}${neverCloses(latest) ? '' : ' --for 30m'}`;
    throw problems.nothingToExtend({ why: openingWords(latest, nowMs), open });
  }
  if (neverCloses(latest) || nextChangeMs === undefined) {
    throw problems.neverCloses({ name: latest.metadata.name, close: commandFor('close', latest) });
  }
  const openUntil = localInstant(nextChangeMs + longerMs, timeZone);
  return { patch: { metadata: { annotations: { [ANNOTATIONS.openUntil]: openUntil } } } };
}
