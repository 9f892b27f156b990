import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { ensureBinaries, ensureOptionsOf } from '../../../src/demo/binaries/ensure.ts';
import { type ControlPlane, startControlPlane } from '../../../src/demo/control-plane/control-plane.ts';
import type { KubeClient } from '../../../src/kube/client.ts';
import { createInformer, type Informer } from '../../../src/kube/informer.ts';
import { noMetrics, type WatchEnd } from '../../../src/kube/metrics.ts';
import { type ConfigMap, configMaps } from '../../../src/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { clientOf } from '../../support/kube-client.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

const namespace = 'default';

/** An API server of its own: this one is taken down. */
let controlPlane: ControlPlane;
let client: KubeClient;
let informers: Informer<ConfigMap>[];

beforeAll(async () => {
  controlPlane = await startControlPlane({
    binaries: await ensureBinaries(ensureOptionsOf(process)),
    controllerManager: false,
    scheduler: false,
  });
  client = await clientOf(controlPlane.kubeconfigPath);
  informers = [];
});

afterAll(async () => {
  for (const informer of informers) await informer.stop();
  await client.close();
  await controlPlane.stop();
});

async function follow(
  clock: FakeClock,
  labelSelector: string,
  { ends = [], watch = client.watch }: { ends?: WatchEnd[]; watch?: KubeClient['watch'] } = {},
): Promise<Informer<ConfigMap>> {
  const informer = createInformer({
    client: { ...client, watch },
    resource: configMaps,
    namespace,
    labelSelector,
    clock,
    random: () => 0,
    pageSize: 2,
    metrics: { ...noMetrics, watchEnded: ({ end }) => ends.push(end) },
  });
  informers.push(informer);
  informer.start();
  await informer.synced();
  return informer;
}

function make(name: string, test: string): Promise<ConfigMap> {
  const metadata = { name, namespace, labels: { test } };
  return client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
}

function namesIn(informer: Informer<ConfigMap>): string {
  return informer.store
    .list()
    .map(({ metadata }) => metadata.name)
    .sort()
    .join(' ');
}

test('follows what its selector picks, also over several pages', async () => {
  for (const name of ['a', 'b', 'c', 'd', 'e']) await make(name, 'pages');
  await make('elsewhere', 'another');
  const informer = await follow(createFakeClock(), 'test=pages');
  expect(namesIn(informer)).toBe('a b c d e');

  await client.delete(configMaps, { namespace, name: 'a' });
  await make('f', 'pages');
  await client.mergePatch(configMaps, { namespace, name: 'b' }, { metadata: { labels: { test: 'left' } } });
  await eventually('the changes', () => namesIn(informer) === 'c d e f');
});

test('ten minutes without API server: tells what it missed when it is back', async () => {
  const clock = createFakeClock();
  const ends: WatchEnd[] = [];
  const stays = await make('stays', 'outage');
  await make('goes', 'outage');
  const informer = await follow(clock, 'test=outage', { ends });
  const changes: string[] = [];
  informer.store.subscribe(({ type, object }) => changes.push(`${type} ${object.metadata.name}`));
  changes.length = 0;

  await controlPlane.stopApiServer();
  for (let downMs = 0; downMs < 600_000; ) {
    const waitMs = await eventually('the next attempt', () =>
      clock.nextInMs !== undefined && clock.nextInMs <= 30_000 ? clock.nextInMs : undefined,
    );
    await clock.advance(waitMs);
    downMs += waitMs;
  }
  expect(informer.lastSyncAgeMs()).toBeGreaterThanOrEqual(600_000);
  expect(namesIn(informer)).toBe('goes stays');

  await controlPlane.startApiServer();
  await client.delete(configMaps, { namespace, name: 'goes' });
  await make('new', 'outage');
  await client.mergePatch(configMaps, stays.metadata, { data: { changed: 'yes' } });
  await eventually('the store has caught up', async () => {
    if (clock.nextInMs !== undefined && clock.nextInMs <= 30_000) await clock.advance(clock.nextInMs);
    return namesIn(informer) === 'new stays' && informer.store.get('default/stays')?.data?.changed === 'yes';
  });

  expect(new Set(changes)).toEqual(new Set(['deleted goes', 'added new', 'updated stays']));
  expect(changes).toHaveLength(3);
  expect(informer.lastSyncAgeMs()).toBeLessThan(30_000);
  expect(ends).toContain('failed');
});

test('a version that the API server no longer has (410): lists and goes on', async () => {
  const clock = createFakeClock();
  const ends: WatchEnd[] = [];
  let isFirst = true;
  // The API server was started anew above: it remembers nothing of its first days.
  const watch: KubeClient['watch'] = (resource, options) => {
    const resourceVersion = isFirst ? '1' : options.resourceVersion;
    isFirst = false;
    return client.watch(resource, { ...options, resourceVersion });
  };
  const informer = await follow(clock, 'test=expired', { ends, watch });
  await eventually('410', () => ends.includes('expired'));
  await make('after', 'expired');
  await eventually('back-off', () => clock.nextInMs === 800);
  await clock.advance(800);

  await eventually('the store has caught up', () => namesIn(informer) === 'after');
  expect(ends).toEqual(['expired']);
});
