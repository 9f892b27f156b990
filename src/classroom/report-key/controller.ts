import { type Classroom, classrooms, type ReportKeyStatus } from '../../api/classroom.ts';
import { EVENT_REASONS } from '../../api/event-reasons.ts';
import type { KubeClient } from '../../kube/client.ts';
import {
  apiVersionOf,
  type KubeObject,
  keyOf,
  type ObjectRef,
  type Resource,
  refOfKey,
} from '../../kube/object.ts';
import { type Secret, secrets } from '../../kube/resources.ts';
import type { ObjectChange, OperatorInformers } from '../../reconcile/caches.ts';
import type { OperatorController, OperatorDependencies, ReconcilePass } from '../../reconcile/controller.ts';
import { REPORT_KEY_FIELD_MANAGER } from '../../reconcile/field-managers.ts';
import { API_KEY_RANDOM_BYTES, generateApiKey, hashApiKey, publicKeyId } from '../../student/api-key.ts';
import type { IssueCause } from '../../student/key-record.ts';
import { withoutKey, writeSecret } from '../../student/write-secret.ts';
import { type ObservedReportKey, planReportKey, type ReportKeyPlan, statusOf } from './plan.ts';
import { classroomOfReportKeySecret, reportKeyIn, reportKeySecret, reportKeySecretName } from './secret.ts';

/** What this controller uses of the operator. */
export type ReportKeyDependencies = Pick<
  OperatorDependencies,
  'events' | 'clock' | 'log' | 'randomBytes' | 'metrics'
> & {
  client: Pick<KubeClient, 'get' | 'create' | 'apply'>;
  informers: Pick<OperatorInformers, 'classrooms' | 'secrets'>;
  settings: Pick<OperatorDependencies['settings'], 'watchNamespace'>;
};

/** A foreign Secret of our name may be in no cache: only looking again shows that it is gone. */
const TAKEN_RETRY_MS = 60_000;

/**
 * Gives every class the Secret with the key of its report, and publishes the key's hash in the status: the Secret
 * first, as with students' keys, so that a hash is only ever published after its plaintext is there.
 */
export function createReportKeyController(deps: ReportKeyDependencies): OperatorController {
  const { informers, client, clock, settings } = deps;
  /** Classes of which it was told that the name is taken. */
  const told = new Set<string>();

  return {
    name: 'report-key',
    connect: (enqueue) => connect(informers, enqueue),
    keys: () => informers.classrooms.list(settings.watchNamespace).map(({ metadata }) => keyOf(metadata)),
    async reconcile(key, signal) {
      const cached = observeCached(informers, refOfKey(key));
      if (cached === undefined) return {};
      const plan = planReportKey(cached, clock.now());
      if (plan.action === 'Keep') {
        told.delete(key);
        return keep(deps, cached, plan, signal);
      }
      // What a cached view does not show may be there all the same.
      const live = await observeLive(client, refOfKey(key), signal);
      return live === undefined ? {} : carryOut(deps, live, told, signal);
    },
  };
}

function connect(informers: ReportKeyDependencies['informers'], enqueue: (key: string) => void): () => void {
  const disconnect = [
    informers.classrooms.onChange((change) => {
      const { metadata } = change.now ?? change.before ?? {};
      if (metadata !== undefined && concernsKey(change)) enqueue(keyOf(metadata));
    }),
    informers.secrets.onChange(({ now, before }) => {
      const { namespace, name = '' } = (now ?? before)?.metadata ?? {};
      const classroom = classroomOfReportKeySecret(name);
      if (classroom !== undefined)
        enqueue(keyOf({ ...(namespace !== undefined && { namespace }), name: classroom }));
    }),
  ];
  return () => {
    for (const end of disconnect) end();
  };
}

/** The status of a class changes many times; its key depends on its existence and on what is published of the key. */
function concernsKey({ now, before }: ObjectChange<Classroom>): boolean {
  return (
    now?.metadata.uid !== before?.metadata.uid || !isSame(now?.status?.reportKey, before?.status?.reportKey)
  );
}

function isSame(a: ReportKeyStatus | undefined, b: ReportKeyStatus | undefined): boolean {
  return a?.sha256 === b?.sha256 && a?.secretName === b?.secretName && a?.createdTime === b?.createdTime;
}

function observeCached(
  { classrooms: cache, secrets: secretCache }: ReportKeyDependencies['informers'],
  ref: ObjectRef,
): ObservedReportKey | undefined {
  const classroom = cache.get(ref);
  if (classroom === undefined || isDeleted(classroom)) return undefined;
  return { classroom, secret: secretCache.get(secretRef(classroom)) };
}

async function observeLive(
  client: Pick<KubeClient, 'get'>,
  ref: ObjectRef,
  signal: AbortSignal,
): Promise<ObservedReportKey | undefined> {
  const classroom = await client.get(classrooms, ref, { signal });
  if (classroom === undefined || isDeleted(classroom)) return undefined;
  return { classroom, secret: await client.get(secrets, secretRef(classroom), { signal }) };
}

async function carryOut(
  deps: ReportKeyDependencies,
  seen: ObservedReportKey,
  told: Set<string>,
  signal: AbortSignal,
): Promise<ReconcilePass> {
  const plan = planReportKey(seen, deps.clock.now());
  switch (plan.action) {
    case 'Keep':
      return keep(deps, seen, plan, signal);
    case 'Issue':
      return issue(deps, seen, plan, signal);
    case 'Withhold':
      return withhold(deps, seen, plan, told);
  }
}

async function keep(
  deps: ReportKeyDependencies,
  { classroom, secret }: ObservedReportKey,
  { intent, status }: Extract<ReportKeyPlan, { action: 'Keep' }>,
  signal: AbortSignal,
): Promise<ReconcilePass> {
  if (await write(deps, intent, secret, signal)) {
    const note = `Secret ${intent.metadata.name} was brought back to what it should hold. The key is the same.`;
    deps.events.record(classroom, {
      type: 'Normal',
      reason: EVENT_REASONS.secretHealed,
      action: 'Apply',
      note,
    });
  }
  await publish(deps, classroom, status, signal);
  return {};
}

async function issue(
  deps: ReportKeyDependencies,
  { classroom, secret }: ObservedReportKey,
  { record: unhashed, cause }: Extract<ReportKeyPlan, { action: 'Issue' }>,
  signal: AbortSignal,
): Promise<ReconcilePass> {
  const key = generateApiKey(deps.randomBytes(API_KEY_RANDOM_BYTES));
  const record = { ...unhashed, sha256: hashApiKey(key) };
  await write(deps, reportKeySecret(classroom, key, record, secret), secret, signal);
  await publish(deps, classroom, statusOf(classroom, record), signal);
  tellIssue(deps, classroom, cause, publicKeyId(record.sha256));
  return {};
}

function withhold(
  { events, metrics }: Pick<ReportKeyDependencies, 'events' | 'metrics'>,
  { classroom }: ObservedReportKey,
  { taken }: Extract<ReportKeyPlan, { action: 'Withhold' }>,
  told: Set<string>,
): ReconcilePass {
  // Garbage collection is about to remove it, and the watch tells when it has.
  if (taken === 'leftover') return { requeueAfterMs: TAKEN_RETRY_MS };
  const name = reportKeySecretName(classroom.metadata.name);
  const note = `Secret ${name} exists and does not belong to this class, so it was left alone, and the class has no key for its report. Rename or delete it.`;
  const key = keyOf(classroom.metadata);
  if (!told.has(key)) {
    told.add(key);
    events.record(classroom, {
      type: 'Warning',
      reason: EVENT_REASONS.nameConflict,
      action: 'Reconcile',
      note,
    });
    metrics.nameConflict({ kind: secrets.kind });
  }
  return { requeueAfterMs: TAKEN_RETRY_MS, blocked: note };
}

/** @returns whether there was anything to write @throws KubeApiError without the key in it */
async function write(
  { client, metrics }: Pick<ReportKeyDependencies, 'client' | 'metrics'>,
  intent: Secret,
  observed: Secret | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    const written = await writeSecret(client, intent, observed, signal);
    if (written) metrics.objectWritten({ kind: secrets.kind, verb: 'apply' });
    return written;
  } catch (error) {
    throw withoutKey(error, reportKeyIn(intent) ?? '');
  }
}

/** All of a Classroom that this controller ever writes. */
interface ReportKeyHolder extends KubeObject {
  status?: { reportKey?: ReportKeyStatus | undefined };
}

const reportKeyHolders: Resource<ReportKeyHolder> = classrooms;

async function publish(
  { client, metrics }: Pick<ReportKeyDependencies, 'client' | 'metrics'>,
  classroom: Classroom,
  reportKey: ReportKeyStatus,
  signal: AbortSignal,
): Promise<void> {
  if (isSame(classroom.status?.reportKey, reportKey)) return;
  const { name, namespace, uid } = classroom.metadata;
  const intent: ReportKeyHolder = {
    apiVersion: apiVersionOf(classrooms),
    kind: classrooms.kind,
    // A namesake that takes the place gets nothing of this one's.
    metadata: { name, ...(namespace !== undefined && { namespace }), ...(uid !== undefined && { uid }) },
    status: { reportKey },
  };
  const options = { fieldManager: REPORT_KEY_FIELD_MANAGER, subresource: 'status', signal } as const;
  await client.apply<ReportKeyHolder>(reportKeyHolders, intent, options);
  metrics.objectWritten({ kind: classrooms.kind, verb: 'status' });
}

function tellIssue(
  { events, log, metrics }: Pick<ReportKeyDependencies, 'events' | 'log' | 'metrics'>,
  classroom: Classroom,
  cause: IssueCause,
  keyId: string,
): void {
  const secret = reportKeySecretName(classroom.metadata.name);
  const isFirst = cause === 'First';
  events.record(classroom, {
    type: isFirst ? 'Normal' : 'Warning',
    reason: isFirst ? EVENT_REASONS.keyIssued : EVENT_REASONS.keyReplaced,
    action: 'IssueKey',
    note: isFirst
      ? `Secret ${secret} holds the key that opens the reports of the class.`
      : `The key of the report was lost (${cause}): Secret ${secret} holds a new one, and the one before does not work any more.`,
  });
  metrics.keyIssued({ cause: isFirst ? 'first' : 'healed' });
  log.info({ classroom: keyOf(classroom.metadata), keyId, cause }, 'Issued the key of a report');
}

function secretRef({ metadata: { name, namespace } }: Classroom): ObjectRef {
  return { ...(namespace !== undefined && { namespace }), name: reportKeySecretName(name) };
}

function isDeleted({ metadata }: KubeObject): boolean {
  return metadata.deletionTimestamp !== undefined;
}
