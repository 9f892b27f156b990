import type { Classroom } from '../../api/classroom.ts';
import { planInputOf } from '../../classroom/plan-input.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { gpuPlacement } from '../../gpu/nodes/placement.ts';
import { slotFromNodes } from '../../gpu/nodes/plan-slot.ts';
import type { EnginePlan } from '../../gpu/plan-types.ts';
import { planEngine } from '../../gpu/planner/plan.ts';

/** The most engines that a class may have. */
const MAX_ENGINES = 64;

/**
 * The plan that the operator will make of a class, from what nodes and spec say; undefined where neither tells the GPU or
 * the model, which is the operator's to find out.
 *
 * @param students undefined: nobody said how many
 */
export function planClass(
  { spec }: Pick<Classroom, 'spec'>,
  observed: GpuObservation,
  students: number | undefined,
): EnginePlan | undefined {
  const input = planInputOf(spec);
  const { slot } = gpuPlacement(spec.gpu, observed);
  const plan = planEngine({
    ...input,
    slot: { ...input.slot, ...slotFromNodes(slot) },
    students,
    replicas: { min: 1, max: MAX_ENGINES },
  });
  return plan.code === 'UnknownGpu' || plan.code === 'UnknownModel' ? undefined : plan;
}
