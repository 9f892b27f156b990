import { randomBytes } from 'node:crypto';
import { aborted } from '../../src/kube/aborted.ts';
import type { KubeClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { createController } from '../../src/kube/controller.ts';
import { createEventRecorder } from '../../src/kube/events.ts';
import { silentLogger } from '../../src/kube/log.ts';
import { noMetrics } from '../../src/kube/metrics.ts';
import { createInformerSet } from '../../src/operator/informers.ts';
import { createStudentController } from '../../src/student/controller.ts';

/** The address that it tells students. */
export const STUDENT_BASE_URL = 'https://gateway.example/v1';

/** The operator's student controller alone, in one namespace. Resolves when it has stopped. */
export async function runStudentController(
  namespace: string,
  client: KubeClient,
  signal: AbortSignal,
): Promise<void> {
  const own = { client, clock: systemClock, log: silentLogger, metrics: noMetrics };
  const informers = createInformerSet({ ...own, random: Math.random, namespace });
  const recorder = createEventRecorder({
    ...own,
    reportingController: 'test/operator',
    reportingInstance: 'test',
  });
  const student = createStudentController({
    ...own,
    informers: informers.caches,
    events: recorder,
    randomBytes,
    settings: { gatewayBaseURL: STUDENT_BASE_URL },
    metrics: { objectWritten: () => {}, nameConflict: () => {}, keyIssued: () => {} },
  });
  const controller = createController({
    ...own,
    name: student.name,
    workers: 4,
    reconcile: (key, { signal }) => student.reconcile(key, signal),
  });
  informers.start(signal);
  await Promise.race([informers.synced(), aborted(signal)]);
  if (!signal.aborted) {
    student.connect(controller.enqueue);
    await controller.run(signal);
  }
  await recorder.flush();
  await informers.stop();
}
