import { mkdir, rm } from 'node:fs/promises';
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { type Controller, createController } from '../../../kube/controller.ts';
import { KubeApiError } from '../../../kube/errors.ts';
import type { EventRecorder } from '../../../kube/events.ts';
import { createInformer, type Informer } from '../../../kube/informer.ts';
import type { Logger } from '../../../kube/log.ts';
import { type KubeObject, keyOf, type Resource } from '../../../kube/object.ts';
import { persistentVolumeClaims, persistentVolumes, storageClasses } from '../../../kube/resources.ts';
import {
  awaitsVolume,
  defaultStorageClass,
  isToBeDeleted,
  PROVISIONER,
  renderVolume,
  unprovisionable,
  volumeFolder,
  volumeNameOf,
} from './volume.ts';

export interface ProvisionerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly log: Logger;
  readonly events: EventRecorder;
  /** Directory of the run: volumes end with it. */
  readonly runPath: string;
}

/** Makes and removes volumes, as the external provisioner of a real cluster does; the binding is Kubernetes' own. */
export interface Provisioner {
  /** Makes the cluster's default StorageClass and goes to work. Throws KubeApiError when the class cannot be made. */
  start(): Promise<void>;
  /** Volumes stay as they are. */
  stop(): Promise<void>;
}

export function createProvisioner(options: ProvisionerOptions): Provisioner {
  const claims = createInformer({ ...options, resource: persistentVolumeClaims });
  const volumes = createInformer({ ...options, resource: persistentVolumes });
  const controllers = [
    feed(claims, createController({ ...options, name: 'claims', reconcile: (key) => provide(key) })),
    feed(volumes, createController({ ...options, name: 'volumes', reconcile: (key) => reclaim(key) })),
  ];
  const stopped = new AbortController();
  let running: Promise<unknown> = Promise.resolve();

  async function provide(key: string): Promise<void> {
    const { client, events, runPath } = options;
    const claim = claims.store.get(key);
    if (claim === undefined || !awaitsVolume(claim)) return;
    const storageClass = await client.get(storageClasses, { name: claim.spec?.storageClassName ?? '' });
    if (storageClass?.provisioner !== PROVISIONER) return;
    const record = (type: 'Normal' | 'Warning', reason: string, note: string) =>
      events.record(claim, { type, reason, action: 'Provision', note });
    const problem = unprovisionable(claim);
    if (problem !== undefined) return record('Warning', 'ProvisioningFailed', problem);
    const name = volumeNameOf(claim);
    const folder = volumeFolder(runPath, name);
    await mkdir(folder, { recursive: true });
    if (await create(client, persistentVolumes, renderVolume(claim, storageClass, folder))) {
      record('Normal', 'ProvisioningSucceeded', `Successfully provisioned volume ${name}`);
    }
  }

  async function reclaim(key: string): Promise<void> {
    const volume = volumes.store.get(key);
    if (volume === undefined || !isToBeDeleted(volume)) return;
    const { name, uid } = volume.metadata;
    await rm(volumeFolder(options.runPath, name), { recursive: true, force: true });
    await options.client.delete(persistentVolumes, { name }, uid === undefined ? {} : { uid });
  }

  return {
    async start() {
      await create(options.client, storageClasses, defaultStorageClass());
      for (const informer of [claims, volumes]) informer.start();
      running = Promise.all(controllers.map((controller) => controller.run(stopped.signal)));
    },
    async stop() {
      stopped.abort();
      await Promise.all([claims.stop(), volumes.stop(), running]);
    },
  };
}

function feed<T extends KubeObject>(informer: Informer<T>, controller: Controller): Controller {
  informer.store.subscribe(({ type, object }) => {
    if (type !== 'deleted') controller.enqueue(keyOf(object.metadata));
  });
  return controller;
}

/** @returns false when it was there already */
async function create<T extends KubeObject>(
  client: KubeClient,
  resource: Resource<T>,
  object: T,
): Promise<boolean> {
  try {
    await client.create(resource, object);
    return true;
  } catch (error) {
    if (error instanceof KubeApiError && error.reason === 'AlreadyExists') return false;
    throw error;
  }
}
