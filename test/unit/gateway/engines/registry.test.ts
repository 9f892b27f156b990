import { describe, expect, test } from '@jest/globals';
import { Agent } from 'undici';
import { engineOfPod, podAddress } from '../../../../src/gateway/engines/pods.ts';
import { createEngineRegistry } from '../../../../src/gateway/engines/registry.ts';
import type { Pod } from '../../../../src/kube/resources.ts';

function registry(ids: readonly string[] = []) {
  const connected: string[] = [];
  const engines = createEngineRegistry({
    connect: (origin) => {
      connected.push(origin);
      return new Agent();
    },
  });
  for (const id of ids) engines.put({ id, classroomKey: 'a/b', origin: `http://${id}:8000` });
  return { engines, connected };
}

describe('picking an engine', () => {
  test('none is there', () => {
    expect(registry().engines.pick('a/b')).toBeUndefined();
  });

  test('an engine of another class is none', () => {
    expect(registry(['one']).engines.pick('a/c')).toBeUndefined();
  });

  test('the one with the fewest requests, and in turn where they have as many', () => {
    const { engines } = registry(['one', 'two', 'three']);
    const picks = [1, 2, 3, 4].map(() => engines.pick('a/b'));
    expect(picks.map((use) => use?.id)).toEqual(['one', 'two', 'three', 'one']);
    picks[1]?.release();
    expect(engines.pick('a/b')?.id).toBe('two');
    expect(engines.size).toEqual({ ready: 3, inFlight: 4 });
  });

  test('requests one after another go to all engines in turn', () => {
    const { engines } = registry(['one', 'two']);
    const ids = [1, 2, 3].map(() => {
      const use = engines.pick('a/b');
      use?.release();
      return use?.id;
    });
    expect(ids).toEqual(['one', 'two', 'one']);
  });

  test('not one that was tried already', () => {
    const { engines } = registry(['one', 'two']);
    expect(engines.pick('a/b', new Set(['one']))?.id).toBe('two');
    expect(engines.pick('a/b', new Set(['one', 'two']))).toBeUndefined();
  });

  test('not one that is not ready, until it is again', () => {
    const { engines, connected } = registry(['one']);
    engines.drain('one');
    expect([engines.pick('a/b'), engines.readyCount('a/b')]).toEqual([undefined, 0]);
    engines.put({ id: 'one', classroomKey: 'a/b', origin: 'http://one:8000' });
    expect(engines.pick('a/b')?.id).toBe('one');
    expect(connected).toHaveLength(1);
  });

  test('an engine with a new address is connected anew', () => {
    const { engines, connected } = registry(['one']);
    engines.put({ id: 'one', classroomKey: 'a/b', origin: 'http://other:8000' });
    expect(connected).toEqual(['http://one:8000', 'http://other:8000']);
    expect(engines.readyCount('a/b')).toBe(1);
  });

  test('a request that ends after its engine was removed harms nobody', () => {
    const { engines } = registry(['one']);
    const use = engines.pick('a/b');
    engines.remove('one');
    use?.release();
    expect(engines.size).toEqual({ ready: 0, inFlight: 0 });
  });

  test('releasing twice is a bug that shows', () => {
    const use = registry(['one']).engines.pick('a/b');
    use?.release();
    expect(() => use?.release()).toThrow(/released twice/);
  });
});

describe('the engine of a pod', () => {
  interface PodOptions {
    ready?: string;
    ip?: string | undefined;
    port?: string;
    deleting?: boolean;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
  }

  function pod(differs: PodOptions = {}): Pod {
    const { ready = 'True', port = 'http', deleting = false, annotations = {} } = differs;
    const ip = 'ip' in differs ? differs.ip : '10.0.0.7';
    return {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: 'engine-0',
        namespace: 'school',
        uid: 'uid-1',
        annotations,
        labels: differs.labels ?? { 'gpu-classroom.io/classroom': 'python-101' },
        ...(deleting ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}),
      },
      spec: { containers: [{ name: 'vllm', ports: [{ name: port, containerPort: 8000 }] }] },
      status: { ...(ip === undefined ? {} : { podIP: ip }), conditions: [{ type: 'Ready', status: ready }] },
    };
  }

  test('is known by uid, class and address', () => {
    expect(engineOfPod(pod(), podAddress)).toEqual({
      id: 'uid-1',
      classroomKey: 'school/python-101',
      origin: 'http://10.0.0.7:8000',
    });
  });

  test('IPv6 addresses are bracketed', () => {
    expect(engineOfPod(pod({ ip: 'fd00::7' }), podAddress)?.origin).toBe('http://[fd00::7]:8000');
  });

  test.each<[string, PodOptions]>([
    ['not ready', { ready: 'False' }],
    ['without an IP', { ip: undefined }],
    ['without a port named http', { port: 'grpc' }],
    ['being deleted', { deleting: true }],
    ['of no class', { labels: {} }],
  ])('a pod %s is none', (_, differs) => {
    expect(engineOfPod(pod(differs), podAddress)).toBeUndefined();
  });

  test('an annotation cannot send prompts elsewhere', () => {
    const annotations = { 'demo.gpu-classroom.io/address': '6.6.6.6:666' };
    expect(engineOfPod(pod({ annotations }), podAddress)?.origin).toBe('http://10.0.0.7:8000');
  });
});
