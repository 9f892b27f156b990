import { classrooms } from '../../api/classroom.ts';
import { COMPONENTS, LABELS } from '../../api/labels.ts';
import { studentQuotas } from '../../api/student-quota.ts';
import type { KubeObject, Resource } from '../../kube/object.ts';
import { pods } from '../../kube/resources.ts';

/** What `get` can show. */
export const SUBJECTS = ['classes', 'students', 'engines'] as const;
export type Subject = (typeof SUBJECTS)[number];

/** What people may call it; kubectl's names count too. */
const WORDS: Readonly<Record<string, Subject>> = {
  class: 'classes',
  classes: 'classes',
  classroom: 'classes',
  classrooms: 'classes',
  cls: 'classes',
  student: 'students',
  students: 'students',
  seat: 'students',
  seats: 'students',
  studentquota: 'students',
  studentquotas: 'students',
  sq: 'students',
  engine: 'engines',
  engines: 'engines',
  pod: 'engines',
  pods: 'engines',
};

/** `get students alice` → students, alice. The first word may be left out: classes are meant. */
export function subjectOf(words: readonly string[]): { subject: Subject; names: readonly string[] } {
  const [first = '', ...rest] = words;
  const subject = WORDS[first];
  return subject === undefined ? { subject: 'classes', names: words } : { subject, names: rest };
}

/** Where the objects are, and how those of one class are selected. */
export interface Query {
  readonly resource: Resource<KubeObject>;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** @param selector of `-l` */
export function queryFor(
  subject: Subject,
  { classroom, selector }: { classroom?: string | undefined; selector?: string | undefined },
): Query {
  const labels = (...own: readonly string[]): Pick<Query, 'labelSelector'> => {
    const all = [...own, ...(selector === undefined ? [] : [selector])];
    return all.length === 0 ? {} : { labelSelector: all.join(',') };
  };
  switch (subject) {
    case 'classes':
      return { resource: classrooms, ...labels() };
    case 'students':
      return {
        resource: studentQuotas,
        ...labels(),
        ...(classroom === undefined ? {} : { fieldSelector: `spec.classroomRef.name=${classroom}` }),
      };
    case 'engines': {
      const ofClass = classroom === undefined ? LABELS.classroom : `${LABELS.classroom}=${classroom}`;
      return { resource: pods, ...labels(`${LABELS.component}=${COMPONENTS.engine}`, ofClass) };
    }
  }
}
