import type { ClassroomStatus } from '../../api/classroom.ts';
import type { ConditionDraft } from '../../api/condition.ts';
import { PREPARED_NODES_MAX } from '../../api/node-preparation.ts';
import { migGpu } from '../../gpu/hardware/mig-profiles.ts';
import { type NodeInHand, nodesPreparedCondition } from '../../gpu/node-preparation/condition.ts';
import { type PlacedClass, preparationOf } from '../../gpu/node-preparation/prepare.ts';
import { recordsOf } from '../../gpu/node-preparation/record.ts';
import { preparationCommands } from '../../gpu/node-preparation/report.ts';
import { wayBack } from '../../gpu/node-preparation/way-back.ts';
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
  const { classroom, allClasses, gpus } = observed;
  const key = keyOf(classroom.metadata);
  const inHand = nodesInHand(gpus, key);
  const preparation =
    gpus.kind === 'Known' ? preparationOf({ key, spec, placement }, allClasses, gpus) : undefined;
  const condition = nodesPreparedCondition({
    mode: spec.gpu.nodePreparation,
    preparation,
    unknown: describeUnknown(gpus),
    inHand,
    note: observed.preparationNote,
  });
  const toDo =
    preparation !== undefined && gpus.kind === 'Known' && isForPersons(observed)
      ? preparationCommands(preparation, { nodes: gpus.nodes, migGpu })
      : undefined;
  const commands = undoCommands(inHand) ?? toDo;
  if (preparation === undefined || (inHand.length === 0 && commands === undefined)) {
    return { condition, nodePreparation: undefined };
  }
  const nodePreparation = {
    offered: preparation.offered,
    needed: preparation.need.slots,
    ...(inHand.length === 0 ? {} : { nodes: inHand.slice(0, PREPARED_NODES_MAX).map(statusOf) }),
    ...(commands === undefined ? {} : { commands }),
  };
  return { condition, nodePreparation };
}

/** Two must not work on a node at once: what the operator does is not said for a person to do. */
function isForPersons({
  classroom,
  preparationNote,
}: Pick<ObservedClass, 'classroom' | 'preparationNote'>): boolean {
  if (classroom.spec.gpu.nodePreparation === 'Report') return true;
  return preparationNote?.why === 'NotPossible' || preparationNote?.why === 'RightsMissing';
}

function nodesInHand(gpus: GpuObservation, key: string): NodeInHand[] {
  if (gpus.kind === 'Unknown') return [];
  return recordsOf(gpus.nodes)
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

function describeUnknown(gpus: GpuObservation): string {
  if (gpus.kind === 'Known') return 'The spec cannot be read.';
  switch (gpus.why) {
    case 'NotAllowed':
      return 'The operator may not read nodes, so it does not know how they share their GPUs. Give it the rights of `manifests/rbac.yaml`.';
    case 'NotRead':
      return 'The operator has not read the nodes yet.';
  }
}
