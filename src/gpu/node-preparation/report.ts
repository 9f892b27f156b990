import { PREPARATION_COMMANDS_MAX } from '../../api/node-preparation.ts';
import type { MigGpu } from '../hardware/mig-profiles.ts';
import type { GpuNode } from '../nodes/gpu-node.ts';
import type { Preparation } from './choose.ts';
import { clusterSteps, nodeSteps } from './commands.ts';
import type { NodeNeed } from './need.ts';

/** Nodes that are spelled out; the others are prepared in the same way. */
const NODES_SPELLED_OUT = 8;

/** `7 × nvidia.com/mig-1g.10gb`, and what that is. */
export function describeNeed({ shape, resource, slots }: NodeNeed): string {
  switch (shape.kind) {
    case 'Whole':
      return `${slots} × ${resource}, whole GPUs`;
    case 'TimeSliced':
      return `${slots} × ${resource}, each GPU in ${shape.slicesPerGPU} time-slices`;
    case 'MIG':
      return `${slots} × ${resource}, MIG slices ${shape.profile}`;
  }
}

export interface ReportContext {
  /** All nodes with GPUs. */
  nodes: readonly GpuNode[];
  migGpu(product: string): MigGpu | undefined;
}

/**
 * Everything that a person types to prepare the nodes of a class, with the objects, in the order in which to do it;
 * undefined where nothing can be gained. It reads as a shell script, but is meant to be read first.
 */
export function preparationCommands(
  { key, need, offered, choices }: Preparation,
  { nodes, migGpu }: ReportContext,
): string | undefined {
  if (choices.length === 0) return undefined;
  const spelledOut = choices.slice(0, NODES_SPELLED_OUT);
  const rest = choices.slice(NODES_SPELLED_OUT).map(({ node }) => node.name);
  const sections = [
    [`# The class ${key} needs ${describeNeed(need)}. The nodes it means offer ${offered}.`],
    clusterSteps(choices, nodes, migGpu),
    ...spelledOut.map((choice) => nodeSteps(choice, key)),
    rest.length === 0 ? [] : [`# In the same way: ${rest.join(', ')}`],
  ];
  const text = sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n');
  return `${bounded(text)}\n`;
}

function bounded(text: string): string {
  const note = '\n# … (cut: too long for the status)';
  const room = PREPARATION_COMMANDS_MAX - note.length - 1;
  return text.length <= room ? text : `${text.slice(0, room)}${note}`;
}
