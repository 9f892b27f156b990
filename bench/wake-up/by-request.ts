import { readDemand } from '../../src/api/demand.ts';
import { LABELS } from '../../src/api/labels.ts';
import type { StudentCredentials } from '../../src/demo/class/students.ts';
import type { NodeAgent } from '../../src/demo/node-agent/agent.ts';
import { keyOf } from '../../src/kube/object.ts';
import type { Ask } from './ask.ts';
import { followStart } from './engine-start.ts';
import { NAMESPACE, untilAsleep } from './school.ts';
import { firstSight, type View } from './view.ts';
import { type WakeUp, wakeUpOf } from './wake-up.ts';

/** Waits until a class sleeps, and wakes it by the request of its student. */
export async function wakeByRequest(
  view: View,
  nodeAgent: Pick<NodeAgent, 'pods'>,
  name: string,
  student: StudentCredentials,
  ask: Ask,
): Promise<WakeUp> {
  await untilAsleep(view, name);
  const following = followStart(view, nodeAgent, {
    deployment: `${name}-engine`,
    label: [LABELS.classroom, name],
  });
  const askedMs = performance.now();
  const demanded = demandSince(view, name, Date.now());
  const [contentMs, { endpoint: _, ...moments }, { atMs: demandedMs }] = await Promise.all([
    ask(student),
    following,
    demanded,
  ]);
  return wakeUpOf({ ...moments, askedMs, demandedMs, contentMs });
}

/** When the gateway says that somebody waits. What it said at an earlier time may still be there. */
function demandSince({ demand }: View, name: string, sinceMs: number) {
  const key = keyOf({ namespace: NAMESPACE, name });
  return firstSight(`the gateway to ask for an engine for ${name}`, [demand], () =>
    demand
      .list()
      .flatMap((lease) => readDemand(lease) ?? [])
      .find(({ classroomKey, queued, lastAskedMs }) => {
        return classroomKey === key && queued > 0 && lastAskedMs >= sinceMs;
      }),
  );
}
