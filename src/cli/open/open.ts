import type { Classroom } from '../../api/classroom.ts';
import { ANNOTATIONS } from '../../api/labels.ts';
import { CLASSROOM_REASONS } from '../../api/reasons.ts';
import { openUntilOf, timetableInputOf } from '../../timetable/open-until.ts';
import { localInstant, minuteInZone } from '../../timetable/words.ts';
import { accessPatch } from '../change/access.ts';
import { type ClassChange, type ClassCommand, lookAtOpening } from '../change/change-class.ts';
import { type End, endMs } from '../change/end.ts';
import { commandFor, openingNow, openingWords, timeZoneOf } from '../change/opening-words.ts';
import type { Look } from '../cluster/wait.ts';
import { currentReady, lookAtClass } from '../cluster/wait-for-class.ts';
import { problems } from '../problems.ts';

/**
 * Opens a class: access, and with an end the time outside of sessions, too.
 *
 * @param user who opens it
 */
export function openingOfClass(end: End, user: string | undefined): ClassCommand {
  return {
    decide: (latest, nowMs) => decideOpen(latest, { end, user }, nowMs),
    words: (result, nowMs) => [
      openingWords(result, nowMs),
      ...longerWords(result, end, nowMs),
      ...engineWords(result, nowMs),
    ],
    look: lookAtOpened,
  };
}

function decideOpen(
  latest: Classroom,
  { end, user }: { end: End; user: string | undefined },
  nowMs: number,
): ClassChange | undefined {
  const { metadata, spec } = latest;
  const { name } = metadata;
  const timeZone = timeZoneOf(latest);
  const untilMs = endMs(end, { nowMs, timeZone });
  if (spec.access === 'Exam' && untilMs === undefined) throw examRuns(latest);
  const access = spec.access === 'Closed' ? accessPatch('Open', user) : undefined;
  if (untilMs === undefined) return access === undefined ? stayOpen(latest, nowMs) : { patch: access };
  if (neverCloses(latest)) throw problems.neverCloses({ name, close: commandFor('close', latest) });
  const openUntil = { [ANNOTATIONS.openUntil]: localInstant(untilMs, timeZone) };
  return {
    patch: { ...access, metadata: { annotations: { ...access?.metadata.annotations, ...openUntil } } },
  };
}

/** An exam follows the timetable, too, and may have to last longer; who is served in it is another matter. */
function examRuns(latest: Classroom): Error {
  return problems.examRuns({
    name: latest.metadata.name,
    stop: commandFor('exam stop', latest),
    open: commandFor('open', latest),
  });
}

/** Nothing is to be done where the class is open; where its timetable keeps it closed, nobody has said until when. */
function stayOpen(latest: Classroom, nowMs: number): undefined {
  const { isOpen, nextChangeMs, timeZone } = openingNow(latest, nowMs);
  if (isOpen) return undefined;
  throw problems.closedByTimetable({
    name: latest.metadata.name,
    until: nextChangeMs === undefined ? undefined : minuteInZone(nextChangeMs, timeZone),
    open: commandFor('open', latest),
  });
}

/** Whether time alone ever closes this class. */
export function neverCloses(classroom: Classroom): boolean {
  const { schedule } = timetableInputOf(classroom);
  return schedule === undefined || schedule.outsideSessions === 'Open';
}

/** An end that was named never closes a class before its timetable does. */
function longerWords(classroom: Classroom, end: End, nowMs: number): string[] {
  const { metadata } = classroom;
  const openUntil = openUntilOf(metadata.annotations);
  const { isOpen, nextChangeMs = Number.POSITIVE_INFINITY, timeZone } = openingNow(classroom, nowMs);
  const isNamed = end.for !== undefined || end.until !== undefined;
  if (!isNamed || !isOpen || openUntil.kind !== 'Until' || nextChangeMs <= openUntil.ms) return [];
  return [
    `That is its timetable, which goes on after ${minuteInZone(openUntil.ms, timeZone)}. To close it before: ${commandFor('close', classroom)}`,
  ];
}

function engineWords(classroom: Classroom, nowMs: number): string[] {
  const isServed = (classroom.status?.readyReplicas ?? 0) > 0;
  if (isServed || !openingNow(classroom, nowMs).isOpen) return [];
  return [`No engine answers yet. To wait for it: ${commandFor('status', classroom)} --wait`];
}

/** Whether students are served, or would be as soon as one asks; a class that is closed all the same opens later. */
export function lookAtOpened(classroom: Classroom, nowMs: number): Look {
  const seen = lookAtOpening(classroom, nowMs);
  if (!seen.done || !openingNow(classroom, nowMs).isOpen) return seen;
  return currentReady(classroom)?.reason === CLASSROOM_REASONS.asleep
    ? { done: true }
    : lookAtClass(classroom);
}
