import { findCondition } from '../../api/condition.ts';
import { STUDENT_QUOTA_CONDITIONS } from '../../api/reasons.ts';
import { type StudentQuota, studentQuotas } from '../../api/student-quota.ts';
import type { ObjectRef } from '../../kube/object.ts';
import { currentKey } from '../../student/key-record.ts';
import { problems } from '../problems.ts';
import type { Cluster } from './command.ts';
import { type Look, waitUntil } from './wait.ts';

/** `--wait` of commands after which every one of these seats is to have the key that its spec asks for. */
export async function waitForKeys(
  cluster: Pick<Cluster, 'client' | 'machine'>,
  seats: readonly ObjectRef[],
  timeoutMs: number,
): Promise<void> {
  const { clock } = cluster.machine;
  const overMs = clock.monotonic() + timeoutMs;
  for (const { name, namespace = '' } of seats) {
    await waitUntil<StudentQuota>(cluster, {
      what: `The key of seat "${name}"`,
      resource: studentQuotas,
      ref: { name, namespace },
      timeoutMs: Math.max(0, overMs - clock.monotonic()),
      look: (seat) => {
        if (seat === undefined) throw problems.conflict({ why: `The seat "${name}" was deleted.` });
        return lookAtKey(seat);
      },
    });
  }
}

/** Whether the gateway is told of the key that the spec asks for. */
export function lookAtKey({ spec, status }: StudentQuota): Look {
  const key = currentKey(status?.keys ?? []);
  if (key !== undefined && key.generation >= spec.keyRotation.generation) return { done: true };
  const issued = findCondition(status?.conditions, STUDENT_QUOTA_CONDITIONS.keyIssued);
  return { done: false, waitingFor: issued?.message ?? 'the operator has not looked at it yet.' };
}
