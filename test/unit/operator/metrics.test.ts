import { expect, test } from '@jest/globals';
import type { Condition } from '../../../src/api/condition.ts';
import { createMetrics } from '../../../src/operator/metrics.ts';

test('series of a controller exist from the start, so that a rate can be taken of them', async () => {
  const text = await createMetrics(['classroom']).text();
  expect(text).toContain('gpu_classroom_operator_reconciles_total{controller="classroom",outcome="error"} 0');
  expect(text).toContain('gpu_classroom_operator_queue_depth{queue="classroom"} 0');
});

test('what is reported is counted', async () => {
  const { kube, operator, text } = createMetrics([]);
  kube.reconciled({ controller: 'student', outcome: 'success', seconds: 0.01 });
  kube.requestDone({ verb: 'apply', resource: 'deployments', status: 200, seconds: 0.01 });
  kube.leaderChanged({ name: 'lease', leading: true });
  operator.objectWritten({ kind: 'Deployment', verb: 'apply' });
  operator.keyIssued({ cause: 'first' });
  const got = await text();
  for (const line of [
    'reconciles_total{controller="student",outcome="success"} 1',
    'kube_requests_total{verb="apply",resource="deployments",status="200"} 1',
    'leading{lease="lease"} 1',
    'object_writes_total{kind="Deployment",verb="apply"} 1',
    'keys_issued_total{cause="first"} 1',
  ]) {
    expect(got).toContain(`gpu_classroom_operator_${line}`);
  }
});

test('a class has a series for each of its conditions, as they are now and not as they were', async () => {
  const classes = [aClass({ type: 'Ready', status: 'False', reason: 'Loading' })];
  const { text } = createMetrics([], () => classes);
  const series = async () =>
    [...(await text()).matchAll(/^gpu_classroom_operator_class_condition(.*)$/gm)].map(([, line]) => line);
  expect(await series()).toEqual(['{classroom="school/python",condition="Ready",reason="Loading"} 0']);

  classes[0] = aClass(
    { type: 'Ready', status: 'True', reason: 'Serving' },
    { type: 'GPUAvailable', status: 'Unknown', reason: 'NodesNotRead' },
  );
  expect(await series()).toEqual([
    '{classroom="school/python",condition="Ready",reason="Serving"} 1',
    '{classroom="school/python",condition="GPUAvailable",reason="NodesNotRead"} -1',
  ]);

  classes.length = 0;
  expect(await series()).toEqual([]);
});

function aClass(...conditions: Pick<Condition, 'type' | 'status' | 'reason'>[]) {
  const rest = { message: '', lastTransitionTime: '2026-01-05T08:00:00Z' };
  return {
    metadata: { namespace: 'school', name: 'python' },
    status: { conditions: conditions.map((condition) => ({ ...condition, ...rest })) },
  };
}
