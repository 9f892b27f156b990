import { normalProfile } from '../hardware/mig-profiles.ts';

/** The labels of a node. */
export type Labels = Readonly<Record<string, string>>;

/**
 * Labels that say something of a node's GPUs. Those of a kind of slot are read by prefix, see `gpu-slots.ts`.
 *
 * @see https://github.com/NVIDIA/k8s-device-plugin/tree/main/docs/gpu-feature-discovery#generated-labels
 * @see https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/gpu-operator-mig.html
 */
export const GPU_LABELS = {
  product: 'nvidia.com/gpu.product',
  count: 'nvidia.com/gpu.count',
  family: 'nvidia.com/gpu.family',
  computeMajor: 'nvidia.com/gpu.compute.major',
  computeMinor: 'nvidia.com/gpu.compute.minor',
  sharingStrategy: 'nvidia.com/gpu.sharing-strategy',
  /** Of a node whose slices pass as GPUs: sevenths of the GPU's compute that each has. */
  computeSlices: 'nvidia.com/gpu.slices.gi',
  driverVersion: 'nvidia.com/cuda.driver-version.full',
  migCapable: 'nvidia.com/mig.capable',
  migStrategy: 'nvidia.com/mig.strategy',
  /** The layout that somebody wants; the MIG manager makes it. */
  migConfig: 'nvidia.com/mig.config',
  migConfigState: 'nvidia.com/mig.config.state',
  /** Which key of the device plugin's ConfigMap the node uses. */
  devicePluginConfig: 'nvidia.com/device-plugin.config',
  vgpuPresent: 'nvidia.com/vgpu.present',
  present: 'nvidia.com/gpu.present',
  /** When feature discovery last ran: says nothing of the GPUs. */
  timestamp: 'nvidia.com/gfd.timestamp',
} as const;

/** The driver's version before there was a label for all of it; still written. */
const OLD_DRIVER_LABELS = ['major', 'minor', 'rev'].map((part) => `nvidia.com/cuda.driver.${part}`);

/**
 * What node feature discovery writes where the PCI bus has an NVIDIA device, with and without the class of the device.
 *
 * @see https://kubernetes-sigs.github.io/node-feature-discovery/stable/usage/features.html#pci
 */
const HARDWARE_LABELS = ['pci-10de', 'pci-0300_10de', 'pci-0302_10de'].map(
  (device) => `feature.node.kubernetes.io/${device}.present`,
);

/** Whether the labels say that there is an NVIDIA GPU in the node, used by Kubernetes or not. */
export function hasGpuHardware(labels: Labels): boolean {
  return (
    labels[GPU_LABELS.product] !== undefined ||
    [GPU_LABELS.present, ...HARDWARE_LABELS].some((label) => labels[label] === 'true')
  );
}

/** `580.95.05`, or undefined. */
export function driverVersion(labels: Labels): string | undefined {
  const whole = labels[GPU_LABELS.driverVersion];
  if (whole !== undefined) return whole;
  const parts = OLD_DRIVER_LABELS.map((label) => labels[label]).filter(Boolean);
  return parts.length === 0 ? undefined : parts.join('.');
}

/** `8.6`, or undefined. */
export function computeCapability(labels: Labels): string | undefined {
  const major = wholeNumber(labels, GPU_LABELS.computeMajor);
  const minor = wholeNumber(labels, GPU_LABELS.computeMinor);
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}`;
}

/** The value of a label that is a whole number of at least 0; undefined when it is absent or anything else. */
export function wholeNumber(labels: Labels, label: string): number | undefined {
  const text = labels[label];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The value of a product label, taken apart. */
export interface ProductName {
  /** The GPU itself: `NVIDIA-H100-80GB-HBM3`. */
  gpu: string;
  /** Set where slices pass as GPUs. */
  migProfile: string | undefined;
  /** Slices of different sizes, or GPUs with and without slices, that cannot pass as GPUs together. */
  migInvalid: boolean;
  /** Several pods share it and the name of the resource does not say so. */
  shared: boolean;
}

const PRODUCT =
  /^(?<gpu>.+?)(?:-MIG-(?:(?<invalid>INVALID)|(?<profile>\d+g\.\d+gb[^-]*)))?(?<shared>-SHARED)?$/;

/** Takes `<GPU>[-MIG-<profile>][-SHARED]` apart, as feature discovery puts it together. */
export function parseProduct(value: string): ProductName {
  const { gpu = value, invalid, profile, shared } = PRODUCT.exec(value)?.groups ?? {};
  return {
    gpu,
    migProfile: profile === undefined ? undefined : normalProfile(profile),
    migInvalid: invalid !== undefined,
    shared: shared !== undefined,
  };
}
