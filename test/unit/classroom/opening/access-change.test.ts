import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import { accessStatus, withOwnersOfAccess } from '../../../../src/classroom/opening/access-change.ts';
import type { ManagedFieldsEntry } from '../../../../src/kube/object.ts';
import { classroom } from '../../../support/builders.ts';

const NOW_MS = Date.parse('2026-11-23T10:00:00.400Z');
const CHANGED_BY = 'gpu-classroom.io/access-changed-by';

/** Whoever owns `spec.access`, and perhaps the annotation. */
function owner(manager: string, time: string, owns: { annotation?: boolean } = {}): ManagedFieldsEntry {
  return {
    manager,
    operation: 'Update',
    time,
    fieldsV1: {
      'f:spec': { 'f:access': {}, 'f:contact': {} },
      ...(owns.annotation
        ? { 'f:metadata': { 'f:annotations': { '.': {}, [`f:${CHANGED_BY}`]: {}, 'f:other': {} } } }
        : {}),
    },
  };
}

const others: ManagedFieldsEntry = {
  manager: 'helm',
  operation: 'Apply',
  time: '2026-11-23T09:59:59Z',
  fieldsV1: { 'f:spec': { 'f:model': { 'f:id': {} } } },
};

function inExam(managedFields?: ManagedFieldsEntry[], changedBy?: string): Classroom {
  return classroom({
    metadata: {
      ...(managedFields && { managedFields }),
      ...(changedBy === undefined ? {} : { annotations: { [CHANGED_BY]: changedBy } }),
    },
    spec: { access: 'Exam', exam: {} },
  });
}

describe('who changed the access of a class, and when', () => {
  test('is nobody when the class is seen for the first time', () => {
    expect(accessStatus(inExam([owner('kubectl-edit', '2026-11-23T09:59:00Z')]), undefined, NOW_MS)).toEqual({
      mode: 'Exam',
    });
  });

  test('stays as it was while the access does', () => {
    const previous = { mode: 'Exam' as const, changedTime: '2026-11-20T08:00:00Z', changedBy: 'ms-chen' };
    expect(accessStatus(inExam([owner('somebody', '2026-11-23T09:59:00Z')]), previous, NOW_MS)).toEqual(
      previous,
    );
  });

  test.each<[name: string, given: Classroom, expected: object]>([
    [
      'is the field manager and the time of its change',
      inExam([others, owner('kubectl-edit', '2026-11-23T09:59:00Z')]),
      { changedBy: 'kubectl-edit', changedTime: '2026-11-23T09:59:00Z' },
    ],
    [
      'is the last of several field managers',
      inExam([owner('argocd', '2026-11-23T09:59:30Z'), owner('kubectl-edit', '2026-11-23T09:59:00Z')]),
      { changedBy: 'argocd', changedTime: '2026-11-23T09:59:30Z' },
    ],
    [
      'is the name in the annotation that came with the change',
      inExam([owner('kubectl-classroom', '2026-11-23T09:59:00Z', { annotation: true })], 'ms-chen'),
      { changedBy: 'ms-chen', changedTime: '2026-11-23T09:59:00Z' },
    ],
    [
      'is not the name in an annotation from an earlier change',
      inExam([owner('kubectl-edit', '2026-11-23T09:59:00Z')], 'ms-chen'),
      { changedBy: 'kubectl-edit', changedTime: '2026-11-23T09:59:00Z' },
    ],
    [
      'is not known, and about now, where nobody owns the field',
      inExam([others]),
      { changedTime: '2026-11-23T10:00:00Z' },
    ],
    [
      'is not known, and about now, where the class says nothing of owners',
      inExam(),
      { changedTime: '2026-11-23T10:00:00Z' },
    ],
  ])('%s', (_, given, expected) => {
    expect(accessStatus(given, { mode: 'Open' }, NOW_MS)).toEqual({ mode: 'Exam', ...expected });
  });

  test('is as long as the status allows', () => {
    const given = inExam(
      [owner('kubectl-classroom', '2026-11-23T09:59:00Z', { annotation: true })],
      'x'.repeat(300),
    );
    expect(accessStatus(given, { mode: 'Open' }, NOW_MS).changedBy).toHaveLength(253);
  });
});

describe('of the managed fields a cache keeps', () => {
  test('only who owns the access, and what tells that', () => {
    const kept = withOwnersOfAccess(
      inExam([others, owner('kubectl-classroom', '2026-11-23T09:59:00Z', { annotation: true })], 'ms-chen'),
    );
    expect(kept.metadata.managedFields).toEqual([
      {
        manager: 'kubectl-classroom',
        operation: 'Update',
        time: '2026-11-23T09:59:00Z',
        fieldsV1: {
          'f:spec': { 'f:access': {} },
          'f:metadata': { 'f:annotations': { [`f:${CHANGED_BY}`]: {} } },
        },
      },
    ]);
    expect(accessStatus(kept, { mode: 'Open' }, NOW_MS)).toMatchObject({ changedBy: 'ms-chen' });
  });

  test('nothing where there is none, and all the rest of the object', () => {
    const given = classroom({ metadata: { labels: { a: 'b' } } });
    expect(withOwnersOfAccess(given)).toEqual({
      ...given,
      metadata: { ...given.metadata, managedFields: [] },
    });
  });
});
