import type { Classroom } from '../../api/classroom.ts';
import { classGpus } from '../../classroom/gpu-condition.ts';
import type { GpuNode } from '../../gpu/nodes/gpu-node.ts';
import type { GpuSlots } from '../../gpu/nodes/gpu-slots.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { gpuPlacement } from '../../gpu/nodes/placement.ts';
import type { Pod } from '../../kube/resources.ts';
import type { Finding } from './finding.ts';

/** A class and its engines. */
export interface ClassPods {
  readonly classroom: Classroom;
  readonly pods: readonly Pod[];
}

/** What the nodes say of their GPUs, and whether the engines of the class find theirs. Pure. */
export function checkGpus(observed: GpuObservation, of: ClassPods | undefined): Finding[] {
  if (observed.kind === 'Unknown') {
    const what = 'You may not read the nodes, so their GPUs are not known here.';
    return [
      { area: 'GPUs', mark: 'Unknown', what, next: 'The condition GPUAvailable of the class tells it.' },
    ];
  }
  if (observed.nodes.length === 0 && observed.dra.length === 0) {
    return [
      {
        area: 'GPUs',
        mark: 'Bad',
        what: 'No node of this cluster has a GPU that Kubernetes knows of.',
        next: "Add one, or install NVIDIA's device plugin and GPU feature discovery, which the NVIDIA GPU Operator brings.",
      },
    ];
  }
  const alike = Map.groupBy(observed.nodes, (node) => JSON.stringify(nodeFinding(node)));
  const nodes = [...alike.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [named(nodeFinding(first), [first, ...more])],
  );
  return [...nodes, ...(of === undefined ? [] : [classFinding(observed, of)])];
}

type NodeFinding = Omit<Finding, 'area'>;

/** Nodes that are named one by one. */
const NAMED = 3;

function named({ what, ...rest }: NodeFinding, nodes: readonly GpuNode[]): Finding {
  const names = nodes.slice(0, NAMED).map(({ name }) => name);
  const more = nodes.length - names.length;
  const subject = [...names, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  return { area: 'GPUs', what: `${subject}: ${what}`, ...rest };
}

/** What goes for every node like it. */
function nodeFinding(node: GpuNode): NodeFinding {
  const has = node.slots.map((slots) => slotsText(slots, node)).join('; ');
  if (!node.ready)
    return { mark: 'Bad', what: 'the node is not ready.', next: 'See why: kubectl describe node' };
  if (node.slots.length === 0) {
    return {
      mark: 'Bad',
      what: `it has ${node.product ?? 'an NVIDIA GPU'}, and no device plugin offers it.`,
      next: "See whether the pod of NVIDIA's device plugin runs there, and the driver: kubectl get pods -A -o wide | grep nvidia",
    };
  }
  if (node.migInvalid || node.slots.some(({ kind }) => kind === 'Unclear')) {
    return {
      mark: 'Bad',
      what: `${has}. Its labels contradict what it offers.`,
      next: "Let all GPUs of the node be shared alike, and restart NVIDIA's GPU feature discovery.",
    };
  }
  if (node.slots.some(({ capacity, allocatable }) => allocatable < capacity)) {
    return { mark: 'Bad', what: `${has}. Some are not healthy.`, next: 'See why: nvidia-smi on the node' };
  }
  if (
    node.slots.some(({ kind, deviceMemoryMiB }) => kind === 'Unlabelled' || deviceMemoryMiB === undefined)
  ) {
    return {
      mark: 'Bad',
      what: `${has}. No label tells the memory.`,
      next: "Install NVIDIA's GPU feature discovery, or set `gpu.memoryMiB` of the classes.",
    };
  }
  if (node.cordoned) return { mark: 'Note', what: `${has}. It is cordoned: no engine starts there.` };
  return { mark: 'Good', what: `${has}.` };
}

const KINDS: Readonly<Record<GpuSlots['kind'], string>> = {
  WholeGPU: 'whole GPUs',
  MIGSlice: 'MIG slices',
  TimeSlice: 'time-slices',
  MPSShare: 'MPS shares',
  Unlabelled: 'GPUs without labels',
  Unclear: 'slots of an unclear kind',
};

/** `4 × nvidia.com/gpu of NVIDIA-A10: time-slices, 5757 MiB each`. */
function slotsText(
  { resourceName, kind, allocatable, slotMemoryMiB, migProfile }: GpuSlots,
  node: GpuNode,
): string {
  const memory = slotMemoryMiB === undefined ? '' : `, ${slotMemoryMiB} MiB each`;
  const profile = migProfile === undefined ? '' : ` ${migProfile}`;
  const product = node.product === undefined ? '' : ` of ${node.product}`;
  return `${allocatable} × ${resourceName}${product}: ${KINDS[kind]}${profile}${memory}`;
}

/** As the operator says it in the condition GPUAvailable, now. */
function classFinding(observed: GpuObservation, { classroom, pods }: ClassPods): Finding {
  const { spec, status } = classroom;
  const placement = gpuPlacement(spec.gpu, observed, status?.plan?.resourceName);
  const verdict = classGpus({ classroom, pods }, placement, status?.replicas ?? 0);
  const mark = verdict.status === 'True' ? 'Good' : verdict.status === 'False' ? 'Bad' : 'Unknown';
  return { area: 'GPUs', mark, what: verdict.message };
}
