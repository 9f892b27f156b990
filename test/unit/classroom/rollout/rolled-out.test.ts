import { describe, expect, test } from '@jest/globals';
import { engineDeployment } from '../../../../src/classroom/children/deployment.ts';
import {
  ROLLED_OUT_ANNOTATION,
  type RolledOut,
  resourceOf,
  rolledOutOf,
} from '../../../../src/classroom/rollout/rolled-out.ts';
import type { Deployment } from '../../../../src/kube/resources.ts';
import { classroom } from '../../../support/builders.ts';

const RECORD: RolledOut = {
  template: {
    metadata: { labels: { app: 'engine' } },
    spec: { containers: [{ name: 'vllm', resources: { limits: { 'nvidia.com/gpu': '2' } } }] },
  },
  strategy: 'OneByOne',
  servedName: 'qwen',
  plan: {
    maxModelLen: 4096,
    maxNumSeqs: 8,
    maxNumBatchedTokens: 2048,
    gpuMemoryUtilizationPercent: 90,
    resourceName: 'nvidia.com/gpu',
    basis: 'planned',
  },
  slot: { of: '{}', request: { gpu: 'NVIDIA-A10', labelMemoryMiB: 23_028 } },
};

const room = classroom();
const deployment = engineDeployment(room, RECORD, { replicas: 2 });
const annotated = (text: string): Deployment => ({
  ...deployment,
  metadata: { ...deployment.metadata, annotations: { [ROLLED_OUT_ANNOTATION]: text } },
});

describe('what runs is read back from the Deployment', () => {
  test('word for word', () => {
    expect(rolledOutOf(room, deployment)).toEqual(RECORD);
  });

  test('without what an older operator wrote otherwise', () => {
    const text = JSON.stringify({ ...RECORD, plan: { sequences: 8 }, slot: 'A10', strategy: 'Wave' });
    expect(rolledOutOf(room, annotated(text))).toEqual({
      ...RECORD,
      plan: undefined,
      slot: undefined,
      strategy: 'Recreate',
    });
  });

  test.each([
    ['is no JSON', '{'],
    ['has no pods', '{"servedName":"qwen"}'],
    ['has pods without a container', '{"servedName":"qwen","template":{"spec":{"containers":[]}}}'],
  ])('unless the record %s', (_, text) => {
    expect(rolledOutOf(room, annotated(text))).toBeUndefined();
  });

  test("unless it is somebody else's, or on its way out", () => {
    const foreign = { ...deployment, metadata: { ...deployment.metadata, ownerReferences: [] } };
    expect(rolledOutOf(room, foreign)).toBeUndefined();
    const ending = {
      ...deployment,
      metadata: { ...deployment.metadata, deletionTimestamp: '2026-09-01T09:00:00Z' },
    };
    expect(rolledOutOf(room, ending)).toBeUndefined();
    expect(rolledOutOf(room, undefined)).toBeUndefined();
  });
});

test('the resource of an engine is that of its container', () => {
  expect(resourceOf(RECORD)).toEqual({ resourceName: 'nvidia.com/gpu', resourceCount: 2 });
});

test('the limits of CPU and memory are not taken for GPUs, wherever they stand', () => {
  const limits = { cpu: '4', memory: '16Gi', 'nvidia.com/gpu': '2' };
  const template = { spec: { containers: [{ name: 'vllm', resources: { limits } }] } };
  expect(resourceOf({ ...RECORD, template })).toEqual({ resourceName: 'nvidia.com/gpu', resourceCount: 2 });
});

test.each([
  ['Recreate', { type: 'Recreate' }],
  ['OneByOne', { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } }],
] as const)(
  'a Deployment that is rolled out %s never has a pod more than there are GPUs',
  (strategy, want) => {
    expect(engineDeployment(room, { ...RECORD, strategy }, { replicas: 2 }).spec?.strategy).toEqual(want);
  },
);
