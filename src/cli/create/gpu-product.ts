import { findGpu } from '../../gpu/hardware/gpu-table.ts';
import { parseProduct } from '../../gpu/nodes/gpu-labels.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { problems } from '../problems.ts';

/**
 * The value for `gpu.product` that a person means: `A10` is `NVIDIA-A10`. What the nodes have goes before the table, as
 * one GPU is called differently by its form.
 *
 * @throws CliError when several GPUs of the nodes may be meant, or a GPU is not known and no node has it
 */
export function gpuProduct(meant: string, observed: GpuObservation): string {
  const onNodes = productsOf(observed);
  const label = parseProduct(meant).gpu;
  if (onNodes.includes(label)) return label;
  const known = findGpu(meant);
  const matching = onNodes.filter((product) => known !== undefined && findGpu(product)?.name === known.name);
  const [only, ...more] = matching;
  if (only !== undefined && more.length === 0) return only;
  if (more.length > 0) throw problems.gpuAmbiguous({ gpu: meant, products: matching });
  if (known !== undefined) return known.product;
  throw problems.gpuUnknown({ gpu: meant, products: onNodes });
}

/** What the nodes have, by the label nvidia.com/gpu.product without how it is shared. */
function productsOf(observed: GpuObservation): string[] {
  if (observed.kind === 'Unknown') return [];
  return [...new Set(observed.nodes.flatMap(({ product }) => product ?? []))].sort();
}
