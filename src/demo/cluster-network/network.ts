import type { KubeClient } from '../../kube/client.ts';
import type { Clock } from '../../kube/clock.ts';
import { createEventRecorder } from '../../kube/events.ts';
import { createInformer } from '../../kube/informer.ts';
import { silentLogger } from '../../kube/log.ts';
import { pods, services } from '../../kube/resources.ts';
import { backendsOf } from './backends.ts';
import { LoadBalancer } from './load-balancer.ts';
import { startServiceProxy } from './service-proxy.ts';

export interface ClusterNetworkOptions {
  /** May read pods and Services and write the status of Services. The network does not close it. */
  readonly client: KubeClient;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
}

/** Services of a demo cluster, which has neither DNS nor virtual addresses. */
export interface ClusterNetwork {
  /** `http://127.0.0.1:<port>`: an HTTP proxy that finds Services by their names (`gateway.school.svc`). */
  readonly serviceProxy: string;
  stop(): Promise<void>;
}

/** Leads to Services by their names, and opens the ports of those of type LoadBalancer on 127.0.0.1. */
export async function startClusterNetwork(options: ClusterNetworkOptions): Promise<ClusterNetwork> {
  const { client, clock, random } = options;
  const reporting = { reportingController: 'demo.gpu-classroom.io/network', reportingInstance: 'network' };
  const events = createEventRecorder({ client, clock, ...reporting });
  const podInformer = createInformer({ client, clock, random, resource: pods });
  const serviceInformer = createInformer({ client, clock, random, resource: services });
  const backendOf = (key: string, port: number): string | undefined => {
    const service = serviceInformer.store.get(key);
    const backends = service === undefined ? [] : backendsOf(service, port, podInformer.store.list());
    return backends[Math.floor(random() * backends.length)];
  };
  const proxy = await startServiceProxy(backendOf);
  const loadBalancer = new LoadBalancer({ client, log: silentLogger, events, backendOf });
  serviceInformer.store.subscribe((change) => loadBalancer.update(change));
  podInformer.start();
  serviceInformer.start();
  await Promise.all([podInformer.synced(), serviceInformer.synced()]);
  return {
    serviceProxy: proxy.url,
    async stop() {
      await Promise.all([podInformer.stop(), serviceInformer.stop()]);
      await loadBalancer.close();
      await proxy.close();
      await events.flush();
    },
  };
}
