import { describe, expect, jest, test } from '@jest/globals';
import { type Applier, createApplier, NameConflictError } from '../../../src/kube/apply.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { withoutManagedFields } from '../../../src/kube/informer.ts';
import type { KubeObject, ObjectMeta, Resource } from '../../../src/kube/object.ts';
import {
  type ConfigMap,
  configMaps,
  type Deployment,
  deployments,
  networkPolicies,
  persistentVolumeClaims,
  podDisruptionBudgets,
  secrets,
  serviceAccounts,
  services,
} from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

const fieldManager = 'apply-test';
const labels = { app: 'engine' };

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('apply');
const owner = await client.create(configMaps, {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'owner', namespace },
});

function applier(): Applier {
  return createApplier({ client, fieldManager });
}

function owned(name: string): ObjectMeta {
  const { uid = '' } = owner.metadata;
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };
  const ownerReferences = [{ ...reference, controller: true, blockOwnerDeletion: true }];
  return { name, namespace, labels, ownerReferences };
}

function configMap(name: string, data: Record<string, string>): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: owned(name), data };
}

/** Spelled as nobody should: the API server writes many of these values back in another way. */
function deployment(name: string): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: owned(name),
    spec: {
      replicas: 2,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: {} },
        spec: {
          automountServiceAccountToken: false,
          nodeSelector: {},
          containers: [
            {
              name: 'vllm',
              image: 'vllm/vllm-openai:v0.32.0',
              args: ['--max-num-seqs', '16'],
              env: [{ name: 'HOME', value: '/home/vllm' }],
              ports: [{ name: 'http', containerPort: 8000 }],
              resources: {
                requests: { cpu: '0.5', memory: '1024Mi' },
                limits: { memory: '8192Mi', 'nvidia.com/gpu': '1' },
              },
              volumeMounts: [{ name: 'shm', mountPath: '/dev/shm' }],
            },
          ],
          volumes: [{ name: 'shm', emptyDir: { medium: 'Memory', sizeLimit: '2048Mi' } }],
        },
      },
    },
  };
}

function intents(): [string, Resource<KubeObject>, KubeObject][] {
  const spec = { selector: labels };
  const all: { resource: Resource<KubeObject>; rest: object }[] = [
    { resource: deployments, rest: deployment('every') },
    {
      resource: services,
      rest: {
        spec: { ...spec, clusterIP: 'None', ports: [{ name: 'http', port: 8000, targetPort: 'http' }] },
      },
    },
    { resource: serviceAccounts, rest: { automountServiceAccountToken: false } },
    {
      resource: networkPolicies,
      rest: {
        spec: {
          podSelector: { matchLabels: labels },
          policyTypes: ['Ingress', 'Egress'],
          ingress: [],
          egress: [{ ports: [{ port: 53, protocol: 'UDP' }] }, {}],
        },
      },
    },
    {
      resource: podDisruptionBudgets,
      rest: { spec: { maxUnavailable: 1, selector: { matchLabels: labels } } },
    },
    {
      resource: persistentVolumeClaims,
      rest: { spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '51200Mi' } } } },
    },
    { resource: secrets, rest: { type: 'Opaque', data: { KEY: Buffer.from('value').toString('base64') } } },
  ];
  return all.map(({ resource, rest }) => {
    const apiVersion = resource.group === '' ? 'v1' : `${resource.group}/${resource.version}`;
    const object = { ...rest, apiVersion, kind: resource.kind, metadata: owned('every') };
    return [resource.kind, resource, object];
  });
}

describe('an intent that is there already costs nothing', () => {
  const kinds = [
    'Deployment',
    'Service',
    'ServiceAccount',
    'NetworkPolicy',
    'PodDisruptionBudget',
    'PersistentVolumeClaim',
    'Secret',
  ];

  test.each(kinds)('%s: created, then no write, by the same process or a new one', async (kind) => {
    const [, resource, intent] = intents().find(([name]) => name === kind) ?? [];
    if (resource === undefined || intent === undefined) throw new Error(`no intent for ${kind}`);
    const { namespace: inNamespace = '', name } = intent.metadata;
    const first = applier();
    const created = await first.apply(resource, intent);
    const observed = await client.get(resource, { namespace: inNamespace, name });

    expect(created.outcome).toBe('created');
    expect(await first.apply(resource, intent, { observed })).toMatchObject({ written: false });
    expect(await applier().apply(resource, intent, { observed })).toMatchObject({
      outcome: 'unchanged',
      written: false,
    });
  });
});

describe('a change of the intent', () => {
  test.each([
    ['by a cache that holds all', 'drop', (object: ConfigMap) => object],
    ['by a cache without managed fields', 'drop-slim', withoutManagedFields],
  ])(
    'removes a field that the intent dropped, on the first change after the create and on the next, seen %s',
    async (_, name, cached) => {
      // A new process each time: only the cache and the API server remember.
      const created = await applier().apply(configMaps, configMap(name, { a: '1', b: '2', c: '3' }));
      const second = await applier().apply(configMaps, configMap(name, { a: '1', b: '2' }), {
        observed: cached(created.object),
      });
      const third = await applier().apply(configMaps, configMap(name, { a: '9' }), {
        observed: cached(second.object),
      });

      expect(second).toMatchObject({ outcome: 'configured', object: { data: { a: '1', b: '2' } } });
      expect(third.object.data).toEqual({ a: '9' });
    },
  );

  test('leaves what other managers added', async () => {
    const apply = applier();
    const created = await apply.apply(configMaps, configMap('shared', { a: '1' }));
    const edited = await client.mergePatch(configMaps, created.object.metadata, {
      data: { theirs: 'kept' },
      metadata: { annotations: { note: 'theirs' } },
    });
    expect(
      await apply.apply(configMaps, configMap('shared', { a: '1' }), { observed: edited }),
    ).toMatchObject({
      written: false,
    });
    const changed = await apply.apply(configMaps, configMap('shared', { a: '2' }), { observed: edited });

    expect(changed.object.data).toEqual({ a: '2', theirs: 'kept' });
    expect(changed.object.metadata.annotations).toMatchObject({ note: 'theirs' });
  });

  test('takes back what was edited by hand', async () => {
    const apply = applier();
    const created = await apply.apply(deployments, deployment('edited'));
    const edited = await client.mergePatch(deployments, created.object.metadata, { spec: { replicas: 7 } });
    const healed = await apply.apply(deployments, deployment('edited'), { observed: edited });

    expect(healed.object.spec?.replicas).toBe(2);
  });
});

describe('what the server does not store word for word', () => {
  test('costs one write, although the resource version goes on moving', async () => {
    const apply = applier();
    const created = await apply.apply(services, serviceWithPorts(['http']));
    const other = await client.mergePatch(services, created.object.metadata, {
      spec: { ports: [...(created.object.spec?.ports ?? []), { name: 'theirs', port: 9000 }] },
    });
    const first = await apply.apply(services, serviceWithPorts(['http']), { observed: other });
    const moved = await client.mergePatch(services, other.metadata, {
      metadata: { annotations: { n: '1' } },
    });

    expect(first).toMatchObject({ written: true });
    expect(await apply.apply(services, serviceWithPorts(['http']), { observed: moved })).toMatchObject({
      written: false,
    });
  });

  function serviceWithPorts(names: string[]) {
    const ports = names.map((name) => ({ name, port: 8000 }));
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: owned('ports'),
      spec: { clusterIP: 'None', selector: labels, ports },
    };
  }
});

describe('a pass that comes before the informer has seen the last write', () => {
  test.each([
    ['a create', undefined],
    ['a change', { a: '1' }],
  ])('costs no request after %s, for half a minute', async (what, before) => {
    const clock = createFakeClock();
    const requests: string[] = [];
    const apply = createApplier({ client: counting(requests), fieldManager, clock });
    const intent = configMap(what.replace(' ', '-'), { a: '2' });
    const stale = before && (await applier().apply(configMaps, { ...intent, data: before })).object;
    await apply.apply(configMaps, intent, { observed: stale });
    requests.length = 0;

    expect(await apply.apply(configMaps, intent, { observed: stale })).toMatchObject({
      outcome: 'unchanged',
      object: { data: { a: '2' } },
    });
    expect(requests).toEqual([]);
    await clock.advance(30_000);
    await apply.apply(configMaps, intent, { observed: stale });
    expect(requests).not.toEqual([]);
  });

  test('makes an object anew that the informer has seen come and go', async () => {
    const apply = applier();
    const first = await apply.apply(configMaps, configMap('gone', {}));
    await apply.apply(configMaps, configMap('gone', {}), { observed: first.object });
    await client.delete(configMaps, first.object.metadata);

    expect(await apply.apply(configMaps, configMap('gone', {}))).toMatchObject({ outcome: 'created' });
  });

  /** The client, noting each request. */
  function counting(
    requests: string[],
  ): Pick<KubeClient, 'get' | 'create' | 'apply' | 'mergePatch' | 'delete'> {
    return new Proxy(client, {
      get(target, verb: keyof KubeClient) {
        requests.push(verb);
        return target[verb];
      },
    });
  }
});

describe('an object that is not ours', () => {
  async function foreign(name: string): Promise<ConfigMap> {
    return client.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace },
      data: { theirs: 'yes' },
    });
  }

  test.each([
    ['that we know of', true],
    ['that our informers do not see', false],
  ])('%s is left as it is', async (_case, known) => {
    const there = await foreign(`foreign-${known}`);
    const attempt = applier().apply(configMaps, configMap(there.metadata.name, { ours: 'no' }), {
      observed: known ? there : undefined,
    });

    await expect(attempt).rejects.toBeInstanceOf(NameConflictError);
    expect(await client.get(configMaps, there.metadata)).toEqual(there);
  });

  test('is left as it is by an intent without owner', async () => {
    const there = await foreign('unowned');
    const intent = { ...configMap('unowned', {}), metadata: { name: 'unowned', namespace } };

    await expect(applier().apply(configMaps, intent)).rejects.toThrow(/ConfigMap ".*\/unowned" exists/);
    expect(await client.get(configMaps, there.metadata)).toEqual(there);
  });

  test('is not written to when it took the place of ours meanwhile', async () => {
    const ours = await applier().apply(configMaps, configMap('replaced', { a: '1' }));
    await client.delete(configMaps, ours.object.metadata);
    await foreign('replaced');
    const attempt = applier().apply(configMaps, configMap('replaced', { a: '2' }), { observed: ours.object });

    await expect(attempt).rejects.toMatchObject({ status: 409 });
  });
});
