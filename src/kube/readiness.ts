/** What pods and nodes have in common. */
interface WithConditions {
  status?: { conditions?: readonly { type: string; status: string }[] | undefined } | undefined;
}

/** Whether the kubelet says that a pod, or a node, is ready. */
export function isReady({ status }: WithConditions): boolean {
  return status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') ?? false;
}
