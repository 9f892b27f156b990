import type { Classroom } from '../../api/classroom.ts';
import { effectiveStudentLimits } from '../../api/limits.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { counted } from '../status/counted.ts';
import type { Look } from '../status/text.ts';
import { minuteText } from '../status/time-words.ts';
import { nameTable, textTable } from '../text-table.ts';
import { limitWords } from './limits.ts';
import { section } from './section.ts';

const NAME_WIDTH = 24;

/** All that the cluster says of a student's seat, but its events. The key itself is nowhere in it. */
export function seatText(classroom: Classroom, seat: StudentQuota, look: Look): string {
  const { columns, colours } = look;
  const { student } = seat.spec;
  const textWidth = Math.max(columns - NAME_WIDTH - 2, NAME_WIDTH);
  const rows = (content: [string, string][]) => nameTable(content, { nameWidth: NAME_WIDTH, textWidth });
  const title = student.displayName === undefined ? student.id : `${student.id} (${student.displayName})`;
  return [
    `${colours.bold(title)} in the class ${classroom.metadata.name}\n`,
    rows(factRows(seat)),
    section(
      'Limits',
      rows(limitWords(effectiveStudentLimits(classroom.spec.limits.perStudent, seat.spec.limits))),
    ),
    section('Used', rows(usageRows(seat))),
    section('Keys', keyTable(seat)),
    section('Conditions', conditionLines(seat)),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

function factRows({ metadata, spec, status }: StudentQuota): [string, string][] {
  return [
    ['Seat', metadata.name],
    ['Group', spec.student.group ?? '<none>'],
    ['Access', spec.access],
    ['Ends', spec.expiresAt === undefined ? 'never' : minuteText(spec.expiresAt)],
    ['Share in the queue', String(spec.weight)],
    ['Secret with the key', status?.secretName ?? '<none>'],
  ];
}

function usageRows({ status }: StudentQuota): [string, string][] {
  const usage = status?.usage;
  if (usage === undefined) return [['so far', 'nothing']];
  return [
    ['today', `${counted(usage.requestsToday, 'request')}, ${counted(usage.tokensToday, 'token')}`],
    ['in all', counted(usage.tokensTotal, 'token')],
    ['until', minuteText(usage.asOf)],
  ];
}

function keyTable({ status }: StudentQuota): string {
  const keys = status?.keys ?? [];
  if (keys.length === 0) return '';
  return textTable(
    ['GENERATION', 'MADE', 'WORKS UNTIL'],
    keys.map(({ generation, createdTime, expiresTime }) => [
      generation,
      minuteText(createdTime),
      expiresTime === undefined ? 'it is replaced' : minuteText(expiresTime),
    ]),
  );
}

function conditionLines({ status }: StudentQuota): string {
  return (status?.conditions ?? [])
    .map(({ type, status: holds, reason, message }) => `${type}=${holds} (${reason}): ${message}\n`)
    .join('');
}
