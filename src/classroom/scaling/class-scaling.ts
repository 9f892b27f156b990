import type { Classroom, ClassroomSpec } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS } from '../../api/reasons.ts';
import { type EngineHours, engineHours } from '../../timetable/engine-hours.ts';
import { timetableInputOf } from '../../timetable/open-until.ts';
import { type Opening, openingOf } from '../../timetable/opening.ts';
import { replicasFor } from '../engine-settings.ts';
import { startupSeconds } from '../failures/symptom.ts';
import type { ObservedClass } from '../observe.ts';
import { demandOf } from './demand.ts';
import { engineLoad } from './engine-load.ts';
import { type Scaling, scaleEngines } from './wanted-engines.ts';

/** A class by its timetable, at one moment. */
export interface ClassHours {
  readonly opening: Opening;
  readonly engines: EngineHours;
}

/**
 * When the class is open and its engines up.
 *
 * @param classroom with its defaults filled in
 */
export function classHours(classroom: Classroom, nowMs: number): ClassHours {
  const { spec, status } = classroom;
  const input = timetableInputOf(classroom);
  return {
    opening: openingOf(input, nowMs),
    engines: engineHours(input, nowMs, (status?.lastLoadSeconds ?? 0) * loadsInTurn(spec)),
  };
}

/** Engines that share a GPU start one after another: the last of them is there after as many loads. */
function loadsInTurn({ gpu, engine }: ClassroomSpec): number {
  return gpu.sharing === 'TimeSliced' ? engine.replicas.max : 1;
}

/** As `warmUpMinutes` says, or as long as an engine may take to load before it is given up. */
function longestLeadMs(spec: ClassroomSpec, pods: ObservedClass['pods']): number {
  const longestLoadSeconds = Math.max(0, ...pods.map((pod) => startupSeconds(pod) ?? 0));
  const warmUpSeconds = (spec.schedule?.warmUpMinutes ?? 0) * 60;
  return Math.max(warmUpSeconds, longestLoadSeconds * loadsInTurn(spec)) * 1000;
}

/** What scaling looks at of a class. */
interface ScalingContext {
  readonly observed: Pick<ObservedClass, 'deployment' | 'pods' | 'watched' | 'demandLeases' | 'needHistory'>;
  /** With its defaults filled in. */
  readonly classroom: Classroom;
  /** Students who may work now. */
  readonly activeSeats: number;
  readonly hours: ClassHours;
  readonly nowMs: number;
}

/**
 * How many engines a class has now that carry so many students each.
 *
 * @param studentsPerReplica undefined: nobody knows; then as many engines as run are enough, and at least one
 */
export function classScaling(
  { observed, classroom: { spec, status }, activeSeats, hours, nowMs }: ScalingContext,
  studentsPerReplica: number | undefined,
): Scaling {
  const current = observed.deployment?.spec?.replicas;
  return scaleEngines({
    spec,
    enough: enoughFor(activeSeats, studentsPerReplica, { current, bounds: spec.engine.replicas }),
    studentsPerReplica,
    current,
    opening: hours.opening,
    hours: hours.engines,
    openingChangedMs: openingChangedMs(status, hours.opening, nowMs),
    youngestMadeMs: youngestMadeMs(observed.pods),
    longestLeadMs: longestLeadMs(spec, observed.pods),
    load: engineLoad(observed.pods, observed.watched),
    demand: demandOf(observed.demandLeases, nowMs),
    history: observed.needHistory,
    nowMs,
  });
}

function enoughFor(
  activeSeats: number,
  studentsPerReplica: number | undefined,
  { current = 0, bounds }: { current: number | undefined; bounds: Classroom['spec']['engine']['replicas'] },
): number {
  if (studentsPerReplica !== undefined) return replicasFor(activeSeats, studentsPerReplica, bounds);
  return Math.min(bounds.max, Math.max(bounds.min, activeSeats === 0 ? 0 : Math.max(1, current)));
}

/** As the status says; what it does not say yet has just happened. */
function openingChangedMs(status: Classroom['status'], { isOpen }: Opening, nowMs: number): number {
  const open = findCondition(status?.conditions, CLASSROOM_CONDITIONS.open);
  return open?.status === (isOpen ? 'True' : 'False') ? Date.parse(open.lastTransitionTime) : nowMs;
}

function youngestMadeMs(pods: ObservedClass['pods']): number | undefined {
  const made = pods
    .map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? ''))
    .filter((madeMs) => !Number.isNaN(madeMs));
  return made.length === 0 ? undefined : Math.max(...made);
}
