import { expect, test } from '@jest/globals';
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
