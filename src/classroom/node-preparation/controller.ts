import type { Classroom } from '../../api/classroom.ts';
import { EVENT_REASONS } from '../../api/event-reasons.ts';
import { parseClassroom } from '../../api/parse.ts';
import type { Preparation } from '../../gpu/node-preparation/choose.ts';
import {
  beginPreparation,
  continuePreparation,
  type ManageAction,
  type ManageContext,
  type NodeMoment,
} from '../../gpu/node-preparation/manage.ts';
import { placedClass, preparationOf } from '../../gpu/node-preparation/prepare.ts';
import { type PreparationRecord, recordOf, recordsOf } from '../../gpu/node-preparation/record.ts';
import { describeFailure, wayBack } from '../../gpu/node-preparation/way-back.ts';
import type { KnownGpus } from '../../gpu/nodes/observation.ts';
import type { KubeClient } from '../../kube/client.ts';
import { KubeApiError } from '../../kube/errors.ts';
import { keyOf, refOfKey } from '../../kube/object.ts';
import { nodes as nodeResource } from '../../kube/resources.ts';
import { createSemaphore } from '../../kube/semaphore.ts';
import type { OperatorInformers } from '../../reconcile/caches.ts';
import type { OperatorController, OperatorMetrics, ReconcilePass } from '../../reconcile/controller.ts';
import { timetableInputOf } from '../../timetable/open-until.ts';
import { openingOf } from '../../timetable/opening.ts';
import type { ClassroomDependencies } from '../dependencies.ts';
import { activityOf } from '../engine-watch/activity.ts';
import { leaveToReplace } from '../rollout/leave.ts';
import { readMoment, readNodes } from './moment.ts';
import { evictAll, type NodeWrite, writeToNode } from './write.ts';

/** Waiting for pods to end, or for the MIG manager. */
const LOOK_AGAIN_MS = 5_000;
/** After a write, and after one that came too late. */
const NEXT_STEP_MS = 300;
/** A node that joins or a neighbour's rollout is many changes, and a look reads all nodes. */
const GPUS_SETTLE_MS = 1_000;
/** Pods of others, and rights, are not watched. */
const TRY_AGAIN_MS = 60_000;

/** `kubectl apply -f` of it gives the operator the rights to change nodes. */
export const NODE_RIGHTS_MANIFEST = 'manifests/rbac-node-preparation.yaml';

export interface NodePreparationDependencies
  extends Pick<
    ClassroomDependencies,
    'events' | 'clock' | 'log' | 'settings' | 'engineBoard' | 'preparationNotes'
  > {
  client: Pick<KubeClient, 'list' | 'mergePatch' | 'raw'>;
  informers: Pick<OperatorInformers, 'classrooms' | 'pods'> & {
    gpus: Pick<OperatorInformers['gpus'], 'current' | 'onChange'>;
  };
  metrics: Pick<OperatorMetrics, 'objectWritten'>;
}

/**
 * Changes how nodes share their GPUs, for classes with `gpu.nodePreparation: Manage` alone: one node of the cluster at
 * a time, one request a step, each decided on what the API server says at that moment. Killed between any two of them
 * it goes on where it was, by the record on the node.
 */
export function createNodePreparationController(
  dependencies: NodePreparationDependencies,
): OperatorController {
  const { informers, settings } = dependencies;
  // Two classes must not begin on two nodes, or on the same one, at once.
  const one = createSemaphore(1);
  let workingSinceMs = dependencies.clock.now();
  const keys = (): string[] => {
    const managed = informers.classrooms.list(settings.watchNamespace).filter(isManaged);
    const observed = informers.gpus.current();
    const begun =
      observed.kind === 'Known' ? recordsOf(observed.nodes).map(({ record }) => record.class) : [];
    const served = begun.filter((key) => isServed(key, settings.watchNamespace));
    return [...new Set([...managed.map(({ metadata }) => keyOf(metadata)), ...served])];
  };

  return {
    name: 'node-preparation',
    keys,
    connect(enqueue) {
      // The process may have stood by for days, until it became the leader.
      workingSinceMs = dependencies.clock.now();
      const subscriptions = [
        informers.classrooms.onChange(({ now, before }) => {
          const classroom = [now, before].find((each) => each !== undefined && isManaged(each));
          if (classroom !== undefined) enqueue(keyOf(classroom.metadata));
        }),
        informers.gpus.onChange(() => {
          for (const key of keys()) enqueue(key, GPUS_SETTLE_MS);
        }),
      ];
      return () => {
        for (const unsubscribe of subscriptions) unsubscribe();
      };
    },
    reconcile: (key, signal) => one.run(() => guarded(key, { ...dependencies, workingSinceMs }, signal)),
  };
}

/** An operator at work. */
type Working = NodePreparationDependencies & Pick<ManageContext, 'workingSinceMs'>;

function isManaged({ spec }: Classroom): boolean {
  return spec.gpu?.nodePreparation === 'Manage';
}

function isServed(key: string, watchNamespace: string | undefined): boolean {
  return watchNamespace === undefined || key.startsWith(`${watchNamespace}/`);
}

/** Rights that are missing are told, and a node that changed or went meanwhile is looked at again. */
async function guarded(key: string, dependencies: Working, signal: AbortSignal): Promise<ReconcilePass> {
  try {
    return await pass(key, dependencies, signal);
  } catch (error) {
    if (!(error instanceof KubeApiError)) throw error;
    if (error.isConflict || error.isNotFound) return { requeueAfterMs: NEXT_STEP_MS };
    if (error.status !== 403) throw error;
    const message = `The operator has no right to do it (${error.message.replace(/\.$/, '')}): apply \`${NODE_RIGHTS_MANIFEST}\`, or set \`gpu.nodePreparation: Report\` and do it by hand.`;
    dependencies.preparationNotes.set(key, { why: 'RightsMissing', message });
    return { blocked: message, requeueAfterMs: TRY_AGAIN_MS };
  }
}

async function pass(key: string, dependencies: Working, signal: AbortSignal): Promise<ReconcilePass> {
  const { client, informers, preparationNotes } = dependencies;
  const seen = informers.gpus.current();
  if (seen.kind === 'Unknown') return {};
  const managed = managedClass(key, dependencies);
  const begun = recordsOf(seen.nodes).find(({ record }) => record.class === key)?.node.name;
  const preparation = preparationFor(managed, seen, dependencies);
  if (begun === undefined && (preparation === undefined || preparation.choices.length === 0)) {
    preparationNotes.set(key, undefined);
    return {};
  }
  // From here on the cache is not good enough: it may not show what we wrote a moment ago.
  const live = await readNodes(client, begun, signal);
  const others = begun === undefined ? [] : seen.nodes.filter(({ name }) => name !== begun);
  const known: KnownGpus = { ...seen, nodes: [...others, ...live.nodes] };
  const turn: Turn = {
    key,
    dependencies,
    signal,
    managed,
    preparation: preparationFor(managed, known, dependencies),
    resourceVersionOf: live.resourceVersionOf,
  };
  const own = recordsOf(live.nodes).find(({ record }) => record.class === key);
  if (own !== undefined) return goOn(turn, own.node, own.record);
  // It was let go a moment ago, and of the other nodes too much is not known.
  if (begun !== undefined) return { requeueAfterMs: LOOK_AGAIN_MS };
  const busy = recordsOf(known.nodes).find(({ record }) => record.step !== 'Failed');
  if (busy === undefined) return begin(turn);
  const message = `It waits for node ${busy.node.name}, which is being prepared for the class ${busy.record.class}: one node is changed at a time.`;
  preparationNotes.set(key, { why: 'OtherNodeFirst', message });
  return { requeueAfterMs: LOOK_AGAIN_MS };
}

function preparationFor(
  managed: Classroom | undefined,
  known: KnownGpus,
  { informers }: NodePreparationDependencies,
): Preparation | undefined {
  const placed = managed && placedClass(managed, known);
  return placed && preparationOf(placed, informers.classrooms.list(), known);
}

/** One pass over one class, with everything it was given. */
interface Turn {
  key: string;
  dependencies: Working;
  signal: AbortSignal;
  /** Undefined: it is gone, or wants no nodes changed any more. */
  managed: Classroom | undefined;
  preparation: Preparation | undefined;
  resourceVersionOf(node: string): string;
}

function managedClass(key: string, { informers }: NodePreparationDependencies): Classroom | undefined {
  const classroom = informers.classrooms.get(refOfKey(key));
  if (classroom === undefined || classroom.metadata.deletionTimestamp !== undefined) return undefined;
  return isManaged(classroom) ? classroom : undefined;
}

async function goOn(turn: Turn, node: NodeMoment['node'], record: PreparationRecord): Promise<ReconcilePass> {
  const { client } = turn.dependencies;
  const moment = await readMoment(client, node, turn.key, turn.signal);
  return perform(turn, moment, continuePreparation(moment, record, contextOf(turn)));
}

async function begin(turn: Turn): Promise<ReconcilePass> {
  const { client, preparationNotes } = turn.dependencies;
  const refusals: Extract<ManageAction, { kind: 'Refuse' }>[] = [];
  for (const choice of turn.preparation?.choices ?? []) {
    const moment = await readMoment(client, choice.node, turn.key, turn.signal);
    const action = beginPreparation(choice, moment, contextOf(turn));
    if (action.kind !== 'Refuse') return perform(turn, moment, action);
    refusals.push(action);
  }
  const [first] = refusals;
  const note = first && { why: first.why, message: first.message };
  preparationNotes.set(turn.key, note);
  return note === undefined ? {} : { blocked: note.message, requeueAfterMs: TRY_AGAIN_MS };
}

function contextOf({ key, preparation, managed, dependencies }: Turn): ManageContext {
  return {
    classKey: key,
    preparation,
    engines:
      managed === undefined ? { mayStop: false, why: 'the class is gone' } : enginesOf(managed, dependencies),
    nowMs: dependencies.clock.now(),
    workingSinceMs: dependencies.workingSinceMs,
  };
}

/** As for a rollout: engines that students use are stopped only where class and timetable allow it. */
function enginesOf(seen: Classroom, dependencies: NodePreparationDependencies): ManageContext['engines'] {
  const parsed = parseClassroom(seen);
  if (!parsed.ok) return { mayStop: false, why: 'the spec of the class must be corrected first' };
  const nowMs = dependencies.clock.now();
  const { spec, status } = parsed.classroom;
  const leave = leaveToReplace({
    spec,
    opening: openingOf(timetableInputOf(parsed.classroom), nowMs),
    idleMs: dependencies.settings.rolloutIdleMs,
    loadMs: (status?.lastLoadSeconds ?? 0) * 1000,
    nowMs,
  });
  switch (leave.kind) {
    case 'AtOnce':
      return { mayStop: true };
    case 'NotYet':
      return {
        mayStop: false,
        why: leave.awaited === 'ExamEnd' ? 'an exam is on' : 'the session is not over',
      };
    case 'WhenQuiet':
      return whenQuiet(seen, leave.forMs, dependencies);
  }
}

function whenQuiet(
  { metadata: { name, namespace = '' } }: Classroom,
  forMs: number,
  { clock, engineBoard, informers }: NodePreparationDependencies,
): ManageContext['engines'] {
  const engines = informers.pods.ofClassroom(namespace, name);
  const activity = activityOf(keyOf({ namespace, name }), engines, engineBoard);
  switch (activity.kind) {
    case 'busy':
      return { mayStop: false, why: 'students use them' };
    case 'unknown':
      return {
        mayStop: false,
        why: `whether students use them is not known (${activity.why}); \`engine.rollout: Immediately\` stops them all the same`,
      };
    case 'quiet':
      return clock.now() - activity.sinceMs >= forMs
        ? { mayStop: true }
        : { mayStop: false, why: 'students used them a moment ago' };
  }
}

async function perform(turn: Turn, { node }: NodeMoment, action: ManageAction): Promise<ReconcilePass> {
  const { client, metrics, preparationNotes, log } = turn.dependencies;
  switch (action.kind) {
    case 'Refuse':
      return {};
    case 'Wait':
      return waiting(turn, node);
    case 'Evict': {
      preparationNotes.set(turn.key, await evictAll(client, action.pods, turn.signal));
      return { requeueAfterMs: LOOK_AGAIN_MS };
    }
    default: {
      const target = { name: node.name, resourceVersion: turn.resourceVersionOf(node.name) };
      await writeToNode(client, target, action, turn.signal);
      metrics.objectWritten({ kind: nodeResource.kind, verb: 'apply' });
      log.info({ node: node.name, class: turn.key, step: action.kind }, 'Node preparation');
      preparationNotes.set(turn.key, undefined);
      tell(turn, node, action);
      return { requeueAfterMs: NEXT_STEP_MS };
    }
  }
}

function waiting({ key, dependencies }: Turn, node: NodeMoment['node']): ReconcilePass {
  const record = recordOf(node);
  if (record === undefined || record === 'unreadable' || record.step !== 'Failed') {
    dependencies.preparationNotes.set(key, undefined);
    return { requeueAfterMs: LOOK_AGAIN_MS };
  }
  return { blocked: `${describeFailure(node.name, record.failure, record)}.` };
}

/** A class that is gone cannot be told of; its node then can. */
function tell({ key, dependencies }: Turn, node: NodeMoment['node'], action: NodeWrite): void {
  const classroom = dependencies.informers.classrooms.get(refOfKey(key));
  const regarding = classroom ?? { apiVersion: 'v1', kind: 'Node', metadata: { name: node.name } };
  const event = eventOf(node, action, classroom !== undefined);
  if (event !== undefined) dependencies.events.record(regarding, { action: 'PrepareNode', ...event });
}

type Told = Omit<Parameters<ClassroomDependencies['events']['record']>[1], 'action'>;

/** @param hasClass its status tells more */
function eventOf(node: NodeMoment['node'], action: NodeWrite, hasClass: boolean): Told | undefined {
  const { name } = node;
  switch (action.kind) {
    case 'Cordon': {
      const note = `Node ${name} is cordoned and emptied of this class's engines, to be given the layout ${action.record.layout}.`;
      return { type: 'Normal', reason: EVENT_REASONS.nodePreparationStarted, note };
    }
    case 'SetLayout':
      return undefined;
    case 'Release':
      return action.outcome === 'Done' ? done(name) : givenUp(name);
    case 'Forget':
      return done(name);
    case 'Fail': {
      const what = describeFailure(name, action.record.failure, action.record);
      const back = hasClass
        ? 'The condition NodesPrepared has the way back'
        : `The class is gone. The way back: ${wayBack(name, action.record).join(' && ')}`;
      const note = `${what}. ${back}.`;
      return { type: 'Warning', reason: EVENT_REASONS.nodePreparationFailed, note };
    }
  }
}

function done(node: string): Told {
  const note = `Node ${node} offers what the class needs, and takes pods again.`;
  return { type: 'Normal', reason: EVENT_REASONS.nodePrepared, note };
}

function givenUp(node: string): Told {
  const note = `Node ${node} was uncordoned as it was: pods of others came, the class is in use, or it wants something else now.`;
  return { type: 'Normal', reason: EVENT_REASONS.nodePreparationGivenUp, note };
}
