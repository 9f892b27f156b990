import type { Classroom } from '../../api/classroom.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import type { ClassReport } from '../status/report.ts';
import { type Look, reportText } from '../status/text.ts';
import { minuteText } from '../status/time-words.ts';
import { nameTable, textTable } from '../text-table.ts';
import { limitWords } from './limits.ts';
import { section } from './section.ts';

const NAME_WIDTH = 24;

/** All that the cluster says of a class, but its events. */
export function classText(
  {
    classroom,
    seats,
    report,
  }: { classroom: Classroom; seats: readonly StudentQuota[] | undefined; report: ClassReport },
  look: Look,
): string {
  const { spec, status } = classroom;
  return [
    reportText(report, look),
    section('Limits of a student', rows(limitWords(spec.limits.perStudent), look)),
    section('Limits of the class', rows(limitWords(spec.limits.classroom), look)),
    section('GPUs', rows(gpuRows(classroom), look)),
    section('Plan of an engine', planText(classroom, look)),
    section('Adapters', adapterTable(classroom)),
    section('Engines that failed', failureText(classroom, look)),
    section('Preparing the nodes', status?.nodePreparation?.commands ?? ''),
    section('Students', studentTable(seats ?? [])),
  ]
    .filter((text) => text !== '')
    .join('\n');
}

type Rows = readonly (readonly [name: string, text: string])[];

function rows(content: Rows, { columns }: Look): string {
  if (content.length === 0) return '';
  return nameTable(content, {
    nameWidth: NAME_WIDTH,
    textWidth: Math.max(columns - NAME_WIDTH - 2, NAME_WIDTH),
  });
}

function gpuRows({ spec }: Classroom): Rows {
  const { product, sharing, slicesPerGPU, migProfile, gpusPerEngine, nodeSelector } = spec.gpu;
  const { min, max } = spec.engine.replicas;
  return [
    ['Product', product ?? 'any'],
    ['Sharing', [sharing, slicesPerGPU && `${slicesPerGPU} slices`, migProfile].filter(Boolean).join(', ')],
    ['GPUs of an engine', String(gpusPerEngine)],
    ['Engines', min === max ? String(max) : `${min} to ${max}`],
    ...(nodeSelector === undefined ? [] : ([['Nodes', labelsText(nodeSelector)]] as const)),
    ['Image', spec.engine.image],
  ];
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([name, value]) => `${name}=${value}`)
    .join(', ');
}

function planText({ status }: Classroom, look: Look): string {
  const plan = status?.plan;
  if (plan === undefined) return '';
  const figures = rows(
    [
      ['Context', `${plan.maxModelLen} tokens`],
      ['Requests at a time', String(plan.maxNumSeqs)],
      ['KV cache', plan.kvCacheTokens === undefined ? '<unknown>' : `${plan.kvCacheTokens} tokens`],
      ['Students of an engine', String(plan.studentsPerReplica ?? '<unknown>')],
      ['Asks for', plan.resourceName],
      ['Basis', plan.basis],
      ['Confidence', plan.confidence ?? '<unknown>'],
    ],
    look,
  );
  return [figures, ...(plan.warnings ?? []).map((warning) => `- ${warning}\n`)].join('');
}

function adapterTable({ status }: Classroom): string {
  const adapters = status?.adapters ?? [];
  if (adapters.length === 0) return '';
  return textTable(
    ['NAME', 'STATE', 'ENGINES', 'MODEL', 'WHAT'],
    adapters.map(({ name, state, loadedEngines, model, message }) => [
      name,
      state,
      loadedEngines,
      model,
      message ?? '<none>',
    ]),
  );
}

function failureText({ status }: Classroom, look: Look): string {
  const failures = status?.failures;
  if (failures === undefined) return '';
  const { reason, message, count, held, memorySteps } = failures;
  const steps = memorySteps.map(
    ({ time, setting, from, to, reason: why }) =>
      `- ${minuteText(time)} ${setting} ${from} → ${to} (${why})\n`,
  );
  const facts: Rows = [
    ...(reason === undefined ? [] : ([['Reason', `${reason}, ${count} times`]] as const)),
    ...(message === undefined ? [] : ([['What', message]] as const)),
    ...(held === undefined ? [] : ([['Held', heldText(held)]] as const)),
  ];
  return [rows(facts, look), ...steps].join('');
}

function heldText({ since, retryTime }: { since: string; retryTime?: string | undefined }): string {
  const until = retryTime === undefined ? 'the spec changes' : minuteText(retryTime);
  return `no engine is started from ${minuteText(since)} until ${until}`;
}

function studentTable(seats: readonly StudentQuota[]): string {
  if (seats.length === 0) return '';
  return textTable(
    ['STUDENT', 'NAME', 'GROUP', 'ACCESS', 'TOKENS TODAY', 'TOKENS', 'LIMITS OF ITS OWN'],
    seats.map(({ spec, status }) => [
      spec.student.id,
      spec.student.displayName ?? '<none>',
      spec.student.group ?? '<none>',
      spec.access,
      status?.usage?.tokensToday ?? 0,
      status?.usage?.tokensTotal ?? 0,
      limitWords(spec.limits ?? {})
        .map(([name, text]) => `${name}: ${text}`)
        .join(', ') || '<none>',
    ]),
  );
}
