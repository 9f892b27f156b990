import { API_GROUP } from '../../api/group.ts';
import { PREPARATION_ANNOTATION } from '../../api/node-preparation.ts';
import { isReady } from '../../kube/readiness.ts';
import type { Node } from '../../kube/resources.ts';
import {
  computeCapability,
  driverVersion,
  GPU_LABELS,
  hasGpuHardware,
  type Labels,
  parseProduct,
} from './gpu-labels.ts';
import { type GpuSlots, gpuSlots, isMigInvalid } from './gpu-slots.ts';

/** A taint of a node, without its time. */
export interface Taint {
  key: string;
  value: string;
  effect: string;
}

/** What of a node with GPUs matters to classes. Nothing in it changes with a heartbeat. */
export interface GpuNode {
  name: string;
  /** All but those that only tell the time. */
  labels: Labels;
  /** Those of this product. */
  annotations: Labels;
  taints: readonly Taint[];
  /** Somebody keeps new pods away: `kubectl cordon`. */
  cordoned: boolean;
  ready: boolean;
  /** The GPU itself, without how it is shared; undefined where nothing says. */
  product: string | undefined;
  family: string | undefined;
  /** `8.6`. */
  computeCapability: string | undefined;
  driverVersion: string | undefined;
  migCapable: boolean;
  migStrategy: 'none' | 'single' | 'mixed';
  /** Slices that cannot pass as GPUs together: under the strategy `single` all must be alike. */
  migInvalid: boolean;
  migConfig: string | undefined;
  /** pending, rebooting, success, failed. */
  migConfigState: string | undefined;
  /** The node itself is a virtual machine with a part of a GPU. */
  vgpu: boolean;
  /** By resource name; empty where the device plugin advertises nothing. */
  slots: readonly GpuSlots[];
}

/**
 * Reads a node; undefined when it neither has nor claims to have a GPU. One that the operator prepares stays in sight
 * whatever it says meanwhile: while its GPUs are cut nobody may advertise or label them.
 */
export function readGpuNode(node: Node): GpuNode | undefined {
  const { [GPU_LABELS.timestamp]: _, ...labels } = node.metadata.labels ?? {};
  const slots = gpuSlots(labels, node.status?.capacity ?? {}, node.status?.allocatable ?? {});
  const annotations = ownAnnotations(node);
  const isInHand = annotations[PREPARATION_ANNOTATION] !== undefined;
  if (slots.length === 0 && !hasGpuHardware(labels) && !isInHand) return undefined;
  const product = labels[GPU_LABELS.product];
  return {
    name: node.metadata.name,
    labels,
    annotations,
    taints: (node.spec?.taints ?? []).map(({ key, value = '', effect }) => ({ key, value, effect })),
    cordoned: node.spec?.unschedulable === true,
    ready: isReady(node),
    product: product === undefined ? undefined : parseProduct(product).gpu,
    family: labels[GPU_LABELS.family],
    computeCapability: computeCapability(labels),
    driverVersion: driverVersion(labels),
    migCapable: labels[GPU_LABELS.migCapable] === 'true',
    migStrategy: migStrategy(labels),
    migInvalid: isMigInvalid(labels),
    migConfig: labels[GPU_LABELS.migConfig],
    migConfigState: labels[GPU_LABELS.migConfigState],
    vgpu: labels[GPU_LABELS.vgpuPresent] === 'true',
    slots,
  };
}

function ownAnnotations({ metadata }: Node): Labels {
  return Object.fromEntries(
    Object.entries(metadata.annotations ?? {}).filter(([key]) => key.startsWith(`${API_GROUP}/`)),
  );
}

function migStrategy(labels: Labels): GpuNode['migStrategy'] {
  const strategy = labels[GPU_LABELS.migStrategy];
  return strategy === 'single' || strategy === 'mixed' ? strategy : 'none';
}
