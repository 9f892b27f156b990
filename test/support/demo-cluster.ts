import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ensureBinaries, ensureOptionsOf } from '../../src/demo/binaries/ensure.ts';
import { type DemoCluster, type DemoClusterOptions, startDemoCluster } from '../../src/demo/cluster.ts';
import type { ServiceAccountReference } from '../../src/demo/control-plane/access.ts';
import { kubeconfig } from '../../src/demo/control-plane/credentials.ts';
import { readNodeFile } from '../../src/demo/node-agent/nodes/description.ts';
import type { Pace } from '../../src/demo/node-agent/pod/state.ts';
import { vllmSimulator } from '../../src/demo/node-agent/runtimes/vllm-simulator.ts';
import { CHECKOUT } from '../../src/demo/paths.ts';
import type { ApiServerProxy } from './api-server-proxy.ts';

/** Fast enough that tests wait for work, not for a GPU that is only played. */
const ENGINE_SPEED = 20;
const LOAD_SECONDS = 1;

/** A kubelet's behaviour at a tenth of its waits. */
export const QUICK_PACE: Pace = {
  probes: 0.1,
  restartBackOff: { initialMs: 500, maxMs: 2_000 },
  pullBackOff: { initialMs: 500, maxMs: 2_000 },
  pullErrorShownMs: 100,
  configRetryMs: 500,
};

export interface TestClusterOptions extends Pick<DemoClusterOptions, 'addressing' | 'clock' | 'programs'> {
  /** A node file as text; default: four machines with one A10 each. */
  readonly nodes?: string;
  /** How many times faster than its GPU the simulated engine is; default 20. Slower: requests stay in flight. */
  readonly engineSpeed?: number;
  /** True: without our kinds and rights, for an installation by Helm. */
  readonly isEmpty?: boolean;
}

/**
 * A whole cluster for one test file, with engines that load in a second. Operator and gateway are for the test to
 * start. Stop it in `afterAll`, which needs time of its own.
 */
export async function startTestCluster(options: TestClusterOptions = {}): Promise<DemoCluster> {
  const { nodes: text, engineSpeed: speed = ENGINE_SPEED, ...rest } = options;
  const nodes = text ?? (await readFile(CHECKOUT.demoNodes, 'utf8'));
  return startDemoCluster({
    binaries: await ensureBinaries(ensureOptionsOf(process)),
    nodes: readNodeFile(nodes, 'the nodes of this test'),
    runtimes: [vllmSimulator({ entryPoint: CHECKOUT.vllmSimulator, speed, loadSeconds: LOAD_SECONDS })],
    pace: QUICK_PACE,
    ...rest,
    report: () => {},
  });
}

/** A kubeconfig of the account, with its rights and no more, whose requests go through the proxy. */
export async function kubeconfigThrough(
  proxy: ApiServerProxy,
  { controlPlane }: DemoCluster,
  account: ServiceAccountReference,
): Promise<string> {
  const token = await controlPlane.serviceAccountToken(account);
  const { ca, run } = controlPlane;
  const path = join(run.path, `${account.name}-through-${new URL(proxy.url).port}.kubeconfig`);
  await writeFile(path, kubeconfig({ url: proxy.url, ca, user: account.name, token }), { mode: 0o600 });
  return path;
}
