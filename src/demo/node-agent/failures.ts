import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { Pod } from '../../kube/resources.ts';

/** On a Pod or a Node: the failure to play, e.g. `CrashAtStart` or `{kind: CrashAtStart, times: 2}`. */
export const FAILURE_ANNOTATION = 'demo.gpu-classroom.io/failure';

const times = z
  .int()
  .min(1)
  .optional()
  .describe('How often per pod; default: as long as the failure is set.');
const afterSeconds = z.number().min(0).default(0).describe('Seconds after the start of the container.');

/** A failure that the agent plays on a pod. */
export const failureSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('ImagePull'), times }).describe('ErrImagePull, then ImagePullBackOff.'),
  z.strictObject({ kind: z.literal('OutOfMemoryAtStart'), times }).describe("Exit 1 with vLLM's words."),
  z.strictObject({ kind: z.literal('CrashAtStart'), times }).describe('Exit 1 right after the start.'),
  z
    .strictObject({ kind: z.literal('SlowLoad'), seconds: z.number().min(0).default(120), times })
    .describe('The model takes this long to load.'),
  z.strictObject({ kind: z.literal('Crash'), afterSeconds, times }).describe('SIGKILL: exit code 137.'),
  z
    .strictObject({ kind: z.literal('EngineDeath'), afterSeconds, times })
    .describe("vLLM's engine process dies: requests fail, then vLLM ends with exit code 0."),
  z
    .strictObject({ kind: z.literal('EngineStall'), afterSeconds, times })
    .describe('The engine computes nothing more; its server goes on answering, `/health` too.'),
  z
    .strictObject({ kind: z.literal('Hang'), afterSeconds, times })
    .describe('SIGSTOP: connections stand still, nothing ends.'),
  z
    .strictObject({ kind: z.literal('OOMKilled'), afterSeconds, times })
    .describe('The kernel ends the container for want of memory: exit code 137, reason OOMKilled.'),
]);

export type Failure = z.infer<typeof failureSchema>;
/** Failures of a container that runs; the others concern its start. */
export type RunningFailure = Extract<Failure, { afterSeconds: number }>;

export function isRunningFailure(failure: Failure): failure is RunningFailure {
  return 'afterSeconds' in failure;
}

/**
 * The failure that the annotation of an object asks for.
 * @returns a string that says what is wrong when it asks for something unknown
 */
export function failureOfAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
): Failure | string | undefined {
  const text = annotations?.[FAILURE_ANNOTATION];
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = parseYaml(text);
  } catch (error) {
    return `${FAILURE_ANNOTATION}: ${error instanceof Error ? error.message : String(error)}`;
  }
  const result = failureSchema.safeParse(typeof value === 'string' ? { kind: value } : value);
  return result.success ? result.data : `${FAILURE_ANNOTATION}: ${z.prettifyError(result.error)}`;
}

/** Which pods a failure concerns: every given part must be true. */
export interface PodMatcher {
  readonly namespace?: string;
  /** The name, or its beginning followed by `*`. */
  readonly name?: string;
  readonly node?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export function matchesPod(matcher: PodMatcher, pod: Pod): boolean {
  const { namespace, name, node, labels = {} } = matcher;
  return (
    (namespace === undefined || pod.metadata.namespace === namespace) &&
    (name === undefined || matchesName(name, pod.metadata.name)) &&
    (node === undefined || pod.spec?.nodeName === node) &&
    Object.entries(labels).every(([key, value]) => pod.metadata.labels?.[key] === value)
  );
}

function matchesName(pattern: string, name: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
