import type { Binaries } from '../../src/demo/binaries/versions.ts';
import { type DemoCluster, startDemoCluster } from '../../src/demo/cluster.ts';
import { readNodeFile } from '../../src/demo/node-agent/nodes/description.ts';
import { vllmSimulator } from '../../src/demo/node-agent/runtimes/vllm-simulator.ts';
import { CHECKOUT } from '../../src/demo/paths.ts';
import { askPlain, askStreamed } from './ask.ts';
import { copyDeployment, startByHand } from './by-hand.ts';
import { wakeByRequest } from './by-request.ts';
import type { BenchOptions } from './options.ts';
import { enrol, NAMESPACE, studentOf } from './school.ts';
import { followNamespace } from './view.ts';
import type { Round } from './wake-up.ts';

/**
 * A class sleeps a minute after its last request. While some fall asleep others are woken, and with so many of them
 * nobody waits for that.
 */
const CLASSES = 6;
/** Answers are none of what is measured. */
const ENGINE_SPEED = 20;

/**
 * Measures each way to a class's first content, in turns, so that a slow minute hits all. The cluster has kubelets that
 * probe at their own pace.
 *
 * @param report takes one line for each step that is done
 */
export async function measureRounds(
  binaries: Binaries,
  { rounds, loadSeconds }: Pick<BenchOptions, 'rounds' | 'loadSeconds'>,
  report: (step: string) => void,
): Promise<Round[]> {
  const nodes = `nodes: [{name: a10, count: ${CLASSES + 1}, gpu: {product: NVIDIA-A10}}]`;
  await using cluster = await startDemoCluster({
    binaries,
    nodes: readNodeFile(nodes, 'the nodes of this benchmark'),
    runtimes: [vllmSimulator({ entryPoint: CHECKOUT.vllmSimulator, speed: ENGINE_SPEED, loadSeconds })],
    report,
  });
  await cluster.startOperator({ name: 'operator' });
  await cluster.startGateway({ name: 'gateway' });
  const measure = await measurerOf(cluster);
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round++) {
    measured.push(await measure());
    report(`Round ${round} of ${rounds} is measured`);
  }
  return measured;
}

async function measurerOf({ client, nodeAgent }: DemoCluster): Promise<() => Promise<Round>> {
  const names = Array.from({ length: CLASSES }, (_, index) => `class-${index + 1}`);
  await enrol(client, names);
  const view = await followNamespace(client, NAMESPACE);
  const students = await Promise.all(
    names.map(async (name) => ({ name, student: await studentOf(client, view, name) })),
  );
  await copyDeployment(client, view, `${names[0]}-engine`);
  let wakeUps = 0;
  const next = () => {
    const { name, student } = students[wakeUps++ % students.length] ?? {};
    if (name === undefined || student === undefined) throw new Error('there are no classes');
    return { name, student };
  };
  return async () => {
    const first = next();
    const streamed = await wakeByRequest(view, nodeAgent, first.name, first.student, askStreamed);
    const second = next();
    const plain = await wakeByRequest(view, nodeAgent, second.name, second.student, askPlain);
    const byHand = await startByHand(client, view, nodeAgent, second.student.model);
    return { streamed, plain, byHand };
  };
}
