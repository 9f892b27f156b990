import { instantOf } from '../../kube/instant.ts';
import type { GpuNode } from '../nodes/gpu-node.ts';
import type { NodeChange, NodeOffer } from './assess.ts';
import type { NodeChoice, Preparation } from './choose.ts';
import { namesItsNodes } from './need.ts';
import { MIG_MANAGER_LABEL } from './nvidia.ts';
import { type PreparationFailure, type PreparationRecord, recordOf } from './record.ts';

/** A pod on the node, asked of the API server a moment ago. */
export interface PodOnNode {
  namespace: string;
  name: string;
  uid: string;
  /** An engine of the class that the node is prepared for. */
  isOwn: boolean;
  /** It holds GPUs of the node. */
  holdsGpu: boolean;
  /** A student may have something running on it. */
  serves: boolean;
  isEnding: boolean;
}

/** A node and its pods as they are, not as a cache has them. */
export interface NodeMoment {
  node: GpuNode;
  pods: readonly PodOnNode[];
}

export interface ManageContext {
  /** `namespace/name`. */
  classKey: string;
  /** Undefined: the class is gone, or no longer wants the operator to change nodes. */
  preparation: Preparation | undefined;
  /** Whether engines that serve may be stopped now; if not, why. */
  engines: { mayStop: true } | { mayStop: false; why: string };
  nowMs: number;
  /** Since when this operator works: whatever was begun before, nobody may have gone on with it until then. */
  workingSinceMs: number;
}

/** The next write, or why there is none. */
export type ManageAction =
  /** Cordon and record in one request. */
  | { kind: 'Cordon'; record: PreparationRecord }
  | { kind: 'Evict'; pods: readonly PodOnNode[] }
  /** Label and record in one request. */
  | { kind: 'SetLayout'; record: PreparationRecord }
  /** Uncordon and forget in one request. `Done`: it is as wanted. `BackOut`: nothing was changed. */
  | { kind: 'Release'; outcome: 'Done' | 'BackOut' }
  /** Nothing but the record: the cordon is gone already. */
  | { kind: 'Forget' }
  | { kind: 'Fail'; record: PreparationRecord }
  | { kind: 'Wait' }
  | { kind: 'Refuse'; why: Refusal; message: string };

export type Refusal = 'ForeignPods' | 'ClassInUse' | 'NotPossible';

/** What a scheduler decided on before it heard of the cordon may still be bound to the node. */
const CORDON_SETTLE_MS = 10_000;
/** Engines get a minute to finish answers; a disruption budget may let them go only one after another. */
const DRAIN_TIMEOUT_MS = 15 * 60_000;
/** It looks at its label all the time. */
const LAYOUT_BEGIN_TIMEOUT_MS = 20 * 60_000;
/**
 * The MIG manager waits up to five minutes for each of four programs to stop, then may reboot the node, which takes a
 * server with eight GPUs a quarter of an hour, and is `pending` once more after that.
 *
 * @see https://github.com/NVIDIA/mig-parted/blob/main/deployments/container/reconfigure-mig.sh
 */
const LAYOUT_TIMEOUT_MS = 45 * 60_000;

/**
 * The next step on a node that the operator has begun on. Each step is one request, and what it needs to know is in
 * the node itself: an operator that is killed is followed by one that goes on.
 */
export function continuePreparation(
  moment: NodeMoment,
  record: PreparationRecord,
  context: ManageContext,
): ManageAction {
  switch (record.step) {
    case 'Draining':
      return drain(moment, record, context);
    case 'Configuring':
      return configure(moment, record, context);
    case 'Failed':
      return { kind: 'Wait' };
  }
}

/** Until the layout is asked for nothing was done to the GPUs, so whatever comes between, the node is let go. */
function drain({ node, pods }: NodeMoment, record: PreparationRecord, context: ManageContext): ManageAction {
  if (!node.cordoned) return fail(record, 'Uncordoned', context.nowMs);
  const foreign = pods.some(({ holdsGpu, isOwn }) => holdsGpu && !isOwn);
  const isOvertaken = node.migConfig !== record.previousLayout;
  if (foreign || isOvertaken || !isStillWanted(node, record, context)) return BACK_OUT;
  const own = pods.filter(({ isOwn }) => isOwn);
  const staying = own.filter(({ isEnding }) => !isEnding);
  if (staying.some(({ serves }) => serves) && !context.engines.mayStop) return BACK_OUT;
  if (own.length === 0) {
    if (elapsedMs(record, context) < CORDON_SETTLE_MS) return { kind: 'Wait' };
    return { kind: 'SetLayout', record: nextStep(record, 'Configuring', context.nowMs) };
  }
  const evictingMs = Math.min(elapsedMs(record, context), context.nowMs - context.workingSinceMs);
  if (evictingMs > DRAIN_TIMEOUT_MS) return fail(record, 'DrainTimeout', context.nowMs);
  return staying.length === 0 ? { kind: 'Wait' } : { kind: 'Evict', pods: staying };
}

const BACK_OUT: ManageAction = { kind: 'Release', outcome: 'BackOut' };

function isStillWanted(node: GpuNode, record: PreparationRecord, { preparation }: ManageContext): boolean {
  const choice = preparation?.choices.find((candidate) => candidate.node.name === node.name);
  return choice !== undefined && builtInLayout(choice.offer) === record.layout;
}

/** Once the layout is asked for, the node is left only when the MIG manager has ended, whatever the class wants now. */
function configure({ node }: NodeMoment, record: PreparationRecord, context: ManageContext): ManageAction {
  if (node.migConfig !== record.layout) return fail(record, 'LayoutChanged', context.nowMs);
  if (node.migConfigState === 'failed') return fail(record, 'LayoutFailed', context.nowMs);
  const isDone = node.migConfigState === 'success';
  if (isDone && offers(node, record)) {
    return node.cordoned ? { kind: 'Release', outcome: 'Done' } : { kind: 'Forget' };
  }
  const hasBegun = node.migConfigState !== undefined || !node.ready;
  const limitMs = hasBegun ? LAYOUT_TIMEOUT_MS : LAYOUT_BEGIN_TIMEOUT_MS;
  if (elapsedMs(record, context) <= limitMs) return { kind: 'Wait' };
  return fail(record, isDone ? 'SlicesMissing' : 'LayoutTimeout', context.nowMs);
}

/** The device plugin and feature discovery are started anew after the MIG manager: both must have caught up. */
function offers(node: GpuNode, { resource, slots, profile }: PreparationRecord): boolean {
  return node.slots.some(
    ({ resourceName, allocatable, kind, migProfile }) =>
      resourceName === resource &&
      allocatable >= slots &&
      (profile === undefined ? kind === 'WholeGPU' : migProfile === profile),
  );
}

/** The first step on a node that is to be changed, or why the operator does not begin. */
export function beginPreparation(
  { offer }: NodeChoice,
  moment: NodeMoment,
  context: ManageContext,
): ManageAction {
  const { node } = moment;
  const layout = builtInLayout(offer);
  if (layout === undefined) {
    return refuse(
      'NotPossible',
      `Node ${node.name} needs changes that the operator does not make by itself: ${personsChanges(offer)}`,
    );
  }
  if (context.preparation !== undefined && !namesItsNodes(context.preparation.need)) {
    const why = 'the spec does not say which nodes it means: set `gpu.product` or `gpu.nodeSelector`';
    return refuse('NotPossible', `Node ${node.name} is left alone, because ${why}`);
  }
  const hindrance = nodeHindrance(node, layout);
  if (hindrance !== undefined) return refuse('NotPossible', `Node ${node.name} ${hindrance}`);
  return podHindrance(moment, context) ?? cordon(node, layout, offer, context);
}

/** The only change that the operator makes: a layout that the MIG manager knows. */
export function builtInLayout({ changes }: NodeOffer): string | undefined {
  const [change, ...others] = changes;
  if (change?.kind !== 'MigLayout' || others.length > 0 || !change.layout.isBuiltIn) return undefined;
  return change.layout.name;
}

function personsChanges({ changes }: NodeOffer): string {
  return changes.map(describeChange).join(', and ');
}

function describeChange(change: NodeChange): string {
  switch (change.kind) {
    case 'MigStrategy':
      return `the MIG strategy ${change.strategy}, which holds for the whole cluster`;
    case 'DevicePluginConfig':
      return "a key of the device plugin's ConfigMap";
    case 'MigLayout':
      return `the layout ${change.layout.name}`;
  }
}

/** What about the node itself keeps the operator from cutting it, as the end of a sentence that begins with its name. */
export function nodeHindrance(node: GpuNode, layout: string): string | undefined {
  const record = recordOf(node);
  if (record === 'unreadable') {
    return 'carries an annotation about its preparation that this version cannot read: remove it if nobody works on the node';
  }
  if (record !== undefined) return `is being prepared for the class ${record.class}`;
  if (node.cordoned) return 'was cordoned by somebody: uncordon it when its maintenance is over';
  if (!node.ready) return 'is not ready';
  if (node.labels[MIG_MANAGER_LABEL] !== 'true') {
    return `has no MIG manager (label ${MIG_MANAGER_LABEL}=true), so nobody would cut its GPUs`;
  }
  const { migConfig, migConfigState } = node;
  if (migConfigState === 'pending' || migConfigState === 'rebooting') {
    return `is being cut by the MIG manager at the moment (${migConfig ?? 'no layout'}: ${migConfigState})`;
  }
  if (migConfig === layout) {
    return migConfigState === 'success'
      ? `says that it has the layout ${layout}, but does not offer its slices: see whether the device plugin runs there`
      : `could not be given the layout ${layout} before: see the log of its MIG manager, then label it with another layout and try again`;
  }
  return undefined;
}

/** Pods of others that are named in a message. */
const NAMED_PODS = 5;

function podHindrance({ node, pods }: NodeMoment, { engines }: ManageContext): ManageAction | undefined {
  const foreign = pods.filter(({ holdsGpu, isOwn }) => holdsGpu && !isOwn);
  if (foreign.length > 0) {
    const names = foreign.slice(0, NAMED_PODS).map(({ namespace, name }) => `${namespace}/${name}`);
    const more = foreign.length > NAMED_PODS ? ` and ${foreign.length - NAMED_PODS} more` : '';
    return refuse(
      'ForeignPods',
      `Node ${node.name} has GPU pods that are not of this class: ${names.join(', ')}${more}. It is left alone until they are gone`,
    );
  }
  if (!pods.some(({ isOwn, serves }) => isOwn && serves) || engines.mayStop) return undefined;
  return refuse(
    'ClassInUse',
    `Node ${node.name} has engines of this class that may not be stopped now: ${engines.why}`,
  );
}

function cordon(node: GpuNode, layout: string, offer: NodeOffer, context: ManageContext): ManageAction {
  const shape = context.preparation?.need.shape;
  return {
    kind: 'Cordon',
    record: {
      class: context.classKey,
      step: 'Draining',
      since: instantOf(context.nowMs),
      layout,
      ...(node.migConfig === undefined ? {} : { previousLayout: node.migConfig }),
      resource: offer.resource,
      slots: offer.slots,
      ...(shape?.kind === 'MIG' ? { profile: shape.profile } : {}),
    },
  };
}

function refuse(why: Refusal, message: string): ManageAction {
  return { kind: 'Refuse', why, message: `${message}.` };
}

function fail(record: PreparationRecord, failure: PreparationFailure, nowMs: number): ManageAction {
  return { kind: 'Fail', record: { ...nextStep(record, 'Failed', nowMs), failure } };
}

function nextStep(
  record: PreparationRecord,
  step: PreparationRecord['step'],
  nowMs: number,
): PreparationRecord {
  return { ...record, step, since: instantOf(nowMs) };
}

function elapsedMs({ since }: PreparationRecord, { nowMs }: ManageContext): number {
  return nowMs - Date.parse(since);
}
