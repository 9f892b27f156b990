import { type Classroom, type ClassroomSpecInput, classrooms } from '../../../src/api/classroom.ts';
import { findCondition } from '../../../src/api/condition.ts';
import { ENGINE_POD_SELECTOR } from '../../../src/api/labels.ts';
import { CLASSROOM_CONDITIONS } from '../../../src/api/reasons.ts';
import { type StudentQuota, studentQuotas } from '../../../src/api/student-quota.ts';
import {
  classroomManifests,
  demoStudentQuotas,
  studentQuotaManifests,
} from '../../../src/demo/class/roster.ts';
import type { DemoCluster } from '../../../src/demo/cluster.ts';
import { isReady } from '../../../src/kube/readiness.ts';
import { deployments, events, namespaces, pods } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { snapshotOf } from '../../support/namespace-snapshot.ts';
import type { CourseWeek } from './calendar.ts';

export const CLASS = 'python-101';

/** What a trainer sees of a class. */
export interface Seen {
  /** Reasons of the conditions Open and Ready. */
  readonly open: string | undefined;
  readonly ready: string | undefined;
  /** Engines that the operator wants, and those that answer. */
  readonly wanted: number | undefined;
  readonly answering: number;
  /** The column NEXT CHANGE. */
  readonly next: string | undefined;
  /** As the operator has seen it. */
  readonly access: string | undefined;
}

/** A class of the course, in a namespace of its own. */
export interface Room {
  readonly namespace: string;
  make(spec: ClassroomSpecInput, students: readonly string[]): Promise<void>;
  look(): Promise<Seen>;
  /** Waits until what is given shows; fails with what shows instead. */
  shows(wanted: Partial<Seen>): Promise<Seen>;
  classroom(): Promise<Classroom>;
  seat(student: string): Promise<StudentQuota>;
  /** As a trainer edits the class. */
  edit(change: Record<string, unknown>): Promise<void>;
  editSeat(student: string, change: Record<string, unknown>): Promise<void>;
  /** Waits until no engine is left, also in the status. */
  empty(): Promise<void>;
  /** Waits until the operator has looked at the class as it is now, in the present time of the course. */
  looked(): Promise<void>;
  /** Every object of the class, as {@link snapshotOf}, without what students used: see the account. */
  objects(): Promise<Record<string, unknown>>;
  /** What was told of the class in events of these reasons, in the order of their times: their first sentences. */
  told(reasons: readonly string[]): Promise<string[]>;
}

export function roomIn(namespace: string, { client }: DemoCluster, week: CourseWeek): Room {
  const ref = { namespace, name: CLASS };
  const classroom = async (): Promise<Classroom> => {
    const found = await client.get(classrooms, ref);
    if (found === undefined) throw new Error(`there is no class ${CLASS} in ${namespace}`);
    return found;
  };
  const look = async (): Promise<Seen> => {
    const { status } = await classroom();
    const deployment = await client.get(deployments, { namespace, name: `${CLASS}-engine` });
    const engines = await client.list(pods, { namespace, labelSelector: ENGINE_POD_SELECTOR });
    const reasonOf = (type: string) => findCondition(status?.conditions, type)?.reason;
    const next = status?.timetable?.nextChange;
    return {
      open: reasonOf(CLASSROOM_CONDITIONS.open),
      ready: reasonOf(CLASSROOM_CONDITIONS.ready),
      wanted: deployment?.spec?.replicas,
      answering: engines.items.filter((pod) => isReady(pod) && pod.metadata.deletionTimestamp === undefined)
        .length,
      next: next === undefined ? undefined : week.inWords(next),
      access: status?.access?.mode,
    };
  };
  const seatName = (student: string) => ({ namespace, name: `${CLASS}-${student}` });
  let edits = 0;
  const edit = async (change: Record<string, unknown>): Promise<void> => {
    await client.mergePatch(classrooms, ref, change);
  };
  return {
    namespace,
    classroom,
    look,
    async make(spec, students) {
      await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
      await client.create(classroomManifests, {
        apiVersion: 'gpu-classroom.io/v1alpha1',
        kind: 'Classroom',
        metadata: ref,
        spec,
      });
      for (const seat of demoStudentQuotas(ref, students)) await client.create(studentQuotaManifests, seat);
    },
    async shows(wanted) {
      let seen: Seen | undefined;
      const entries = Object.entries(wanted);
      const isShown = async () => {
        seen = await look();
        const shown = new Map<string, unknown>(Object.entries(seen));
        return entries.every(([field, value]) => shown.get(field) === value) ? seen : undefined;
      };
      return eventually('the class to show', isShown, 60_000).catch((error) => {
        throw new Error(`the class was to show ${JSON.stringify(wanted)} and shows ${JSON.stringify(seen)}`, {
          cause: error,
        });
      });
    },
    async seat(student) {
      const found = await client.get(studentQuotas, seatName(student));
      if (found === undefined) throw new Error(`there is no seat of ${student}`);
      return found;
    },
    edit,
    async editSeat(student, change) {
      await client.mergePatch(studentQuotas, seatName(student), change);
    },
    async empty() {
      await eventually('the engines to be gone', async () => {
        const { items } = await client.list(pods, { namespace, labelSelector: ENGINE_POD_SELECTOR });
        const { status } = await classroom();
        return items.length === 0 && status?.engines?.length === 0;
      });
    },
    async looked() {
      edits += 1;
      await edit({ spec: { contact: `Ms Chen, room ${edits}` } });
      await eventually('the operator to have looked', async () => {
        const { metadata, status } = await classroom();
        return status?.observedGeneration === metadata.generation;
      });
    },
    async objects() {
      const objects = JSON.stringify(await snapshotOf(client, namespace), (key, value) =>
        key === 'usage' ? undefined : value,
      );
      return JSON.parse(week.inWords(objects).replaceAll(namespace, '<namespace>'));
    },
    async told(reasons) {
      const { items } = await client.list(events, { namespace });
      return items
        .filter(({ regarding, reason = '' }) => regarding?.kind === 'Classroom' && reasons.includes(reason))
        .toSorted((a, b) => (a.eventTime ?? '').localeCompare(b.eventTime ?? ''))
        .map(({ reason, note = '' }) => `${reason}: ${week.inWords(note.split('. ')[0] ?? '')}`);
    },
  };
}
