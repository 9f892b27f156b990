import { expect, jest, test } from '@jest/globals';
import { systemClock } from '../../../src/kube/clock.ts';
import { createEventRecorder } from '../../../src/kube/events.ts';
import { configMaps, events } from '../../../src/kube/resources.ts';
import { connectToControlPlane } from '../../support/connected-control-plane.ts';

// Waits for conditions are bounded; this bounds a machine under load.
jest.setTimeout(120_000);

const { controlPlane, client } = await connectToControlPlane();
const namespace = await controlPlane.createNamespace('events');

test('an Event and its repeats are what kubectl shows about the object', async () => {
  const object = await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'classroom', namespace },
  });
  const failures: unknown[] = [];
  const recorder = createEventRecorder({
    client,
    clock: systemClock,
    reportingController: 'gpu-classroom.io/operator',
    reportingInstance: 'operator-0',
    log: {
      debug: () => {},
      info: () => {},
      warn: (fields) => failures.push(fields),
      error: () => {},
      child: () => never(),
    },
  });
  const event = {
    type: 'Warning',
    reason: 'EngineFailed',
    action: 'Restart',
    note: 'Out of memory. 学',
  } as const;
  for (let repeat = 0; repeat < 3; repeat++) recorder.record(object, event);
  await recorder.flush();

  expect(failures).toEqual([]);
  const recorded = await client.list(events, { namespace, fieldSelector: 'reason=EngineFailed' });
  expect(recorded.items).toMatchObject([
    {
      ...event,
      regarding: { kind: 'ConfigMap', name: 'classroom', namespace, uid: object.metadata.uid },
      reportingController: 'gpu-classroom.io/operator',
      series: { count: 3 },
    },
  ]);

  function never(): never {
    throw new Error('the recorder has no need of child loggers');
  }
});
