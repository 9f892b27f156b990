import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFile } from 'node:fs/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { systemClock } from '../../../src/kube/clock.ts';
import { KubeApiError } from '../../../src/kube/errors.ts';
import { createKubeClient } from '../../../src/kube/kube-client.ts';
import { kubeconfigFileCredentials } from '../../../src/kube/kubeconfig.ts';
import type { Resource } from '../../../src/kube/object.ts';
import { type ConfigMap, configMaps, namespaces, pods } from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { eventually } from '../../support/eventually.ts';
import { clientOf } from '../../support/kube-client.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('client');

const containers = [{ name: 'main', image: 'none' }];

function configMap(name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace }, data };
}

describe('one object through its life', () => {
  test('create, get, replace, merge patch, apply, delete', async () => {
    const made = await client.create(configMaps, configMap('life', { a: '1' }));
    expect(await client.get(configMaps, made.metadata)).toEqual(made);

    const replaced = await client.replace(configMaps, { ...made, data: { a: '2' } });
    expect(replaced.data).toEqual({ a: '2' });
    await expect(client.replace(configMaps, made)).rejects.toMatchObject({ status: 409, reason: 'Conflict' });

    const patched = await client.mergePatch(configMaps, made.metadata, { data: { b: '3' } });
    expect(patched.data).toEqual({ a: '2', b: '3' });

    const applied = await client.apply(configMaps, configMap('life', { c: '4' }), { fieldManager: 'test' });
    expect(applied.data).toEqual({ a: '2', b: '3', c: '4' });

    expect(await client.delete(configMaps, made.metadata)).toBe(true);
    expect(await client.get(configMaps, made.metadata)).toBeUndefined();
    expect(await client.delete(configMaps, made.metadata)).toBe(false);
  });

  test('delete heeds its preconditions: a namesake of another uid stays', async () => {
    const made = await client.create(configMaps, configMap('precondition'));

    await expect(client.delete(configMaps, made.metadata, { uid: 'another' })).rejects.toMatchObject({
      status: 409,
    });
    expect(await client.delete(configMaps, made.metadata, { uid: made.metadata.uid ?? '' })).toBe(true);
  });

  test('a second deletion may shorten the time that the first one gave a pod to end', async () => {
    // Of no node that there is: no kubelet says that it has ended.
    const spec = { nodeName: 'nowhere', terminationGracePeriodSeconds: 80, containers };
    const metadata = { name: 'ending', namespace };
    const { uid = '' } = await eventually('a pod, once its namespace has an account', async () => {
      try {
        return (await client.create(pods, { apiVersion: 'v1', kind: 'Pod', metadata, spec })).metadata;
      } catch (error) {
        if (error instanceof KubeApiError && error.status === 403) return undefined;
        throw error;
      }
    });
    const secondsLeft = async () => (await client.get(pods, metadata))?.metadata.deletionGracePeriodSeconds;

    expect(await client.delete(pods, metadata, { uid })).toBe(true);
    expect(await secondsLeft()).toBe(80);
    expect(await client.delete(pods, metadata, { uid, gracePeriodSeconds: 5 })).toBe(true);
    expect(await secondsLeft()).toBe(5);
    expect(await client.delete(pods, metadata, { uid, gracePeriodSeconds: 60 })).toBe(true);
    expect(await secondsLeft()).toBe(5);
    await client.delete(pods, metadata, { uid, gracePeriodSeconds: 0 });
  });

  test('create of a name that is taken is refused', async () => {
    await client.create(configMaps, configMap('taken'));

    await expect(client.create(configMaps, configMap('taken'))).rejects.toMatchObject({
      status: 409,
      reason: 'AlreadyExists',
    });
  });
});

test('a list comes in pages, with kinds', async () => {
  const made = await controlPlane.createNamespace('pages');
  for (const name of ['a', 'b', 'c']) {
    await client.create(configMaps, { ...configMap(name), metadata: { name, namespace: made } });
  }
  const first = await client.list(configMaps, { namespace: made, limit: 2 });
  const next = first.metadata.continue ?? '';
  const second = await client.list(configMaps, { namespace: made, limit: 2, continue: next });

  expect(first.items).toHaveLength(2);
  expect([...first.items, ...second.items].map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(
    // The controller-manager puts the CA of the cluster into each namespace.
    expect.arrayContaining(['ConfigMap a', 'ConfigMap b', 'ConfigMap c']),
  );
});

test('a kind that the API server does not serve is an error, not an absent object', async () => {
  const unknown: Resource<ConfigMap> = { ...configMaps, group: 'no.such.group' };

  await expect(client.get(unknown, { namespace, name: 'a' })).rejects.toMatchObject({ status: 404 });
});

test('a watch delivers events', async () => {
  const { metadata } = await client.list(configMaps, { namespace });
  const events = client.watch(configMaps, {
    namespace,
    resourceVersion: metadata.resourceVersion ?? '',
    timeoutSeconds: 60,
  });
  const iterator = events[Symbol.asyncIterator]();
  const next = iterator.next();
  await client.create(configMaps, configMap('watched'));
  const { value } = await next;
  await iterator.return?.();
  expect(value).toMatchObject({
    type: 'ADDED',
    object: { kind: 'ConfigMap', metadata: { name: 'watched' } },
  });
});

test('600 requests one after another use at most two connections', async () => {
  let connections = 0;
  const count = (): void => {
    connections += 1;
  };
  const own = await clientOf(controlPlane.kubeconfigPath);
  subscribe('undici:client:connected', count);
  try {
    for (let request = 0; request < 600; request++) await own.get(namespaces, { name: namespace });
  } finally {
    unsubscribe('undici:client:connected', count);
    await own.close();
  }

  expect(connections).toBeGreaterThan(0);
  expect(connections).toBeLessThanOrEqual(2);
});

test('a token that has expired is read again', async () => {
  const valid = await kubeconfigFileCredentials(controlPlane.kubeconfigPath, {
    readFile,
    clock: systemClock,
  });
  const asked: boolean[] = [];
  const own = createKubeClient({
    credentials: {
      server: valid.server,
      current: async ({ fresh = false } = {}) => {
        asked.push(fresh);
        const material = await valid.current();
        return fresh ? material : { ...material, headers: { authorization: 'Bearer expired' } };
      },
    },
  });
  const found = await own.get(namespaces, { name: namespace });
  await own.close();

  expect(found?.metadata.name).toBe(namespace);
  expect(asked).toEqual([false, true]);
});
