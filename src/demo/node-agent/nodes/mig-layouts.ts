import type { GpuDescription, GpuSharing } from './description.ts';
import { GPU_PRODUCTS, type GpuProduct } from './gpu-products.ts';

type Layout = Readonly<Record<string, number>>;

/**
 * The layouts that the MIG manager knows for a GPU, by the names that the label `nvidia.com/mig.config` takes.
 *
 * @see https://github.com/NVIDIA/mig-parted/blob/main/deployments/systemd/config-default.yaml
 */
function layoutsOf({ migProfiles }: GpuProduct): Map<string, Layout> {
  const layouts = new Map<string, Layout>([['all-disabled', {}]]);
  for (const [name, { maxInstances }] of Object.entries(migProfiles)) {
    layouts.set(`all-${name}`, { [name]: maxInstances });
  }
  const plain = (computeSlices: number, memorySlots: number): string | undefined =>
    Object.keys(migProfiles).find(
      (name) =>
        migProfiles[name]?.computeSlices === computeSlices && migProfiles[name].memorySlots === memorySlots,
    );
  const [one, two, three] = [plain(1, 1), plain(2, 2), plain(3, 4)];
  if (one !== undefined && two !== undefined && three !== undefined) {
    layouts.set('all-balanced', { [one]: 2, [two]: 1, [three]: 1 });
  }
  return layouts;
}

/** What a layout makes of a GPU; undefined where the MIG manager has no such layout for it. */
export function sharingOfLayout(gpu: GpuDescription, name: string): GpuSharing | undefined {
  const product = GPU_PRODUCTS[gpu.product];
  const layout = product && layoutsOf(product).get(name);
  if (layout === undefined) return undefined;
  if (Object.keys(layout).length === 0) return 'none';
  return { mig: { strategy: strategyOf(gpu), layout: { ...layout } } };
}

/** How slices of a GPU are, or would be, offered. */
export function strategyOf({ sharing, migStrategy }: GpuDescription): GpuDescription['migStrategy'] {
  return sharing !== 'none' && 'mig' in sharing ? sharing.mig.strategy : migStrategy;
}

/** The name of the layout that a GPU has; undefined for one that MIG cannot cut, and for a layout without a name. */
export function layoutNameOf({ product, sharing }: GpuDescription): string | undefined {
  const known = GPU_PRODUCTS[product];
  if (known === undefined || Object.keys(known.migProfiles).length === 0) return undefined;
  const layout = sharing !== 'none' && 'mig' in sharing ? sharing.mig.layout : {};
  return [...layoutsOf(known)].find(([, candidate]) => isSame(candidate, layout))?.[0];
}

function isSame(a: Layout, b: Layout): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => a[name] === b[name]);
}
