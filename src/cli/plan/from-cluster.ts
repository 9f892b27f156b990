import { classGpus } from '../../classroom/gpu-condition.ts';
import { isActive } from '../../classroom/plan.ts';
import type { GpuAvailability } from '../../gpu/nodes/availability-verdict.ts';
import type { GpuNode } from '../../gpu/nodes/gpu-node.ts';
import type { GpuSlots } from '../../gpu/nodes/gpu-slots.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { gpuPlacement } from '../../gpu/nodes/placement.ts';
import { slotFromNodes } from '../../gpu/nodes/plan-slot.ts';
import type { EnginePlan, PlanInput } from '../../gpu/plan-types.ts';
import { planEngine } from '../../gpu/planner/plan.ts';
import { enginePodsOf, findClassroom, seatsOf } from '../cluster/class-objects.ts';
import type { Cluster } from '../cluster/command.ts';
import { observeGpus } from '../cluster/gpus.ts';
import { ifAllowed } from '../cluster/if-allowed.ts';
import { problems } from '../problems.ts';
import type { ClassFile } from './class-file.ts';
import { type PlanFiles, planInput } from './input.ts';
import type { ComparedGpu } from './matrix.ts';
import type { PlanOptions } from './options.ts';

/** A plan, and whether there are GPUs for it now. */
export type PlanOnCluster = EnginePlan & { readonly gpuAvailability: GpuAvailability };

/** The class of the cluster, with the students who may work now. @throws CliError when there is none of that name */
export async function classOfCluster(cluster: Cluster, name: string): Promise<ClassFile> {
  const classroom = await findClassroom(cluster, name);
  const seats = await ifAllowed(seatsOf(cluster, classroom));
  const nowMs = cluster.machine.clock.now();
  return { classroom, students: seats?.filter((seat) => isActive(seat, nowMs)).length || undefined };
}

/** As the operator would plan it: with what the nodes say of their slots, unless flags say which GPU it is. */
export async function planClass(
  options: PlanOptions,
  files: PlanFiles & { readonly classFile: ClassFile },
  cluster: Cluster,
): Promise<PlanOnCluster> {
  const { classroom } = files.classFile;
  const { metadata, spec, status } = classroom;
  const observed = await observeGpus({ ...cluster, namespace: metadata.namespace ?? cluster.namespace });
  const placement = gpuPlacement(spec.gpu, observed, status?.plan?.resourceName);
  const input = planInput(options, files);
  const plan = planEngine(saysWhichGpu(options) ? input : withSlot(input, slotFromNodes(placement.slot)));
  const pods = await enginePodsOf(cluster, classroom);
  const wanted = plan.fits ? plan.replicas : 0;
  return { ...plan, gpuAvailability: inOurWords(classGpus({ classroom, pods }, placement, wanted)) };
}

function saysWhichGpu({ gpu, memoryMib, slicesPerGpu, migProfile, tensorParallel }: PlanOptions): boolean {
  return [gpu, memoryMib, slicesPerGpu, migProfile, tensorParallel].some((flag) => flag !== undefined);
}

function withSlot(input: PlanInput, slot: Partial<PlanInput['slot']>): PlanInput {
  return { ...input, slot: { ...input.slot, ...slot } };
}

/** Here it is not the operator who may not look. */
function inOurWords(found: GpuAvailability): GpuAvailability {
  if (found.reason !== 'NodesNotReadable') return found;
  return { ...found, message: 'You may not read the nodes, so whether a GPU is free is not known here.' };
}

/** Every kind of slot that the nodes offer, once. @throws CliError when there is none, or nodes may not be read */
export async function gpusOfNodes(cluster: Cluster): Promise<ComparedGpu[]> {
  const observed: GpuObservation = await observeGpus(cluster);
  if (observed.kind === 'Unknown') throw problems.nodesNotReadable();
  const slots = observed.nodes.flatMap((node) => node.slots.flatMap((each) => slotOf(node, each) ?? []));
  if (slots.length === 0) throw problems.noGpuOnNodes();
  const different = new Map(slots.map((slot) => [JSON.stringify(slot), slot]));
  return [...different.values()].map((slot) => ({ by: 'Node', slot }));
}

/** Undefined where the node does not say what it is. */
function slotOf(
  { product, computeCapability }: GpuNode,
  { kind, migProfile, sharedBy, deviceMemoryMiB }: GpuSlots,
): PlanInput['slot'] | undefined {
  if (kind === 'Unclear' || kind === 'Unlabelled' || kind === 'MPSShare') return undefined;
  const isShared = sharedBy !== undefined && sharedBy > 1;
  // A time-slice of a MIG slice is nothing that a class can ask for.
  if (isShared && migProfile !== undefined) return undefined;
  return {
    ...(product === undefined ? {} : { gpu: product }),
    ...(deviceMemoryMiB === undefined ? {} : { labelMemoryMiB: deviceMemoryMiB }),
    ...(computeCapability === undefined ? {} : { computeCapability }),
    ...(migProfile === undefined ? {} : { migProfile }),
    ...(isShared ? { slicesPerGPU: sharedBy } : {}),
  };
}
