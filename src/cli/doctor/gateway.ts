import { z } from 'zod';
import type { Classroom } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { CLASSROOM_REASONS, OPENING_REASONS, STUDENT_QUOTA_CONDITIONS } from '../../api/reasons.ts';
import type { StudentQuota } from '../../api/student-quota.ts';
import { timetableInputOf } from '../../timetable/open-until.ts';
import { openingOf } from '../../timetable/opening.ts';
import { streamAnswer } from '../chat/answer.ts';
import { seatAmong } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { currentReady } from '../cluster/wait-for-class.ts';
import { type Gateway, gatewayOf, jsonOf } from '../gateway/gateway.ts';
import { type AskingStudent, withKey } from '../gateway/student.ts';
import { CliError } from '../problem.ts';
import type { Finding } from './finding.ts';

/** What is asked of the gateway, and as whom. */
export interface GatewayCheck {
  readonly classroom: Classroom;
  readonly seats: readonly StudentQuota[];
  /** Id of the student; undefined: the first who may work. */
  readonly student: string | undefined;
  readonly gatewayUrl: string | undefined;
  /** Whether an engine is asked too. */
  readonly request: boolean;
  /** For each answer to begin. */
  readonly deadlineMs: number;
}

const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const QUESTION = 'Answer with the word ready.';
const MAX_TOKENS = 8;

/** Goes the way of a student: address, key, list of models, one answer of an engine. */
export async function checkGateway(check: GatewayCheck, cluster: Cluster): Promise<Finding[]> {
  const { isOpen, reason } = openingOf(timetableInputOf(check.classroom), cluster.machine.clock.now());
  if (!isOpen) {
    const by = reason === OPENING_REASONS.accessClosed ? '`access`' : 'its timetable';
    const what = `The class is closed (${by}): no student is answered, so the gateway was not asked.`;
    return [{ area: 'Gateway', mark: 'Note', what }];
  }
  const seat = await attempt(async () => seatFor(check));
  if (seat !== undefined && 'area' in seat) return [seat];
  if (seat === undefined) {
    const what = 'There is no student who may work, so the gateway was not asked.';
    return [{ area: 'Gateway', mark: 'Unknown', what, next: 'Enrol one, or name one with --student.' }];
  }
  const reached = await attempt(async () => {
    const gateway = gatewayOf(check.classroom, cluster, check.gatewayUrl);
    const student = await withKey(cluster, seat);
    return { gateway, student, finding: await listModels(gateway, student, check) };
  });
  if ('area' in reached) return [reached];
  const { gateway, student, finding } = reached;
  if (!check.request) return [finding];
  if (currentReady(check.classroom)?.reason === CLASSROOM_REASONS.asleep) {
    const what = 'The engines sleep, so none was asked: that would wake them.';
    return [finding, { area: 'Gateway', mark: 'Note', what }];
  }
  return [finding, await attempt(() => askEngine(gateway, student, check, cluster))];
}

/** @throws CliError when nobody is called so */
function seatFor({ classroom, seats, student }: GatewayCheck): StudentQuota | undefined {
  if (student !== undefined) return seatAmong(seats, classroom, student);
  return seats.find(
    ({ status }) => findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.ready)?.status === 'True',
  );
}

/** A problem that a person can do something about is a finding. */
async function attempt<Result>(work: () => Promise<Result>): Promise<Result | Finding> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const { what, why, next } = error.problem;
    return { area: 'Gateway', mark: 'Bad', what, ...(why === undefined ? {} : { why }), next };
  }
}

async function listModels(
  gateway: Gateway,
  { id, apiKey }: AskingStudent,
  { deadlineMs }: GatewayCheck,
): Promise<Finding> {
  const call = { method: 'GET', path: '/models', apiKey, deadlineMs } as const;
  const models = modelsSchema.safeParse(await jsonOf(gateway.ask(call))).data?.data;
  if (models === undefined) {
    return {
      area: 'Gateway',
      mark: 'Bad',
      what: `What answers at ${gateway.place} is not the gateway.`,
      next: "See where the address leads: the chart's gateway.baseURL, ingress or httpRoute.",
    };
  }
  const names = models.map((model) => model.id).join(', ');
  return {
    area: 'Gateway',
    mark: 'Good',
    what: `It answers at ${gateway.place}, knows ${id} and offers ${names}.`,
  };
}

async function askEngine(
  gateway: Gateway,
  { id, apiKey }: AskingStudent,
  { classroom, deadlineMs }: GatewayCheck,
  { machine: { clock } }: Cluster,
): Promise<Finding> {
  const { spec, status } = classroom;
  const startedMs = clock.monotonic();
  const seconds = (): string => ((clock.monotonic() - startedMs) / 1000).toFixed(2);
  let first: string | undefined;
  let tokens = 0;
  const question = {
    apiKey,
    model: status?.servedName ?? spec.model.servedName ?? spec.model.id,
    messages: [{ role: 'user', content: QUESTION }],
    maxTokens: MAX_TOKENS,
    deadlineMs,
  } as const;
  for await (const piece of streamAnswer(gateway, question)) {
    first ??= seconds();
    if (piece.kind === 'Usage') tokens = piece.promptTokens + piece.completionTokens;
  }
  return {
    area: 'Gateway',
    mark: 'Good',
    what: `A question of ${id} was answered: first text after ${first ?? seconds()} s, all after ${seconds()} s, for ${tokens} tokens.`,
  };
}
