import { expect, test } from '@jest/globals';
import { backendsOf } from '../../../../src/demo/cluster-network/backends.ts';
import type { Pod, Service } from '../../../../src/kube/resources.ts';

const LABELS = { app: 'gateway' };

function service(spec: Service['spec'] = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'gateway', namespace: 'school' },
    spec: { selector: LABELS, ports: [{ port: 80, targetPort: 'http' }], ...spec },
  };
}

function pod(
  podIP: string,
  changes: { namespace?: string; labels?: typeof LABELS | object; ready?: string } = {},
): Pod {
  const { namespace = 'school', labels = LABELS, ready = 'True' } = changes;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: podIP, namespace, labels: { ...labels } },
    spec: { containers: [{ name: 'gateway', ports: [{ name: 'http', containerPort: 8080 }] }] },
    status: { podIP, conditions: [{ type: 'Ready', status: ready }] },
  };
}

test('a Service leads to its pods that are ready', () => {
  const pods = [
    pod('127.244.0.2'),
    pod('127.244.0.3'),
    pod('127.244.0.4', { ready: 'False' }),
    pod('127.244.0.5', { labels: { app: 'operator' } }),
    pod('127.244.0.6', { namespace: 'elsewhere' }),
  ];
  expect(backendsOf(service(), 80, pods)).toEqual(['127.244.0.2:8080', '127.244.0.3:8080']);
});

test('not to one that is going', () => {
  const going = pod('127.244.0.2');
  going.metadata.deletionTimestamp = '2026-09-01T09:00:00Z';
  expect(backendsOf(service(), 80, [going])).toEqual([]);
});

test.each([
  ['a port that it does not have', service(), 8080],
  ['a name that no container declares', service({ ports: [{ port: 80, targetPort: 'web' }] }), 80],
  ['no selector', service({ selector: {} }), 80],
])('%s leads nowhere', (_what, one, port) => {
  expect(backendsOf(one, port, [pod('127.244.0.2')])).toEqual([]);
});

test('a port may be given as a number', () => {
  const numbered = service({ ports: [{ port: 80, targetPort: 9000 }] });
  expect(backendsOf(numbered, 80, [pod('127.244.0.2')])).toEqual(['127.244.0.2:9000']);
});

test('a headless Service has no ports of its own: the port is that of the pods', () => {
  const headless = service({ clusterIP: 'None' });
  expect(backendsOf(headless, 8081, [pod('127.244.0.2')])).toEqual(['127.244.0.2:8081']);
});
