import type { Pod } from '../../../kube/resources.ts';
import type { Container } from './spec.ts';

/** A container's configuration cannot be put together: CreateContainerConfigError, in a kubelet's words. */
export class ConfigError extends Error {}

/** The texts in a Secret or ConfigMap of the pod's namespace, or undefined when there is none of that name. */
export type Lookup = (
  kind: 'secret' | 'configmap',
  name: string,
) => Promise<Readonly<Record<string, string>> | undefined>;

/** What the downward API may tell of a pod that is about to start. */
export interface PodFacts {
  readonly podIP: string;
  readonly hostIP: string;
}

type EnvVar = NonNullable<Container['env']>[number];

/**
 * The environment of a container, `$(NAME)` references resolved.
 * https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#environment-variables
 *
 * @throws {ConfigError} when something it refers to is missing
 */
export async function resolveEnvironment(
  pod: Pod,
  container: Container,
  facts: PodFacts,
  lookup: Lookup,
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  for (const source of container.envFrom ?? []) {
    const secret = source.secretRef;
    const reference = secret ?? source.configMapRef;
    if (reference?.name === undefined) continue;
    const data = await lookup(secret === undefined ? 'configmap' : 'secret', reference.name);
    if (data === undefined && reference.optional !== true) {
      throw new ConfigError(`${secret === undefined ? 'configmap' : 'secret'} "${reference.name}" not found`);
    }
    for (const [key, value] of Object.entries(data ?? {})) env[`${source.prefix ?? ''}${key}`] = value;
  }
  for (const variable of container.env ?? []) {
    const value =
      variable.valueFrom === undefined
        ? expand(variable.value ?? '', env)
        : await valueFrom(pod, container, variable.valueFrom, facts, lookup);
    if (value !== undefined) env[variable.name] = value;
  }
  return env;
}

/**
 * Replaces `$(NAME)` by the variable's value; `$$(NAME)` and unknown names stay as text.
 * https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
 */
export function expand(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([^()]+)\)/g, (found, name: string | undefined) =>
    name === undefined ? '$' : (env[name] ?? found),
  );
}

async function valueFrom(
  pod: Pod,
  container: Container,
  source: NonNullable<EnvVar['valueFrom']>,
  facts: PodFacts,
  lookup: Lookup,
): Promise<string | undefined> {
  if (source.fieldRef !== undefined) return fieldOf(pod, source.fieldRef.fieldPath, facts);
  const kind = source.secretKeyRef === undefined ? 'configmap' : 'secret';
  const reference = source.secretKeyRef ?? source.configMapKeyRef;
  if (reference?.name === undefined) {
    throw new ConfigError(
      `an environment variable of container ${container.name} has a source that the node agent does not play`,
    );
  }
  const data = await lookup(kind, reference.name);
  const value = data?.[reference.key];
  if (value !== undefined || reference.optional === true) return value;
  if (data === undefined) throw new ConfigError(`${kind} "${reference.name}" not found`);
  const title = kind === 'secret' ? 'Secret' : 'ConfigMap';
  throw new ConfigError(
    `couldn't find key ${reference.key} in ${title} ${pod.metadata.namespace}/${reference.name}`,
  );
}

/** https://kubernetes.io/docs/concepts/workloads/pods/downward-api/#available-fields */
export function fieldOf(pod: Pod, path: string, { podIP, hostIP }: PodFacts): string {
  const { metadata, spec } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.+)'\]$/.exec(path);
  if (subscript?.[1] !== undefined && subscript[2] !== undefined) {
    const map = subscript[1] === 'labels' ? metadata.labels : metadata.annotations;
    return map?.[subscript[2]] ?? '';
  }
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': metadata.name,
    'metadata.namespace': metadata.namespace ?? '',
    'metadata.uid': metadata.uid ?? '',
    'spec.nodeName': spec?.nodeName ?? '',
    'spec.serviceAccountName': spec?.serviceAccountName ?? '',
    'status.podIP': podIP,
    'status.podIPs': podIP,
    'status.hostIP': hostIP,
    'status.hostIPs': hostIP,
  };
  const value = fields[path];
  if (value === undefined) throw new ConfigError(`the node agent does not know the field ${path}`);
  return value;
}
