import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { findCondition } from '../../../../src/api/condition.ts';
import { ANNOTATIONS } from '../../../../src/api/labels.ts';
import { classroom } from '../../../support/builders.ts';
import { ClassWorld, type Death, type Outcome } from './class-world.ts';

const value = (args: readonly string[], flag: string) => Number(args[args.indexOf(flag) + 1]);

/** Runs out of memory at its start with more than so many sequences. */
const fitsWith =
  (sequences: number): Outcome =>
  (args) =>
    value(args, '--max-num-seqs') <= sequences
      ? undefined
      : { exitCode: 1, message: 'EngineCore failed to start.\ntorch.OutOfMemoryError: CUDA out of memory.' };
const badFlag: Outcome = () => ({ exitCode: 2, message: 'error: unrecognized arguments: --x' });
const gated: Outcome = () => ({ exitCode: 1, message: 'GatedRepoError: Cannot access gated repo for url u' });

const python = () => classroom({ spec: { engine: { maxNumSeqs: 32 } } });

function worldAfter(passes: number, outcome: Outcome): ClassWorld {
  const world = new ClassWorld(python(), outcome);
  for (let pass = 0; pass < passes; pass++) world.pass();
  return world;
}

const enginesReady = (world: ClassWorld) => findCondition(world.status.conditions, 'EnginesReady');

describe('a class whose engines run out of GPU memory', () => {
  test('works in the end, with less, and says so', () => {
    const world = worldAfter(20, fitsWith(16));
    expect(world.isReady).toBe(true);
    expect(world.steps).toEqual([
      'MaxNumBatchedTokens 2048 → 1024',
      'MaxNumBatchedTokens 1024 → 512',
      'MaxNumSeqs 32 → 16',
    ]);
    expect(world.status.plan).toMatchObject({ maxNumSeqs: 16, maxNumBatchedTokens: 512 });
    expect(world.status.plan?.basis).toContain('MaxNumSeqs 32 → 16');
    expect(world.events.filter((reason) => reason === 'MemoryStepTaken')).toHaveLength(3);
  });

  test('stops after the last step, with the GPU free and advice', () => {
    const world = worldAfter(40, fitsWith(0));
    expect(world.replicas).toBe(0);
    expect(enginesReady(world)).toMatchObject({ status: 'False', reason: 'OutOfGPUMemoryAtStart' });
    expect(enginesReady(world)?.message).toMatch(
      /^0 of 1 engine answers: no engine is started since .* nothing is left to lower\. Choose a smaller/,
    );
    expect(world.events.filter((reason) => reason === 'EnginesHeld')).toHaveLength(1);
  });

  test('begins anew when the spec changes', () => {
    const world = worldAfter(40, fitsWith(0));
    world.change((before) => ({
      ...before,
      metadata: { ...before.metadata, generation: 2 },
      spec: { ...before.spec, model: { ...before.spec.model, maxModelLen: 2048 } },
    }));
    world.outcome = fitsWith(32);
    for (let pass = 0; pass < 3; pass++) world.pass();
    expect(world.isReady).toBe(true);
    expect(world.steps).toEqual([]);
    expect(value(world.args, '--max-num-seqs')).toBe(32);
  });

  test('keeps what was lowered when students come and limits change', () => {
    const world = worldAfter(20, fitsWith(16));
    const before = world.args;
    world.change((old) => ({
      ...old,
      metadata: { ...old.metadata, generation: 2 },
      spec: {
        ...old.spec,
        contact: 'room 214',
        engine: { ...old.spec.engine, replicas: { ...old.spec.engine.replicas, max: 2 } },
      },
    }));
    for (let pass = 0; pass < 3; pass++) world.pass();
    expect(world.args).toEqual(before);
  });
});

describe('a class whose engines can never start', () => {
  test('has no engine after the second start', () => {
    const world = worldAfter(10, badFlag);
    expect(world.replicas).toBe(0);
    expect(enginesReady(world)).toMatchObject({ reason: 'ArgumentRefused' });
    expect(enginesReady(world)?.message).toContain(
      `kubectl annotate classroom python-101 --overwrite ${ANNOTATIONS.retry}=`,
    );
  });

  test('tries again when it is asked to', () => {
    const world = worldAfter(10, badFlag);
    world.outcome = () => undefined;
    world.change((before) => ({
      ...before,
      metadata: { ...before.metadata, annotations: { [ANNOTATIONS.retry]: 'now' } },
    }));
    for (let pass = 0; pass < 3; pass++) world.pass();
    expect(world.isReady).toBe(true);
    expect(world.status.failures).toBeUndefined();
    expect(world.events).toContain('EnginesRetried');
  });
});

test('a class whose model is gated rests, tries again by itself, and works once access is given', () => {
  const world = worldAfter(10, gated);
  expect(world.replicas).toBe(0);
  const retryMs = Date.parse(world.status.failures?.held?.retryTime ?? '');
  expect(retryMs).toBeGreaterThan(world.nowMs);
  world.outcome = () => undefined;
  world.nowMs = retryMs;
  for (let pass = 0; pass < 3; pass++) world.pass();
  expect(world.isReady).toBe(true);
  expect(world.events).toContain('EnginesRetried');
});

test.each<[string, Outcome]>([
  ['that works after some steps', fitsWith(16)],
  ['that ran out of steps', fitsWith(0)],
  ['that is held', badFlag],
])('a class %s writes nothing more', (_, outcome) => {
  const world = worldAfter(40, outcome);
  const before = world.writes;
  for (let pass = 0; pass < 10; pass++) world.pass();
  expect(world.writes).toBe(before);
});

test('an operator that is killed between any two writes ends where one that lives does', () => {
  const outcomes = fc.constantFrom(fitsWith(16), fitsWith(0), badFlag, () => undefined);
  const deaths = fc.array(fc.constantFrom<Death | undefined>(undefined, 'BeforeDeployment', 'BeforeStatus'), {
    maxLength: 25,
  });
  fc.assert(
    fc.property(outcomes, deaths, (outcome, lives) => {
      const undisturbed = worldAfter(40, outcome);
      const world = new ClassWorld(python(), outcome);
      for (const death of lives) world.pass(death);
      for (let pass = 0; pass < 40; pass++) world.pass();
      expect(world.steps).toEqual(undisturbed.steps);
      expect(world.replicas).toBe(undisturbed.replicas);
      expect(enginesReady(world)?.reason).toBe(enginesReady(undisturbed)?.reason);
    }),
    { numRuns: 20 },
  );
});
