import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { systemClock } from '../../src/kube/clock.ts';
import { createKubeClient } from '../../src/kube/kube-client.ts';
import { kubeconfigFileCredentials } from '../../src/kube/kubeconfig.ts';
import type { KubeObject } from '../../src/kube/object.ts';
import { inParallel } from './in-parallel.ts';

/**
 * The yardstick: writes given objects through the same client, in the given order, and thinks about nothing.
 * `node bench/operator/bare-loop.ts KUBECONFIG WRITES.json PARALLEL`
 */
const writeSchema = z.object({
  /** create: POST of an object. status: server-side apply through `/status`. */
  verb: z.enum(['create', 'status']),
  resource: z.object({
    group: z.string(),
    version: z.string(),
    kind: z.string(),
    plural: z.string(),
    namespaced: z.boolean(),
  }),
  object: z.custom<KubeObject>(
    (value) => z.object({ metadata: z.object({ name: z.string() }) }).safeParse(value).success,
  ),
});
/** Writes of one root object go one after another, as a controller does them; root objects go in parallel. */
const workSchema = z.array(z.array(writeSchema));

export type Write = z.infer<typeof writeSchema>;

if (import.meta.main) {
  const [path, file, parallel] = z
    .tuple([z.string(), z.string(), z.coerce.number().int().min(1)])
    .parse(process.argv.slice(2));
  const work = workSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  const credentials = await kubeconfigFileCredentials(path, {
    readFile: (name) => readFile(name),
    clock: systemClock,
  });
  const client = createKubeClient({ credentials });
  await inParallel(parallel, work, async (writes) => {
    for (const { verb, resource, object } of writes) {
      if (verb === 'create') await client.create(resource, object);
      else await client.apply(resource, object, { fieldManager: 'bare-loop', subresource: 'status' });
    }
  });
  await client.close();
}
