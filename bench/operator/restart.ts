import { setTimeout as delay } from 'node:timers/promises';
import { FIELD_MANAGER } from '../../src/reconcile/field-managers.ts';
import type { SchoolCluster } from './cluster.ts';
import { usageOf } from './process-usage.ts';
import { startOperator } from './work.ts';
import { writesOf } from './writes.ts';

/** What a restart takes where everything is as wanted. */
export interface Restart {
  /** From the start of the process until `/readyz`: every cache holds a complete list. */
  secondsToSynced: number;
  /** Until every class and every seat was looked at once. */
  secondsToFullPass: number;
  /** Until then. */
  cpuSeconds: number;
  /** Until the end of the watching. */
  peakMiB: number;
  /** From the start to the end of the watching. */
  writes: number;
  /** How long it was watched after the full pass. */
  watchSeconds: number;
  /** CPU time during the watching, in percent of one core. */
  idleCpuPercent: number;
}

const TIMEOUT_MS = 180_000;

/** Starts an operator where another one has finished, and watches it do nothing. */
export async function measureRestart(
  cluster: SchoolCluster,
  workers: number,
  watchSeconds: number,
): Promise<Restart> {
  const { controlPlane, school } = cluster;
  const startedAt = new Date();
  const startedMs = performance.now();
  const secondsSinceStart = (): number => (performance.now() - startedMs) / 1000;
  const operator = await startOperator(cluster, workers, undefined);
  try {
    const isReady = async (): Promise<boolean> => (await fetch(`${operator.url}/readyz`)).ok;
    await operator.waitUntil('/readyz', isReady, TIMEOUT_MS);
    const secondsToSynced = secondsSinceStart();
    const objects = school.classes * (1 + school.studentsPerClass);
    const isThrough = async (): Promise<boolean> => (await passesOf(operator.url)) >= objects;
    await operator.waitUntil('a pass over everything', isThrough, TIMEOUT_MS);
    const secondsToFullPass = secondsSinceStart();
    const { cpuSeconds } = usageOf(operator.pid);
    await delay(watchSeconds * 1000);
    const { cpuSeconds: cpuSecondsAtEnd, peakMiB } = usageOf(operator.pid);
    const { total: writes } = await writesOf(controlPlane, FIELD_MANAGER, startedAt);
    const idleCpuPercent = (100 * (cpuSecondsAtEnd - cpuSeconds)) / watchSeconds;
    return { secondsToSynced, secondsToFullPass, cpuSeconds, peakMiB, writes, watchSeconds, idleCpuPercent };
  } finally {
    await operator.stop('SIGTERM');
  }
}

/** Passes that the operator counts, whatever came of them. */
async function passesOf(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const counts = text.matchAll(/^gpu_classroom_operator_reconciles_total\{.*\} (\d+)$/gm);
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}
