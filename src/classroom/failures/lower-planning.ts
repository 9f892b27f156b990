import type { MemoryStep } from '../../api/engine-failures.ts';
import type { EnginePlanning } from '../engine-settings.ts';
import { lowerSettings } from './ladder.ts';

const MIB = 1024 * 1024;

/** The figures of engines with the steps taken since they ran out of GPU memory; what was planned says so. */
export function lowerPlanning(planning: EnginePlanning, steps: readonly MemoryStep[]): EnginePlanning {
  if (steps.length === 0 || planning.kind === 'unfit') return planning;
  const clause = `Lowered, because engines ran out of GPU memory: ${describeSteps(steps)}.`;
  if (planning.kind === 'unchecked') {
    const settings = lowerSettings(planning.settings, steps, undefined);
    return { ...planning, settings, basis: `${clause} ${planning.basis}` };
  }
  const { plan } = planning;
  const settings = lowerSettings(planning.settings, steps, plan.memory.totalMiB * MIB);
  const kvCacheMemoryBytes = settings.kvCacheMemoryBytes ?? plan.settings.kvCacheMemoryBytes;
  const share = kvCacheMemoryBytes / plan.settings.kvCacheMemoryBytes;
  return {
    ...planning,
    settings,
    plan: {
      ...plan,
      settings: { ...plan.settings, kvCacheMemoryBytes },
      kvCacheTokens: Math.floor(plan.kvCacheTokens * share),
      reason: `${clause} ${plan.reason}`,
    },
  };
}

/** `MaxNumSeqs 32 → 16, MaxModelLen 4096 → 2048`. */
export function describeSteps(steps: readonly Pick<MemoryStep, 'setting' | 'from' | 'to'>[]): string {
  return steps.map(({ setting, from, to }) => `${setting} ${from} → ${to}`).join(', ');
}
