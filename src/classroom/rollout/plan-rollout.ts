import type { Classroom } from '../../api/classroom.ts';
import type { MemoryStep } from '../../api/engine-failures.ts';
import { servedNameOf } from '../../api/model.ts';
import { type GpuPlacement, gpuPlacement } from '../../gpu/nodes/placement.ts';
import { enginePodTemplate } from '../children/engine-pod.ts';
import { type EnginePlanning, planEngines, planStatusOf } from '../engine-settings.ts';
import { lowerPlanning } from '../failures/lower-planning.ts';
import type { ObservedClass } from '../observe.ts';
import type { Refusal } from '../refusal.ts';
import { type ClassHours, classScaling } from '../scaling/class-scaling.ts';
import type { Scaling } from '../scaling/wanted-engines.ts';
import { rememberedSlot, slotKnowledge } from '../slot.ts';
import { decideRollout, type RolloutDecision } from './decision.ts';
import { type Leave, leaveToReplace } from './leave.ts';
import { NO_PAUSE, type Pause, pauseOf } from './pause.ts';
import { type RolledOut, resourceOf, rolledOutOf } from './rolled-out.ts';

/** Which engines a class wants, and which it has until these may be started. */
export interface PlannedRollout {
  /** Where engines may run. */
  placement: GpuPlacement;
  /** The figures of engines as the spec wants them; undefined: it is refused. */
  planning: EnginePlanning | undefined;
  rollout: RolloutDecision;
  /** The engines that run or are being started, and how many of them there shall be; undefined: none may be started. */
  engines: { rolledOut: RolledOut; replicas: number; scaling: Scaling } | undefined;
  /** When engines that serve may be replaced. */
  leave: Leave;
  /** Whether engines that are being replaced one by one are left as they are for now. */
  pause: Pause;
}

export interface RolloutContext {
  observed: ObservedClass;
  /** With its defaults filled in. */
  classroom: Classroom;
  /** Why the spec cannot be acted on; undefined: it can. */
  refusal: Refusal | undefined;
  /** Students who may work now. */
  activeSeats: number;
  /** What was lowered since engines ran out of GPU memory. */
  steps: readonly MemoryStep[];
  idleMs: number;
  hours: ClassHours;
  nowMs: number;
}

/** Plans the engines of the spec, and decides whether they are started now or those that run stay. Pure. */
export function planRollout(context: RolloutContext): PlannedRollout {
  const { observed, classroom, refusal, steps } = context;
  const { spec } = classroom;
  const leave = leaveOf(context);
  const rolledOut = rolledOutOf(classroom, observed.deployment);
  const placement = gpuPlacement(spec.gpu, observed.gpus, rolledOut && resourceOf(rolledOut).resourceName);
  const asBefore = () => ({
    placement,
    engines: rolledOut && countedEngines(rolledOut, context),
    leave,
    pause: decidePause(context, leave, rolledOut),
  });
  if (refusal !== undefined) {
    return { ...asBefore(), planning: undefined, rollout: { kind: 'refused', refusal } };
  }
  const slot = slotKnowledge(spec.gpu, placement, rolledOut?.slot);
  const planning = lowerPlanning(planEngines(spec, slot, placement.resourceName), steps);
  if (planning.kind === 'unfit') {
    return { ...asBefore(), planning, rollout: { kind: 'unfit', runs: rolledOut !== undefined } };
  }
  const wanted: Omit<RolledOut, 'strategy'> = {
    template: enginePodTemplate(classroom.metadata.name, spec, planning.settings),
    servedName: servedNameOf(spec.model),
    plan: planStatusOf(planning),
    slot: rememberedSlot(spec.gpu, placement.slot) ?? rolledOut?.slot,
  };
  const rollout = decide(context, leave, rolledOut, wanted);
  const inForce = engineInForce(rollout, wanted, rolledOut);
  const pause = rollout.kind === 'now' ? NO_PAUSE : decidePause(context, leave, inForce);
  return { placement, planning, rollout, engines: countedEngines(inForce, context), leave, pause };
}

function leaveOf({ classroom: { spec, status }, hours, idleMs, nowMs }: RolloutContext): Leave {
  const loadMs = (status?.lastLoadSeconds ?? 0) * 1000;
  return leaveToReplace({ spec, opening: hours.opening, idleMs, loadMs, nowMs });
}

function decidePause(
  { observed, nowMs }: RolloutContext,
  leave: Leave,
  rolledOut: RolledOut | undefined,
): Pause {
  if (rolledOut === undefined) return NO_PAUSE;
  const { deployment, pods, activity } = observed;
  return pauseOf({ leave, rolledOut, deployment, pods, activity, nowMs });
}

function decide(
  context: RolloutContext,
  leave: Leave,
  rolledOut: RolledOut | undefined,
  wanted: Omit<RolledOut, 'strategy'>,
): RolloutDecision {
  const { pods, activity } = context.observed;
  return decideRollout({
    leave,
    rolledOut,
    wanted: wanted.template,
    replicas: classScaling(context, wanted.plan?.studentsPerReplica).replicas,
    pods,
    activity,
    nowMs: context.nowMs,
  });
}

/** As many as the class needs now of engines that carry as many students as these do. */
function countedEngines(
  rolledOut: RolledOut,
  context: RolloutContext,
): NonNullable<PlannedRollout['engines']> {
  const scaling = classScaling(context, rolledOut.plan?.studentsPerReplica);
  return { rolledOut, replicas: scaling.replicas, scaling };
}

/** What was planned for the same pods may be said in other words; pods that wait are not said to run. */
function engineInForce(
  rollout: RolloutDecision,
  wanted: Omit<RolledOut, 'strategy'>,
  rolledOut: RolledOut | undefined,
): RolledOut {
  if (rollout.kind === 'now') return { ...wanted, strategy: rollout.strategy };
  if (rolledOut === undefined) throw new Error('nothing runs that a rollout could wait for');
  return rollout.kind === 'current' ? { ...wanted, strategy: rolledOut.strategy } : rolledOut;
}
