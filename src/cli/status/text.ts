import type { EngineStatus } from '../../api/classroom.ts';
import { CLASSROOM_REASONS } from '../../api/reasons.ts';
import { type Colours, coloursFor } from '../colours.ts';
import type { Machine } from '../machine.ts';
import { nameTable, textTable, wrapped } from '../text-table.ts';
import { counted } from './counted.ts';
import type { ClassReport, StudentCounts, UsageToday } from './report.ts';
import { signOf } from './sign.ts';
import { minuteText, spanText } from './time-words.ts';

/** How it is to look. */
export interface Look {
  readonly colours: Colours;
  /** Letters in a line. */
  readonly columns: number;
  /** Epoch ms. */
  readonly nowMs: number;
}

/** Without a terminal, lines are as long as most people like them. */
const COLUMNS = 100;

/** As this machine shows it, now. */
export function lookAt({ stdout, env, clock }: Pick<Machine, 'stdout' | 'env' | 'clock'>): Look {
  return { colours: coloursFor(stdout, env), columns: stdout.columns ?? COLUMNS, nowMs: clock.now() };
}

const NAME_WIDTH = 12;

/** A class for a trainer: how it is, what it consists of, what is not as it should be, and what to do next. */
export function reportText(report: ClassReport, look: Look): string {
  const { colours } = look;
  const sections = [
    `${colours.bold(report.name)} in ${report.namespace}: ${headline(report, colours)}\n${wrapped(report.message, { indent: 0, columns: look.columns })}`,
    factRows(report, look),
    engineTable(report.engines.list),
    conditionLines(report, look),
    `${colours.bold('Next:')} ${report.next}\n`,
  ];
  return sections.filter((section) => section !== '').join('\n');
}

/** Engines that answer serve students while the class is open, whatever else is wrong with it. */
function headline({ serving, reason, open, engines }: ClassReport, { green, yellow, red }: Colours): string {
  if (!open) return yellow('closed, students are NOT served');
  if (reason === CLASSROOM_REASONS.asleep) return green('asleep, the first student who asks wakes it');
  if (serving) return green('students are served');
  if (engines.ready > 0) return yellow('students are served, but not all is well');
  return red('students are NOT served');
}

function factRows(report: ClassReport, look: Look): string {
  const { model, engines, students, usageToday } = report;
  const rows: [string, string][] = [
    ['Model', model.id === model.servedName ? model.id : `${model.id}, for students ${model.servedName}`],
    ['Address', report.baseURL ?? '<none>'],
    ['Access', accessText(report)],
    ...openRow(report, look.nowMs),
    ['Session', sessionText(report, look.nowMs)],
    ['Engines', `${engines.ready} of ${engines.wanted} ${engines.wanted === 1 ? 'answers' : 'answer'}`],
    ['Students', students === undefined ? NOT_FOR_YOU : studentsText(students)],
    ['Today', usageToday === undefined ? NOT_FOR_YOU : usageText(usageToday)],
  ];
  return nameTable(rows, {
    nameWidth: NAME_WIDTH,
    textWidth: Math.max(look.columns - NAME_WIDTH, NAME_WIDTH),
  });
}

const NOT_FOR_YOU = '<not yours to see>';

function accessText({ access }: ClassReport): string {
  switch (access) {
    case 'Open':
      return 'Open: students may ask';
    case 'Closed':
      return 'Closed: no student is served';
    case 'Exam':
      return 'Exam: only those who sit it may ask; to end it: exam stop';
  }
}

function sessionText({ timetable }: ClassReport, nowMs: number): string {
  if (timetable === undefined) return 'no timetable: always';
  const { timeZone, session, nextSession } = timetable;
  const hours = ({ start, end }: { start: string; end: string }): string =>
    `${minuteText(start)} to ${minuteText(end)} (${timeZone})`;
  if (session !== undefined) {
    return `runs: ${hours(session)}, ends in ${spanText(Date.parse(session.end) - nowMs)}`;
  }
  if (nextSession === undefined) return 'none within a year';
  return `next: ${hours(nextSession)}, in ${spanText(Date.parse(nextSession.start) - nowMs)}`;
}

/** By timetable and access; whether engines answer is another matter. */
function openRow({ open, timetable }: ClassReport, nowMs: number): [string, string][] {
  if (timetable === undefined) return [];
  const now = open ? 'yes' : 'no';
  const { nextChange, nextChangeTime } = timetable;
  if (nextChange === undefined || nextChangeTime === undefined) return [['Open', now]];
  return [['Open', `${now}, ${nextChange}, in ${spanText(Date.parse(nextChangeTime) - nowMs)}`]];
}

function studentsText({ total, active, suspended, expired, waiting }: StudentCounts): string {
  const part = (ids: readonly string[], what: string): string[] =>
    ids.length === 0 ? [] : [`${ids.length} ${what} (${someOf(ids)})`];
  const parts = [
    `${active} can work`,
    ...part(suspended, 'suspended'),
    ...part(expired, 'expired'),
    ...part(
      waiting.map(({ id }) => id),
      'waiting',
    ),
  ];
  return total === 0 ? 'none yet' : `${total}: ${parts.join(', ')}`;
}

function usageText({ requests, tokens, students }: UsageToday): string {
  if (requests === 0) return 'nothing yet';
  return [
    counted(requests, 'request'),
    `${counted(tokens, 'token')} by ${counted(students, 'student')}`,
  ].join(', ');
}

const NAMED_IDS = 5;

function someOf(ids: readonly string[]): string {
  const more = ids.length - NAMED_IDS;
  return [...ids.slice(0, NAMED_IDS), ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

/** Empty where there is no engine. */
export function engineTable(engines: readonly EngineStatus[]): string {
  if (engines.length === 0) return '';
  const rows = engines.map(({ name, state, node, kvCacheTokens, reason }) => [
    name,
    state,
    node ?? '<none>',
    kvCacheTokens ?? '<unknown>',
    reason ?? '<none>',
  ]);
  return textTable(['ENGINE', 'STATE', 'NODE', 'CACHE TOKENS', 'REASON'], rows);
}

/** One line each; what is not as it should be with its message, where that does not stand above already. */
function conditionLines({ conditions, message: above }: ClassReport, { colours, columns }: Look): string {
  return conditions
    .map(({ mark, words, reason, message }) => {
      const line = `${signOf(mark, colours)} ${words}`;
      if (mark === 'Good') return `${line}\n`;
      return `${line}: ${reason}\n${message === above ? '' : wrapped(message, { indent: 4, columns })}`;
    })
    .join('');
}
