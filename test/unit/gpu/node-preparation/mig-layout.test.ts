import { describe, expect, test } from '@jest/globals';
import { MIG_GPUS, type MigGpu, normalProfile } from '../../../../src/gpu/hardware/mig-profiles.ts';
import {
  builtInLayouts,
  layoutProblem,
  type MigLayout,
  mostBeside,
  nameLayout,
} from '../../../../src/gpu/node-preparation/mig-layout.ts';

function gpu(name: string): MigGpu {
  const found = MIG_GPUS.find((candidate) => candidate.gpu === name);
  if (found === undefined) throw new Error(`no GPU ${name} in the table`);
  return found;
}

describe.each(MIG_GPUS.map((each) => [each.gpu, each] as const))('a %s', (_name, each) => {
  test('holds as many slices of each profile as NVIDIA says, and not one more', () => {
    const counts = each.profiles.map(({ profile }) => mostBeside(each, normalProfile(profile), {}));
    expect(counts).toEqual(each.profiles.map(({ maxInstances }) => maxInstances));
  });

  test('has a layout of the MIG manager for each profile, and every one of them can be placed', () => {
    const layouts = builtInLayouts(each);
    expect(layouts.map(({ name }) => name)).toEqual(
      expect.arrayContaining(each.profiles.map(({ profile }) => `all-${normalProfile(profile)}`)),
    );
    for (const { layout } of layouts) expect(layoutProblem(each, layout)).toBeUndefined();
  });
});

describe('a layout', () => {
  const A100 = 'A100-40GB';
  const H100 = 'H100-80GB';
  test.each<[string, string, MigLayout]>([
    ['seven slices of one seventh', H100, { '1g.10gb': 7 }],
    ['two, two and three sevenths', H100, { '2g.20gb': 2, '3g.40gb': 1 }],
    ['four and three sevenths, whichever is named first', H100, { '3g.40gb': 1, '4g.40gb': 1 }],
    ['what NVIDIA calls balanced', H100, { '1g.10gb': 2, '2g.20gb': 1, '3g.40gb': 1 }],
    ['four slices of double memory', A100, { '1g.10gb': 4 }],
    ['double memory beside three sevenths', A100, { '1g.10gb': 2, '3g.20gb': 1 }],
    ['one slice with media engines among others', H100, { '1g.10gb.me': 1, '1g.10gb': 6 }],
    ['a quarter, a quarter and a half', 'A30', { '1g.6gb': 2, '2g.12gb': 1 }],
  ])('of %s can be placed on a %s', (_what, name, layout) => {
    expect(layoutProblem(gpu(name), layout)).toBeUndefined();
  });

  test.each<[string, string, MigLayout, RegExp]>([
    ['one more slice than there are', H100, { '1g.10gb': 8 }, /at most 7 × 1g\.10gb, not 8/],
    ['more compute than there is', H100, { '4g.40gb': 1, '2g.20gb': 2 }, /takes 8 compute slices of the 7/],
    [
      'three sevenths twice and a seventh',
      H100,
      { '3g.40gb': 2, '1g.10gb': 1 },
      /cannot be placed side by side/,
    ],
    ['double memory where only single is left', A100, { '1g.10gb': 3, '3g.20gb': 1 }, /cannot be placed/],
    [
      'a profile of another GPU',
      A100,
      { '1g.20gb': 1 },
      /A100-40GB has no MIG profile 1g\.20gb; it has 1g\.5gb, /,
    ],
    ['halves beside a quarter', 'A30', { '2g.12gb': 2, '1g.6gb': 1 }, /takes 5 compute slices of the 4/],
  ])('of %s cannot be placed on a %s', (_what, name, layout, problem) => {
    expect(layoutProblem(gpu(name), layout)).toMatch(problem);
  });

  test.each([
    [{ '1g.10gb': 7 }, 'all-1g.10gb', true],
    [{}, 'all-disabled', true],
    [{ '1g.10gb': 2, '2g.20gb': 1, '3g.40gb': 1 }, 'all-balanced', true],
    [{ '3g.40gb': 1, '1g.10gb': 3 }, 'classroom-3x1g.10gb-1x3g.40gb', false],
    [{ '1g.10gb.me': 1, '1g.10gb': 6 }, 'classroom-6x1g.10gb-1x1g.10gb.me', false],
  ])('of %j is called %s', (layout, name, isBuiltIn) => {
    expect(nameLayout(gpu(H100), layout)).toEqual({ name, isBuiltIn, layout });
  });

  test('has a name that fits a label, whatever is in it', () => {
    const widest = { '1g.10gb': 1, '1g.10gb.me': 1, '1g.20gb': 1, '2g.20gb': 1 };
    expect(layoutProblem(gpu(H100), widest)).toBeUndefined();
    expect(nameLayout(gpu(H100), widest).name).toMatch(/^[A-Za-z0-9][-A-Za-z0-9_.]{0,61}[A-Za-z0-9]$/);
  });
});

test.each<[MigLayout, number, string]>([
  [{ '3g.40gb': 1 }, 4, 'three sevenths leave four slots of memory'],
  [{ '1g.10gb': 5 }, 2, 'five of seven are taken'],
  [{ '7g.80gb': 1 }, 0, 'the whole GPU is taken'],
])('beside %j there is room for %i slices of 1g.10gb: %s', (kept, room, _why) => {
  expect(mostBeside(gpu('H100-80GB'), '1g.10gb', kept)).toBe(room);
});
