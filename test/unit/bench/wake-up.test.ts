import { expect, test } from '@jest/globals';
import { parseBenchOptions } from '../../../bench/wake-up/options.ts';
import { markdownReport, settingText, wakeUpTable } from '../../../bench/wake-up/report.ts';
import { type Moments, type Round, wakeUpOf } from '../../../bench/wake-up/wake-up.ts';

/** A start whose steps take 1 s each, and the engine 5 s. */
const moments = (difference: Partial<Moments> = {}): Moments => ({
  askedMs: 1000,
  demandedMs: 2000,
  scaledMs: 3000,
  runningMs: 4000,
  answersMs: 9000,
  readyMs: 10_000,
  contentMs: 11_000,
  ...difference,
});

const byHand = wakeUpOf(moments({ demandedMs: undefined, scaledMs: 2000, runningMs: 4000 }));

test('the parts of a start and the engine add up to all of it', () => {
  const wakeUp = wakeUpOf(moments());
  expect(wakeUp).toEqual({
    total: 10,
    engine: 5,
    added: 5,
    untilDemanded: 1,
    untilScaled: 1,
    untilRunning: 1,
    untilReady: 1,
    untilContent: 1,
  });
});

test('by hand nobody has to ask for an engine', () => {
  expect(byHand).toMatchObject({ total: 10, untilDemanded: undefined, untilScaled: 1, untilRunning: 2 });
});

const round = (contentMs: number): Round => ({
  streamed: wakeUpOf(moments({ contentMs })),
  plain: wakeUpOf(moments()),
  byHand,
});

test('the ways stand beside each other, with medians, the worst, and ratios round by round', () => {
  const { rows } = wakeUpTable([round(11_000), round(12_000), round(16_000)]);
  expect(rows.slice(0, 2)).toEqual([
    [expect.any(String), '11.00 (15.00)', '10.00 (10.00)', '10.00 (10.00)'],
    ['ratio', '1.10 (1.50)', '1.00 (1.00)', '1.00 (1.00)'],
  ]);
  const demanded = rows.find(([name]) => name?.includes('asked for an engine'));
  expect(demanded?.slice(1)).toEqual(['1.00 (1.00)', '1.00 (1.00)', '–']);
});

test('the section says where it was measured, and how busy the machine was', () => {
  const machine = {
    cpus: [{ model: 'EPYC' }],
    memoryBytes: 2 ** 33,
    platform: 'Linux x64',
    nodeVersion: '24.0.0',
    at: new Date('2026-11-23T10:00:00Z'),
  };
  const text = markdownReport([round(11_000)], settingText({ rounds: 1, loadSeconds: 5 }, machine, 0.24));
  expect(text).toMatch(/^Measured 2026-11-23 on 1 cores \(EPYC\).*; load average 0\.2 before it began\./);
  expect(text).toContain('models that load for 5 s');
});

test('rounds and the time of loading can be chosen', () => {
  expect(parseBenchOptions(['--rounds', '3', '--load-seconds', '60'])).toMatchObject({
    kind: 'run',
    options: { rounds: 3, loadSeconds: 60, write: false },
  });
  expect(parseBenchOptions(['--load-seconds', '0']).kind).not.toBe('run');
});
