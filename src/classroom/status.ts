import type { ClassroomStatus, EngineStatus } from '../api/classroom.ts';
import { type ConditionDraft, findCondition, mergeConditions } from '../api/condition.ts';
import type { EngineFailures } from '../api/engine-failures.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS, STUDENT_QUOTA_CONDITIONS } from '../api/reasons.ts';
import type { StudentQuota } from '../api/student-quota.ts';
import { boostedCondition } from '../boost/condition.ts';
import type { GpuAvailability } from '../gpu/nodes/availability-verdict.ts';
import type { OperatorSettings } from '../reconcile/settings.ts';
import { knownTimeZone } from '../timetable/time-zone.ts';
import { type AdapterReport, adapterReport } from './adapters/status.ts';
import { wantedAdapters } from './adapters/wanted.ts';
import type { ApplyOutcome, ChildProblem } from './apply.ts';
import { engineSelector } from './children/metadata.ts';
import { engineContainerOf } from './engine-container.ts';
import { type MeasurementReport, measurementReport } from './engine-watch/as-planned.ts';
import { lastLoadSeconds } from './engine-watch/load-time.ts';
import { engineStatuses, readySince } from './engines.ts';
import { enginesCondition } from './engines-condition.ts';
import { withLostNodes } from './failures/lost-node.ts';
import { advanceRecord } from './failures/record.ts';
import { fitsCondition } from './fits-condition.ts';
import { classGpus, gpuAvailableCondition, withUnschedulableCause } from './gpu-condition.ts';
import { type NodesReport, nodesReport } from './node-preparation/nodes-report.ts';
import type { ObservedClass } from './observe.ts';
import { type OpeningReport, openingReport } from './opening/report.ts';
import { pendingFeatures } from './pending-features.ts';
import { type Plan, refusalIn } from './plan.ts';
import { rolloutCondition } from './rollout/condition.ts';
import { runningFigures } from './rollout/figures.ts';
import type { Awaited, Leave } from './rollout/leave.ts';
import { requestsOf, resourceOf } from './rollout/rolled-out.ts';

const TYPES = CLASSROOM_CONDITIONS;
const REASONS = CLASSROOM_REASONS;

/** What one pass knows when it writes the status. */
export interface StatusInput {
  observed: ObservedClass;
  plan: Plan;
  /** Undefined: nothing was applied. */
  outcome: ApplyOutcome | undefined;
  settings: Pick<OperatorSettings, 'gatewayBaseURL' | 'rolloutIdleMs'>;
  nowMs: number;
}

/**
 * The status of a class, from what was observed, planned and applied. Pure, and equal as long as nothing happened:
 * the only times in it are points in time.
 */
export function status(input: StatusInput): ClassroomStatus {
  const { observed, plan } = input;
  const previous = observed.classroom.status;
  const wanted = plan.kind === 'wanted' ? (plan.engines?.replicas ?? 0) : (previous?.replicas ?? 0);
  const gpus = plan.kind === 'wanted' ? classGpus(observed, plan.placement, wanted) : undefined;
  const seen = withUnschedulableCause(engineStatuses(observed.pods, wanted), gpus);
  const engines = withLostNodes(seen, observed.gpus);
  const figures =
    plan.kind === 'wanted' ? runningFigures(plan.engines, plan.spec, plan.activeSeats) : keptFields(previous);
  const report = adapterReportOf(input, engines, figures.servedName);
  const measured = measurementReportOf(input, report.engines, figures.plan);
  const failures = failuresOf(input, engines);
  const nodes =
    plan.kind === 'wanted' && plan.planning !== undefined ? nodesReport(observed, plan) : undefined;
  const loadSeconds = lastLoadSeconds(observed.pods, previous);
  const opening = openingReport(observed.classroom, input.nowMs);
  const reports = { report, measured, failures, nodes, loadSeconds, opening };
  const drafts = conditionDrafts(input, engines, gpus, reports);
  const generation = observed.classroom.metadata.generation ?? 0;
  const lastReadyTime = latest([previous?.lastReadyTime, ...observed.pods.map(readySince)]);
  return {
    conditions: mergeConditions(previous?.conditions, drafts, generation, input.nowMs),
    observedGeneration: generation,
    readyReplicas: countReady(engines),
    selector: Object.entries(engineSelector(observed.classroom.metadata.name))
      .map(([label, value]) => `${label}=${value}`)
      .join(','),
    students: observed.seats.length,
    baseURL: input.settings.gatewayBaseURL,
    ...figures,
    ...opening.fields,
    engines: measured.engines,
    ...(measured.largestKvCache === undefined ? {} : { largestKvCache: measured.largestKvCache }),
    ...(report.adapters === undefined ? {} : { adapters: report.adapters }),
    ...(failures === undefined ? {} : { failures }),
    ...(nodes?.nodePreparation === undefined ? {} : { nodePreparation: nodes.nodePreparation }),
    ...(lastReadyTime === undefined ? {} : { lastReadyTime }),
    ...(loadSeconds === undefined ? {} : { lastLoadSeconds: loadSeconds }),
  };
}

/** Where nothing is acted on the engines stay as they are, and so does what the status says of them. */
function keptFields(previous: ClassroomStatus | undefined) {
  return {
    ...(previous?.replicas === undefined ? {} : { replicas: previous.replicas }),
    ...(previous?.servedName === undefined ? {} : { servedName: previous.servedName }),
    ...(previous?.plan === undefined ? {} : { plan: previous.plan }),
  };
}

/** Where nothing is acted on the adapters stay as they are, and so does what the status says of them. */
function adapterReportOf(
  { observed, plan }: StatusInput,
  engines: EngineStatus[],
  servedName: string | undefined,
): AdapterReport {
  const { pods, adapters: seen } = observed;
  const previous = observed.classroom.status;
  const wanted = plan.kind === 'withheld' ? [] : wantedAdapters(plan.spec, servedName);
  const report = adapterReport({ wanted, engines, pods, seen, previous });
  if (plan.kind === 'wanted' || previous?.adapters === undefined) return report;
  const message = 'The spec must be corrected first: see the condition SpecValid.';
  return { ...report, adapters: previous.adapters, condition: unknown(TYPES.adaptersLoaded, message) };
}

/** What engines measured, beside what was planned for those that run. */
function measurementReportOf(
  { observed, plan, nowMs }: StatusInput,
  engines: readonly EngineStatus[],
  figures: ClassroomStatus['plan'],
): MeasurementReport {
  const rolledOut = plan.kind === 'wanted' ? plan.engines?.rolledOut : undefined;
  const { pods, enginePods, watched } = observed;
  const template = rolledOut?.template ?? observed.deployment?.spec?.template;
  const previous = observed.classroom.status;
  return measurementReport({ engines, pods, enginePods, watched, plan: figures, template, previous, nowMs });
}

/** What of engines that fail is to be remembered. A spec that cannot be acted on adds nothing to it. */
function failuresOf(
  { observed, plan, nowMs }: StatusInput,
  engines: readonly EngineStatus[],
): EngineFailures | undefined {
  const previous = observed.classroom.status?.failures;
  if (plan.kind === 'withheld' || plan.engines === undefined) return previous;
  const { rolledOut, replicas } = plan.engines;
  return advanceRecord(previous, {
    specHash: plan.specHash,
    pods: observed.pods,
    rolledOut: engineContainerOf(rolledOut.template.spec),
    isAsWanted: plan.rollout.kind !== 'wait' && plan.rollout.kind !== 'refused',
    readyEngines: countReady(engines),
    wantedEngines: replicas,
    nowMs,
  });
}

interface Reports {
  report: AdapterReport;
  measured: MeasurementReport;
  failures: EngineFailures | undefined;
  nodes: NodesReport | undefined;
  /** How long the last engine took to load. */
  loadSeconds: number | undefined;
  opening: OpeningReport;
}

function conditionDrafts(
  input: StatusInput,
  engines: readonly EngineStatus[],
  gpus: GpuAvailability | undefined,
  { report, measured, failures, nodes, loadSeconds, opening }: Reports,
): ConditionDraft[] {
  const { observed, plan } = input;
  const specValid = specValidCondition(plan);
  const childrenApplied = childrenAppliedCondition(input);
  const enginesReady = enginesReadyCondition(input, engines, gpus, { failures, loadSeconds });
  const fits =
    plan.kind === 'withheld' || plan.planning === undefined
      ? unknown(TYPES.fits, CORRECT_FIRST)
      : fitsCondition(plan.planning, plan.spec);
  const details = [specValid, fits, childrenApplied, enginesReady];
  return [
    readyCondition(details, opening.condition, countReady(engines), observed.seats),
    ...details,
    // Not one of the details: a class that is closed is as it should be.
    opening.condition,
    // Nor this: engines that answer need no more GPUs.
    gpus === undefined ? unknown(TYPES.gpuAvailable, CORRECT_FIRST) : gpuAvailableCondition(gpus),
    // Nor this: a class whose adapters are not loaded serves its model.
    ...(report.condition === undefined ? [] : [report.condition]),
    // Nor this: with less KV cache than planned fewer students are computed at once, and all are served.
    measured.condition,
    // Nor this: engines that answer need no more nodes.
    nodes?.condition ?? unknown(TYPES.nodesPrepared, CORRECT_FIRST),
    rolloutPendingCondition(input, loadSeconds),
    ...boostConditions(input),
    featurePendingCondition(plan),
  ];
}

const CORRECT_FIRST = 'The spec must be corrected first: see the condition SpecValid.';

function enginesReadyCondition(
  { plan, observed }: StatusInput,
  engines: readonly EngineStatus[],
  gpus: GpuAvailability | undefined,
  { failures, loadSeconds: lastLoadSeconds }: Pick<Reports, 'failures' | 'loadSeconds'>,
): ConditionDraft {
  if (plan.kind === 'withheld') return unknown(TYPES.enginesReady, CORRECT_FIRST);
  if (plan.engines === undefined) {
    return unknown(TYPES.enginesReady, 'No engine is started: see the condition Fits.');
  }
  const { resourceName, resourceCount } = resourceOf(plan.engines.rolledOut);
  const { replicas, scaling } = plan.engines;
  const requests = requestsOf(plan.engines.rolledOut);
  const classroom = observed.classroom.metadata.name;
  const wanted = {
    replicas,
    scaling: scaling.reason,
    requests,
    resourceName,
    resourceCount,
    gpus,
    classroom,
    failures,
    lastLoadSeconds,
  };
  return enginesCondition(wanted, engines, observed.deployment);
}

function rolloutPendingCondition(
  { plan, settings }: StatusInput,
  lastLoadSeconds: number | undefined,
): ConditionDraft {
  if (plan.kind === 'withheld' || plan.rollout.kind === 'refused') {
    return unknown(TYPES.rolloutPending, CORRECT_FIRST);
  }
  return rolloutCondition(plan.rollout, {
    idleMs: settings.rolloutIdleMs,
    lastLoadSeconds,
    pausedFor: plan.pause.isPaused ? awaitedOf(plan.leave) : undefined,
  });
}

function awaitedOf(leave: Leave): Awaited | undefined {
  return leave.kind === 'AtOnce' ? undefined : leave.awaited;
}

function specValidCondition(plan: Plan): ConditionDraft {
  const type = TYPES.specValid;
  const refusal = refusalIn(plan);
  if (refusal !== undefined) return { type, status: 'False', ...refusal };
  return { type, status: 'True', reason: REASONS.accepted, message: 'The spec can be acted on.' };
}

function childrenAppliedCondition({ outcome }: StatusInput): ConditionDraft {
  const type = TYPES.childrenApplied;
  if (outcome === undefined) {
    return unknown(type, CORRECT_FIRST);
  }
  const first = outcome.problems[0];
  if (first === undefined) {
    return {
      type,
      status: 'True',
      reason: REASONS.applied,
      message: 'All objects of the class are as wanted.',
    };
  }
  const message = outcome.problems.map(problemMessage).join(' ');
  return { type, status: 'False', reason: problemReason(first), message };
}

function problemReason(problem: ChildProblem): string {
  switch (problem.kind) {
    case 'conflict':
      return REASONS.nameConflict;
    case 'leftover':
      return REASONS.awaitingDeletion;
    case 'refused':
      return REASONS.applyRefused;
  }
}

/** What, why, what next. */
function problemMessage({ kind, child, detail }: ChildProblem): string {
  switch (kind) {
    case 'conflict':
      return `${child} exists and does not belong to this class, so it was left alone and the engines were not changed. Rename or delete it, or give the class another name.`;
    case 'leftover':
      return `${child} belongs to an earlier class of this name and is still being deleted; it is made anew as soon as it is gone.`;
    case 'refused':
      return `The API server refused ${child}: ${detail}. Correct the spec, or give the operator the right that is missing; it tries again by itself.`;
  }
}

/** By the spec as it is: a gateway goes by the boost also while something else in it cannot be acted on. */
function boostConditions({ observed, nowMs }: StatusInput): ConditionDraft[] {
  const { access, boost, schedule } = observed.classroom.spec;
  const timeZone = knownTimeZone(schedule?.timeZone);
  const boosted = { boost, whose: 'all students', isExam: access === 'Exam', timeZone };
  const condition = boostedCondition(boosted, nowMs);
  return condition === undefined ? [] : [condition];
}

function featurePendingCondition(plan: Plan): ConditionDraft {
  const type = TYPES.featurePending;
  if (plan.kind === 'withheld') {
    return unknown(type, CORRECT_FIRST);
  }
  const fields = pendingFeatures(plan.spec);
  if (fields.length === 0) {
    return {
      type,
      status: 'False',
      reason: REASONS.allFieldsActive,
      message: 'Every field that is set is acted on.',
    };
  }
  return {
    type,
    status: 'True',
    reason: REASONS.fieldsIgnored,
    message: `This version accepts these fields and does not act on them yet: ${fields.join(', ')}. Do not rely on them; the release notes say when they take effect.`,
  };
}

/** The summary: the first thing that is not as wanted, that the class is closed, or who can work. */
function readyCondition(
  details: readonly ConditionDraft[],
  open: ConditionDraft,
  readyEngines: number,
  seats: readonly StudentQuota[],
): ConditionDraft {
  const type = TYPES.ready;
  const first = details.find((condition) => condition.status === 'False');
  const engines = details.find((condition) => condition.type === TYPES.enginesReady);
  if (open.status === 'False' && (first === undefined || comesByItself(first))) {
    const more = engines?.reason === REASONS.closed ? [] : [engines?.message ?? ''];
    return { type, status: 'False', reason: REASONS.closed, message: [open.message, ...more].join(' ') };
  }
  if (first === undefined) {
    const message = `${(engines?.message ?? '').replace(/\.$/, '')}; ${studentsClause(seats)}.`;
    const reason = engines?.reason === REASONS.asleep ? REASONS.asleep : REASONS.serving;
    return { type, status: 'True', reason, message };
  }
  const partly = first.type === TYPES.enginesReady && readyEngines > 0;
  return {
    type,
    status: 'False',
    reason: partly ? REASONS.partlyServing : first.reason,
    message: first.message,
  };
}

/** Engines that warm up for a session, or end after one. */
function comesByItself({ type, reason }: ConditionDraft): boolean {
  const steps: readonly string[] = [
    REASONS.awaitingTurn,
    REASONS.scheduling,
    REASONS.loading,
    REASONS.stopping,
  ];
  return type === TYPES.enginesReady && steps.includes(reason);
}

function studentsClause(seats: readonly StudentQuota[]): string {
  const withKey = seats.filter(
    (seat) => findCondition(seat.status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued)?.status === 'True',
  ).length;
  if (seats.length === 0) return 'no student is enrolled yet: enrol some with kubectl classroom enroll';
  if (seats.length === 1) return withKey === 1 ? '1 student has a key' : '1 student has no key yet';
  return withKey === seats.length
    ? `${withKey} students have keys`
    : `${withKey} of ${seats.length} students have keys`;
}

function unknown(type: string, message: string): ConditionDraft {
  return { type, status: 'Unknown', reason: REASONS.withheld, message };
}

function countReady(engines: readonly EngineStatus[]): number {
  return engines.filter((engine) => engine.state === 'Ready').length;
}

function latest(times: readonly (string | undefined)[]): string | undefined {
  return times
    .filter((time) => time !== undefined)
    .toSorted((a, b) => Date.parse(a) - Date.parse(b))
    .at(-1);
}
