import type { ConditionDraft } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS } from '../../api/reasons.ts';
import type { Preparation } from './choose.ts';
import { changeCommand } from './commands.ts';
import type { PreparationNote } from './note.ts';
import type { PreparationRecord } from './record.ts';
import { describeNeed } from './report.ts';
import { describeFailure, wayBack } from './way-back.ts';

const type = CLASSROOM_CONDITIONS.nodesPrepared;

/** A node that the operator has begun on for this class. */
export interface NodeInHand {
  node: string;
  record: PreparationRecord;
  /** `nvidia.com/mig.config.state`. */
  state: string | undefined;
}

export interface PreparedInput {
  mode: 'Report' | 'Manage';
  /** `unknown`: why nodes are not known, in a sentence. */
  preparation: Preparation | { unknown: string };
  inHand: readonly NodeInHand[];
  /** What keeps the operator from going on by itself. */
  note: PreparationNote | undefined;
}

/** Obstacles that are spelled out. */
const NAMED_NODES = 3;

/** Whether the nodes that a class means offer what it needs; if not, what to do, or what the operator is doing. */
export function nodesPreparedCondition(input: PreparedInput): ConditionDraft {
  const { inHand, preparation } = input;
  const failed = inHand.find(({ record }) => record.step === 'Failed');
  if (failed !== undefined) return failedCondition(failed);
  const [working] = inHand;
  if (working !== undefined) return workingCondition(working, input.note);
  if ('unknown' in preparation) {
    const message = preparation.unknown;
    return { type, status: 'Unknown', reason: CLASSROOM_REASONS.nodesUnknown, message };
  }
  if (preparation.choices.length > 0) return neededCondition(input.mode, preparation, input.note);
  if (preparation.offered > 0) return preparedCondition(preparation);
  const message = `No node offers ${describeNeed(preparation.need)}, and none can be made to. ${obstacles(preparation)}`;
  return { type, status: 'False', reason: CLASSROOM_REASONS.noSuitableNode, message };
}

function failedCondition({ node, record }: NodeInHand): ConditionDraft {
  const what = describeFailure(node, record.failure, record);
  const cordoned = record.failure === 'Uncordoned' ? '' : ' It stays cordoned.';
  const steps = wayBack(node, record)
    .map((command) => `\`${command}\``)
    .join(', then ');
  const message = `${what}.${cordoned} The way back: ${steps}. The operator then tries again, unless \`gpu.nodePreparation\` is Report.`;
  return { type, status: 'False', reason: CLASSROOM_REASONS.preparationFailed, message };
}

function workingCondition(
  { node, record, state }: NodeInHand,
  note: PreparationNote | undefined,
): ConditionDraft {
  const doing =
    record.step === 'Draining'
      ? 'is cordoned, and its engines are being moved off'
      : `is being cut by the MIG manager into ${record.layout} (${state ?? 'not begun'})`;
  const message = [
    `Node ${node} ${doing}, since ${record.since}; it will offer ${record.slots} × ${record.resource}.`,
    ...(note === undefined ? [] : [note.message]),
  ].join(' ');
  return { type, status: 'False', reason: CLASSROOM_REASONS.preparationRunning, message };
}

function neededCondition(
  mode: PreparedInput['mode'],
  preparation: Preparation,
  note: PreparationNote | undefined,
): ConditionDraft {
  const { need, offered, choices, key } = preparation;
  const missing = `The nodes offer ${offered} of ${describeNeed(need)}.`;
  if (mode === 'Manage') {
    const reason = note === undefined ? CLASSROOM_REASONS.preparationRunning : reasonOf(note);
    const next = note?.message ?? `The operator is about to prepare node ${choices[0]?.node.name}.`;
    return { type, status: 'False', reason, message: `${missing} ${next}` };
  }
  const first = choices[0];
  const names = choices.map(({ node }) => node.name);
  const listed =
    names.length > NAMED_NODES ? `${names.slice(0, NAMED_NODES).join(', ')} …` : names.join(', ');
  const commands =
    first?.offer.changes.map((change) => `\`${changeCommand(first.node.name, change)}\``).join(', then ') ??
    '';
  const [namespace, name] = key.split('/');
  const all = `kubectl -n ${namespace} get classroom ${name} -o jsonpath='{.status.nodePreparation.commands}'`;
  return {
    type,
    status: 'False',
    reason: CLASSROOM_REASONS.preparationNeeded,
    message: `${missing} Prepare ${listed}: empty it, then ${commands}. Every step: \`${all}\``,
  };
}

function reasonOf({ why }: PreparationNote): string {
  switch (why) {
    case 'RightsMissing':
      return CLASSROOM_REASONS.rightsMissing;
    case 'ClassInUse':
      return CLASSROOM_REASONS.awaitingIdle;
    case 'ForeignPods':
      return CLASSROOM_REASONS.foreignGPUPods;
    case 'OtherNodeFirst':
    case 'EvictionBlocked':
      return CLASSROOM_REASONS.preparationRunning;
    case 'NotPossible':
      return CLASSROOM_REASONS.preparationNeeded;
  }
}

function preparedCondition(preparation: Preparation): ConditionDraft {
  const { need, offered, assessments } = preparation;
  const nodes = assessments.filter(({ slots }) => slots > 0).map(({ node }) => node.name);
  const on = nodes.length > NAMED_NODES ? `${nodes.length} nodes` : nodes.join(', ');
  const message =
    offered >= need.slots
      ? `${on} ${nodes.length === 1 ? 'offers' : 'offer'} ${offered} × ${need.resource}; all engines that the class may have need ${need.slots}.`
      : `${on} ${nodes.length === 1 ? 'offers' : 'offer'} ${offered} × ${need.resource}, of ${need.slots} that all engines of the class would need; no other node can be had for it. ${obstacles(preparation)}`.trimEnd();
  return { type, status: 'True', reason: CLASSROOM_REASONS.prepared, message };
}

function obstacles({ need, assessments, taken }: Preparation): string {
  const reasons = [
    ...taken.map(({ node, by }) => `${node} is what the class ${by} counts on`),
    ...assessments.flatMap(({ node, obstacle }) =>
      obstacle === undefined ? [] : [`${node.name} ${obstacle}`],
    ),
  ];
  if (reasons.length > 0) {
    const more = reasons.length > NAMED_NODES ? `; and ${reasons.length - NAMED_NODES} more` : '';
    return `Node ${reasons.slice(0, NAMED_NODES).join('; ')}${more}.`;
  }
  if (assessments.length > 0) return '';
  const selected = Object.keys(need.nodeSelector).length === 0 ? '' : ' that `gpu.nodeSelector` selects';
  return `No node${selected} has ${need.product ?? 'a GPU'}.`;
}
