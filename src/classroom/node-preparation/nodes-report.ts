import type { ClassroomStatus } from '../../api/classroom.ts';
import type { ConditionDraft } from '../../api/condition.ts';
import { PREPARED_NODES_MAX } from '../../api/node-preparation.ts';
import { migGpu } from '../../gpu/hardware/mig-profiles.ts';
import type { Preparation } from '../../gpu/node-preparation/choose.ts';
import { type NodeInHand, nodesPreparedCondition } from '../../gpu/node-preparation/condition.ts';
import type { PreparationNote } from '../../gpu/node-preparation/note.ts';
import { type PlacedClass, preparationOf } from '../../gpu/node-preparation/prepare.ts';
import { recordsOf } from '../../gpu/node-preparation/record.ts';
import { preparationCommands } from '../../gpu/node-preparation/report.ts';
import { wayBack } from '../../gpu/node-preparation/way-back.ts';
import type { GpuNode } from '../../gpu/nodes/gpu-node.ts';
import type { GpuObservation } from '../../gpu/nodes/observation.ts';
import { keyOf } from '../../kube/object.ts';
import type { ObservedClass } from '../observe.ts';

/** What the status says of the preparation of nodes. */
export interface NodesReport {
  condition: ConditionDraft;
  /** Undefined: there is nothing to do. */
  nodePreparation: ClassroomStatus['nodePreparation'];
}

/** Whether the nodes of a class are prepared, what a person does about it, and what the operator has begun. */
export function nodesReport(
  observed: Pick<ObservedClass, 'classroom' | 'allClasses' | 'gpus' | 'preparationNote'>,
  { spec, placement }: Pick<PlacedClass, 'spec' | 'placement'>,
): NodesReport {
  const { classroom, allClasses, gpus, preparationNote: note } = observed;
  const mode = spec.gpu.nodePreparation;
  if (gpus.kind === 'Unknown') {
    const preparation = { unknown: UNKNOWN[gpus.why] };
    const condition = nodesPreparedCondition({ mode, preparation, inHand: [], note });
    return { condition, nodePreparation: undefined };
  }
  const key = keyOf(classroom.metadata);
  const inHand = nodesInHand(gpus.nodes, key);
  const preparation = preparationOf({ key, spec, placement }, allClasses, gpus);
  const toDo = isForPersons(mode, note)
    ? preparationCommands(preparation, { nodes: gpus.nodes, migGpu })
    : undefined;
  return {
    condition: nodesPreparedCondition({ mode, preparation, inHand, note }),
    nodePreparation: preparationStatus(preparation, inHand, undoCommands(inHand) ?? toDo),
  };
}

const UNKNOWN: Readonly<Record<Extract<GpuObservation, { kind: 'Unknown' }>['why'], string>> = {
  NotAllowed:
    'The operator may not read nodes, so it does not know how they share their GPUs. Give it the rights of `manifests/rbac.yaml`.',
  NotRead: 'The operator has not read the nodes yet.',
};

function preparationStatus(
  { offered, need }: Preparation,
  inHand: readonly NodeInHand[],
  commands: string | undefined,
): NodesReport['nodePreparation'] {
  if (inHand.length === 0 && commands === undefined) return undefined;
  return {
    offered,
    needed: need.slots,
    ...(inHand.length === 0 ? {} : { nodes: inHand.slice(0, PREPARED_NODES_MAX).map(statusOf) }),
    ...(commands === undefined ? {} : { commands }),
  };
}

/** Two must not work on a node at once: what the operator does is not said for a person to do. */
function isForPersons(mode: 'Report' | 'Manage', note: PreparationNote | undefined): boolean {
  return mode === 'Report' || note?.why === 'NotPossible' || note?.why === 'RightsMissing';
}

function nodesInHand(nodes: readonly GpuNode[], key: string): NodeInHand[] {
  return recordsOf(nodes)
    .filter(({ record }) => record.class === key)
    .map(({ node, record }) => ({ node: node.name, record, state: node.migConfigState }));
}

/** What failed comes first: until it is undone nothing else is begun. */
function undoCommands(inHand: readonly NodeInHand[]): string | undefined {
  const failed = inHand.find(({ record }) => record.step === 'Failed');
  if (failed === undefined) return undefined;
  return [`# The way back for node ${failed.node}:`, ...wayBack(failed.node, failed.record), ''].join('\n');
}

function statusOf({ node, record: { step, layout, since } }: NodeInHand) {
  return { name: node, step, layout, since };
}
