import type { Classroom, EngineStatus, TimetableStatus } from '../../api/classroom.ts';
import { type Condition, findCondition } from '../../api/condition.ts';
import {
  CLASSROOM_CONDITIONS,
  CLASSROOM_REASONS,
  STUDENT_QUOTA_CONDITIONS,
  STUDENT_QUOTA_REASONS,
} from '../../api/reasons.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { localDayOf } from '../../timetable/local-day.ts';
import { timetableInputOf } from '../../timetable/open-until.ts';
import { openingOf } from '../../timetable/opening.ts';
import { timetableStatus } from '../../timetable/status.ts';
import { knownTimeZone } from '../../timetable/time-zone.ts';
import { currentReady } from '../cluster/wait-for-class.ts';
import { inWords, type Mark } from './condition-words.ts';
import { nextStep } from './next-step.ts';

/** How a class is, for a trainer: what `status -o json` prints. */
export interface ClassReport {
  readonly name: string;
  readonly namespace: string;
  readonly serving: boolean;
  /** Of the condition Ready, or Unseen while the operator has not looked at the present spec. */
  readonly reason: string;
  readonly message: string;
  /** What to do next. */
  readonly next: string;
  readonly model: { readonly id: string; readonly servedName: string };
  readonly baseURL?: string;
  readonly access: Classroom['spec']['access'];
  readonly engines: {
    readonly wanted: number;
    readonly ready: number;
    readonly list: readonly EngineStatus[];
  };
  /** Absent where one may not see the seats of a class. */
  readonly students?: StudentCounts;
  readonly usageToday?: UsageToday;
  /** Whether students may ask now, by timetable and access. */
  readonly open: boolean;
  readonly timetable?: TimetableStatus;
  readonly conditions: readonly ConditionInWords[];
}

export interface StudentCounts {
  readonly total: number;
  readonly active: number;
  readonly suspended: readonly string[];
  readonly expired: readonly string[];
  /** Those who cannot work for another reason, which is the message of their seat. */
  readonly waiting: readonly { readonly id: string; readonly why: string }[];
}

/** Of the class's local day, as far as the gateway has written it down; it does so about once a minute. */
export interface UsageToday {
  readonly requests: number;
  readonly tokens: number;
  /** How many students asked anything. */
  readonly students: number;
}

export interface ConditionInWords {
  readonly type: string;
  readonly mark: Mark;
  readonly words: string;
  readonly reason: string;
  readonly message: string;
  /** Since when it is so. */
  readonly since: string;
}

export const UNSEEN = 'Unseen';
const UNSEEN_MESSAGE = 'The operator has not looked at the class since it was written.';

/**
 * Sums up what the cluster says of a class. Pure.
 *
 * @param seats undefined: one may not see them
 * @param nowMs epoch ms
 */
export function classReport(
  classroom: Classroom,
  seats: readonly StudentQuota[] | undefined,
  nowMs: number,
): ClassReport {
  const { metadata, spec, status } = classroom;
  const { name, namespace = '' } = metadata;
  const ready = currentReady(classroom);
  const serving = ready?.status === 'True';
  const reason = ready?.reason ?? UNSEEN;
  const students = seats && countStudents(seats);
  const timeZone = knownTimeZone(spec.schedule?.timeZone);
  return {
    name,
    namespace,
    serving,
    reason,
    message: ready?.message ?? UNSEEN_MESSAGE,
    next: nextStep({ name, namespace, access: spec.access, serving, reason, students: students?.total }),
    model: { id: spec.model.id, servedName: status?.servedName ?? spec.model.servedName ?? spec.model.id },
    ...(status?.baseURL === undefined ? {} : { baseURL: status.baseURL }),
    access: spec.access,
    engines: {
      wanted: status?.replicas ?? 0,
      ready: status?.readyReplicas ?? 0,
      list: status?.engines ?? [],
    },
    ...(students && { students }),
    ...(seats && { usageToday: sumUsage(seats, timeZone, nowMs) }),
    ...openingNow(classroom, nowMs),
    conditions: (status?.conditions ?? []).filter(isToTell(status?.replicas)).flatMap(conditionInWords),
  };
}

function countStudents(seats: readonly StudentQuota[]): StudentCounts {
  const suspended: string[] = [];
  const expired: string[] = [];
  const waiting: { id: string; why: string }[] = [];
  let active = 0;
  for (const { spec, status } of seats) {
    const { id } = spec.student;
    const ready = findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.ready);
    if (ready?.status === 'True') active++;
    else if (ready?.reason === STUDENT_QUOTA_REASONS.suspended) suspended.push(id);
    else if (ready?.reason === STUDENT_QUOTA_REASONS.expired) expired.push(id);
    else waiting.push({ id, why: ready?.message ?? UNSEEN_MESSAGE.replace('class', 'seat') });
  }
  return { total: seats.length, active, suspended, expired, waiting };
}

function sumUsage(seats: readonly StudentQuota[], timeZone: string, nowMs: number): UsageToday {
  const { startsMs, endsMs } = localDayOf(timeZone, nowMs);
  const today = seats.flatMap(({ status }) => {
    const usage = status?.usage;
    if (usage === undefined) return [];
    const writtenMs = Date.parse(usage.asOf);
    return startsMs <= writtenMs && writtenMs < endsMs && usage.requestsToday > 0 ? [usage] : [];
  });
  return {
    requests: today.reduce((sum, { requestsToday }) => sum + requestsToday, 0),
    tokens: today.reduce((sum, { tokensToday }) => sum + tokensToday, 0),
    students: today.length,
  };
}

/** Computed here, so that it is right also where the operator is down. */
function openingNow(classroom: Classroom, nowMs: number): Pick<ClassReport, 'open' | 'timetable'> {
  const input = timetableInputOf(classroom);
  const opening = openingOf(input, nowMs);
  const timetable = timetableStatus(input, opening, nowMs);
  return { open: opening.isOpen, ...(timetable && { timetable }) };
}

/** Engines that are not to run have no memory to tell of. */
function isToTell(wantedEngines = 0): (condition: Condition) => boolean {
  return ({ reason }) => wantedEngines > 0 || reason !== CLASSROOM_REASONS.notMeasured;
}

/** Ready is what the report begins with. */
function conditionInWords(condition: Condition): ConditionInWords[] {
  const told = inWords(condition);
  if (told === undefined || condition.type === CLASSROOM_CONDITIONS.ready) return [];
  const { type, reason, message, lastTransitionTime: since } = condition;
  return [{ type, ...told, reason, message, since }];
}
