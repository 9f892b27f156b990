import type { ClassReport } from './report.ts';

/** Every field of `status -o json`, for those who read it by program. */
export const REPORT_FIELDS: Readonly<Record<keyof ClassReport, string>> = {
  name: 'name of the class',
  namespace: 'its namespace',
  serving: 'whether students are served: the condition `Ready` of the present spec',
  reason: 'why, as a stable word; `Unseen` while the operator has not looked at the present spec',
  message: 'why, in words',
  next: 'what to do next, with a command to type',
  model: '`id` that engines load, `servedName` that students write',
  baseURL: 'the OpenAI base URL of the class',
  access: '`Open`, `Closed` or `Exam`',
  engines: '`wanted` and `ready` engines; in `list` each with its `state`, node and what is wrong',
  students:
    '`total`, `active` who can work; ids of those `suspended` and `expired`; those `waiting` with why. Absent where one may not see the seats',
  usageToday:
    "`requests`, `tokens` and `students` of the class's own day, about a minute old. Absent where one may not see the seats",
  open: 'whether students may ask now by timetable and access, whatever the engines do',
  timetable:
    '`timeZone`, the `session` that runs and the `nextSession`, each with `start` and `end`; `openUntil` of an extension; the `nextChange` in words, and its `nextChangeTime`. Absent without a timetable',
  conditions:
    'the other conditions: `type`, `mark` (`Good`, `Bad`, `Unknown`, `Note`), `words`, `reason`, `message`, `since`',
};
