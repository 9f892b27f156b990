/** How GPUs of one node reach each other; decides what communication buffers cost with tensor parallelism. */
export type Link = 'nvlink' | 'pcie';

/** One GPU type. */
export interface Gpu {
  /** Short name, as people write it: `A10`, `H100-80`. */
  name: string;
  /** The usual value of the node label nvidia.com/gpu.product. */
  product: string;
  /** Matches that label in all its spellings. */
  pattern: RegExp;
  /** The usual value of the node label nvidia.com/gpu.memory: NVML's total. */
  labelMemoryMiB: number;
  /** What CUDA sees: `torch.cuda.mem_get_info()[1]`, the lowest figure known. */
  memoryMiB: number;
  computeCapability: string;
  family: string;
  link: Link;
  isMigCapable: boolean;
}

/**
 * The GPUs a class is likely to get.
 *
 * Memory: the label is NVML's total (`nvidia-smi`), and CUDA sees 0.2 to 0.6 GiB less, as engines and PyTorch print
 * it ("total capacity of 22.06 GiB") in public issue threads; the lower figure stands here where several are known.
 * Compute capabilities and families are NVIDIA's.
 *
 * @see https://developer.nvidia.com/cuda-gpus
 * @see https://github.com/NVIDIA/k8s-device-plugin/tree/main/docs/gpu-feature-discovery
 */
export const GPUS: readonly Gpu[] = [
  gpu('P100', 'Tesla-P100-PCIE-16GB', /P100/, 16384, 15.9, '6.0', 'pascal', 'pcie'),
  gpu('V100-16', 'Tesla-V100-SXM2-16GB', /V100.*16GB/, 16384, 15.75, '7.0', 'volta', 'nvlink'),
  gpu('V100-32', 'Tesla-V100-SXM2-32GB', /V100.*32GB/, 32768, 31.7, '7.0', 'volta', 'nvlink'),
  gpu('T4', 'Tesla-T4', /\bT4\b/, 15360, 14.6, '7.5', 'turing', 'pcie'),
  gpu('RTX-2080-Ti', 'NVIDIA-GeForce-RTX-2080-Ti', /2080-Ti/, 11264, 10.57, '7.5', 'turing', 'pcie'),
  gpu('Quadro-RTX-8000', 'Quadro-RTX-8000', /RTX-8000/, 49152, 47.3, '7.5', 'turing', 'pcie'),
  gpu('Quadro-RTX-6000', 'Quadro-RTX-6000', /Quadro-RTX-6000/, 24576, 23.4, '7.5', 'turing', 'pcie'),
  gpu('A10G', 'NVIDIA-A10G', /\bA10G\b/, 23028, 22.0, '8.6', 'ampere', 'pcie'),
  gpu('A10', 'NVIDIA-A10', /\bA10\b/, 23028, 22.0, '8.6', 'ampere', 'pcie'),
  gpu('A16', 'NVIDIA-A16', /\bA16\b/, 15356, 14.5, '8.6', 'ampere', 'pcie'),
  gpu('A2', 'NVIDIA-A2', /\bA2\b/, 15356, 14.5, '8.6', 'ampere', 'pcie'),
  gpu('A40', 'NVIDIA-A40', /\bA40\b/, 46068, 44.3, '8.6', 'ampere', 'pcie'),
  gpu('A30', 'NVIDIA-A30', /\bA30\b/, 24576, 23.5, '8.0', 'ampere', 'pcie', true),
  gpu('A100-40', 'NVIDIA-A100-SXM4-40GB', /\bA100\b.*40GB/, 40960, 39.39, '8.0', 'ampere', 'nvlink', true),
  gpu('A100-80', 'NVIDIA-A100-SXM4-80GB', /\bA100\b.*80GB/, 81920, 79.1, '8.0', 'ampere', 'nvlink', true),
  gpu('A800-40', 'NVIDIA-A800-SXM4-40GB', /\bA800\b.*40GB/, 40960, 39.39, '8.0', 'ampere', 'nvlink', true),
  gpu('A800-80', 'NVIDIA-A800-SXM4-80GB', /\bA800\b.*80GB/, 81920, 79.1, '8.0', 'ampere', 'nvlink', true),
  gpu('RTX-A6000', 'NVIDIA-RTX-A6000', /RTX-A6000/, 49140, 47.4, '8.6', 'ampere', 'pcie'),
  gpu('RTX-A5000', 'NVIDIA-RTX-A5000', /RTX-A5000/, 24564, 23.5, '8.6', 'ampere', 'pcie'),
  gpu('RTX-A4000', 'NVIDIA-RTX-A4000', /RTX-A4000/, 16376, 15.6, '8.6', 'ampere', 'pcie'),
  gpu('RTX-3060', 'NVIDIA-GeForce-RTX-3060', /RTX-3060(?!-Ti)/, 12288, 11.6, '8.6', 'ampere', 'pcie'),
  gpu('RTX-3090', 'NVIDIA-GeForce-RTX-3090', /RTX-3090/, 24576, 23.5, '8.6', 'ampere', 'pcie'),
  gpu('L4', 'NVIDIA-L4', /\bL4\b/, 23034, 22.0, '8.9', 'ada-lovelace', 'pcie'),
  gpu('L20', 'NVIDIA-L20', /\bL20\b/, 46068, 44.3, '8.9', 'ada-lovelace', 'pcie'),
  gpu('L40S', 'NVIDIA-L40S', /\bL40S\b/, 46068, 44.4, '8.9', 'ada-lovelace', 'pcie'),
  gpu('L40', 'NVIDIA-L40', /\bL40\b/, 46068, 44.4, '8.9', 'ada-lovelace', 'pcie'),
  gpu(
    'RTX-6000-Ada',
    'NVIDIA-RTX-6000-Ada-Generation',
    /RTX-6000-Ada/,
    49140,
    47.4,
    '8.9',
    'ada-lovelace',
    'pcie',
  ),
  gpu('RTX-4090', 'NVIDIA-GeForce-RTX-4090', /RTX-4090/, 24564, 23.5, '8.9', 'ada-lovelace', 'pcie'),
  gpu('RTX-4080', 'NVIDIA-GeForce-RTX-4080', /RTX-4080/, 16376, 15.6, '8.9', 'ada-lovelace', 'pcie'),
  gpu('H20', 'NVIDIA-H20', /\bH20\b/, 97871, 95.0, '9.0', 'hopper', 'nvlink', true),
  gpu('H100-NVL', 'NVIDIA-H100-NVL', /\bH100-NVL\b/, 95830, 93.0, '9.0', 'hopper', 'nvlink', true),
  gpu('H100-96', 'NVIDIA-H100-96GB', /\bH100-96/, 97871, 94.9, '9.0', 'hopper', 'nvlink', true),
  gpu('H100-PCIe', 'NVIDIA-H100-PCIe', /\bH100-PCIe\b/, 81559, 79.1, '9.0', 'hopper', 'pcie', true),
  gpu('H100-80', 'NVIDIA-H100-80GB-HBM3', /\bH100\b/, 81559, 79.1, '9.0', 'hopper', 'nvlink', true),
  gpu('H800', 'NVIDIA-H800', /\bH800\b/, 81559, 79.1, '9.0', 'hopper', 'nvlink', true),
  gpu('H200', 'NVIDIA-H200', /\bH200\b/, 143771, 139.8, '9.0', 'hopper', 'nvlink', true),
  gpu('GH200-144', 'NVIDIA-GH200-144G-HBM3e', /GH200-144/, 147456, 142.5, '9.0', 'hopper', 'nvlink', true),
  gpu('GH200-96', 'NVIDIA-GH200-480GB', /GH200/, 97871, 94.5, '9.0', 'hopper', 'nvlink', true),
  gpu('GB300', 'NVIDIA-GB300', /\bGB300\b/, 284208, 276.5, '10.3', 'blackwell', 'nvlink', true),
  gpu('GB200', 'NVIDIA-GB200', /\bGB200\b/, 189471, 184.0, '10.0', 'blackwell', 'nvlink', true),
  gpu('B300', 'NVIDIA-B300-SXM6-AC', /\bB300\b/, 275040, 267.5, '10.3', 'blackwell', 'nvlink', true),
  gpu('B200', 'NVIDIA-B200', /\bB200\b/, 183359, 178.3, '10.0', 'blackwell', 'nvlink', true),
  gpu(
    'RTX-PRO-6000',
    'NVIDIA-RTX-PRO-6000-Blackwell-Server-Edition',
    /RTX-PRO-6000/,
    97887,
    94.9,
    '12.0',
    'blackwell',
    'pcie',
    true,
  ),
  gpu(
    'RTX-PRO-5000',
    'NVIDIA-RTX-PRO-5000-Blackwell',
    /RTX-PRO-5000/,
    48935,
    47.3,
    '12.0',
    'blackwell',
    'pcie',
    true,
  ),
  gpu(
    'RTX-PRO-4500',
    'NVIDIA-RTX-PRO-4500-Blackwell',
    /RTX-PRO-4500/,
    32623,
    31.3,
    '12.0',
    'blackwell',
    'pcie',
    true,
  ),
  gpu('RTX-5090', 'NVIDIA-GeForce-RTX-5090', /RTX-5090/, 32607, 31.3, '12.0', 'blackwell', 'pcie'),
];

function gpu(
  name: string,
  product: string,
  pattern: RegExp,
  labelMemoryMiB: number,
  memoryGiB: number,
  computeCapability: string,
  family: string,
  link: Link,
  isMigCapable = false,
): Gpu {
  const memoryMiB = Math.floor(memoryGiB * 1024);
  return { name, product, pattern, labelMemoryMiB, memoryMiB, computeCapability, family, link, isMigCapable };
}

/** Names people use that fit more than one type, and the one meant: the smaller where memory differs. */
const ALIASES: Readonly<Record<string, string>> = {
  a100: 'A100-40',
  a800: 'A800-40',
  h100: 'H100-80',
  'h100-sxm': 'H100-80',
  gh200: 'GH200-96',
  v100: 'V100-16',
  'rtx-pro-6000-blackwell': 'RTX-PRO-6000',
  'rtx-6000': 'Quadro-RTX-6000',
};

/**
 * The GPU that a person or a node label means: `A10`, `a100 80gb`, `NVIDIA-A10-SHARED`,
 * `NVIDIA-H100-80GB-HBM3-MIG-1g.10gb`. Undefined for one that is not in the table, rather than a guess.
 */
export function findGpu(name: string): Gpu | undefined {
  const wanted = normalise(name);
  const exact = GPUS.find((gpu) => [gpu.name, gpu.product].some((known) => normalise(known) === wanted));
  if (exact !== undefined) return exact;
  const alias = ALIASES[wanted];
  if (alias !== undefined) return GPUS.find((gpu) => gpu.name === alias);
  const label = asLabel(name);
  return GPUS.find((gpu) => gpu.pattern.test(label)) ?? GPUS.find((gpu) => gpu.pattern.test(upper(label)));
}

/** Without maker, brand, sharing suffixes and the unit: `NVIDIA-A100-SXM4-80GB-SHARED` → `a100-sxm4-80`. */
function normalise(name: string): string {
  return asLabel(name)
    .toLowerCase()
    .replace(/^(nvidia|tesla)-/, '')
    .replace(/^geforce-/, '')
    .replace(/(\d)gb$/, '$1')
    .replace(/-(gb|ram)$/, '');
}

/** Words joined by `-`, as in node labels, without the endings of sharing. */
function asLabel(name: string): string {
  return name
    .trim()
    .replaceAll(/[\s_]+/g, '-')
    .replace(/-SHARED$/i, '')
    .replace(/-MIG-.*$/i, '');
}

/** The table's patterns are in the case of the labels. */
function upper(label: string): string {
  return label
    .toUpperCase()
    .replaceAll('PCIE', 'PCIe')
    .replaceAll('-ADA', '-Ada')
    .replaceAll('-TI', '-Ti')
    .replace(/(?<=A100-(SXM4-|PCIe-)?|V100-(SXM2-|PCIe-)?)(\d\d)$/, '$3GB');
}

/** The lowest difference between label and CUDA, where the GPU is not in the table: 0.6 GiB. */
export const UNKNOWN_GPU_RESERVE_MIB = 614;

/** Numbers to compare: 8.6 → 86, 10.0 → 100, 12.0 → 120. */
export function capabilityNumber(computeCapability: string): number {
  const [major = 0, minor = 0] = computeCapability.split('.').map(Number);
  return major * 10 + minor;
}
