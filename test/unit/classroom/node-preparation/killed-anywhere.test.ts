import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Classroom } from '../../../../src/api/classroom.ts';
import { createNodePreparationController } from '../../../../src/classroom/node-preparation/controller.ts';
import type { OperatorController } from '../../../../src/reconcile/controller.ts';
import { classroom } from '../../../support/builders.ts';
import { MIG_1G } from '../../gpu/node-preparation/nodes.ts';
import { engineOn, gpuPod, Killed, PlayedCluster } from './played-cluster.ts';

const KEY = 'python-101/python-101';
const NODES = ['h100-1', 'h100-2'] as const;
const TWO_H100 = '[{name: h100, count: 2, gpu: {product: NVIDIA-H100-80GB-HBM3}}]';

function managed(engines: number, rollout: 'WhenIdle' | 'Immediately'): Classroom {
  return classroom({
    spec: {
      gpu: { ...MIG_1G, nodePreparation: 'Manage' },
      engine: { replicas: { min: 1, max: engines }, rollout },
    },
  });
}

function reporting(): Classroom {
  return classroom({ spec: { gpu: MIG_1G, engine: { replicas: { min: 1, max: 14 } } } });
}

/** The operator, one process after another, and what happens around it. */
class World {
  readonly cluster = new PlayedCluster(TWO_H100, [managed(14, 'Immediately')]);
  #operator: OperatorController;

  constructor() {
    this.#operator = this.#start();
  }

  #start(): OperatorController {
    this.cluster.writesToLive = Number.POSITIVE_INFINITY;
    return createNodePreparationController(this.cluster.dependencies());
  }

  /** A pass; an operator that is killed in it is followed by another one. */
  async pass(): Promise<void> {
    try {
      await this.#operator.reconcile(KEY, new AbortController().signal);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      this.#operator = this.#start();
    }
  }

  /** All is well from now on. */
  async settle(): Promise<void> {
    const { cluster } = this;
    cluster.classrooms = [managed(14, 'Immediately')];
    cluster.isBlockedByBudget = false;
    cluster.writesToLive = Number.POSITIVE_INFINITY;
    for (const key of cluster.pods.keys()) if (key.includes('notebook')) cluster.pods.delete(key);
    for (let round = 0; round < 30; round++) {
      cluster.sync();
      await this.pass();
      cluster.endPods();
      cluster.cutGpus();
      await cluster.clock.advance(5_000);
    }
  }
}

const node = fc.constantFrom(...NODES);
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: 'pass' as const }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'sync' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), writes: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'podsEnd' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('engine' as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('foreignPod' as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('foreignPodGoes' as const), node }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('migManager' as const),
      outcome: fc.constantFrom('success' as const, 'success' as const, 'pending' as const, 'failed' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cordon' as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('uncordon' as const), node }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('budget' as const), isBlocking: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), minutes: fc.nat(25) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('class' as const),
      want: fc.constantFrom('one node', 'two nodes', 'report', 'gone', 'when idle'),
    }),
  },
);
type Happening = typeof happening extends fc.Arbitrary<infer T> ? T : never;

async function happen(world: World, event: Happening): Promise<void> {
  const { cluster } = world;
  switch (event.kind) {
    case 'pass':
      return world.pass();
    case 'sync':
      return cluster.sync();
    case 'kill':
      cluster.writesToLive = event.writes;
      return;
    case 'podsEnd':
      return cluster.endPods();
    case 'engine':
      if (cluster.node(event.node).spec?.unschedulable !== true) cluster.addPod(engineOn(event.node));
      return;
    case 'foreignPod':
      return cluster.addPod(gpuPod(`notebook-${event.node}`, event.node));
    case 'foreignPodGoes':
      return void cluster.pods.delete(`python-101/notebook-${event.node}`);
    case 'migManager':
      return cluster.cutGpus(event.outcome);
    case 'cordon':
      return cluster.cordonByPerson(event.node);
    case 'uncordon':
      return cluster.uncordonByPerson(event.node);
    case 'budget':
      cluster.isBlockedByBudget = event.isBlocking;
      return;
    case 'time':
      return cluster.clock.advance(event.minutes * 60_000);
    case 'class':
      cluster.classrooms = wanted(event.want);
      return;
  }
}

function wanted(want: string): Classroom[] {
  switch (want) {
    case 'one node':
      return [managed(7, 'Immediately')];
    case 'two nodes':
      return [managed(14, 'Immediately')];
    case 'when idle':
      return [managed(14, 'WhenIdle')];
    case 'report':
      return [reporting()];
    default:
      return [];
  }
}

describe('whatever happens around it, and wherever it is killed, the operator', () => {
  test('never stops or cuts off pods of others, never uncordons what a person cordoned, and leaves no node half-way', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 40 }), async (events) => {
        const world = new World();
        const { cluster } = world;
        // The cluster throws at a write that must never be.
        for (const event of events) await happen(world, event);
        await world.settle();
        for (const name of NODES) {
          const record = cluster.record(name);
          const cordoned = cluster.node(name).spec?.unschedulable === true;
          expect([undefined, 'Failed']).toContain(record?.step);
          if (record === undefined)
            expect({ name, cordoned }).toEqual({ name, cordoned: cluster.cordonedByPerson.has(name) });
        }
      }),
      { numRuns: 200 },
    );
  });

  test.each([0, 1, 2, 3, 4, 5, 6, 7, 8])(
    'killed after %i writes, is followed by one that prepares both nodes',
    async (writes) => {
      const world = new World();
      const { cluster } = world;
      for (const name of NODES) cluster.addPod(engineOn(name));
      cluster.writesToLive = writes;
      for (let round = 0; round < 30; round++) {
        if (round % 2 === 0) cluster.sync();
        await world.pass();
        cluster.endPods();
        cluster.cutGpus();
        await cluster.clock.advance(5_000);
      }
      for (const name of NODES) {
        expect(cluster.record(name)).toBeUndefined();
        expect(cluster.node(name).spec?.unschedulable).toBeUndefined();
        expect(cluster.node(name).metadata.labels?.['nvidia.com/mig.config']).toBe('all-1g.10gb');
      }
    },
  );
});
