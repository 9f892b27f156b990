import { z } from 'zod';
import { int64, text } from './bounds.ts';
import { type CelRule, rule } from './cel.ts';

/** What an engine may ask of a node besides GPUs. */
export const ENGINE_RESOURCES = ['cpu', 'memory', 'ephemeral-storage'] as const;
export type EngineResource = (typeof ENGINE_RESOURCES)[number];

/**
 * What an engine asks for where the spec names neither a request nor a limit. It must fit several times on the
 * smallest nodes that have GPUs: four time-slices of a node with 4 CPUs and 16 GiB, of which about 3.9 CPUs and 12 GiB
 * are left for pods, take 2 CPUs and 8 GiB. An engine uses more at times, which a request allows; without one it would
 * be among the first that a node under pressure evicts, and a ResourceQuota would refuse it.
 *
 * @see https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/
 * @see https://cloud.google.com/kubernetes-engine/docs/concepts/plan-node-sizes#allocatable_memory_and_cpu_resources
 */
export const DEFAULT_ENGINE_REQUESTS: Partial<Record<EngineResource, string>> = {
  cpu: '500m',
  memory: '2Gi',
};

const NAMES: ReadonlySet<string> = new Set(ENGINE_RESOURCES);

/** As `bounds.ts` has it for storage, and thousandths, in which CPU is written. Whole numbers need no quotes. */
const amount = z
  .union([
    z
      .string()
      .min(1)
      .max(32)
      .regex(/^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi|Ti|Pi|k|M|G|T|P)?$/),
    int64(0),
  ])
  .meta({ 'x-kubernetes-int-or-string': true });

/** A ResourceList of Kubernetes without extended resources: GPUs are planned, so `gpu` alone says how many. */
function amounts(field: 'requests' | 'limits') {
  const onlyKnown = `\`${field}\` must not name other resources than 'cpu', 'memory' and 'ephemeral-storage': GPUs are asked for by \`gpu\``;
  const inBytes = `\`${field}\` must not have the unit 'm' but for 'cpu': it is a thousandth, and a megabyte is 'Mi'`;
  return z
    .record(text(63), amount)
    .refine((given) => Object.keys(given).every((name) => NAMES.has(name)), { error: onlyKnown })
    .meta({
      maxProperties: ENGINE_RESOURCES.length,
      'x-kubernetes-validations': [
        rule(
          `self.all(name, name in [${ENGINE_RESOURCES.map((name) => `'${name}'`).join(', ')}])`,
          onlyKnown,
          'FieldValueForbidden',
        ),
        rule(
          "self.all(name, name == 'cpu' || !string(self[name]).endsWith('m'))",
          inBytes,
          'FieldValueInvalid',
        ),
      ],
    });
}

const withinLimits: CelRule = rule(
  '!has(self.requests) || !has(self.limits) || self.requests.all(name, !(name in self.limits) || quantity(string(self.requests[name])).compareTo(quantity(string(self.limits[name]))) <= 0)',
  '`requests` must not be greater than `limits`',
  'FieldValueInvalid',
  '.requests',
);

export const engineResourcesSchema = z
  .object({
    requests: amounts('requests')
      .optional()
      .describe(
        `What a node must have left for an engine. Default of each: its limit, or else ${DEFAULT_ENGINE_REQUESTS.cpu} of cpu and ${DEFAULT_ENGINE_REQUESTS.memory} of memory.`,
      ),
    limits: amounts('limits')
      .optional()
      .describe('What an engine may use at most. Above its memory limit it is killed. Default: no limits.'),
  })
  .meta({ 'x-kubernetes-validations': [withinLimits] })
  .describe(
    "CPU, memory and ephemeral storage of an engine, as in a container of Kubernetes: quantities such as 2, '500m' and '4Gi'.",
  );

export type EngineResources = z.infer<typeof engineResourcesSchema>;
