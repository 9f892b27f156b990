import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { systemClock } from '../../src/kube/clock.ts';
import { createKubeClient } from '../../src/kube/kube-client.ts';
import { kubeconfigFileCredentials } from '../../src/kube/kubeconfig.ts';
import type { KubeObject, Resource } from '../../src/kube/object.ts';
import { inParallel } from './in-parallel.ts';

/** One write of the loop. */
export interface Write {
  /** create: POST of an object. status: server-side apply through `/status`. */
  verb: 'create' | 'status';
  resource: Resource<KubeObject>;
  object: KubeObject;
}

/** What the API server's audit log calls the loop. */
export const BARE_LOOP_USER_AGENT = 'gpu-classroom-bare-loop';

const LONGER_THAN_ANY_RUN_MS = 3_600_000;

/**
 * The yardstick: writes given objects through the operator's own client, and thinks about nothing. The writes of one
 * class or seat go one after another, as a controller does them; classes and seats go in parallel.
 * `node bench/operator/bare-loop.ts KUBECONFIG WRITES.json PARALLEL`
 */
async function main(argv: readonly string[]): Promise<void> {
  const [path, file, parallel] = z
    .tuple([z.string(), z.string(), z.coerce.number().int().min(1)])
    .parse(argv);
  // Our own file: checking its 25 MB would be time that the yardstick must not take.
  const work: Write[][] = JSON.parse(await readFile(file, 'utf8'));
  const credentials = await kubeconfigFileCredentials(path, { readFile, clock: systemClock });
  const client = createKubeClient({ credentials, userAgent: BARE_LOOP_USER_AGENT });
  await inParallel(parallel, work, async (writes) => {
    for (const { verb, resource, object } of writes) {
      if (verb === 'create') await client.create(resource, object);
      else await client.apply(resource, object, { fieldManager: 'bare-loop', subresource: 'status' });
    }
  });
  // What a process has used can be read as long as it lives: it stays until it is ended.
  await delay(LONGER_THAN_ANY_RUN_MS);
}

if (import.meta.main) await main(process.argv.slice(2));
