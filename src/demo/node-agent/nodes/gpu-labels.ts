import type { GpuDescription, GpuSharing } from './description.ts';
import { GPU_PRODUCTS, type GpuProduct, type MigProfile } from './gpu-products.ts';
import { layoutNameOf, strategyOf } from './mig-layouts.ts';

/** What NVIDIA's components put on a node: labels of GPU feature discovery, resources of the device plugin. */
export interface GpuNodeFacts {
  readonly labels: Readonly<Record<string, string>>;
  readonly resources: Readonly<Record<string, number>>;
}

type Figures = Readonly<Record<string, string | number>>;
type Layout = readonly { readonly name: string; readonly perGpu: number; readonly profile: MigProfile }[];

const PREFIX = 'nvidia.com/';
/** A driver of the R580 branch and its CUDA: https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/ */
const SOFTWARE: Figures = {
  'cuda.driver-version.full': '580.95.05',
  'cuda.driver-version.major': 580,
  'cuda.driver-version.minor': 95,
  'cuda.driver-version.revision': '05',
  'cuda.driver.major': 580,
  'cuda.driver.minor': 95,
  'cuda.driver.rev': '05',
  'cuda.runtime-version.full': '13.0',
  'cuda.runtime-version.major': 13,
  'cuda.runtime-version.minor': 0,
  'cuda.runtime.major': 13,
  'cuda.runtime.minor': 0,
};

/**
 * Labels and capacity as NVIDIA's device plugin and GPU feature discovery (v0.20) give them, traps included:
 * `gpu.count` stays physical under time-slicing, `gpu.memory` stays that of the whole GPU, `-SHARED` is added only
 * when the resource is not renamed, `mixed` sets `gpu.replicas` to 0.
 * Not given: `gfd.timestamp`, `engines.*` of MIG types.
 *
 * Sources: https://github.com/NVIDIA/k8s-device-plugin `internal/lm/{resource,mig-strategy,nvml}.go` and
 * `tests/expected-output*.txt`.
 */
export function gpuNodeFacts(gpu: GpuDescription): GpuNodeFacts {
  const product = GPU_PRODUCTS[gpu.product];
  // The schema of the node file lets only products of the table pass.
  if (product === undefined) throw new Error(`unknown GPU product ${gpu.product}`);
  const base: Figures = {
    'gpu.family': product.family,
    'gpu.compute.major': product.computeMajor,
    'gpu.compute.minor': product.computeMinor,
    'gpu.machine': 'gpu-classroom-demo',
    'gpu.mode': 'compute',
    'mig.capable': String(Object.keys(product.migProfiles).length > 0),
    'mps.capable': 'false',
    'vgpu.present': 'false',
    ...SOFTWARE,
  };
  const { labels, resources } = sharingFacts(gpu, product);
  return {
    labels: prefixed({ ...base, ...migFacts(gpu), ...labels }),
    resources: prefixedNumbers(resources),
  };
}

/** What NVIDIA's operator puts on nodes whose GPUs can be cut; a layout without a name is not told. */
function migFacts(gpu: GpuDescription): Figures {
  const isCapable = Object.keys(GPU_PRODUCTS[gpu.product]?.migProfiles ?? {}).length > 0;
  if (!isCapable) return {};
  const layout = layoutNameOf(gpu);
  return {
    'gpu.deploy.mig-manager': 'true',
    'mig.strategy': strategyOf(gpu),
    ...(layout !== undefined && { 'mig.config': layout, 'mig.config.state': 'success' }),
  };
}

interface SharingFacts {
  readonly labels: Figures;
  readonly resources: Readonly<Record<string, number>>;
}

function sharingFacts(gpu: GpuDescription, product: GpuProduct): SharingFacts {
  const { sharing } = gpu;
  if (sharing === 'none') {
    return { labels: wholeGpu(gpu, product, 1, 'none'), resources: { gpu: gpu.count } };
  }
  if ('timeSlicing' in sharing) return timeSliced(gpu, product, sharing.timeSlicing);
  const layout = Object.entries(sharing.mig.layout).flatMap(([name, perGpu]) => {
    const profile = product.migProfiles[name];
    return profile === undefined ? [] : [{ name, perGpu, profile }];
  });
  return sharing.mig.strategy === 'mixed' ? migMixed(gpu, product, layout) : migSingle(gpu, layout);
}

function wholeGpu(gpu: GpuDescription, product: GpuProduct, replicas: number, strategy: string): Figures {
  return {
    'gpu.product': gpu.product,
    'gpu.count': gpu.count,
    'gpu.replicas': replicas,
    'gpu.sharing-strategy': strategy,
    'gpu.memory': product.memoryMiB,
  };
}

function timeSliced(
  gpu: GpuDescription,
  product: GpuProduct,
  { replicas, renameByDefault }: Extract<GpuSharing, { timeSlicing: unknown }>['timeSlicing'],
): SharingFacts {
  const labels = wholeGpu(gpu, product, replicas, 'time-slicing');
  const slots = gpu.count * replicas;
  return renameByDefault
    ? { labels, resources: { 'gpu.shared': slots } }
    : { labels: { ...labels, 'gpu.product': `${gpu.product}-SHARED` }, resources: { gpu: slots } };
}

function migMixed(gpu: GpuDescription, product: GpuProduct, layout: Layout): SharingFacts {
  const perProfile = layout.flatMap(({ name, perGpu, profile }) =>
    Object.entries(migFigures(gpu, name, perGpu, profile)).map(([key, value]) => [
      `mig-${name}.${key}`,
      value,
    ]),
  );
  return {
    labels: {
      ...wholeGpu(gpu, product, 0, 'none'),
      'mig.strategy': 'mixed',
      ...Object.fromEntries(perProfile),
    },
    resources: Object.fromEntries(layout.map(({ name, perGpu }) => [`mig-${name}`, gpu.count * perGpu])),
  };
}

/** Under `single` slices pass as GPUs, which only works when all are alike. */
function migSingle(gpu: GpuDescription, layout: Layout): SharingFacts {
  const [only, ...others] = layout;
  const strategy = { 'mig.strategy': 'single' };
  if (only === undefined || others.length > 0) {
    const invalid = {
      product: `${gpu.product}-MIG-INVALID`,
      count: 0,
      replicas: 0,
      memory: 0,
      'sharing-strategy': '',
    };
    return { labels: { ...strategy, ...ofGpu(invalid) }, resources: { gpu: 0 } };
  }
  const figures = migFigures(gpu, only.name, only.perGpu, only.profile);
  return { labels: { ...strategy, ...ofGpu(figures) }, resources: { gpu: gpu.count * only.perGpu } };
}

function migFigures(gpu: GpuDescription, name: string, perGpu: number, profile: MigProfile): Figures {
  return {
    product: `${gpu.product}-MIG-${name}`,
    count: gpu.count * perGpu,
    replicas: 1,
    'sharing-strategy': 'none',
    memory: profile.memoryMiB,
    multiprocessors: profile.multiprocessors,
    'slices.gi': profile.computeSlices,
    'slices.ci': profile.computeSlices,
  };
}

function ofGpu(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [`gpu.${key}`, value]));
}

function prefixed(figures: Figures): Record<string, string> {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [PREFIX + key, String(value)]));
}

function prefixedNumbers(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([key, value]) => [PREFIX + key, value]));
}
