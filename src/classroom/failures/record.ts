import type { EngineFailures, MemoryStep } from '../../api/engine-failures.ts';
import { ENGINE_FAILURE_REASONS } from '../../api/reasons.ts';
import { instantOf } from '../../kube/instant.ts';
import type { Pod } from '../../kube/resources.ts';
import { engineContainerOf, engineContainerStatus, serves } from '../engine-container.ts';
import { FAILURES } from './catalogue.ts';
import { describeExhausted, describeFailure } from './describe.ts';
import { type Diagnosis, diagnose } from './diagnose.ts';
import { figuresOf, honours, nextStep } from './ladder.ts';
import { endSymptom, lastTermination, type Termination } from './symptom.ts';

/** Equal starts that fail for ever: one may be chance, two are not. */
const STARTS_FOR_SPEC = 2;
/** Starts that somebody else may mend: the kubelet's back-off has then given them about ten minutes. */
const STARTS_FOR_OUTSIDE = 5;
/** After a rest one start tells enough. */
const STARTS_AFTER_RETRY = 1;
const FIRST_REST_MS = 15 * 60_000;
const LONGEST_REST_MS = 2 * 60 * 60_000;

/** What advancing the record looks at. */
export interface RecordInput {
  /** See {@link specHash}. */
  specHash: string;
  pods: readonly Pod[];
  /** The container of the engines as it is rolled out: the ends of engines that ran otherwise do not count. */
  rolledOut: RolledOutContainer | undefined;
  /** Whether that is what the spec wants: while a change waits, ends say nothing of what it changes to. */
  isAsWanted: boolean;
  /** Engines that answer. */
  readyEngines: number;
  /** Engines wanted. */
  wantedEngines: number;
  nowMs: number;
}

export interface RolledOutContainer {
  image?: string | undefined;
  args?: readonly string[] | undefined;
}

/**
 * What is to be remembered of engines that fail, after this look at them. Pure.
 *
 * The record is written to the status first and acted on in the pass after: so an operator that is killed at any
 * moment finds either no step or all that follows from it. It says the same again while nothing happens.
 */
export function advanceRecord(
  previous: EngineFailures | undefined,
  input: RecordInput,
): EngineFailures | undefined {
  const record = previous?.specHash === input.specHash ? previous : freshRecord(input.specHash, previous);
  const released = release(record, input.nowMs);
  if (released.held !== undefined) return released;
  const ends = visibleEnds(input);
  let next = released;
  for (const end of ends.filter((one) => !wasCounted(released, one))) {
    // What ended beside the one that led to a step ran with the settings before it.
    const isDecided = next.held !== undefined || next.memorySteps !== released.memorySteps;
    next = isDecided || !input.isAsWanted ? { ...next, lastEnd: end.key } : withEnd(next, end, input);
  }
  return settled(next, ends, input);
}

/** Whether engines are to be kept from starting, by a record that was written before. */
export function isHeld(
  record: EngineFailures | undefined,
  { specHash, nowMs }: Pick<RecordInput, 'specHash' | 'nowMs'>,
): boolean {
  if (record?.specHash !== specHash || record.held === undefined) return false;
  return !isOver(record.held, nowMs);
}

/** Steps down that hold for this spec. */
export function stepsFor(record: EngineFailures | undefined, specHash: string): readonly MemoryStep[] {
  return record?.specHash === specHash ? record.memorySteps : [];
}

/** When engines that are held are started again (epoch ms); undefined: time does not change anything. */
export function retryAtMs(record: EngineFailures | undefined): number | undefined {
  const retryTime = record?.held?.retryTime;
  return retryTime === undefined ? undefined : Date.parse(retryTime);
}

/** Ends from before the change say nothing of the new spec. */
function freshRecord(specHash: string, previous: EngineFailures | undefined): EngineFailures {
  const { lastEnd } = previous ?? {};
  return { specHash, memorySteps: [], count: 0, retries: 0, ...(lastEnd === undefined ? {} : { lastEnd }) };
}

function release(record: EngineFailures, nowMs: number): EngineFailures {
  const { held, ...rest } = record;
  return held === undefined || !isOver(held, nowMs)
    ? record
    : { ...rest, count: 0, retries: record.retries + 1 };
}

function isOver({ retryTime }: NonNullable<EngineFailures['held']>, nowMs: number): boolean {
  return retryTime !== undefined && Date.parse(retryTime) <= nowMs;
}

/** How a container ended, and in which pod. */
interface EngineEnd {
  /** Sorts by time. */
  key: string;
  diagnosis: Diagnosis;
  args: readonly string[];
}

/** Ends that can be seen of engines that ran as they are rolled out now; the oldest first. */
function visibleEnds({ pods, rolledOut }: RecordInput): EngineEnd[] {
  if (rolledOut === undefined) return [];
  return pods
    .flatMap((pod) => {
      const end = ownEnd(pod);
      return end !== undefined && runsAs(pod, rolledOut) ? [engineEnd(pod, end)] : [];
    })
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

/**
 * How its engine ended last by itself. In a pod that is being deleted it was told to end, and is killed when it takes
 * longer than it may: that is no failure.
 */
function ownEnd(pod: Pod): Termination | undefined {
  if (pod.metadata.deletionTimestamp === undefined) return lastTermination(pod);
  return engineContainerStatus(pod)?.lastState?.terminated;
}

function wasCounted({ lastEnd }: EngineFailures, { key }: EngineEnd): boolean {
  return lastEnd !== undefined && key <= lastEnd;
}

function engineEnd(pod: Pod, end: Termination): EngineEnd {
  return {
    key: `${end.finishedAt ?? ''} ${pod.metadata.name}`,
    diagnosis: diagnose(endSymptom(pod, end)),
    args: engineContainerOf(pod.spec)?.args ?? [],
  };
}

function runsAs(pod: Pod, rolledOut: RolledOutContainer): boolean {
  const container = engineContainerOf(pod.spec);
  const args = (words: readonly string[] | undefined) => JSON.stringify(words ?? []);
  return container?.image === rolledOut.image && args(container?.args) === args(rolledOut.args);
}

function withEnd(record: EngineFailures, end: EngineEnd, input: RecordInput): EngineFailures {
  const { diagnosis, key } = end;
  const { reason } = diagnosis;
  const counted: EngineFailures = {
    ...record,
    reason,
    message: describeFailure(diagnosis),
    count: record.reason === reason ? record.count + 1 : 1,
    lastEnd: key,
  };
  switch (FAILURES[reason].cure) {
    case 'Lowering':
      return withStep(counted, end, input);
    case 'Spec':
      return hasStarted(counted, STARTS_FOR_SPEC, input) ? hold(counted, input, undefined) : counted;
    case 'Outside': {
      const starts = record.retries === 0 ? STARTS_FOR_OUTSIDE : STARTS_AFTER_RETRY;
      return hasStarted(counted, starts, input) ? hold(counted, input, restMs(record.retries)) : counted;
    }
    case 'Itself':
      return counted;
  }
}

/**
 * A step down. None where a step before it has not reached this engine yet; and none where other engines answer with
 * these very settings: one that could not start beside them met something else on its GPU.
 */
function withStep(
  record: EngineFailures,
  { diagnosis, args }: EngineEnd,
  input: RecordInput,
): EngineFailures {
  const figures = figuresOf(args);
  if (figures !== undefined && !honours(figures, record.memorySteps)) return record;
  if (isServing(input) && diagnosis.reason !== ENGINE_FAILURE_REASONS.outOfGPUMemory) return record;
  const step = figures === undefined ? undefined : nextStep(diagnosis, figures, record.memorySteps);
  if (step === undefined) {
    return hold({ ...record, message: describeExhausted(diagnosis) }, input, undefined);
  }
  return { ...record, memorySteps: [...record.memorySteps, { ...step, time: instantOf(input.nowMs) }] };
}

/** Whether so many starts of each engine have ended for this reason. */
function hasStarted({ count }: EngineFailures, times: number, { wantedEngines }: RecordInput): boolean {
  return count >= times * Math.max(1, wantedEngines);
}

/** Also by one that misses its probe for a moment: it may be busy. */
function isServing({ readyEngines, pods }: RecordInput): boolean {
  return readyEngines > 0 || pods.some(serves);
}

/** Engines are not stopped while one of them serves: its students would pay for the others. */
function hold(record: EngineFailures, input: RecordInput, forMs: number | undefined): EngineFailures {
  if (isServing(input)) return record;
  const since = instantOf(input.nowMs);
  if (forMs === undefined) return { ...record, held: { since } };
  return { ...record, held: { since, retryTime: instantOf(input.nowMs + forMs) } };
}

function restMs(retries: number): number {
  return Math.min(LONGEST_REST_MS, FIRST_REST_MS * 2 ** Math.min(retries, 10));
}

/**
 * Where all engines answer, what was counted is over. What was lowered stays lowered, and an end stays counted for as
 * long as its pod tells of it.
 */
function settled(
  record: EngineFailures,
  ends: readonly EngineEnd[],
  input: RecordInput,
): EngineFailures | undefined {
  const { specHash, memorySteps, lastEnd } = record;
  const allAnswer = input.wantedEngines > 0 && input.readyEngines >= input.wantedEngines;
  if (!allAnswer) return lastEnd === undefined && record.retries === 0 ? undefined : record;
  const isTold = ends.some((end) => wasCounted(record, end));
  if (memorySteps.length === 0 && !isTold) return undefined;
  return { specHash, memorySteps, count: 0, retries: 0, ...(lastEnd === undefined ? {} : { lastEnd }) };
}
