import { findProfile, type MigGpu, type MigProfile, normalProfile } from '../hardware/mig-profiles.ts';
import { MIG_BALANCED, MIG_DISABLED } from './nvidia.ts';

/** Instances of each profile on one GPU; profiles as labels and resources write them (`1g.10gb.me`). */
export type MigLayout = Readonly<Record<string, number>>;

/** Parts with eight memory slots have seven compute slices; smaller ones have as many as slots. */
function computeSlicesOf({ slots }: MigGpu): number {
  return slots === 8 ? 7 : slots;
}

/**
 * Why a GPU cannot be cut so; undefined when it can. Every instance takes a free run of memory slots that begins where
 * its profile may begin, and the compute slices together must not be more than there are.
 *
 * @see https://docs.nvidia.com/datacenter/tesla/mig-user-guide/#mig-profiles
 */
export function layoutProblem(gpu: MigGpu, layout: MigLayout): string | undefined {
  let computeSlices = 0;
  for (const [name, count] of Object.entries(layout)) {
    const profile = findProfile(gpu, name);
    if (profile === undefined) {
      const has = gpu.profiles.map((candidate) => normalProfile(candidate.profile)).join(', ');
      return `${gpu.gpu} has no MIG profile ${name}; it has ${has}`;
    }
    if (count > profile.maxInstances) {
      return `${gpu.gpu} holds at most ${profile.maxInstances} × ${name}, not ${count}`;
    }
    computeSlices += profile.computeSlices * count;
  }
  const most = computeSlicesOf(gpu);
  if (computeSlices > most) {
    return `${describeLayout(layout)} takes ${computeSlices} compute slices of the ${most} that ${gpu.gpu} has`;
  }
  return canPlace(gpu, layout)
    ? undefined
    : `${describeLayout(layout)} cannot be placed side by side on ${gpu.gpu}`;
}

/** How many more instances of a profile one GPU takes beside those that must stay. */
export function mostBeside(gpu: MigGpu, profile: string, kept: MigLayout): number {
  const most = findProfile(gpu, profile)?.maxInstances ?? 0;
  const already = kept[profile] ?? 0;
  for (let count = most; count > already; count--) {
    if (layoutProblem(gpu, { ...kept, [profile]: count }) === undefined) return count - already;
  }
  return 0;
}

/** `2 × 1g.10gb + 1 × 3g.40gb`. */
export function describeLayout(layout: MigLayout): string {
  return Object.entries(layout)
    .map(([profile, count]) => `${count} × ${profile}`)
    .join(' + ');
}

/** A layout under the name that the label `nvidia.com/mig.config` takes. */
export interface NamedLayout {
  name: string;
  /** The MIG manager brings it; otherwise it must be in a ConfigMap of one's own. */
  isBuiltIn: boolean;
  layout: MigLayout;
}

/** The name of a layout: NVIDIA's where there is one, else one that says what is in it. */
export function nameLayout(gpu: MigGpu, layout: MigLayout): NamedLayout {
  const builtIn = builtInLayouts(gpu).find((candidate) => isSameLayout(candidate.layout, layout));
  if (builtIn !== undefined) return builtIn;
  const parts = Object.entries(layout)
    .filter(([, count]) => count > 0)
    .toSorted(([a], [b]) => a.localeCompare(b))
    .map(([profile, count]) => `${count}x${profile}`);
  return { name: `classroom-${parts.join('-')}`, isBuiltIn: false, layout };
}

/**
 * The names that the MIG manager knows for a GPU, and what they mean there.
 *
 * @see https://github.com/NVIDIA/mig-parted/blob/main/deployments/systemd/config-default.yaml
 */
export function builtInLayouts(gpu: MigGpu): NamedLayout[] {
  const all = gpu.profiles.map(({ profile }) => {
    const name = normalProfile(profile);
    return { name: `all-${name}`, isBuiltIn: true, layout: { [name]: mostBeside(gpu, name, {}) } };
  });
  const balanced = balancedLayout(gpu);
  return [
    { name: MIG_DISABLED, isBuiltIn: true, layout: {} },
    ...all,
    ...(balanced === undefined ? [] : [{ name: MIG_BALANCED, isBuiltIn: true, layout: balanced }]),
  ];
}

/** Two slices of one seventh, one of two and one of three; on parts of four slots two of one quarter and one of two. */
function balancedLayout(gpu: MigGpu): MigLayout | undefined {
  const plain = (computeSlices: number, memorySlots: number): string | undefined =>
    gpu.profiles.find(
      (profile) =>
        /^\dg\.\d+gb$/.test(profile.profile) &&
        profile.computeSlices === computeSlices &&
        profile.memorySlots === memorySlots,
    )?.profile;
  const [one, two, three] = [plain(1, 1), plain(2, 2), plain(3, 4)];
  if (one === undefined || two === undefined || gpu.slots < 4) return undefined;
  if (gpu.slots === 4) return { [one]: 2, [two]: 1 };
  return three === undefined ? undefined : { [one]: 2, [two]: 1, [three]: 1 };
}

function isSameLayout(a: MigLayout, b: MigLayout): boolean {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => (a[name] ?? 0) === (b[name] ?? 0));
}

/** Large instances first: they have the fewest places. */
function canPlace(gpu: MigGpu, layout: MigLayout): boolean {
  const instances = Object.entries(layout)
    .flatMap(([name, count]) => {
      const profile = findProfile(gpu, name);
      return profile === undefined ? [] : Array.from({ length: count }, () => profile);
    })
    .toSorted((a, b) => b.memorySlots - a.memorySlots);
  return placeFrom(gpu, instances, 0, 0, 0);
}

/**
 * @param taken bit i: memory slot i
 * @param from where to begin: instances that are alike need not be tried in every order
 */
function placeFrom(
  gpu: MigGpu,
  instances: readonly MigProfile[],
  index: number,
  taken: number,
  from: number,
): boolean {
  const profile = instances[index];
  if (profile === undefined) return true;
  return startsOf(gpu, profile).some((start) => {
    if (start < from) return false;
    const run = ((1 << profile.memorySlots) - 1) << start;
    if ((taken & run) !== 0) return false;
    const next = instances[index + 1] === profile ? start + 1 : 0;
    return placeFrom(gpu, instances, index + 1, taken | run, next);
  });
}

/** Where nothing is published: at every multiple of its size. */
function startsOf(gpu: MigGpu, { memorySlots, placementStarts }: MigProfile): readonly number[] {
  if (placementStarts !== null) return placementStarts;
  const places = Math.floor(gpu.slots / memorySlots);
  return Array.from({ length: places }, (_, index) => index * memorySlots);
}
