import type { NodeAgent } from '../../src/demo/node-agent/agent.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { keyOf } from '../../src/kube/object.ts';
import { type Deployment, deployments } from '../../src/kube/resources.ts';
import { askStreamed } from './ask.ts';
import { followStart } from './engine-start.ts';
import { NAMESPACE } from './school.ts';
import { firstSight, type View } from './view.ts';
import { type WakeUp, wakeUpOf } from './wake-up.ts';

const NAME = 'by-hand';
const LABEL = ['started', NAME] as const;

/**
 * Makes a Deployment of the same engines, none at first, that belongs to no class: the operator leaves it alone.
 *
 * @param of Deployment of a class
 */
export async function copyDeployment(client: KubeClient, view: View, of: string): Promise<void> {
  const { it: original } = await firstSight(`the Deployment ${of}`, [view.deployments], () =>
    view.deployments.get(keyOf({ namespace: NAMESPACE, name: of })),
  );
  if (original.spec === undefined) throw new Error(`the Deployment ${of} has no spec`);
  const { template } = original.spec;
  const labels = Object.fromEntries([LABEL]);
  const copy: Deployment = {
    apiVersion: 'apps/v1',
    kind: deployments.kind,
    metadata: { name: NAME, namespace: NAMESPACE },
    spec: {
      replicas: 0,
      selector: { matchLabels: labels },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
  await client.create(deployments, copy);
}

/** Scales it, asks its engine as soon as that is ready, and ends it again. */
export async function startByHand(
  client: KubeClient,
  view: View,
  nodeAgent: Pick<NodeAgent, 'pods'>,
  model: string,
): Promise<WakeUp> {
  const following = followStart(view, nodeAgent, { deployment: NAME, label: LABEL });
  const askedMs = performance.now();
  await scale(client, 1);
  const { endpoint, ...moments } = await following;
  const contentMs = await askStreamed({ id: NAME, apiKey: 'none', baseURL: `http://${endpoint}/v1`, model });
  await scale(client, 0);
  await firstSight('the engine started by hand to be gone', [view.pods], () =>
    view.pods.list().some(({ metadata }) => metadata.labels?.[LABEL[0]] === LABEL[1]) ? undefined : true,
  );
  return wakeUpOf({ ...moments, askedMs, demandedMs: undefined, contentMs });
}

async function scale(client: KubeClient, replicas: number): Promise<void> {
  await client.mergePatch(deployments, { namespace: NAMESPACE, name: NAME }, { spec: { replicas } });
}
