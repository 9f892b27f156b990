import type { Classroom } from '../../api/classroom.ts';

/**
 * What to tell when a class has more students than its engines carry, and how to change that; undefined where it has
 * not, or where the operator has not planned the class yet.
 */
export function capacityNote({ metadata, spec, status }: Classroom, students: number): string | undefined {
  const perEngine = status?.plan?.studentsPerReplica;
  const { max } = spec.engine.replicas;
  if (perEngine === undefined || students <= perEngine * max) return undefined;
  const needed = Math.ceil(students / perEngine);
  const { name, namespace = '' } = metadata;
  const patch = JSON.stringify({ spec: { engine: { replicas: { max: needed } } } });
  const engines = max === 1 ? 'one engine' : `${max} engines`;
  return [
    `Worth knowing: ${engines} at the most, planned for ${perEngine * max} students, will have ${students}: they wait longer when all ask.`,
    `For ${needed} engines: kubectl patch classroom ${name} -n ${namespace} --type merge --patch '${patch}'`,
  ].join('\n');
}
