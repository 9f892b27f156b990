import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { nodeAgentErrors } from '../errors.ts';
import { GPU_PRODUCTS, MIG_COMPUTE_SLICES, MIG_MEMORY_SLOTS } from './gpu-products.ts';

const timeSlicing = z.strictObject({
  timeSlicing: z
    .strictObject({
      replicas: z.int().min(2).max(48).describe('Slots per GPU.'),
      renameByDefault: z
        .boolean()
        .default(false)
        .describe('The resource becomes nvidia.com/gpu.shared, and the product keeps its plain name.'),
    })
    .describe("The device plugin's sharing.timeSlicing."),
});

const mig = z.strictObject({
  mig: z.strictObject({
    strategy: z
      .enum(['mixed', 'single'])
      .describe('mixed: one resource per profile. single: every slice is an nvidia.com/gpu.'),
    layout: z
      .record(z.string(), z.int().min(1).max(7))
      .describe('Slices of each profile on every GPU of the node, e.g. {1g.10gb: 7}.'),
  }),
});

const gpuSchema = z
  .strictObject({
    product: z.string().describe('As in the label nvidia.com/gpu.product, e.g. NVIDIA-A10.'),
    count: z.int().min(1).max(16).default(1).describe('Physical GPUs.'),
    sharing: z.union([z.literal('none'), timeSlicing, mig]).default('none'),
    migStrategy: z
      .enum(['mixed', 'single'])
      .default('mixed')
      .describe('Of a whole GPU that can be cut: how its slices will be offered.'),
  })
  .superRefine((gpu, context) => {
    for (const problem of problemsOf(gpu)) context.addIssue({ code: 'custom', message: problem });
  });

const taintSchema = z.strictObject({
  key: z.string().min(1),
  value: z.string().optional(),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});

const nodeSchema = z.strictObject({
  name: z
    .string()
    .max(50)
    .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/),
  count: z.int().min(1).max(100).default(1).describe('More than one: <name>-1, <name>-2, ….'),
  gpu: gpuSchema.optional().describe('Absent: a node without GPUs.'),
  labels: z.record(z.string(), z.string()).default({}),
  taints: z.array(taintSchema).default([]),
  cpu: z.string().default('32').describe('Allocatable CPU, a Kubernetes quantity.'),
  memory: z.string().default('128Gi').describe('Allocatable memory, a Kubernetes quantity.'),
});

/** The file that says which nodes the agent plays. */
export const nodeFileSchema = z
  .strictObject({ nodes: z.array(nodeSchema).min(1) })
  .superRefine(({ nodes }, context) => {
    const names = nodes.flatMap(namesOf);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined)
      context.addIssue({ code: 'custom', message: `two nodes would be called ${twice}` });
  });

export type GpuDescription = z.infer<typeof gpuSchema>;
export type GpuSharing = GpuDescription['sharing'];
/** One node, after `count` has been spelled out. */
export type NodeDescription = Omit<z.infer<typeof nodeSchema>, 'count'>;

/**
 * Reads a node file.
 * @throws NodeAgentError `BadNodeFile` that names every wrong field
 */
export function readNodeFile(yaml: string, file: string): NodeDescription[] {
  const result = nodeFileSchema.safeParse(parseYamlOrThrow(yaml, file));
  if (!result.success) throw nodeAgentErrors.badNodeFile(file, z.prettifyError(result.error));
  return result.data.nodes.flatMap(({ count, ...node }) =>
    namesOf({ name: node.name, count }).map((name) => ({ ...node, name })),
  );
}

/** The GPUs of a node and how they are shared, for people: `NVIDIA-A10 in 4 time-slices`. */
export function gpuInWords({ gpu }: NodeDescription): string {
  if (gpu === undefined) return 'no GPU';
  const gpus = gpu.count === 1 ? gpu.product : `${gpu.count} ${gpu.product}`;
  if (gpu.sharing === 'none') return gpus;
  if ('timeSlicing' in gpu.sharing) return `${gpus} in ${gpu.sharing.timeSlicing.replicas} time-slices`;
  const slices = Object.entries(gpu.sharing.mig.layout).map(([profile, count]) => `${count} ${profile}`);
  return `${gpus} in MIG slices (${slices.join(', ')})`;
}

function parseYamlOrThrow(yaml: string, file: string): unknown {
  try {
    return parseYaml(yaml);
  } catch (error) {
    throw nodeAgentErrors.badNodeFile(file, error instanceof Error ? error.message : String(error));
  }
}

function namesOf({ name, count }: { name: string; count: number }): string[] {
  return count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
}

function problemsOf(gpu: { product: string; sharing: GpuSharing }): string[] {
  const product = GPU_PRODUCTS[gpu.product];
  if (product === undefined) {
    return [`unknown GPU product ${gpu.product}; known: ${Object.keys(GPU_PRODUCTS).join(', ')}`];
  }
  if (gpu.sharing === 'none' || 'timeSlicing' in gpu.sharing) return [];
  const profiles = product.migProfiles;
  if (Object.keys(profiles).length === 0) return [`${gpu.product} cannot be partitioned with MIG`];
  const problems: string[] = [];
  let [computeSlices, memorySlots] = [0, 0];
  for (const [name, count] of Object.entries(gpu.sharing.mig.layout)) {
    const profile = profiles[name];
    if (profile === undefined) {
      problems.push(`${gpu.product} has no MIG profile ${name}; it has ${Object.keys(profiles).join(', ')}`);
      continue;
    }
    if (count > profile.maxInstances) {
      problems.push(`${gpu.product} holds at most ${profile.maxInstances} of ${name}, not ${count}`);
    }
    computeSlices += profile.computeSlices * count;
    memorySlots += profile.memorySlots * count;
  }
  if (computeSlices > MIG_COMPUTE_SLICES || memorySlots > MIG_MEMORY_SLOTS) {
    problems.push(
      `the layout needs ${computeSlices} of ${MIG_COMPUTE_SLICES} compute slices and ${memorySlots} of ${MIG_MEMORY_SLOTS} memory slices`,
    );
  }
  return problems;
}
