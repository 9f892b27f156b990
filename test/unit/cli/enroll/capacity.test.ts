import { expect, test } from '@jest/globals';
import { capacityNote } from '../../../../src/cli/enroll/capacity.ts';
import { classroom } from '../../../support/builders.ts';

/** A class whose engines are planned for 8 students each. */
const planned = (max: number) =>
  classroom({
    spec: { engine: { replicas: { max } } },
    status: {
      plan: {
        maxModelLen: 4096,
        maxNumSeqs: 16,
        maxNumBatchedTokens: 2048,
        gpuMemoryUtilizationPercent: 90,
        studentsPerReplica: 8,
        resourceName: 'nvidia.com/gpu',
        basis: 'planned',
      },
    },
  });

test.each([
  ['as many as the engines carry', planned(2), 16],
  ['fewer', planned(2), 3],
  ['the operator has not planned the class yet', classroom(), 100],
])('nothing to tell: %s', (_, object, students) => {
  expect(capacityNote(object, students)).toBeUndefined();
});

test('more students than the engines carry: how many engines would, and how to get them', () => {
  expect(capacityNote(planned(1), 30)).toBe(
    [
      'Worth knowing: one engine at the most, planned for 8 students, will have 30: they wait longer when all ask.',
      `For 4 engines: kubectl patch classroom python-101 -n python-101 --type merge --patch '{"spec":{"engine":{"replicas":{"max":4}}}}'`,
    ].join('\n'),
  );
  expect(capacityNote(planned(2), 17)).toContain(
    '2 engines at the most, planned for 16 students, will have 17',
  );
});
