import { localDayOf } from '../timetable/local-day.ts';
import type { ActiveRow, LedgerExtract, UsageRow } from './extract.ts';
import { type Figures, figuresOf } from './figures.ts';
import { firstDayOf } from './first-day.ts';
import {
  type Comparison,
  comparisonOf,
  type EngineTime,
  engineTimes,
  type GpuTime,
  gpuTimeOf,
} from './gpu-time.ts';
import { MinuteSet } from './hour-minutes.ts';
import { inSessions, type SessionsFrom, sessionSpans } from './session-spans.ts';

/** What a report is divided into. */
export const GROUPINGS = ['course', 'day', 'session'] as const;
export type Grouping = (typeof GROUPINGS)[number];

/** Requests, and the minutes in which students were at work. */
export interface WorkFigures extends Figures {
  /** Of each student, added up. A minute counts when a request of the student ran or waited in it. */
  readonly activeMinutes: number;
}

export interface ModelFigures extends Figures {
  readonly model: string;
}

/** What a student is called. */
export interface StudentName {
  /** The id, or a pseudonym. */
  readonly student: string;
  /** Absent where none is known, and with pseudonyms; as `group`. */
  readonly name?: string;
  /** Group within the class. */
  readonly group?: string;
}

export interface StudentFigures extends WorkFigures, StudentName {
  /** Names of the models and adapters that were asked, the most used first. */
  readonly models: readonly string[];
}

/** One day, one session, or all of it. */
export interface PeriodFigures extends WorkFigures {
  /** Local date; null for the whole course. */
  readonly day: string | null;
  /** Beginning of the session as an instant; null for days, and for what was outside of all sessions. */
  readonly session: string | null;
  readonly students: readonly StudentFigures[];
  /** Null where it cannot be told, as of a session that is not in the timetable any more. */
  readonly gpu: GpuTime | null;
}

/** A report. What `-o json` shows; fields may be added. */
export interface Report {
  readonly namespace: string;
  readonly classroom: string;
  readonly timeZone: string;
  /** First and last local day; of a report of everything the first day with anything, null where there is none. */
  readonly from: string | null;
  readonly to: string;
  /** What was booked on days before this one is not kept any more, and not in the report; null: all of it is there. */
  readonly keptFrom: string | null;
  readonly asOf: string;
  readonly by: Grouping;
  readonly pseudonymous: boolean;
  readonly total: WorkFigures;
  readonly models: readonly ModelFigures[];
  /** Who asked. */
  readonly students: readonly StudentFigures[];
  /** Who had a seat and did not ask, with zeros; null where seats are not known. */
  readonly notAsked: readonly StudentFigures[] | null;
  readonly periods: readonly PeriodFigures[];
  /** Null where nothing is known of engines, as of a gateway without Kubernetes. */
  readonly gpu: (GpuTime & Comparison) | null;
}

export interface ReportOptions {
  readonly by: Grouping;
  /** What to call a student: who is who, or pseudonyms. */
  readonly named: (id: string) => StudentName;
  readonly pseudonymous: boolean;
  /** Ids of who had a seat and is not in the account; undefined where seats are not known. */
  readonly notAsked: readonly string[] | undefined;
  /** Sessions of the timetable of now that end after a moment (epoch ms), by their beginning. */
  readonly sessionsFrom: SessionsFrom;
}

/** What the account says, in figures. Sums are those of the account, to the token. Pure. */
export function reportOf(extract: LedgerExtract, options: ReportOptions): Report {
  const students = [...extract.students];
  const all = students.flatMap(({ usage }) => usage);
  const times = engineTimes(extract.engines, extract.timeZone).filter(
    ({ day }) => day <= extract.to && (extract.from === null || day >= extract.from),
  );
  const total = workOf(students);
  const { namespace, classroom, timeZone, to, keptFrom, asOf } = extract;
  const { by, pseudonymous, named, notAsked } = options;
  return {
    namespace,
    classroom,
    timeZone,
    from: firstDayOf(extract),
    to,
    keptFrom,
    asOf,
    by,
    pseudonymous,
    total,
    models: modelsOf(all),
    students: studentsOf(students, named),
    notAsked: notAsked === undefined ? null : studentsOf(notAsked.map(withoutRows), named),
    periods: periodsOf(extract, times, options),
    gpu:
      extract.engines.length === 0
        ? null
        : {
            ...gpuTimeOf(times, total.totalTokens),
            ...comparisonOf(times, studentsByDay(students), total.activeMinutes),
          },
  };
}

interface StudentRows {
  readonly student: string;
  readonly usage: readonly UsageRow[];
  readonly active: readonly ActiveRow[];
}

function withoutRows(student: string): StudentRows {
  return { student, usage: [], active: [] };
}

function workOf(students: readonly StudentRows[]): WorkFigures {
  return {
    ...figuresOf(students.flatMap(({ usage }) => usage)),
    activeMinutes: students.reduce((sum, { active }) => sum + activeMinutesOf(active), 0),
  };
}

function activeMinutesOf(rows: readonly ActiveRow[]): number {
  const minutes = new MinuteSet();
  for (const row of rows) minutes.add(row);
  return minutes.count;
}

function studentsOf(students: readonly StudentRows[], named: ReportOptions['named']): StudentFigures[] {
  return students
    .map((rows) => ({
      ...named(rows.student),
      ...workOf([rows]),
      models: modelsOf(rows.usage).map(({ model }) => model),
    }))
    .sort((a, b) => (a.student < b.student ? -1 : 1));
}

function modelsOf(rows: readonly UsageRow[]): ModelFigures[] {
  return [...Map.groupBy(rows, ({ model }) => model)]
    .map(([model, its]) => ({ model, ...figuresOf(its) }))
    .sort((a, b) => b.totalTokens - a.totalTokens || (a.model < b.model ? -1 : 1));
}

/** Students who were let in on a local day. */
function studentsByDay(students: readonly StudentRows[]): (day: string) => number {
  const onDay = new Map<string, number>();
  for (const { usage } of students) {
    const days = new Set(usage.filter(({ outcome }) => outcome !== 'throttled').map(({ day }) => day));
    for (const day of days) onDay.set(day, (onDay.get(day) ?? 0) + 1);
  }
  return (day) => onDay.get(day) ?? 0;
}

/** What identifies a period; in the order in which periods follow each other, outside of sessions last on a day. */
interface PeriodOf {
  readonly day: string | null;
  readonly session: string | null;
}

function periodsOf(
  { students, engines, timeZone }: LedgerExtract,
  times: readonly EngineTime[],
  { by, named, sessionsFrom }: ReportOptions,
): PeriodFigures[] {
  const periodOf = periodOfRow(by, timeZone);
  const spans = by === 'session' ? sessionSpans(students, times, sessionsFrom) : [];
  const gpuTimes = Map.groupBy(inSessions(times, spans), (time) => keyOf(periodOf(time)));
  const periods = new Map<string, PeriodOf>();
  for (const row of students.flatMap(({ usage, active }) => [...usage, ...active])) {
    periods.set(keyOf(periodOf(row)), periodOf(row));
  }
  for (const [key, [first]] of gpuTimes) {
    if (first !== undefined) periods.set(key, periodOf(first));
  }
  const byPeriod = students.map(({ student, usage, active }) => ({
    student,
    usage: Map.groupBy(usage, (row) => keyOf(periodOf(row))),
    active: Map.groupBy(active, (row) => keyOf(periodOf(row))),
  }));
  const told = new Set(spans.map(({ session }) => session));
  return [...periods]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, period]) => {
      const its = byPeriod
        .map(({ student, usage, active }) => ({
          student,
          usage: usage.get(key) ?? [],
          active: active.get(key) ?? [],
        }))
        .filter(({ usage, active }) => usage.length + active.length > 0);
      const work = workOf(its);
      const isTold = engines.length > 0 && (period.session === null || told.has(period.session));
      return {
        ...period,
        ...work,
        students: studentsOf(its, named),
        gpu: isTold ? gpuTimeOf(gpuTimes.get(key) ?? [], work.totalTokens) : null,
      };
    });
}

/** No instant sorts behind it. */
const OUTSIDE = '~';

function keyOf({ day, session }: PeriodOf): string {
  return `${day ?? ''} ${session ?? OUTSIDE}`;
}

/** A session over midnight is one, of the day on which it began. */
function periodOfRow(by: Grouping, timeZone: string): (row: Pick<UsageRow, 'day' | 'session'>) => PeriodOf {
  switch (by) {
    case 'course':
      return () => ({ day: null, session: null });
    case 'day':
      return ({ day }) => ({ day, session: null });
    case 'session': {
      // A session has thousands of rows, and calendars are slow.
      const days = new Map<string, string>();
      const dayOf = (session: string): string => {
        const day = days.get(session) ?? localDayOf(timeZone, Date.parse(session)).day;
        days.set(session, day);
        return day;
      };
      return ({ day, session }) => ({ day: session === null ? day : dayOf(session), session });
    }
  }
}
