import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import type { KubeObject } from '../../src/kube/object.ts';

export const CHARTS = {
  gpuClassroom: join(import.meta.dirname, '../../charts/gpu-classroom'),
  classroom: join(import.meta.dirname, '../../charts/classroom'),
} as const;

/** What a chart is rendered with. */
export interface Rendering {
  release?: string;
  namespace?: string;
  /** Merged over the values of the chart, as with `--values`. */
  values?: object;
  /** Other arguments of `helm template`. */
  flags?: readonly string[];
}

export type RenderedObject = KubeObject & Record<string, unknown>;

/** Helm refused. The message is what it wrote to standard error. */
export class HelmError extends Error {}

/** The real Helm, with nothing but its arguments: no cluster, no plugins, no settings of this machine. */
export interface Helm {
  /** @throws HelmError when the exit code is not 0 */
  run(args: readonly string[], input?: string): Promise<string>;
  /** The objects of a chart, hooks included, in Helm's order. */
  template(chart: string, rendering?: Rendering): Promise<RenderedObject[]>;
}

const objectSchema = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string() }),
});

/** @param environment of its process: `KUBECONFIG` for commands that need a cluster */
export function helmAt(path: string, environment: Readonly<Record<string, string>> = {}): Helm {
  const run: Helm['run'] = async (args, input = '') => {
    const env = { PATH: '', HOME: '/nonexistent', ...environment };
    const child = spawn(path, args, { env });
    child.stdin.end(input);
    const closed = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), closed]);
    if (code === 0) return stdout;
    throw new HelmError(stderr);
  };
  return {
    run,
    async template(chart, { release = 'school', namespace = 'gpu-classroom', values = {}, flags = [] } = {}) {
      const args = ['template', release, chart, `--namespace=${namespace}`, '--values=-', ...flags];
      return objectsIn(await run(args, JSON.stringify(values)));
    },
  };
}

/**
 * The objects of a manifest with several documents.
 *
 * @throws YAMLParseError for what is no YAML, such as a key that is there twice
 */
export function objectsIn(manifest: string): RenderedObject[] {
  return parseAllDocuments(manifest).flatMap((document) => {
    const [error] = document.errors;
    if (error !== undefined) throw error;
    const content: unknown = document.toJS();
    return content === null ? [] : [objectSchema.parse(content)];
  });
}

/** The one object of this kind whose name ends so. */
export function objectOf(objects: readonly RenderedObject[], kind: string, suffix = ''): RenderedObject {
  const found = objects.filter((one) => one.kind === kind && one.metadata.name.endsWith(suffix));
  const [object] = found;
  if (object !== undefined && found.length === 1) return object;
  const names = objects.map((one) => `${one.kind} ${one.metadata.name}`);
  throw new Error(`there are ${found.length} ${kind} …${suffix} among ${names.join(', ')}`);
}
