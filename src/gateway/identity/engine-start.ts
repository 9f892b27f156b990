import type { ClassroomStatus } from '../../api/classroom.ts';
import { findCondition } from '../../api/condition.ts';
import { CLASSROOM_CONDITIONS } from '../../api/reasons.ts';
import type { EngineStart } from './seat.ts';

/** While one of these is False, no engine is started, or none that will answer soon. */
const NEEDED = [
  CLASSROOM_CONDITIONS.specValid,
  CLASSROOM_CONDITIONS.childrenApplied,
  CLASSROOM_CONDITIONS.fits,
  CLASSROOM_CONDITIONS.gpuAvailable,
];

/**
 * Whether it is worth waiting for an engine, where there is none that can be asked: the operator is about to start one
 * or does so, and nothing that it knows of stands against it. Without a word from the operator it is not.
 */
export function engineStartOf(status: ClassroomStatus | undefined): EngineStart | undefined {
  if (status?.replicas === undefined) return undefined;
  const { conditions, replicas, engines = [], lastLoadSeconds, failures } = status;
  if (NEEDED.some((type) => findCondition(conditions, type)?.status === 'False')) return undefined;
  // They failed too often, and are not started for now, whoever asks.
  if (failures?.held !== undefined) return undefined;
  // One that the operator finds ready, and the gateway cannot use, does not come by waiting.
  if (replicas > 0 && engines.some(({ state }) => state === 'Ready')) return undefined;
  const allFail = engines.length > 0 && engines.every(({ state }) => state === 'Failing');
  return allFail ? undefined : { loadSeconds: lastLoadSeconds };
}
