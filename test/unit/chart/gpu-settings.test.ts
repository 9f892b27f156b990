import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { devicePluginSettings, SHARING_CONFIG_MAP } from '../../../src/gpu/node-preparation/commands.ts';

const manifests = join(import.meta.dirname, '../../../manifests');
const settings = z.record(z.string(), z.string());

const readValues = (path: string): unknown => parse(readFileSync(join(manifests, path), 'utf8'));

describe("the settings for NVIDIA's GPU operator", () => {
  const {
    name,
    default: fallback,
    data,
  } = z
    .object({
      devicePlugin: z.object({ config: z.object({ name: z.string(), default: z.string(), data: settings }) }),
    })
    .parse(readValues('gpu-operator/values.yaml')).devicePlugin.config;

  test('are in the ConfigMap that the commands of a class name', () => {
    expect(name).toBe(SHARING_CONFIG_MAP);
    expect(Object.keys(data)).toContain(fallback);
  });

  test.each([
    { key: 'whole-gpus', kind: 'Whole' },
    { key: 'time-sliced-4', kind: 'TimeSliced', replicas: 4, renamed: false },
    { key: 'time-sliced-4-renamed', kind: 'TimeSliced', replicas: 4, renamed: true },
  ] as const)('have under $key what a class would write there', (config) => {
    expect(parse(data[config.key] ?? '')).toEqual(devicePluginSettings(config));
  });
});

describe('the settings for the device plugin alone', () => {
  const { config } = z
    .object({ config: z.object({ default: z.string(), map: settings }) })
    .parse(readValues('device-plugin/values.yaml'));

  test('share a GPU as a class would write it', () => {
    const wanted = { key: 'time-sliced-4-renamed', kind: 'TimeSliced', replicas: 4, renamed: true } as const;
    expect(parse(config.map[wanted.key] ?? '')).toEqual(devicePluginSettings(wanted));
    expect(Object.keys(config.map)).toContain(config.default);
  });
});
