import { describe, expect, test } from '@jest/globals';
import { type Demand, demandLease, readDemand } from '../../../src/api/demand.ts';

const CLASSROOM = { namespace: 'school', name: 'python-101', uid: 'uid-1' };
const DEMAND: Demand = {
  lastAskedMs: Date.parse('2026-09-01T09:00:00.250Z'),
  inFlight: 3,
  queued: 2,
  trustedSeconds: 120,
};

function lease() {
  return demandLease(CLASSROOM, '0a1b2c3d', 'gateway-0', DEMAND);
}

describe('a demand Lease', () => {
  test('says of which class it is, whose, and what was asked', () => {
    expect(lease()).toEqual({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: {
        name: 'python-101-demand-0a1b2c3d',
        namespace: 'school',
        labels: {
          'app.kubernetes.io/managed-by': 'gpu-classroom-gateway',
          'app.kubernetes.io/component': 'demand',
          'gpu-classroom.io/classroom': 'python-101',
        },
        annotations: { 'gpu-classroom.io/in-flight': '3', 'gpu-classroom.io/queued': '2' },
        ownerReferences: [
          { apiVersion: 'gpu-classroom.io/v1alpha1', kind: 'Classroom', name: 'python-101', uid: 'uid-1' },
        ],
      },
      spec: {
        holderIdentity: 'gateway-0',
        renewTime: '2026-09-01T09:00:00.250000Z',
        leaseDurationSeconds: 120,
      },
    });
  });

  test('is read as it was written', () => {
    expect(readDemand(lease())).toEqual({ classroomKey: 'school/python-101', ...DEMAND });
  });

  test.each([
    ['without annotations', { metadata: { ...lease().metadata, annotations: {} } }],
    [
      'with a count that is none',
      {
        metadata: {
          ...lease().metadata,
          annotations: { ...lease().metadata.annotations, 'gpu-classroom.io/queued': '-1' },
        },
      },
    ],
    ['without a time', { spec: { leaseDurationSeconds: 120 } }],
    ['of no class', { metadata: { ...lease().metadata, labels: {} } }],
  ])('%s says nothing', (_, differs) => {
    expect(readDemand({ ...lease(), ...differs })).toBeUndefined();
  });
});
