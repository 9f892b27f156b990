import type { Classroom } from '../../api/classroom.ts';
import { planInputOf } from '../../classroom/plan-input.ts';
import { gpuAvailability } from '../../gpu/nodes/availability-verdict.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { gpuPlacement } from '../../gpu/nodes/placement.ts';
import { slotFromNodes } from '../../gpu/nodes/plan-slot.ts';
import type { EnginePlan } from '../../gpu/plan-types.ts';
import { planEngine } from '../../gpu/planner/plan.ts';

/** The most engines that a class may have. */
const MAX_ENGINES = 64;

/** What becomes of a class, as far as it can be told before it is made. */
export interface ClassPlan {
  /** Undefined: neither nodes nor spec tell the GPU or the model, which is the operator's to find out. */
  readonly plan: EnginePlan | undefined;
  /** Engines for the students; 1 where nobody said how many there will be. */
  readonly engines: number;
  /** Why the cluster has no GPUs for them all now; undefined where it has, or where that is not known. */
  readonly shortage: string | undefined;
}

/**
 * Plans a class as the operator will, from what nodes and spec say.
 *
 * @param students undefined: nobody said how many
 */
export function planClass(
  { metadata, spec }: Pick<Classroom, 'metadata' | 'spec'>,
  observed: GpuObservation,
  students: number | undefined,
): ClassPlan {
  const placement = gpuPlacement(spec.gpu, observed);
  const input = planInputOf(spec);
  const answer = planEngine({
    ...input,
    slot: { ...input.slot, ...slotFromNodes(placement.slot) },
    students,
    replicas: { min: 1, max: MAX_ENGINES },
  });
  const isUnknown = answer.code === 'UnknownGpu' || answer.code === 'UnknownModel';
  const plan = isUnknown ? undefined : answer;
  const engines = students === undefined ? 1 : (plan?.replicas ?? 1);
  const { name: classroom, namespace = '' } = metadata;
  const gpus = gpuAvailability(placement, { namespace, classroom, wanted: engines, engines: [] });
  return { plan, engines, shortage: gpus.status === 'False' ? gpus.message : undefined };
}

/** The same for people, a line each. */
export function planLines({ plan, engines, shortage }: ClassPlan, students: number | undefined): string[] {
  const unknown =
    'Not planned here, for the memory of the GPU or the size of the model is not known: the operator says in the status whether it fits.';
  const forStudents = `Planned: up to ${engines} ${engines === 1 ? 'engine' : 'engines'} for ${students} students.`;
  const worthKnowing = [...(plan?.warnings.map(({ message }) => message) ?? []), shortage];
  return [
    plan?.reason ?? unknown,
    ...(students === undefined || plan === undefined ? [] : [forStudents]),
    ...worthKnowing.flatMap((text) => (text === undefined ? [] : [`Worth knowing: ${text}`])),
  ];
}
