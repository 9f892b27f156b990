import { describe, expect, test } from '@jest/globals';
import { classrooms } from '../../../../src/api/classroom.ts';
import { changedRows } from '../../../../src/cli/cluster/changed-rows.ts';
import type { KubeClient, WatchEvent, WatchOptions } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import type { KubeObject } from '../../../../src/kube/object.ts';

/** As the API server sends it: titles only in the first table. */
function tableOf(resourceVersion: string, ...names: string[]): KubeObject {
  const rows = names.map((name) => ({
    cells: [name],
    object: { apiVersion: 'v1', kind: 'PartialObjectMetadata', metadata: { name, resourceVersion } },
  }));
  const table = { kind: 'Table', apiVersion: 'meta.k8s.io/v1', metadata: {}, columnDefinitions: null, rows };
  return table as object as KubeObject;
}

const bookmark = (resourceVersion: string): WatchEvent<KubeObject> => ({
  type: 'BOOKMARK',
  object: tableOf(resourceVersion, ''),
});
const modified = (name: string, resourceVersion: string): WatchEvent<KubeObject> => ({
  type: 'MODIFIED',
  object: tableOf(resourceVersion, name),
});

/** Watches that tell these events each; after the last one the cluster is gone. */
function cluster(...watches: (readonly WatchEvent<KubeObject>[] | KubeApiError)[]) {
  const opened: WatchOptions[] = [];
  async function* watch(_: unknown, options: WatchOptions) {
    opened.push(options);
    const next = watches.shift() ?? new KubeApiError({ status: 0, reason: 'Closed', message: 'gone' });
    if (next instanceof KubeApiError) throw next;
    yield* next;
  }
  const raw = async () => ({ ...tableOf('50', 'listed'), metadata: { resourceVersion: '50' } });
  const client = { watch, raw } as object as Pick<KubeClient, 'watch' | 'raw'>;
  return { client, opened };
}

async function follow(...watches: Parameters<typeof cluster>) {
  const { client, opened } = cluster(...watches);
  const names: string[] = [];
  const all = changedRows(client, classrooms, { namespace: 'school' }, '10');
  const end = await (async () => {
    for await (const rows of all) names.push(...rows.map(({ object }) => object.metadata.name));
  })().catch((error: unknown) => error);
  return { names, end, from: opened.map(({ resourceVersion }) => resourceVersion), opened };
}

describe('rows that change', () => {
  test('are asked for as tables, from where the table before ended', async () => {
    const { names, opened } = await follow([modified('a', '11'), modified('b', '12')]);
    expect(names).toEqual(['a', 'b']);
    expect(opened[0]).toMatchObject({
      accept: expect.stringContaining('as=Table'),
      namespace: 'school',
      resourceVersion: '10',
    });
  });

  test('go on where the API server ended the watch, as far as it told', async () => {
    const { names, from } = await follow([modified('a', '11'), bookmark('20')], [modified('b', '21')]);
    expect(names).toEqual(['a', 'b']);
    expect(from).toEqual(['10', '20', '21']);
  });

  const expired = { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } as const;
  test.each([
    ['in the watch', [{ type: 'ERROR', object: expired }] as const],
    ['when it opens', new KubeApiError({ status: 410, reason: 'Expired', message: 'too old' })],
  ])('come anew where too much has happened, which is said %s', async (_, watch) => {
    const { names, from } = await follow(watch, [modified('b', '51')]);
    expect(names).toEqual(['listed', 'b']);
    expect(from).toEqual(['10', '50', '51']);
  });

  test('end with what the API server says is wrong', async () => {
    const failed = { kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd is away' } as const;
    const { end } = await follow([{ type: 'ERROR', object: failed }]);
    expect(end).toMatchObject({ status: 500, message: 'etcd is away' });
  });
});
