import type { GpuSpec } from '../../api/gpu.ts';
import type { Taint } from './gpu-node.ts';

type Toleration = GpuSpec['tolerations'][number];

/**
 * The first taint that keeps a pod with these tolerations off a node; undefined: none does.
 *
 * @see https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/
 */
export function repellingTaint(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
): Taint | undefined {
  return taints.find(
    (taint) =>
      taint.effect !== 'PreferNoSchedule' && !tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

function tolerates({ key, operator, value = '', effect }: Toleration, taint: Taint): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key === undefined) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === taint.value);
}

/** As `kubectl taint` writes it: `research=only:NoSchedule`. */
export function describeTaint({ key, value, effect }: Taint): string {
  return `${key}${value === '' ? '' : `=${value}`}:${effect}`;
}
