import type { PeriodFigures, Report, StudentFigures, WorkFigures } from './report.ts';
import { countText, hoursText, minutesText, periodText, secondsText, spanText } from './words.ts';

/** A table: cells of all columns but the first are figures. */
export interface Table {
  /** The last column has words as well. */
  readonly lastIsText?: boolean;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** One part of a report that people read. */
export interface Section {
  readonly title: string;
  /** What must be known to read the table. */
  readonly notes: readonly string[];
  readonly table: Table;
}

/** What is above all sections. */
export function headlineOf(report: Report): { readonly title: string; readonly span: string } {
  const { classroom, namespace } = report;
  return { title: `Report of class ${classroom} (${namespace})`, span: spanText(report) };
}

/** A report in the order in which people read it, whatever it is printed as. */
export function sectionsOf(report: Report): Section[] {
  return [
    totalSection(report),
    ...(report.gpu === null ? [] : [gpuSection(report.gpu)]),
    ...(report.by === 'course' || report.periods.length === 0 ? [] : [periodSection(report)]),
    ...(report.students.length === 0 ? [] : [studentSection(report), modelSection(report)]),
  ];
}

function totalSection(report: Report): Section {
  const { total, students, notAsked } = report;
  return {
    title: 'In all',
    notes: notesOnAll(report),
    table: {
      head: ['', ''],
      rows: [
        ['Students who asked', countText(students.length)],
        ['Students who have not asked', notAsked === null ? '–' : countText(notAsked.length)],
        ['Requests let in', countText(total.requests)],
        ['of them completely answered', countText(total.completed)],
        ['of them given up by the student', countText(total.clientLeft)],
        ['of them refused by the engine, broken off, or not answered', countText(faults(total))],
        ['Requests that a limit or the queue refused', countText(total.throttled)],
        [
          'Tokens of prompts',
          `${countText(total.promptTokens)} (${countText(total.cachedTokens)} from a cache)`,
        ],
        ['Tokens of answers', countText(total.completionTokens)],
        ['Tokens together', countText(total.totalTokens)],
        ['Time of students at work, h:min', minutesText(total.activeMinutes)],
        ['Wait for an engine, mean and longest', waits(total.queueWaitMsMean, total.queueWaitMsMax)],
        ['Until the first token, mean and longest', waits(total.firstTokenMsMean, total.firstTokenMsMax)],
      ],
    },
  };
}

function notesOnAll({ keptFrom, notAsked, pseudonymous }: Report): string[] {
  const notes: string[] = [];
  if (keptFrom !== null)
    notes.push(`What was before ${keptFrom} is not kept any more, and not in this report.`);
  if (notAsked === null)
    notes.push(
      'Who has not asked is not known: that takes the right to list the StudentQuotas of the class, which are its seats.',
    );
  else if (notAsked.length > 0 && !pseudonymous) notes.push(`Have not asked: ${byGroup(notAsked)}`);
  return notes;
}

/** `Tuesday: Alice Zhang (alice), bob; in no group: carol`; without groups the names alone. */
function byGroup(students: readonly StudentFigures[]): string {
  const named = (its: readonly StudentFigures[]): string => its.map(studentText).join(', ');
  const byName = Map.groupBy(students, ({ group }) => group);
  // Sorted, what is undefined is the last.
  const groups = [...byName.keys()].sort();
  if (groups[0] === undefined) return named(students);
  return groups.map((group) => `${group ?? 'in no group'}: ${named(byName.get(group) ?? [])}`).join('; ');
}

function faults({ refused, unanswered, interrupted }: WorkFigures): number {
  return refused + unanswered + interrupted;
}

function waits(mean: number | null, max: number): string {
  return mean === null && max === 0 ? secondsText(null) : `${secondsText(mean)}, ${secondsText(max)}`;
}

function gpuSection(gpu: NonNullable<Report['gpu']>): Section {
  const times = gpu.timesWhatRan === null ? '' : ` (${hoursText(gpu.timesWhatRan)} times what ran)`;
  return {
    title: 'GPUs',
    notes: [
      'A slice counts as the part of a GPU that it is. One GPU for each student is computed: all students who worked on a day, times the hours in which the class had engines on that day.',
    ],
    table: {
      head: ['', ''],
      rows: [
        ['Hours with at least one engine', hoursText(gpu.hoursWithEngines)],
        ['GPU hours that ran', hoursText(gpu.gpuHours)],
        ['GPU hours in use', hoursText(gpu.gpuHoursInUse)],
        ['One GPU for each student, in GPU hours', `${hoursText(gpu.gpuHoursOnePerStudent)}${times}`],
        ['The same, only in minutes of work, in GPU hours', hoursText(gpu.gpuHoursOnlyWhileActive)],
        ['Tokens for a GPU hour', gpu.tokensPerGpuHour === null ? '–' : countText(gpu.tokensPerGpuHour)],
      ],
    },
  };
}

function periodSection(report: Report): Section {
  const withGpus = report.gpu !== null;
  return {
    title: report.by === 'day' ? 'By day' : 'By session',
    notes: [],
    table: {
      head: [
        report.by === 'day' ? 'Day' : 'Session',
        'Students',
        ...WORK_HEAD,
        ...(withGpus ? ['GPU hours', 'GPU hours in use'] : []),
      ],
      rows: report.periods.map((period) => [
        periodText(period, report),
        countText(period.students.length),
        ...workCells(period),
        ...(withGpus ? gpuCells(period) : []),
      ]),
    },
  };
}

function gpuCells({ gpu }: PeriodFigures): string[] {
  return [hoursText(gpu?.gpuHours), hoursText(gpu?.gpuHoursInUse)];
}

const WORK_HEAD = ['Requests', 'Refused by limits', 'Tokens in', 'Tokens out', 'Active h:min'];

function workCells(work: WorkFigures): string[] {
  return [
    countText(work.requests),
    countText(work.throttled),
    countText(work.promptTokens),
    countText(work.completionTokens),
    minutesText(work.activeMinutes),
  ];
}

function studentSection({ students, models, pseudonymous }: Report): Section {
  // With one model it would be the same in every line.
  const withModels = models.length > 1;
  const withGroups = students.some(({ group }) => group !== undefined);
  return {
    title: 'By student',
    notes: pseudonymous
      ? ['Pseudonyms are drawn anew for each report: those of another one name others.']
      : [],
    table: {
      lastIsText: withModels,
      head: [
        'Student',
        ...(withGroups ? ['Group'] : []),
        ...WORK_HEAD,
        'Wait',
        'First token',
        ...(withModels ? ['Models'] : []),
      ],
      rows: students.map((student) => [
        studentText(student),
        ...(withGroups ? [student.group ?? ''] : []),
        ...workCells(student),
        secondsText(student.queueWaitMsMean),
        secondsText(student.firstTokenMsMean),
        ...(withModels ? [student.models.join(', ')] : []),
      ]),
    },
  };
}

/** `Alice Zhang (alice)`. */
export function studentText({ student, name }: StudentFigures): string {
  return name === undefined || name === student ? student : `${name} (${student})`;
}

function modelSection({ models }: Report): Section {
  return {
    title: 'By model',
    notes: [],
    table: {
      head: ['Model', 'Requests', 'Refused by limits', 'Tokens in', 'Tokens out'],
      rows: models.map(({ model, requests, throttled, promptTokens, completionTokens }) => [
        model,
        ...[requests, throttled, promptTokens, completionTokens].map(countText),
      ]),
    },
  };
}
