import { parseQuantity } from '../../kube/quantity.ts';
import { normalProfile } from '../hardware/mig-profiles.ts';
import { GPU_LABELS, type Labels, parseProduct, wholeNumber } from './gpu-labels.ts';

/**
 * What one unit of a resource is. `Unlabelled`: nothing says; `Unclear`: the labels contradict what is advertised
 * (GPUs of several products, or sharing that feature discovery does not know of), so nothing they say holds for all.
 */
export type SlotKind = 'WholeGPU' | 'MIGSlice' | 'TimeSlice' | 'MPSShare' | 'Unlabelled' | 'Unclear';

/** The units of one extended resource of one node: what engines ask for, one each. */
export interface GpuSlots {
  resourceName: string;
  kind: SlotKind;
  /** Of a MIG slice, also of one that is time-sliced: `1g.10gb`. */
  migProfile: string | undefined;
  /** Pods that one GPU or MIG slice is offered to; 1: not shared. Undefined: not known. */
  sharedBy: number | undefined;
  /** Memory of the GPU or MIG slice as its label says it, before pods share it. */
  deviceMemoryMiB: number | undefined;
  /** The part of it that one slot has. Nothing enforces it between time-slices. */
  slotMemoryMiB: number | undefined;
  /** Units that there are, and those of them that are healthy. */
  capacity: number;
  allocatable: number;
}

/** `nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`, either with `.shared`. */
const NVIDIA_RESOURCE = /^nvidia\.com\/(?:gpu|mig-(?<profile>.+?))(?<shared>\.shared)?$/;

/** Whether nodes and pods are looked at for this resource: NVIDIA's, and others that call themselves GPUs. */
export function isFollowedResource(name: string): boolean {
  return name.startsWith('nvidia.com/') || /gpu/i.test(name);
}

type Quantities = Readonly<Record<string, unknown>>;

/**
 * The slots of a node, by resource name. Read from what the device plugin advertises; the labels only say what it is.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin `internal/lm/{resource,mig-strategy}.go`: where the labels come from
 */
export function gpuSlots(labels: Labels, capacity: Quantities, allocatable: Quantities): GpuSlots[] {
  return Object.keys(capacity)
    .filter((name) => isFollowedResource(name) && units(capacity, name) > 0)
    .sort()
    .map((name) => slotsOf(name, labels, units(capacity, name), units(allocatable, name)));
}

function units(quantities: Quantities, name: string): number {
  return Math.floor(parseQuantity(quantities[name]) ?? 0);
}

function slotsOf(resourceName: string, labels: Labels, capacity: number, allocatable: number): GpuSlots {
  const counts = { resourceName, capacity, allocatable };
  const groups = NVIDIA_RESOURCE.exec(resourceName)?.groups;
  if (groups === undefined) return { ...counts, ...unlabelled(undefined, false) };
  const { profile, shared } = groups;
  const figures = figuresOf(profile === undefined ? 'nvidia.com/gpu' : `nvidia.com/mig-${profile}`, labels);
  const migProfile = profile === undefined ? figures.migProfile : normalProfile(profile);
  if (!figures.labelled) return { ...counts, ...unlabelled(migProfile, shared !== undefined) };
  return { ...counts, ...labelled(figures, migProfile, shared !== undefined, capacity) };
}

type SlotNature = Omit<GpuSlots, 'resourceName' | 'capacity' | 'allocatable'>;

/** What the labels of one kind of device say, taken as they are. */
interface Figures {
  labelled: boolean;
  /** Physical GPUs, also where pods share them; MIG slices. */
  count: number | undefined;
  /** Slots that each of them is cut into by sharing. */
  replicas: number;
  strategy: string | undefined;
  memoryMiB: number | undefined;
  migProfile: string | undefined;
  migInvalid: boolean;
  saysShared: boolean;
}

function figuresOf(prefix: string, labels: Labels): Figures {
  const product = labels[`${prefix}.product`];
  const name = product === undefined ? undefined : parseProduct(product);
  const memoryMiB = wholeNumber(labels, `${prefix}.memory`);
  return {
    labelled: name !== undefined || memoryMiB !== undefined,
    count: wholeNumber(labels, `${prefix}.count`),
    // 0 means that the GPUs are cut with MIG, or that the labels are void: not that there is no slot.
    replicas: wholeNumber(labels, `${prefix}.replicas`) || 1,
    strategy: labels[`${prefix}.sharing-strategy`],
    memoryMiB: memoryMiB || undefined,
    migProfile: name?.migProfile,
    migInvalid: name?.migInvalid ?? false,
    saysShared: name?.shared ?? false,
  };
}

function labelled(
  figures: Figures,
  migProfile: string | undefined,
  renamed: boolean,
  capacity: number,
): SlotNature {
  const sharedBy = sharing(figures, renamed, capacity);
  if (figures.migInvalid || sharedBy === undefined) return unclear(migProfile);
  const memoryMiB = figures.memoryMiB;
  return {
    kind: kindOf(figures, migProfile, sharedBy),
    migProfile,
    sharedBy,
    deviceMemoryMiB: memoryMiB,
    slotMemoryMiB: memoryMiB === undefined ? undefined : Math.floor(memoryMiB / sharedBy),
  };
}

function kindOf({ strategy }: Figures, migProfile: string | undefined, sharedBy: number): SlotKind {
  if (sharedBy > 1) return strategy === 'mps' ? 'MPSShare' : 'TimeSlice';
  return migProfile === undefined ? 'WholeGPU' : 'MIGSlice';
}

/**
 * Pods that share a device; undefined where labels and capacity contradict each other. A feature discovery that was
 * not given the device plugin's config says 1 while `.shared` is advertised: then the capacity tells.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin/issues/732
 */
function sharing(figures: Figures, renamed: boolean, capacity: number): number | undefined {
  const { count, replicas, strategy, saysShared } = figures;
  const perDevice = count === undefined || count === 0 ? undefined : Math.ceil(capacity / count);
  const isShared = renamed || saysShared || replicas > 1 || strategy === 'time-slicing' || strategy === 'mps';
  if (!isShared) return perDevice === undefined || perDevice <= 1 ? 1 : undefined;
  if (replicas > 1) return perDevice === undefined || perDevice <= replicas ? replicas : undefined;
  return perDevice !== undefined && perDevice > 1 ? perDevice : undefined;
}

/** The name of the resource alone tells MIG slices and renamed time-slices. */
function unlabelled(migProfile: string | undefined, renamed: boolean): SlotNature {
  const kind = renamed ? 'TimeSlice' : migProfile === undefined ? 'Unlabelled' : 'MIGSlice';
  const sharedBy = kind === 'MIGSlice' ? 1 : undefined;
  return { kind, migProfile, sharedBy, deviceMemoryMiB: undefined, slotMemoryMiB: undefined };
}

function unclear(migProfile: string | undefined): SlotNature {
  return {
    kind: 'Unclear',
    migProfile,
    sharedBy: undefined,
    deviceMemoryMiB: undefined,
    slotMemoryMiB: undefined,
  };
}

/** Whether the labels say that the slices of the node cannot pass as GPUs together. */
export function isMigInvalid(labels: Labels): boolean {
  const product = labels[GPU_LABELS.product];
  return product !== undefined && parseProduct(product).migInvalid;
}
