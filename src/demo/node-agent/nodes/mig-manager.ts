import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import type { KubeClient } from '../../../kube/client.ts';
import type { Clock } from '../../../kube/clock.ts';
import { describeError, type Logger } from '../../../kube/log.ts';
import { type Node, nodes } from '../../../kube/resources.ts';
import type { GpuDescription } from './description.ts';
import { sharingOfLayout, strategyOf } from './mig-layouts.ts';

/** On a Node: how its MIG manager takes the next layout, e.g. `Failed` or `{outcome: Success, rebootSeconds: 20}`. */
export const MIG_MANAGER_ANNOTATION = 'demo.gpu-classroom.io/mig-manager';

const playSchema = z.strictObject({
  outcome: z
    .enum(['Success', 'Failed', 'Stuck'])
    .default('Success')
    .describe('Stuck: it stays pending for ever.'),
  seconds: z.number().min(0).max(3600).default(2).describe('How long it works on a layout.'),
  rebootSeconds: z
    .number()
    .min(0)
    .max(3600)
    .optional()
    .describe('It reboots the node first, as on clouds where GPUs cannot be reset.'),
});

/** How the MIG manager of a node behaves. */
export type MigManagerPlay = z.infer<typeof playSchema>;

/** What is wanted, and what became of it: nobody else than the MIG manager writes the second. */
export const LAYOUT_LABEL = 'nvidia.com/mig.config';
export const STATE_LABEL = 'nvidia.com/mig.config.state';

export interface MigManagerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Logger;
  readonly node: string;
  /** The node's GPU as it is now. */
  gpu(): GpuDescription | undefined;
  /** Whether a container that holds a GPU of the node runs. */
  isGpuInUse(): boolean;
  /** Puts the new slices on the node: labels and capacity. */
  setGpu(gpu: GpuDescription): Promise<void>;
}

/** Plays NVIDIA's MIG manager on one node. */
export interface MigManager {
  /** Takes note of the node as it is now; a layout that is not the last one is worked on. */
  update(node: Node): void;
  stop(): void;
}

/**
 * State `pending`, some work, perhaps `rebooting`, then `success` with new labels and capacity; or `failed`, when the
 * layout is unknown, when a GPU is in use ("In use by another client"), or when it is played. It neither cordons nor
 * drains, as the real one.
 *
 * @see https://github.com/NVIDIA/mig-parted/tree/main/deployments/gpu-operator
 */
export function createMigManager(options: MigManagerOptions): MigManager {
  const { client, clock, log, node: name } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let latest: string | undefined;
  let isKnown = false;
  let play: MigManagerPlay = playSchema.parse({});
  let working: Promise<void> = Promise.resolve();

  const setState = async (state: string): Promise<void> => {
    await client.mergePatch(nodes, { name }, { metadata: { labels: { [STATE_LABEL]: state } } }, { signal });
  };
  const work = async (layout: string): Promise<void> => {
    // Meanwhile there may be a newer wish: the real one looks at the latest only, too.
    if (signal.aborted || layout !== latest) return;
    // As played when the work began: what is played since is for the next layout.
    const { outcome, seconds, rebootSeconds } = play;
    await setState('pending');
    await clock.sleep(seconds * 1000, signal);
    if (outcome === 'Stuck') return;
    if (rebootSeconds !== undefined) {
      await setState('rebooting');
      await clock.sleep(rebootSeconds * 1000, signal);
    }
    await setState((await cut(layout, outcome)) ? 'success' : 'failed');
  };
  const cut = async (layout: string, outcome: MigManagerPlay['outcome']): Promise<boolean> => {
    const gpu = options.gpu();
    const sharing = gpu && sharingOfLayout(gpu, layout);
    if (gpu === undefined || sharing === undefined || outcome === 'Failed') {
      log.warn({ node: name, layout }, 'MIG layout not applied');
      return false;
    }
    if (options.isGpuInUse()) {
      log.warn({ node: name, layout }, 'MIG layout not applied: In use by another client');
      return false;
    }
    await options.setGpu({ ...gpu, sharing, migStrategy: strategyOf(gpu) });
    return true;
  };

  return {
    update({ metadata: { labels, annotations } }) {
      const parsed = playOf(annotations?.[MIG_MANAGER_ANNOTATION]);
      if (typeof parsed === 'string')
        log.warn({ node: name, parsed }, 'Unknown play of the MIG manager ignored');
      else play = parsed;
      const layout = labels?.[LAYOUT_LABEL];
      const isNew = isKnown && layout !== latest;
      latest = layout;
      isKnown = true;
      if (!isNew || layout === undefined) return;
      working = working
        .then(() => work(layout))
        .catch((error: unknown) => {
          if (!signal.aborted) log.warn({ node: name, ...describeError(error) }, 'MIG manager failed');
        });
    },
    stop: () => stopping.abort(),
  };
}

/** @returns a string that says what is wrong */
function playOf(text: string | undefined): MigManagerPlay | string {
  if (text === undefined) return playSchema.parse({});
  try {
    const value: unknown = parseYaml(text);
    const result = playSchema.safeParse(typeof value === 'string' ? { outcome: value } : value);
    return result.success ? result.data : z.prettifyError(result.error);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
