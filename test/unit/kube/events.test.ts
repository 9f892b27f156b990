import { beforeEach, describe, expect, test } from '@jest/globals';
import { KubeApiError } from '../../../src/kube/errors.ts';
import {
  createEventRecorder,
  type EventInit,
  type EventRecorder,
  type EventRecorderOptions,
} from '../../../src/kube/events.ts';
import { silentLogger } from '../../../src/kube/log.ts';
import { noMetrics } from '../../../src/kube/metrics.ts';
import type { KubeObject } from '../../../src/kube/object.ts';
import type { Event } from '../../../src/kube/resources.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';

let clock: FakeClock;
let created: Event[];
let patched: { name: string; series: unknown }[];
let failed: string[];
let logged: string[];
let refuses: boolean;
let recorder: EventRecorder;

beforeEach(() => {
  clock = createFakeClock();
  created = [];
  patched = [];
  failed = [];
  logged = [];
  refuses = false;
  recorder = createEventRecorder({
    client: {
      create: (async (_resource, event) => {
        if (refuses) throw new KubeApiError({ status: 403, reason: 'Forbidden', message: 'no' });
        created.push(event as KubeObject as Event);
        return event;
      }) as EventRecorderOptions['client']['create'],
      mergePatch: (async (_resource, { name }, patch) => {
        patched.push({ name, series: patch.series });
        return {};
      }) as EventRecorderOptions['client']['mergePatch'],
    },
    clock,
    reportingController: 'gpu-classroom.io/operator',
    reportingInstance: 'operator-0',
    log: { ...silentLogger, warn: (_fields, message) => logged.push(message) },
    metrics: { ...noMetrics, eventFailed: ({ cause }) => failed.push(cause) },
  });
});

function object(name: string): KubeObject {
  const metadata = { namespace: 'ns', name, uid: `uid-${name}`, resourceVersion: '7' };
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata };
}

function loaded(overrides: Partial<EventInit> = {}): EventInit {
  return {
    type: 'Normal',
    reason: 'ModelLoaded',
    action: 'Load',
    note: 'The model is loaded.',
    ...overrides,
  };
}

test('an Event says what, about what, when to the microsecond, and who says so', async () => {
  recorder.record(object('a'), loaded({ related: object('b') }));
  await recorder.flush();

  expect(created).toEqual([
    {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: expect.stringMatching(/^a\.[0-9a-f]{16}$/), namespace: 'ns' },
      regarding: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        name: 'a',
        namespace: 'ns',
        uid: 'uid-a',
        resourceVersion: '7',
      },
      related: expect.objectContaining({ name: 'b' }),
      type: 'Normal',
      reason: 'ModelLoaded',
      action: 'Load',
      note: 'The model is loaded.',
      eventTime: '2026-09-01T09:00:00.000000Z',
      reportingController: 'gpu-classroom.io/operator',
      reportingInstance: 'operator-0',
    },
  ]);
});

test('an Event on a cluster-scoped object goes to the default namespace', async () => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'gpu-1' } };
  recorder.record(node, loaded());
  await recorder.flush();

  expect(created[0]?.metadata.namespace).toBe('default');
});

test('a long note is cut at 1 kB between characters', async () => {
  recorder.record(object('a'), loaded({ note: '学'.repeat(500) }));
  await recorder.flush();
  const note = created[0]?.note ?? '';

  expect(Buffer.byteLength(note)).toBeLessThanOrEqual(1024);
  expect(note).toMatch(/^学+…$/);
});

describe('repeats', () => {
  test('become a series of the first Event, written once a minute', async () => {
    for (let second = 0; second < 90; second++) {
      recorder.record(object('a'), loaded());
      await clock.advance(1_000);
    }

    expect(created).toHaveLength(1);
    expect(patched).toEqual([
      {
        name: created[0]?.metadata.name,
        series: { count: 61, lastObservedTime: '2026-09-01T09:01:00.000000Z' },
      },
    ]);
  });

  test('are written when the process stops', async () => {
    recorder.record(object('a'), loaded());
    recorder.record(object('a'), loaded());
    await recorder.flush();

    expect(patched).toEqual([
      {
        name: created[0]?.metadata.name,
        series: { count: 2, lastObservedTime: '2026-09-01T09:00:00.000000Z' },
      },
    ]);
    expect(clock.pending).toBe(0);
  });

  test('after six quiet minutes begin a new Event', async () => {
    recorder.record(object('a'), loaded());
    await clock.advance(6 * 60_000 + 1);
    recorder.record(object('a'), loaded());
    await recorder.flush();

    expect(created).toHaveLength(2);
    expect(created[0]?.metadata.name).not.toBe(created[1]?.metadata.name);
  });

  test.each<[string, Partial<EventInit>, KubeObject]>([
    ['note', { note: 'Another model is loaded.' }, object('a')],
    ['reason', { reason: 'ModelUnloaded' }, object('a')],
    ['action', { action: 'Unload' }, object('a')],
    ['type', { type: 'Warning' }, object('a')],
    ['object', {}, object('b')],
  ])('with another %s are another Event', async (_what, overrides, regarding) => {
    recorder.record(object('a'), loaded());
    recorder.record(regarding, loaded(overrides));
    await recorder.flush();

    expect(created).toHaveLength(2);
  });
});

test('a flood on one object is cut at 25 Events, then one in five minutes; other objects are not concerned', async () => {
  const flood = (count: number, prefix: string): void => {
    for (let index = 0; index < count; index++) {
      recorder.record(object('a'), loaded({ note: `${prefix} ${index}` }));
    }
  };
  flood(40, 'first');
  recorder.record(object('b'), loaded());
  await recorder.flush();
  expect(created).toHaveLength(26);
  expect(failed.filter((cause) => cause === 'dropped')).toHaveLength(15);

  await clock.advance(300_000);
  flood(3, 'second');
  await recorder.flush();
  expect(created).toHaveLength(27);
});

test('an Event that the API server refuses is logged and counted, nobody is bothered, and the next one is tried', async () => {
  refuses = true;
  recorder.record(object('a'), loaded());
  await recorder.flush();

  expect(failed).toEqual(['refused']);
  expect(logged).toEqual(['Event not recorded']);

  refuses = false;
  recorder.record(object('a'), loaded());
  await recorder.flush();
  expect(created).toHaveLength(1);
});
