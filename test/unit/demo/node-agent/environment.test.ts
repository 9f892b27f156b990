import { describe, expect, test } from '@jest/globals';
import { ConfigError, expand, resolveEnvironment } from '../../../../src/demo/node-agent/pod/environment.ts';
import type { Container } from '../../../../src/demo/node-agent/pod/spec.ts';
import { podOf } from './pod-player.ts';

const FACTS = { podIP: '127.244.0.2', hostIP: '127.244.0.1' };
const OBJECTS: Readonly<Record<string, Record<string, string>>> = {
  'secret/engine-key': { key: 'sk-1', other: 'sk-2' },
  'configmap/settings': { level: 'info' },
};

function environmentOf(container: Partial<Container>): Promise<Record<string, string>> {
  const pod = podOf({ container });
  pod.metadata.labels = { class: 'python' };
  return resolveEnvironment(
    pod,
    { name: 'vllm', ...container },
    FACTS,
    async (kind, name) => OBJECTS[`${kind}/${name}`],
  );
}

describe('a container’s environment', () => {
  test('takes values, Secrets, ConfigMaps and fields of the pod', async () => {
    const env = await environmentOf({
      env: [
        { name: 'PLAIN', value: 'text' },
        { name: 'KEY', valueFrom: { secretKeyRef: { name: 'engine-key', key: 'key' } } },
        { name: 'LEVEL', valueFrom: { configMapKeyRef: { name: 'settings', key: 'level' } } },
        { name: 'IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
        { name: 'CLASS', valueFrom: { fieldRef: { fieldPath: "metadata.labels['class']" } } },
        { name: 'URL', value: 'http://$(IP):8000/$(UNKNOWN)' },
      ],
    });
    expect(env).toEqual({
      PLAIN: 'text',
      KEY: 'sk-1',
      LEVEL: 'info',
      IP: '127.244.0.2',
      CLASS: 'python',
      URL: 'http://127.244.0.2:8000/$(UNKNOWN)',
    });
  });

  test('takes all of a Secret, and its own variables win', async () => {
    const env = await environmentOf({
      envFrom: [{ prefix: 'S_', secretRef: { name: 'engine-key' } }],
      env: [{ name: 'S_other', value: 'mine' }],
    });
    expect(env).toEqual({ S_key: 'sk-1', S_other: 'mine' });
  });

  test.each([
    {
      name: 'a Secret',
      container: { env: [{ name: 'K', valueFrom: { secretKeyRef: { name: 'gone', key: 'key' } } }] },
      want: 'secret "gone" not found',
    },
    {
      name: 'a key of a Secret',
      container: { env: [{ name: 'K', valueFrom: { secretKeyRef: { name: 'engine-key', key: 'nope' } } }] },
      want: "couldn't find key nope in Secret class/engine-key",
    },
    {
      name: 'a ConfigMap for all',
      container: { envFrom: [{ configMapRef: { name: 'gone' } }] },
      want: 'configmap "gone" not found',
    },
    {
      name: 'a field that nobody knows',
      container: { env: [{ name: 'K', valueFrom: { fieldRef: { fieldPath: 'spec.colour' } } }] },
      want: 'does not know the field spec.colour',
    },
  ])('cannot be had without $name', async ({ container, want }) => {
    const attempt = environmentOf(container);
    await expect(attempt).rejects.toThrow(ConfigError);
    await expect(attempt).rejects.toThrow(want);
  });

  test('does without what is optional', async () => {
    const env = await environmentOf({
      envFrom: [{ secretRef: { name: 'gone', optional: true } }],
      env: [{ name: 'K', valueFrom: { secretKeyRef: { name: 'gone', key: 'key', optional: true } } }],
    });
    expect(env).toEqual({});
  });
});

test.each([
  { text: '--key=$(KEY)', want: '--key=v' },
  { text: '$$(KEY)', want: '$(KEY)' },
  { text: '$(OTHER) costs $5', want: '$(OTHER) costs $5' },
])('in arguments $text becomes $want', ({ text, want }) => {
  expect(expand(text, { KEY: 'v' })).toBe(want);
});
