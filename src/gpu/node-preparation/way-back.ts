import { PREPARATION_ANNOTATION } from '../../api/node-preparation.ts';
import { layoutCommand, layoutWaitCommand } from './commands.ts';
import { MIG_DISABLED } from './nvidia.ts';
import type { PreparationFailure, PreparationRecord } from './record.ts';

/** What went wrong on a node, as a sentence that begins with its name. */
export function describeFailure(
  node: string,
  failure: PreparationFailure | undefined,
  { layout, resource, slots }: PreparationRecord,
): string {
  switch (failure) {
    case 'DrainTimeout':
      return `Node ${node} still has engines of the class after a quarter of an hour: see \`kubectl get pods\` and the disruption budgets; its GPUs were not touched`;
    case 'LayoutFailed':
      return `The MIG manager could not give node ${node} the layout ${layout}: most often a program still uses the GPU ("In use by another client"); its log says more`;
    case 'LayoutTimeout':
      return `The MIG manager has not given node ${node} the layout ${layout} in time: see whether it runs, and its log`;
    case 'SlicesMissing':
      return `The MIG manager says that node ${node} has the layout ${layout}, but the node does not offer ${slots} × ${resource}: see whether the device plugin runs, and its MIG strategy`;
    case 'LayoutChanged':
      return `Somebody gave node ${node} another layout than ${layout} while the operator prepared it`;
    case 'Uncordoned':
      return `Somebody uncordoned node ${node} while the operator emptied it; its GPUs were not touched`;
    case undefined:
      return `The preparation of node ${node} failed`;
  }
}

/** Whether the layout of the GPUs may be another one than before. */
function mayHaveChanged({ failure }: PreparationRecord): boolean {
  return failure !== 'DrainTimeout' && failure !== 'Uncordoned';
}

/** The commands that bring a node back to what it was before the operator began, one a line. */
export function wayBack(node: string, record: PreparationRecord): string[] {
  const previous = record.previousLayout ?? MIG_DISABLED;
  const relabel = mayHaveChanged(record) ? [layoutCommand(node, previous), layoutWaitCommand(node)] : [];
  return [
    ...relabel,
    `kubectl annotate node ${node} ${PREPARATION_ANNOTATION}-`,
    ...(record.failure === 'Uncordoned' ? [] : [`kubectl uncordon ${node}`]),
  ];
}
