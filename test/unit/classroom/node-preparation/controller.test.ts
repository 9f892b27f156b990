import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import { PREPARATION_ANNOTATION } from '../../../../src/api/node-preparation.ts';
import { createNodePreparationController } from '../../../../src/classroom/node-preparation/controller.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import type { ReconcilePass } from '../../../../src/reconcile/controller.ts';
import { classroom, merged } from '../../../support/builders.ts';
import { MIG_1G, WHOLE_H100 } from '../../gpu/node-preparation/nodes.ts';
import { EVERY_DAY } from '../../timetable/schedules.ts';
import { engineOn, gpuPod, PlayedCluster } from './played-cluster.ts';

const KEY = 'python-101/python-101';
const LAYOUT = 'nvidia.com/mig.config';
const STATE = 'nvidia.com/mig.config.state';
const MINUTE_MS = 60_000;

/** The class python-101, for seven slices of an H100; a case states only what differs. */
function managed(difference: object = {}): Classroom {
  const spec = {
    gpu: { ...MIG_1G, nodePreparation: 'Manage' as const },
    engine: { replicas: { min: 1, max: 7 } },
  };
  return classroom({ spec: merged(spec, difference) });
}

let cluster: PlayedCluster;
beforeEach(() => {
  cluster = new PlayedCluster(WHOLE_H100, [managed()]);
});

/** One pass of an operator that has just been started, with caches that are up to date. */
function passNow(key = KEY): Promise<ReconcilePass> {
  cluster.sync();
  return createNodePreparationController(cluster.dependencies()).reconcile(key, new AbortController().signal);
}

/** Some time after the last one. */
async function pass(key = KEY): Promise<ReconcilePass> {
  await cluster.clock.advance(10_000);
  return passNow(key);
}

async function passes(count: number): Promise<void> {
  for (let pass_ = 0; pass_ < count; pass_++) await pass();
}

const labels = () => cluster.node('h100').metadata.labels ?? {};
const isCordoned = () => cluster.node('h100').spec?.unschedulable === true;

describe('a node with engines of the class itself', () => {
  const exam = { access: 'Exam' as const, exam: {} };
  const allDay = { sessions: [{ days: EVERY_DAY, start: '00:00', end: '24:00' }] };

  test.each<[string, object, string]>([
    [
      'in an exam, whatever `engine.rollout` says',
      { ...exam, engine: { rollout: 'Immediately' } },
      'an exam is on',
    ],
    [
      'in a session that a change waits for',
      { schedule: allDay, engine: { rollout: 'AfterClass' } },
      'the session is not over',
    ],
  ])('is left alone %s', async (_, spec, why) => {
    cluster.classrooms = [managed(spec)];
    cluster.addPod(engineOn('h100'));
    await passes(3);
    expect([isCordoned(), cluster.writes]).toEqual([false, []]);
    expect(cluster.notes.get(KEY)).toMatchObject({
      why: 'ClassInUse',
      message: expect.stringContaining(why),
    });
  });
});

describe('a node that a class needs cut', () => {
  test('is cordoned, emptied of its engines, labelled, waited for and uncordoned', async () => {
    cluster.classrooms = [managed({ engine: { rollout: 'Immediately' } })];
    cluster.addPod(engineOn('h100'));
    await pass();
    expect(cluster.record('h100')).toMatchObject({
      class: KEY,
      step: 'Draining',
      layout: 'all-1g.10gb',
      previousLayout: 'all-disabled',
    });
    expect(isCordoned()).toBe(true);

    await pass();
    expect(cluster.writes).toEqual(['patch h100', 'evict python-101/python-101-engine-h100']);
    await pass();
    expect(cluster.writes).toHaveLength(2);

    cluster.endPods();
    await pass();
    expect(labels()).toMatchObject({ [LAYOUT]: 'all-1g.10gb' });
    expect(labels()).not.toHaveProperty([STATE]);

    cluster.cutGpus('pending');
    await pass();
    expect(isCordoned()).toBe(true);

    cluster.cutGpus();
    await pass();
    expect(isCordoned()).toBe(false);
    expect(cluster.record('h100')).toBeUndefined();
    expect(cluster.events.map((event) => event.split(':')[0])).toEqual([
      'NodePreparationStarted',
      'NodePrepared',
    ]);
  });

  test('is not cut at once: what a scheduler decided on before may still come, and the node is let go', async () => {
    await pass();
    expect((await passNow()).requeueAfterMs).toBeGreaterThan(0);
    expect(cluster.writes).toEqual(['patch h100']);
    cluster.addPod(gpuPod('notebook', 'h100'));
    await pass();
    expect(labels()[LAYOUT]).toBe('all-disabled');
    expect(isCordoned()).toBe(false);
  });

  test('is left alone afterwards: no request is made', async () => {
    await passes(2);
    cluster.cutGpus();
    await pass();
    const before = cluster.writes.length + cluster.reads;
    expect(await pass()).toEqual({});
    expect(cluster.writes.length + cluster.reads).toBe(before);
  });

  test('is the only one that is read while it is waited for', async () => {
    cluster = new PlayedCluster('[{name: h100, count: 3, gpu: {product: NVIDIA-H100-80GB-HBM3}}]', [
      managed(),
    ]);
    await pass();
    const before = cluster.reads;
    await pass();
    // The node, and its pods.
    expect(cluster.reads).toBe(before + 2);
    expect(cluster.record('h100-1')?.step).toBe('Configuring');
  });

  test('is never taken for done by the state that an earlier layout left', async () => {
    cluster.change('h100', { metadata: { labels: { [STATE]: 'success' } } });
    await passes(4);
    expect(isCordoned()).toBe(true);
    expect(cluster.record('h100')?.step).toBe('Configuring');
  });
});

describe('the operator leaves a node alone', () => {
  test.each<[string, () => void, RegExp]>([
    [
      'that has GPU pods of others, and names them',
      () => cluster.addPod(gpuPod('notebook', 'h100')),
      /has GPU pods that are not of this class: python-101\/notebook\. It is left alone until they are gone/,
    ],
    [
      'that has engines of another class',
      () => cluster.addPod(merged(engineOn('h100', 'other'), { metadata: { namespace: 'b' } })),
      /not of this class: b\/other/,
    ],
    [
      'whose engines students use',
      () => cluster.addPod(engineOn('h100')),
      /has engines of this class that may not be stopped now: whether students use them is not known/,
    ],
    ['that a person has cordoned', () => cluster.cordonByPerson('h100'), /was cordoned by somebody/],
    [
      'without MIG manager',
      () =>
        cluster.change('h100', { metadata: { labels: { 'nvidia.com/gpu.deploy.mig-manager': 'false' } } }),
      /has no MIG manager/,
    ],
    [
      'that the MIG manager works on',
      () => cluster.change('h100', { metadata: { labels: { [STATE]: 'rebooting' } } }),
      /is being cut by the MIG manager at the moment \(all-disabled: rebooting\)/,
    ],
    [
      'that could not be cut so before',
      () => cluster.change('h100', { metadata: { labels: { [LAYOUT]: 'all-1g.10gb', [STATE]: 'failed' } } }),
      /could not be given the layout all-1g\.10gb before/,
    ],
    [
      'whose annotation it cannot read',
      () => cluster.change('h100', { metadata: { annotations: { [PREPARATION_ANNOTATION]: '{}' } } }),
      /annotation about its preparation that this version cannot read/,
    ],
    [
      'where the class does not say which nodes it means',
      () => {
        cluster.classrooms = [managed({ gpu: { product: undefined, nodeSelector: {} } })].map((each) => {
          const { product: _, ...gpu } = each.spec.gpu;
          return { ...each, spec: { ...each.spec, gpu } };
        });
      },
      /the spec does not say which nodes it means/,
    ],
    [
      'that needs the strategy of the whole cluster changed',
      () => {
        cluster.classrooms = [managed({ gpu: { resourceName: 'nvidia.com/gpu' } })];
      },
      /needs changes that the operator does not make by itself: the MIG strategy single/,
    ],
    [
      'that is to be time-sliced: the settings are those of all nodes',
      () => {
        cluster.classrooms = [managed({ gpu: { sharing: 'TimeSliced', slicesPerGPU: 4 } })].map((each) => {
          const { migProfile: _, ...gpu } = each.spec.gpu;
          return { ...each, spec: { ...each.spec, gpu } };
        });
      },
      /needs changes that the operator does not make by itself: a key of the device plugin's ConfigMap/,
    ],
  ])('%s', async (_what, arrange, want) => {
    arrange();
    const { blocked } = await pass();
    expect(blocked).toMatch(want);
    expect(cluster.notes.get(KEY)?.message).toMatch(want);
    expect(cluster.writes).toEqual([]);
  });

  test('of a class that only wants a report', async () => {
    cluster.classrooms = [managed({ gpu: { nodePreparation: 'Report' } })];
    expect(await pass()).toEqual({});
    expect(cluster.writes).toEqual([]);
  });

  test('while it works on another: one node at a time', async () => {
    cluster = new PlayedCluster('[{name: h100, count: 2, gpu: {product: NVIDIA-H100-80GB-HBM3}}]', [
      managed({ engine: { replicas: { max: 14 } } }),
    ]);
    await passes(3);
    expect(cluster.record('h100-1')?.step).toBe('Configuring');
    expect(cluster.record('h100-2')).toBeUndefined();
    cluster.cutGpus();
    await passes(2);
    expect(cluster.record('h100-1')).toBeUndefined();
    expect(cluster.record('h100-2')?.step).toBe('Draining');
  });

  test('while it works on one for another class', async () => {
    const a100 = { sharing: 'MIG', migProfile: '1g.5gb', product: 'NVIDIA-A100-SXM4-40GB' } as const;
    const other = classroom({
      metadata: { name: 'biology' },
      spec: { gpu: { ...a100, nodePreparation: 'Manage' } },
    });
    cluster = new PlayedCluster(
      '[{name: h100, gpu: {product: NVIDIA-H100-80GB-HBM3}}, {name: a100, gpu: {product: NVIDIA-A100-SXM4-40GB}}]',
      [managed(), other],
    );
    await pass();
    await pass('python-101/biology');
    expect(cluster.writes).toEqual(['patch h100']);
    expect(cluster.notes.get('python-101/biology')).toEqual({
      why: 'OtherNodeFirst',
      message:
        'It waits for node h100, which is being prepared for the class python-101/python-101: one node is changed at a time.',
    });
  });

  test('that changed between its look and its write, and looks again at once', async () => {
    cluster.meanwhile = () => cluster.cordonByPerson('h100');
    expect((await pass()).requeueAfterMs).toBeLessThan(1000);
    expect(cluster.record('h100')).toBeUndefined();
    cluster.meanwhile = () => {};
    expect((await pass()).blocked).toMatch(/was cordoned by somebody/);
  });

  test('without the right to change it, and says what to apply', async () => {
    cluster.refusal = new KubeApiError({ status: 403, reason: 'Forbidden', message: 'nodes is forbidden.' });
    const { requeueAfterMs } = await pass();
    expect(requeueAfterMs).toBe(MINUTE_MS);
    expect(cluster.notes.get(KEY)).toEqual({
      why: 'RightsMissing',
      message:
        'The operator has no right to do it (nodes is forbidden): apply `manifests/rbac-node-preparation.yaml`, or set `gpu.nodePreparation: Report` and do it by hand.',
    });
  });
});

describe('a node that is being emptied is let go as it was', () => {
  beforeEach(() => passes(1));

  test.each<[string, () => void]>([
    ['when a GPU pod of somebody else came meanwhile', () => cluster.addPod(gpuPod('notebook', 'h100'))],
    ['when an engine of the class began to serve', () => cluster.addPod(engineOn('h100'))],
    [
      'when the class wants only a report now',
      () => {
        cluster.classrooms = [managed({ gpu: { nodePreparation: 'Report' } })];
      },
    ],
    [
      'when the class is gone',
      () => {
        cluster.classrooms = [];
      },
    ],
    [
      'when the class wants another layout',
      () => {
        cluster.classrooms = [managed({ gpu: { migProfile: '3g.40gb' } })];
      },
    ],
    [
      'when somebody else gave it a layout',
      () => cluster.change('h100', { metadata: { labels: { [LAYOUT]: 'all-3g.40gb', [STATE]: 'pending' } } }),
    ],
  ])('%s', async (_what, disturb) => {
    disturb();
    await pass();
    expect(isCordoned()).toBe(false);
    expect(cluster.record('h100')).toBeUndefined();
    expect(cluster.events.at(-1)).toMatch(/^NodePreparationGivenUp: Node h100 was uncordoned as it was/);
  });
});

describe('a preparation fails', () => {
  const fails: [string, () => Promise<void> | void, string, boolean][] = [
    ['when the MIG manager says so', () => cluster.cutGpus('failed'), 'LayoutFailed', true],
    [
      'when the MIG manager does not begin',
      () => cluster.clock.advance(21 * MINUTE_MS),
      'LayoutTimeout',
      true,
    ],
    [
      'when the MIG manager does not end',
      async () => {
        cluster.cutGpus('pending');
        await cluster.clock.advance(46 * MINUTE_MS);
      },
      'LayoutTimeout',
      true,
    ],
    [
      'when the slices do not appear',
      async () => {
        cluster.change('h100', { metadata: { labels: { [STATE]: 'success' } } });
        await cluster.clock.advance(46 * MINUTE_MS);
      },
      'SlicesMissing',
      true,
    ],
    [
      'when somebody gives it another layout',
      () => cluster.change('h100', { metadata: { labels: { [LAYOUT]: 'all-3g.40gb' } } }),
      'LayoutChanged',
      true,
    ],
  ];

  test.each(fails)('%s; the node stays cordoned', async (_when, arrange, failure) => {
    await passes(2);
    await arrange();
    const { blocked } = await passAndAgain();
    expect(cluster.record('h100')).toMatchObject({ step: 'Failed', failure, previousLayout: 'all-disabled' });
    expect(isCordoned()).toBe(true);
    expect(blocked).toContain('node h100');
    const written = cluster.writes.length;
    await passes(2);
    expect(cluster.writes).toHaveLength(written);
  });

  async function passAndAgain(): Promise<ReconcilePass> {
    await pass();
    return pass();
  }

  test('when its engines do not go in a quarter of an hour, though asked again and again', async () => {
    cluster.classrooms = [managed({ engine: { rollout: 'Immediately' } })];
    cluster.addPod(engineOn('h100'));
    cluster.isBlockedByBudget = true;
    const operator = createNodePreparationController(cluster.dependencies());
    const look = () => {
      cluster.sync();
      return operator.reconcile(KEY, new AbortController().signal);
    };
    await look();
    await look();
    expect(cluster.notes.get(KEY)?.message).toMatch(
      /may not be evicted yet: Cannot evict pod as it would violate/,
    );
    await cluster.clock.advance(16 * MINUTE_MS);
    await look();
    expect(cluster.record('h100')).toMatchObject({ step: 'Failed', failure: 'DrainTimeout' });
    expect(isCordoned()).toBe(true);
    expect(labels()[LAYOUT]).toBe('all-disabled');
  });

  test('not when the operator was away for longer than that: it asks them first', async () => {
    cluster.classrooms = [managed({ engine: { rollout: 'Immediately' } })];
    cluster.addPod(engineOn('h100'));
    await pass();
    await cluster.clock.advance(16 * MINUTE_MS);
    await pass();
    expect(cluster.record('h100')?.step).toBe('Draining');
    expect(cluster.writes.at(-1)).toBe('evict python-101/python-101-engine-h100');
  });

  test('when somebody uncordons the node while it is emptied: that is not undone', async () => {
    await pass();
    cluster.uncordonByPerson('h100');
    await passes(3);
    expect(cluster.record('h100')).toMatchObject({ step: 'Failed', failure: 'Uncordoned' });
    expect(isCordoned()).toBe(false);
  });

  test('not while the node reboots, nor while the MIG manager goes on afterwards', async () => {
    await passes(2);
    cluster.change('h100', { metadata: { labels: { [STATE]: 'rebooting' } } });
    await cluster.clock.advance(30 * MINUTE_MS);
    await pass();
    cluster.change('h100', { metadata: { labels: { [STATE]: 'pending' } } });
    await pass();
    cluster.change('h100', { metadata: { labels: { [STATE]: 'success' } } });
    await pass();
    expect(cluster.record('h100')?.step).toBe('Configuring');
    await cluster.clock.advance(16 * MINUTE_MS);
    await pass();
    expect(cluster.record('h100')).toMatchObject({ step: 'Failed', failure: 'SlicesMissing' });
  });

  test('and begins anew when a person has gone the way back', async () => {
    await passes(2);
    cluster.cutGpus('failed');
    await pass();
    cluster.change('h100', { metadata: { labels: { [LAYOUT]: 'all-disabled' } } });
    cluster.cutGpus();
    cluster.forgetByPerson('h100');
    await passes(2);
    cluster.cutGpus();
    await pass();
    expect(isCordoned()).toBe(false);
    expect(labels()).toMatchObject({ [LAYOUT]: 'all-1g.10gb', [STATE]: 'success' });
  });
});

test('what the MIG manager has begun is brought to its end, though the class is gone', async () => {
  await passes(2);
  cluster.classrooms = [];
  cluster.cutGpus();
  cluster.sync();
  expect(createNodePreparationController(cluster.dependencies()).keys()).toEqual([KEY]);
  await pass();
  expect(isCordoned()).toBe(false);
});

describe('a node that is deleted', () => {
  test.each([
    ['is emptied', 1],
    ['is cut', 2],
  ])('while it %s is forgotten, and the next one is begun', async (_while, steps) => {
    cluster = new PlayedCluster('[{name: h100, count: 2, gpu: {product: NVIDIA-H100-80GB-HBM3}}]', [
      managed(),
    ]);
    await passes(steps);
    expect(cluster.record('h100-1')).toBeDefined();
    cluster.nodes.delete('h100-1');
    await pass();
    expect(cluster.record('h100-2')?.step).toBe('Draining');
  });

  test('between a look and a write is no failure', async () => {
    cluster.meanwhile = () => void cluster.nodes.delete('h100');
    expect((await pass()).requeueAfterMs).toBeLessThan(1000);
    expect(await pass()).toEqual({});
  });

  test('is looked for again while the cache still shows it', async () => {
    await pass();
    cluster.sync();
    cluster.nodes.delete('h100');
    const operator = createNodePreparationController(cluster.dependencies());
    const { requeueAfterMs } = await operator.reconcile(KEY, new AbortController().signal);
    expect(requeueAfterMs).toBeGreaterThan(0);
  });
});

test('what fails when the class is gone is told with the way back: there is no condition any more', async () => {
  await passes(2);
  cluster.classrooms = [];
  cluster.cutGpus('failed');
  await pass();
  const told = cluster.events.at(-1) ?? '';
  expect(told).toMatch(/^NodePreparationFailed: The MIG manager could not give node h100/);
  expect(told).toMatch(
    /The class is gone\. The way back: kubectl label node h100 .*all-disabled.* && kubectl uncordon h100\.$/,
  );
  expect(Buffer.byteLength(told)).toBeLessThan(1024);
});

test('many changes of the GPUs lead to one look at the nodes, a second later', () => {
  const dependencies = cluster.dependencies();
  let change = (): void => {};
  const gpus = {
    ...dependencies.informers.gpus,
    onChange(handler: () => void) {
      change = handler;
      return () => {};
    },
  };
  const controller = createNodePreparationController({
    ...dependencies,
    informers: { ...dependencies.informers, gpus },
  });
  const wishes: unknown[] = [];
  controller.connect((...wish) => wishes.push(wish));
  change();
  expect(wishes).toEqual([[KEY, 1000]]);
});
