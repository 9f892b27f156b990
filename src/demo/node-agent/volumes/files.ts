import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { KubeClient } from '../../../kube/client.ts';
import { configMaps, type Pod, secrets } from '../../../kube/resources.ts';
import { ConfigError } from '../pod/environment.ts';
import type { Container, PodSpec } from '../pod/spec.ts';
import { type Mount, withHostPaths } from './mount.ts';

/** The entries of a Secret or ConfigMap of the pod's namespace, or undefined when there is none of that name. */
export type ReadEntries = (
  kind: 'secret' | 'configmap',
  name: string,
) => Promise<Readonly<Record<string, Buffer>> | undefined>;

type Volume = NonNullable<PodSpec['volumes']>[number];

interface Source {
  kind: 'secret' | 'configmap';
  name: string;
  items: readonly { key: string; path: string }[] | undefined;
  optional: boolean;
}

/**
 * The Secrets and ConfigMaps that a container mounts, written to its folder as they are when it starts: later changes
 * are not followed. Paths in ConfigMaps are written as this machine knows them, those in Secrets stay.
 *
 * @param known mounts whose paths may stand in ConfigMaps, besides those of the Secrets
 * @throws ConfigError when something that is mounted is not there
 */
export async function fileMounts(
  pod: Pod,
  container: Container,
  folder: string,
  read: ReadEntries,
  known: readonly Mount[],
): Promise<readonly Mount[]> {
  const sources = new Map((pod.spec?.volumes ?? []).map((volume) => [volume.name, sourceOf(volume)]));
  const write = async (kind: Source['kind'], content: (entry: Buffer) => string | Buffer) => {
    const mounts = (container.volumeMounts ?? []).map(async ({ name, mountPath, subPath = '' }) => {
      const source = sources.get(name);
      if (source?.kind !== kind) return [];
      const own = join(folder, 'volumes', name);
      await writeEntries(own, source, await read(kind, source.name), content);
      return [{ mountPath: mountPath.replace(/\/$/, ''), folder: join(own, subPath) }];
    });
    return (await Promise.all(mounts)).flat();
  };
  const ofSecrets = await write('secret', (entry) => entry);
  const paths = [...known, ...ofSecrets];
  return [
    ...ofSecrets,
    ...(await write('configmap', (entry) => withHostPaths(entry.toString('utf8'), paths))),
  ];
}

/** Reads Secrets and ConfigMaps of a namespace from the API server. */
export function readEntries(client: KubeClient, namespace: string | undefined): ReadEntries {
  return async (kind, name) => {
    const ref = { ...(namespace !== undefined && { namespace }), name };
    if (kind === 'secret') return decoded((await client.get(secrets, ref))?.data, 'base64');
    return decoded((await client.get(configMaps, ref))?.data, 'utf8');
  };
}

function decoded(data: Readonly<Record<string, string>> | undefined, encoding: BufferEncoding) {
  return (
    data && Object.fromEntries(Object.entries(data).map(([key, text]) => [key, Buffer.from(text, encoding)]))
  );
}

function sourceOf({ secret, configMap }: Volume): Source | undefined {
  if (secret !== undefined) {
    const { secretName: name = '', items, optional = false } = secret;
    return { kind: 'secret', name, items, optional };
  }
  if (configMap === undefined) return undefined;
  const { name = '', items, optional = false } = configMap;
  return { kind: 'configmap', name, items, optional };
}

async function writeEntries(
  folder: string,
  { kind, name, items, optional }: Source,
  entries: Readonly<Record<string, Buffer>> | undefined,
  content: (entry: Buffer) => string | Buffer,
): Promise<void> {
  if (entries === undefined && !optional) throw new ConfigError(`${kind} "${name}" not found`);
  await mkdir(folder, { recursive: true });
  for (const { key, path } of items ??
    Object.keys(entries ?? {}).map((each) => ({ key: each, path: each }))) {
    const entry = entries?.[key];
    if (entry === undefined && optional) continue;
    if (entry === undefined) throw new ConfigError(`${kind} "${name}" has no entry ${key}`);
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content(entry), { mode: 0o600 });
  }
}
