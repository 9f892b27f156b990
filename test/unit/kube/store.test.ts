import { beforeEach, describe, expect, test } from '@jest/globals';
import { type ConfigMap, configMaps } from '../../../src/kube/resources.ts';
import {
  byLabel,
  byNamespace,
  byOwnerUid,
  createStore,
  type MutableStore,
  type StoreChange,
} from '../../../src/kube/store.ts';

let store: MutableStore<ConfigMap>;
let handlerErrors: unknown[];

beforeEach(() => {
  handlerErrors = [];
  store = createStore<ConfigMap>({
    indexes: { namespace: byNamespace, owner: byOwnerUid, classroom: byLabel('classroom') },
    onHandlerError: (error) => handlerErrors.push(error),
  });
});

interface Shape {
  namespace?: string;
  version?: string;
  uid?: string;
  classroom?: string;
  owners?: string[];
}

function object(
  name: string,
  { namespace = 'ns', version = '1', uid = name, classroom, owners }: Shape = {},
): ConfigMap {
  const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner' };
  return {
    apiVersion: 'v1',
    kind: configMaps.kind,
    metadata: {
      namespace,
      name,
      uid,
      resourceVersion: version,
      ...(classroom === undefined ? {} : { labels: { classroom } }),
      ...(owners === undefined
        ? {}
        : { ownerReferences: owners.map((owner) => ({ ...reference, uid: owner })) }),
    },
  };
}

function namesOf(objects: readonly ConfigMap[]): string[] {
  return objects.map(({ metadata }) => metadata.name).sort();
}

function recordChanges(): string[] {
  const seen: string[] = [];
  store.subscribe((change: StoreChange<ConfigMap>) => {
    const { name, resourceVersion } = change.object.metadata;
    const from = change.type === 'updated' ? ` from ${change.previous.metadata.resourceVersion}` : '';
    seen.push(`${change.type} ${name}@${resourceVersion}${from}`);
  });
  return seen;
}

describe('reading', () => {
  test('finds an object by namespace and name', () => {
    store.upsert(object('a'));

    expect(store.get('ns/a')).toEqual(object('a'));
    expect(store.get('other/a')).toBeUndefined();
    expect(store.size).toBe(1);
  });

  test('what it gives out cannot be changed, however deep', () => {
    store.upsert(object('a', { classroom: 'python' }));
    const labels = store.get('ns/a')?.metadata.labels ?? {};

    expect(() => {
      labels.classroom = 'sql';
    }).toThrow(TypeError);
  });

  test('indexes follow objects as they come, change and go', () => {
    store.upsert(object('a', { classroom: 'python', owners: ['o1', 'o2'] }));
    store.upsert(object('b', { classroom: 'python', namespace: 'other' }));
    expect(namesOf(store.byIndex('classroom', 'python'))).toEqual(['a', 'b']);
    expect(namesOf(store.byIndex('owner', 'o2'))).toEqual(['a']);
    expect(namesOf(store.byIndex('namespace', 'other'))).toEqual(['b']);

    store.upsert(object('a', { classroom: 'sql', owners: ['o1'], version: '2' }));
    expect(namesOf(store.byIndex('classroom', 'python'))).toEqual(['b']);
    expect(namesOf(store.byIndex('classroom', 'sql'))).toEqual(['a']);
    expect(store.byIndex('owner', 'o2')).toEqual([]);

    store.remove(object('a'));
    expect(store.byIndex('classroom', 'sql')).toEqual([]);
  });

  test('an index that does not exist is a mistake, not an empty answer', () => {
    expect(() => store.byIndex('clasroom', 'python')).toThrow(/no index "clasroom"/);
  });
});

describe('telling', () => {
  test('begins with what is there already', () => {
    store.upsert(object('a'));

    expect(recordChanges()).toEqual(['added a@1']);
  });

  test('of a list: additions, changes and the deletions that no watch told of', () => {
    store.replace([object('a'), object('b'), object('c')]);
    const seen = recordChanges();
    seen.length = 0;
    const changed = store.replace([object('a'), object('b', { version: '2' }), object('d')]);

    expect(seen).toEqual(['deleted c@1', 'updated b@2 from 1', 'added d@1']);
    expect(changed).toBe(3);
  });

  test('of one that was deleted and made anew: both', () => {
    store.upsert(object('a'));
    const seen = recordChanges();
    store.upsert(object('a', { uid: 'another', version: '5' }));

    expect(seen).toEqual(['added a@1', 'deleted a@1', 'added a@5']);
  });

  test('is silent about the same version', () => {
    const seen = recordChanges();
    store.upsert(object('a'));
    store.upsert(object('a'));
    store.remove(object('never-there'));

    expect(seen).toEqual(['added a@1']);
  });

  test('a subscriber sees the store as it is after the change', () => {
    const sizes: number[] = [];
    store.subscribe(() => sizes.push(store.size));
    store.upsert(object('a'));
    store.remove(object('a'));

    expect(sizes).toEqual([1, 0]);
  });

  test('goes on to the others when one throws, and ends with the subscription', () => {
    store.subscribe(() => {
      throw new Error('broken');
    });
    const seen: string[] = [];
    const unsubscribe = store.subscribe(({ object: { metadata } }) => seen.push(metadata.name));
    store.upsert(object('a'));
    unsubscribe();
    store.upsert(object('b'));

    expect(seen).toEqual(['a']);
    expect(handlerErrors).toHaveLength(2);
  });
});
