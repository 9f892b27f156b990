import { setTimeout as delay } from 'node:timers/promises';
import { ENGINE_CONTAINER } from '../../src/api/labels.ts';
import type { NodeAgent } from '../../src/demo/node-agent/agent.ts';
import { isReady } from '../../src/kube/readiness.ts';
import type { Deployment, Pod } from '../../src/kube/resources.ts';
import { firstSight, type View } from './view.ts';
import type { Moments } from './wake-up.ts';

/** How often an engine that loads is asked: its own start is known that exactly. */
const ASK_EVERY_MS = 10;

/** Which start to follow. */
export interface FollowedStart {
  readonly deployment: string;
  /** A label of the Deployment's pods, and its value. */
  readonly label: readonly [string, string];
}

/** How an engine started, and where it listens, `host:port`. */
export interface EngineStart extends Pick<Moments, 'scaledMs' | 'runningMs' | 'answersMs' | 'readyMs'> {
  readonly endpoint: string;
}

/** Follows the next start of the only engine of a Deployment that has none yet. */
export async function followStart(
  view: View,
  nodeAgent: Pick<NodeAgent, 'pods'>,
  { deployment, label: [label, value] }: FollowedStart,
): Promise<EngineStart> {
  const podThat = (is: (pod: Pod) => boolean) => () =>
    view.pods.list().find((pod) => pod.metadata.labels?.[label] === value && is(pod));
  const scaled = firstSight(`${deployment} to be scaled`, [view.deployments], () =>
    view.deployments.list().find((one) => one.metadata.name === deployment && wantsEngine(one)),
  );
  const running = firstSight(`an engine of ${deployment} to run`, [view.pods], podThat(runs));
  const ready = firstSight(`an engine of ${deployment} to be ready`, [view.pods], podThat(isReady));
  const answers = running.then(async ({ it: { metadata } }) => {
    const played = nodeAgent.pods().find(({ name }) => name === metadata.name);
    if (played?.endpoint === undefined) throw new Error(`${metadata.name} runs and listens nowhere`);
    return { endpoint: played.endpoint, atMs: await untilAnswers(played.endpoint) };
  });
  const [{ atMs: scaledMs }, { atMs: runningMs }, { atMs: readyMs }, { endpoint, atMs: answersMs }] =
    await Promise.all([scaled, running, ready, answers]);
  return { scaledMs, runningMs, answersMs, readyMs, endpoint };
}

function wantsEngine({ spec }: Deployment): boolean {
  return (spec?.replicas ?? 1) > 0;
}

function runs({ status }: Pod): boolean {
  const container = status?.containerStatuses?.find(({ name }) => name === ENGINE_CONTAINER);
  return container?.state?.running !== undefined;
}

async function untilAnswers(endpoint: string): Promise<number> {
  for (;;) {
    const answer = await fetch(`http://${endpoint}/health`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return performance.now();
    await delay(ASK_EVERY_MS);
  }
}
