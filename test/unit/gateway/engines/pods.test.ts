import { describe, expect, test } from '@jest/globals';
import { engineOfPod } from '../../../../src/gateway/engines/pods.ts';
import type { Pod } from '../../../../src/kube/resources.ts';
import { podAddress } from '../../../../src/vllm/pod-address.ts';

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
