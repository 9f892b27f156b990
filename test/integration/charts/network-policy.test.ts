import { describe, expect, test } from '@jest/globals';
import type { NetworkPolicy, Pod } from '../../../src/kube/resources.ts';
import { sharedControlPlane } from '../../support/control-plane.ts';
import { CHARTS, helmAt, objectOf, type RenderedObject } from '../../support/helm.ts';
import { mayConnect, type Source } from '../../support/network-policy.ts';

const { binaries, admin } = await sharedControlPlane();
admin.close();
const helm = helmAt(binaries.helm);

const STUDENTS_PORT = 8080;
const GATEWAY_HEALTH_PORT = 8081;
const OPERATOR_HEALTH_PORT = 8080;

const source = (namespace: string, podLabels: Record<string, string> = {}): Source => ({
  namespace,
  namespaceLabels: { 'kubernetes.io/metadata.name': namespace },
  podLabels,
});
const ANYBODY = source('somewhere', { app: 'anything' });
const INGRESS = source('ingress-nginx', { app: 'controller' });
const PROMETHEUS = source('monitoring', { 'app.kubernetes.io/name': 'prometheus' });
const GRAFANA = source('monitoring', { 'app.kubernetes.io/name': 'grafana' });

const isPolicy = (object: RenderedObject): object is RenderedObject & NetworkPolicy =>
  object.kind === 'NetworkPolicy';
const isPod = (object: RenderedObject): object is RenderedObject & Pod => object.kind === 'Pod';
const isDeployment = (
  object: RenderedObject,
): object is RenderedObject & { spec: { template: Pick<Pod, 'metadata' | 'spec'> } } =>
  object.kind === 'Deployment';

/** Who may connect to the pods of a rendered chart. */
async function network(values: object) {
  const objects = await helm.template(CHARTS.gpuClassroom, { values });
  const policies = objects.filter(isPolicy);
  const podOf = (suffix: string): Pod => {
    const [deployment] = objects
      .filter(isDeployment)
      .filter(({ metadata }) => metadata.name.endsWith(suffix));
    if (deployment === undefined) throw new Error(`there is no Deployment ${suffix}`);
    const { metadata, spec } = deployment.spec.template;
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, name: suffix, namespace: 'gpu-classroom' },
      spec,
    };
  };
  const [gateway, operator] = [podOf('-gateway'), podOf('-operator')];
  const test = objectOf(objects, 'Pod', '-test');
  if (!isPod(test)) throw new Error('the test is no pod');
  return {
    helmTest: source('gpu-classroom', test.metadata.labels),
    asksModels: (from: Source) => mayConnect(policies, from, gateway, STUDENTS_PORT),
    readsGateway: (from: Source) => mayConnect(policies, from, gateway, GATEWAY_HEALTH_PORT),
    readsOperator: (from: Source) => mayConnect(policies, from, operator, OPERATOR_HEALTH_PORT),
  };
}

describe('by default', () => {
  const reached = network({});

  test('everybody may ask the gateway, and a key decides', async () => {
    const { asksModels } = await reached;
    expect([ANYBODY, INGRESS].map(asksModels)).toEqual([true, true]);
  });

  test('nobody but helm test reads health and metrics', async () => {
    const { readsGateway, readsOperator, helmTest } = await reached;
    expect([ANYBODY, PROMETHEUS].map(readsGateway)).toEqual([false, false]);
    expect([ANYBODY, PROMETHEUS].map(readsOperator)).toEqual([false, false]);
    expect([readsGateway(helmTest), readsOperator(helmTest)]).toEqual([true, true]);
  });
});

describe('with clients and Prometheus named', () => {
  const reached = network({
    networkPolicy: {
      clients: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'ingress-nginx' } } }],
    },
    monitoring: { prometheus: { namespace: 'monitoring' } },
  });

  test('only they, and helm test, reach the gateway', async () => {
    const { asksModels, helmTest } = await reached;
    expect([ANYBODY, GRAFANA, INGRESS, helmTest].map(asksModels)).toEqual([false, false, true, true]);
  });

  test('Prometheus reads metrics, and its neighbours do not', async () => {
    const { readsGateway, readsOperator } = await reached;
    expect([PROMETHEUS, GRAFANA].map(readsGateway)).toEqual([true, false]);
    expect([PROMETHEUS, GRAFANA].map(readsOperator)).toEqual([true, false]);
  });
});

test('without policies everybody reaches everything', async () => {
  const { asksModels, readsOperator } = await network({ networkPolicy: { enabled: false } });
  expect([asksModels(ANYBODY), readsOperator(ANYBODY)]).toEqual([true, true]);
});
