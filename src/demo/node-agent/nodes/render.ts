import { instantOf } from '../../../kube/instant.ts';
import type { Node } from '../../../kube/resources.ts';
import { KUBERNETES_VERSION } from '../../binaries/versions.ts';
import type { NodeDescription } from './description.ts';
import { gpuNodeFacts } from './gpu-labels.ts';

/** Marks the nodes that the agent plays. */
export const NODE_AGENT_LABEL = 'demo.gpu-classroom.io/node-agent';

/** A kubelet's default, https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/ (`maxPods`). */
const MAX_PODS = '110';

/** Where nodes are reached. */
export interface NodeHost {
  readonly address: string;
  readonly kubeletPort: number;
}

/**
 * The Node object of a healthy node as a kubelet with NVIDIA's components would register it.
 *
 * @param nowMs epoch ms: heartbeat of the conditions
 */
export function renderNode(node: NodeDescription, { address, kubeletPort }: NodeHost, nowMs: number): Node {
  const gpu = node.gpu === undefined ? undefined : gpuNodeFacts(node.gpu);
  const resources = {
    cpu: node.cpu,
    memory: node.memory,
    pods: MAX_PODS,
    'ephemeral-storage': '500Gi',
    ...Object.fromEntries(Object.entries(gpu?.resources ?? {}).map(([name, count]) => [name, String(count)])),
  };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: {
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
        [NODE_AGENT_LABEL]: 'true',
        ...gpu?.labels,
        ...node.labels,
      },
    },
    spec: { ...(node.taints.length > 0 && { taints: node.taints }) },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'Hostname', address: node.name },
      ],
      capacity: resources,
      allocatable: resources,
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
      conditions: healthyConditions(nowMs),
      nodeInfo: nodeInfo(node.name),
    },
  };
}

type NodeStatus = NonNullable<Node['status']>;

function healthyConditions(nowMs: number): NonNullable<NodeStatus['conditions']> {
  const at = instantOf(nowMs);
  const condition = (type: string, status: string, reason: string, message: string) => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: at,
    lastTransitionTime: at,
  });
  return [
    condition(
      'MemoryPressure',
      'False',
      'KubeletHasSufficientMemory',
      'kubelet has sufficient memory available',
    ),
    condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    condition('Ready', 'True', 'KubeletReady', 'the node agent plays this node'),
  ];
}

function nodeInfo(name: string): NonNullable<NodeStatus['nodeInfo']> {
  return {
    architecture: 'amd64',
    bootID: '',
    containerRuntimeVersion: 'gpu-classroom-demo://1',
    kernelVersion: 'played by the GPU Classroom node agent',
    kubeProxyVersion: '',
    kubeletVersion: `v${KUBERNETES_VERSION}`,
    machineID: name,
    operatingSystem: 'linux',
    osImage: 'played by the GPU Classroom node agent',
    systemUUID: name,
  };
}
