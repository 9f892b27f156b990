import { describe, expect, test } from '@jest/globals';
import { PREPARATION_ANNOTATION } from '../../../../src/api/node-preparation.ts';
import { nodesReport } from '../../../../src/classroom/node-preparation/nodes-report.ts';
import type { PreparationRecord } from '../../../../src/gpu/node-preparation/record.ts';
import type { KnownGpus } from '../../../../src/gpu/nodes/observation.ts';
import { observedClass } from '../../../support/classroom.ts';
import { classOn, cluster, gpuNodes, MIG_1G, placed, WHOLE_H100 } from '../../gpu/node-preparation/nodes.ts';

const CUT_H100 =
  '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3, sharing: {mig: {strategy: mixed, layout: {1g.10gb: 7}}}}}]';

function report(
  gpu: Parameters<typeof classOn>[0],
  gpus: KnownGpus,
  more: Partial<Parameters<typeof nodesReport>[0]> & { engines?: number } = {},
) {
  const classroom = classOn(gpu, more.engines ?? 7);
  const observed = observedClass({ classroom, gpus, allClasses: [classroom], ...more });
  return nodesReport(observed, placed(classroom, gpus));
}

function withRecord(record: Partial<PreparationRecord>, state?: string) {
  const full = {
    class: 'python-101/python-101',
    step: 'Draining',
    since: '2026-09-01T09:00:00Z',
    layout: 'all-1g.10gb',
    previousLayout: 'all-disabled',
    resource: 'nvidia.com/mig-1g.10gb',
    slots: 7,
    profile: '1g.10gb',
    ...record,
  };
  const labels = state === undefined ? {} : { 'nvidia.com/mig.config.state': state };
  const annotations = { [PREPARATION_ANNOTATION]: JSON.stringify(full) };
  return cluster(gpuNodes(WHOLE_H100, { metadata: { labels, annotations }, spec: { unschedulable: true } }));
}

const MANAGED = { ...MIG_1G, nodePreparation: 'Manage' } as const;

describe('NodesPrepared', () => {
  test('is true with the figures where the nodes offer enough, and the status says nothing more', () => {
    const { condition, nodePreparation } = report(MIG_1G, cluster(gpuNodes(CUT_H100)));
    expect(condition).toEqual({
      type: 'NodesPrepared',
      status: 'True',
      reason: 'Prepared',
      message: 'h100 offers 7 × nvidia.com/mig-1g.10gb; all engines that the class may have need 7.',
    });
    expect(nodePreparation).toBeUndefined();
  });

  test('is true where fewer are there and none can be gained, and says why', () => {
    const { condition } = report(MIG_1G, cluster(gpuNodes(CUT_H100)), { engines: 9 });
    expect(condition).toMatchObject({ status: 'True', reason: 'Prepared' });
    expect(condition.message).toMatch(
      /of 9 that all engines of the class would need; no other node can be had for it/,
    );
  });

  test('is false with the very command where a person must act', () => {
    const { condition, nodePreparation } = report(MIG_1G, cluster(gpuNodes(WHOLE_H100)));
    expect(condition).toEqual({
      type: 'NodesPrepared',
      status: 'False',
      reason: 'PreparationNeeded',
      message:
        "The nodes offer 0 of 7 × nvidia.com/mig-1g.10gb, MIG slices 1g.10gb. Prepare h100: empty it, then `kubectl label node h100 nvidia.com/mig.config=all-1g.10gb nvidia.com/mig.config.state- --overwrite`. Every step: `kubectl -n python-101 get classroom python-101 -o jsonpath='{.status.nodePreparation.commands}'`",
    });
    expect(nodePreparation).toMatchObject({ offered: 0, needed: 7 });
    expect(nodePreparation?.commands).toContain('kubectl cordon h100');
  });

  test.each([
    [
      'MIG cannot cut the GPUs',
      { ...MIG_1G, product: 'NVIDIA-A10' },
      '[{name: a10, gpu: {product: NVIDIA-A10}}]',
      'No node offers 7 × nvidia.com/mig-1g.10gb, MIG slices 1g.10gb, and none can be made to. Node a10 has NVIDIA-A10, which MIG cannot cut.',
    ],
    [
      'there is no such node',
      MIG_1G,
      '[{name: a10, gpu: {product: NVIDIA-A10}}]',
      'No node offers 7 × nvidia.com/mig-1g.10gb, MIG slices 1g.10gb, and none can be made to. No node has NVIDIA-H100-80GB-HBM3.',
    ],
    [
      'there is no such node among those of the class',
      { ...MIG_1G, nodeSelector: { room: '214' } },
      '[{name: a10, gpu: {product: NVIDIA-A10}, labels: {room: "214"}}]',
      'No node offers 7 × nvidia.com/mig-1g.10gb, MIG slices 1g.10gb, and none can be made to. No node that `gpu.nodeSelector` selects has NVIDIA-H100-80GB-HBM3.',
    ],
  ])('is false where no node will do: %s', (_why, gpu, nodes, want) => {
    const { condition } = report(gpu, cluster(gpuNodes(nodes)));
    expect(condition).toMatchObject({ status: 'False', reason: 'NoSuitableNode', message: want });
  });

  test('is unknown where nodes cannot be read', () => {
    const observed = observedClass({ gpus: { kind: 'Unknown', why: 'NotAllowed' } });
    const { condition } = nodesReport(observed, placed(observed.classroom, observed.gpus));
    expect(condition).toMatchObject({ status: 'Unknown', reason: 'NodesUnknown' });
  });

  test('says what the operator is doing', () => {
    expect(report(MANAGED, withRecord({})).condition.message).toBe(
      'Node h100 is cordoned, and its engines are being moved off, since 2026-09-01T09:00:00Z; it will offer 7 × nvidia.com/mig-1g.10gb.',
    );
    const cutting = report(MANAGED, withRecord({ step: 'Configuring' }, 'pending'));
    expect(cutting.condition).toMatchObject({ status: 'False', reason: 'PreparationRunning' });
    expect(cutting.condition.message).toMatch(
      /^Node h100 is being cut by the MIG manager into all-1g\.10gb \(pending\)/,
    );
    expect(cutting.nodePreparation?.nodes).toEqual([
      { name: 'h100', step: 'Configuring', layout: 'all-1g.10gb', since: '2026-09-01T09:00:00Z' },
    ]);
  });

  test.each([
    ['ForeignPods', 'ForeignGPUPods'],
    ['ClassInUse', 'AwaitingIdle'],
    ['RightsMissing', 'RightsMissing'],
    ['NotPossible', 'PreparationNeeded'],
    ['OtherNodeFirst', 'PreparationRunning'],
  ] as const)('says what keeps the operator from it: %s is the reason %s', (why, reason) => {
    const preparationNote = { why, message: 'This is in the way.' };
    const { condition } = report(MANAGED, cluster(gpuNodes(WHOLE_H100)), { preparationNote });
    expect(condition).toMatchObject({ status: 'False', reason });
    expect(condition.message).toMatch(/^The nodes offer 0 of 7 .* This is in the way\.$/);
  });

  test.each([
    ['ForeignPods', false],
    ['NotPossible', true],
    ['RightsMissing', true],
  ] as const)('has commands for a person only where the operator does nothing: with %s %s', (why, has) => {
    const preparationNote = { why, message: 'This is in the way.' };
    const { nodePreparation } = report(MANAGED, cluster(gpuNodes(WHOLE_H100)), { preparationNote });
    expect(nodePreparation?.commands !== undefined).toBe(has);
  });

  test('says how to go back from a layout that failed, and the status has the commands', () => {
    const { condition, nodePreparation } = report(
      MANAGED,
      withRecord({ step: 'Failed', failure: 'LayoutFailed' }, 'failed'),
    );
    const wayBack = `# The way back for node h100:
kubectl label node h100 nvidia.com/mig.config=all-disabled nvidia.com/mig.config.state- --overwrite
kubectl wait node/h100 --for=jsonpath='{.metadata.labels.nvidia\\.com/mig\\.config\\.state}'=success --timeout=30m
kubectl annotate node h100 gpu-classroom.io/node-preparation-
kubectl uncordon h100
`;
    expect(nodePreparation?.commands).toBe(wayBack);
    expect(condition).toMatchObject({ status: 'False', reason: 'PreparationFailed' });
    expect(condition.message).toMatch(/^The MIG manager could not give node h100 the layout all-1g\.10gb: /);
    expect(condition.message).toContain('It stays cordoned. The way back: `kubectl label node h100');
  });

  test.each([
    [
      'DrainTimeout',
      ['kubectl annotate node h100 gpu-classroom.io/node-preparation-', 'kubectl uncordon h100'],
    ],
    ['Uncordoned', ['kubectl annotate node h100 gpu-classroom.io/node-preparation-']],
  ] as const)('says how to go back where the GPUs were not touched: %s', (failure, want) => {
    const { nodePreparation } = report(MANAGED, withRecord({ step: 'Failed', failure }));
    expect(nodePreparation?.commands?.trimEnd().split('\n').slice(1)).toEqual(want);
  });
});
