import { beforeEach, describe, expect, test } from '@jest/globals';
import type { KubeClient } from '../../../src/kube/client.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import { configMaps, secrets } from '../../../src/kube/resources.ts';
import { type Followed, type RememberingClient, rememberWrites } from '../../../src/kube/written.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

const ref = { namespace: 'room', name: 'a' };

let clock: FakeClock;
let writes: RememberingClient;
/** What the API server answers. */
let answer: KubeObject;
beforeEach(() => {
  clock = createFakeClock();
  answer = object({ resourceVersion: '100' });
  const written = () => Promise.resolve(answer);
  const api = {
    create: written,
    apply: written,
    mergePatch: written,
    replace: written,
    delete: async () => true,
  };
  writes = rememberWrites(api as Partial<KubeClient> as KubeClient, clock);
});

function object(metadata: Partial<KubeObject['metadata']> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...ref, uid: 'first', ...metadata } };
}

/** A cache that is as far as that version, with that object in it. */
function cache(resourceVersion: string | undefined, held?: KubeObject, resource = configMaps): Followed {
  const store: Pick<Followed['store'], 'get'> = { get: () => held };
  return { resource, resourceVersion, store: store as Followed['store'] };
}

describe('a write is shown by caches', () => {
  const apply = (dryRun = false) =>
    writes.client.apply(configMaps, object(), { fieldManager: 'test', dryRun });

  test.each([
    ['which have not read anything yet', undefined, false],
    ['which are one version behind', '99', false],
    ['which hold it', '100', true],
    ['which are further, whatever their digits', '1000', true],
  ])('%s', async (_, version, want) => {
    await apply();
    expect(writes.isShownBy([cache(version)])).toBe(want);
  });

  test('all of them, if there are several of its kind', async () => {
    await apply();
    expect(writes.isShownBy([cache('100'), cache('99')])).toBe(false);
  });

  test('of other kinds, which do not matter', async () => {
    await apply();
    expect(writes.isShownBy([cache('1', undefined, secrets)])).toBe(true);
  });

  test('that are as far as the newest of them', async () => {
    await apply();
    answer = object({ resourceVersion: '90' });
    await writes.client.mergePatch(configMaps, ref, {});
    expect(writes.isShownBy([cache('95')])).toBe(false);
  });

  test('in any case, if it was only tried', async () => {
    await apply(true);
    expect(writes.isShownBy([cache('1')])).toBe(true);
  });
});

describe('a deletion is shown by caches', () => {
  test.each([
    ['that still have it', object(), false],
    ['that show it going', object({ deletionTimestamp: '2026-11-23T09:00:00Z' }), true],
    ['that have it no more', undefined, true],
    ['that have a namesake', object({ uid: 'second' }), true],
  ])('%s', async (_, held, want) => {
    await writes.client.delete(configMaps, ref, { uid: 'first' });
    expect(writes.isShownBy([cache('1', held)])).toBe(want);
  });

  test('that have for half a minute what can only be a namesake', async () => {
    await writes.client.delete(configMaps, ref);
    await clock.advance(29_000);
    expect(writes.isShownBy([cache('1', object())])).toBe(false);
    await clock.advance(1_000);
    expect(writes.isShownBy([cache('1', object())])).toBe(true);
  });
});
