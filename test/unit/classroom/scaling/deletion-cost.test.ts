import { describe, expect, test } from '@jest/globals';
import type { WatchedEngine } from '../../../../src/classroom/engine-watch/board.ts';
import {
  costChanges,
  DELETION_COST_ANNOTATION,
  preferIdleToGo,
} from '../../../../src/classroom/scaling/deletion-cost.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import type { Deployment, Pod } from '../../../../src/kube/resources.ts';
import { enginePod, observedClass, readyPod } from '../../../support/classroom.ts';

const ownerReferences = [
  { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'python-101-engine-5d4f', uid: 'r', controller: true },
];

function engine(name: string, cost?: string): Pod {
  const pod = readyPod(name);
  const annotations: Record<string, string> = cost === undefined ? {} : { [DELETION_COST_ANNOTATION]: cost };
  return { ...pod, metadata: { ...pod.metadata, uid: `uid-of-${name}`, ownerReferences, annotations } };
}

const deployment = (replicas: number): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'python-101-engine' },
  spec: { replicas, selector: {}, template: {} },
});

const USES: Record<string, WatchedEngine['use']> = {
  idle: { kind: 'quiet', sinceMs: 0 },
  busy: { kind: 'busy', requests: 3 },
  silent: { kind: 'unknown', why: 'no answer' },
};

/** Three engines: one idle, one with three requests, one that does not say. */
function observed(pods: Pod[] = [engine('idle'), engine('busy'), engine('silent')]) {
  const watched = new Map(
    Object.entries(USES).map(([name, use]) => [name, { health: 'Well' as const, kvCacheTokens: 1, use }]),
  );
  return observedClass({ pods, watched, deployment: deployment(3) });
}

const changes = (pods: Pod[] | undefined, replicas: number) =>
  costChanges(observed(pods), replicas).map(({ pod, cost }) => [pod.metadata.name, cost]);

describe('before engines go, their pods say what it costs to lose them', () => {
  test('by their requests, and most where nobody knows', () => {
    expect(changes(undefined, 2)).toEqual([
      ['busy', 3],
      ['silent', 10_000],
    ]);
  });

  test('in place of what they said when some went before', () => {
    expect(changes([engine('idle', '7'), engine('busy', '3')], 1)).toEqual([['idle', 0]]);
  });

  test.each([
    ['none goes', 3],
    ['more come', 4],
    ['all go', 0],
  ])('and nothing where %s', (_, replicas) => {
    expect(changes(undefined, replicas)).toEqual([]);
  });

  test('but not pods that load, which go first anyway, nor those of others', () => {
    expect(
      changes([enginePod({ metadata: { name: 'busy', ownerReferences } }), readyPod('silent')], 1),
    ).toEqual([]);
  });
});

describe('writing it', () => {
  async function write(answer?: KubeApiError) {
    const patches: unknown[] = [];
    let writes = 0;
    const client = {
      mergePatch: async <T>(_: unknown, { name }: { name: string }, patch: unknown) => {
        patches.push([name, patch]);
        if (answer !== undefined) throw answer;
        return undefined as T;
      },
    };
    const metrics = { objectWritten: () => void writes++, nameConflict: () => {}, keyIssued: () => {} };
    await preferIdleToGo(observed(), 2, { client, metrics }, new AbortController().signal);
    return { patches, writes };
  }

  test('names the very pod', async () => {
    const { patches, writes } = await write();
    expect(patches[0]).toEqual([
      'busy',
      { metadata: { uid: 'uid-of-busy', annotations: { [DELETION_COST_ANNOTATION]: '3' } } },
    ]);
    expect(writes).toBe(2);
  });

  test('does not mind pods that went meanwhile', async () => {
    const gone = new KubeApiError({ status: 404, reason: 'NotFound', message: 'gone' });
    expect(await write(gone)).toMatchObject({ writes: 0 });
  });

  test('fails where the API server refuses', async () => {
    const refused = new KubeApiError({ status: 403, reason: 'Forbidden', message: 'no' });
    await expect(write(refused)).rejects.toBe(refused);
  });
});
