/** What can go wrong with the node agent itself; failures of the pods it plays are in their status. */
export type NodeAgentErrorReason = 'BadNodeFile' | 'UnknownNode' | 'NoAddress' | 'NoLog' | 'Stopped';

export class NodeAgentError extends Error {
  readonly reason: NodeAgentErrorReason;

  constructor(reason: NodeAgentErrorReason, message: string) {
    super(message);
    this.name = 'NodeAgentError';
    this.reason = reason;
  }
}

export const nodeAgentErrors = {
  badNodeFile: (file: string, problems: string) =>
    new NodeAgentError(
      'BadNodeFile',
      `${file} does not describe nodes; docs/demo-cluster.md shows how such a file looks:\n${problems}`,
    ),
  unknownNode: (name: string, known: readonly string[]) =>
    new NodeAgentError('UnknownNode', `the agent plays no node ${name}; it plays ${known.join(', ')}`),
  noAddress: (block: string) =>
    new NodeAgentError(
      'NoAddress',
      `no loopback address is left for another pod (${block}): delete pods, or stop other demo clusters on this machine`,
    ),
  noLog: (pod: string, container: string) =>
    new NodeAgentError(
      'NoLog',
      `container ${container} of pod ${pod} has not been started here, so there is no log`,
    ),
  stopped: () => new NodeAgentError('Stopped', 'the node agent has been stopped: start a new one'),
};
