import { type Classroom, classrooms } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS, STUDENT_QUOTA_CONDITIONS } from '../../api/reasons.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { createInformer, type Informer } from '../../kube/informer.ts';
import { type KubeObject, keyOf, type ObjectRef } from '../../kube/object.ts';
import { namespaces, secrets } from '../../kube/resources.ts';
import { classroomManifests, demoClassroom, demoStudentQuotas, studentQuotaManifests } from './roster.ts';
import type { StudentCredentials } from './students.ts';

export interface LessonRef {
  namespace: string;
  name: string;
}

/** The class as the API server shows it: fresh by watches. */
export interface Lesson {
  classroom(): Classroom | undefined;
  seats(): readonly StudentQuota[];
  /**
   * Resolves when the class is Ready and every seat has its key.
   *
   * @throws Error that says how things are when the signal aborts first
   */
  untilReady(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** Makes the namespace, the Classroom and a StudentQuota for each id, as a trainer would with `kubectl apply`. */
export async function enrol(
  client: KubeClient,
  ref: LessonRef,
  ids: readonly string[],
  engines: number,
  modelId?: string,
): Promise<void> {
  await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ref.namespace } });
  await client.create(classroomManifests, demoClassroom(ref, engines, modelId));
  for (const seat of demoStudentQuotas(ref, ids)) await client.create(studentQuotaManifests, seat);
}

/** Starts to follow a class. */
export async function followLesson(client: KubeClient, clock: Clock, ref: LessonRef): Promise<Lesson> {
  const follow = { client, clock, random: Math.random, namespace: ref.namespace };
  const rooms: Informer<Classroom> = createInformer({ ...follow, resource: classrooms });
  const quotas: Informer<StudentQuota> = createInformer({ ...follow, resource: studentQuotas });
  rooms.start();
  quotas.start();
  await Promise.all([rooms.synced(), quotas.synced()]);
  const classroom = () => rooms.store.get(keyOf(ref));
  const seats = () => quotas.store.list().filter(({ spec }) => spec.classroomRef.name === ref.name);
  return {
    classroom,
    seats,
    untilReady: (signal) => untilReady({ classroom, seats }, [rooms, quotas], signal),
    async stop() {
      await Promise.all([rooms.stop(), quotas.stop()]);
    },
  };
}

async function untilReady(
  view: Pick<Lesson, 'classroom' | 'seats'>,
  informers: readonly Pick<Informer<KubeObject>, 'store'>[],
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const look = () => {
    if (isReady(view.classroom(), view.seats())) resolve();
  };
  const giveUp = () => {
    const state = stateOf(view.classroom(), view.seats());
    reject(new Error(`The class is not ready: ${state}`, { cause: signal.reason }));
  };
  const subscriptions = informers.map(({ store }) => store.subscribe(look));
  signal.addEventListener('abort', giveUp);
  if (signal.aborted) giveUp();
  look();
  try {
    await promise;
  } finally {
    signal.removeEventListener('abort', giveUp);
    for (const unsubscribe of subscriptions) unsubscribe();
  }
}

function isReady(classroom: Classroom | undefined, seats: readonly StudentQuota[]): boolean {
  return (
    isTrue(classroom?.status?.conditions, CLASSROOM_CONDITIONS.ready) &&
    seats.every(({ status }) => isTrue(status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued))
  );
}

function isTrue(conditions: Parameters<typeof findCondition>[0], type: string): boolean {
  return findCondition(conditions, type)?.status === 'True';
}

function stateOf(classroom: Classroom | undefined, seats: readonly StudentQuota[]): string {
  const ready = findCondition(classroom?.status?.conditions, CLASSROOM_CONDITIONS.ready);
  const keys = seats.filter(({ status }) => isTrue(status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued));
  return `${ready?.message ?? 'the operator has not looked at it yet'} ${keys.length} of ${seats.length} seats have keys.`;
}

/**
 * Hands the student the content of the personal Secret.
 *
 * @throws Error when the seat has no Secret yet, or the Secret misses a value
 */
export async function credentialsOf(client: KubeClient, seat: StudentQuota): Promise<StudentCredentials> {
  const { namespace } = seat.metadata;
  const ref: ObjectRef = {
    name: seat.status?.secretName ?? '',
    ...(namespace === undefined ? {} : { namespace }),
  };
  const secret = await client.get(secrets, ref);
  const value = (key: string): string => {
    const encoded = secret?.data?.[key];
    if (encoded === undefined) throw new Error(`Secret ${keyOf(ref)} holds no ${key}`);
    return Buffer.from(encoded, 'base64').toString('utf8');
  };
  return {
    id: seat.spec.student.id,
    apiKey: value('OPENAI_API_KEY'),
    baseURL: value('OPENAI_BASE_URL'),
    model: value('OPENAI_MODEL'),
  };
}
