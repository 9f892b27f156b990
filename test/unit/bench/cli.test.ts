import { expect, test } from '@jest/globals';
import { parseBenchOptions } from '../../../bench/cli/options.ts';
import { markdownReport, startsTable } from '../../../bench/cli/report.ts';
import { timesOf } from '../../../bench/cli/starts.ts';

test('every start stands beside the first, round by round', () => {
  const times = { 'node -e 0': [20, 40, 25], '--help': [50, 80, 60] };
  expect(startsTable(times).rows).toEqual([
    ['node -e 0', '25 (20–40)', '1.00 (1.00–1.00)'],
    ['--help', '60 (50–80)', '2.40 (2.00–2.50)'],
  ]);
  const machine = {
    cpus: [{ model: 'EPYC' }],
    memoryBytes: 2 ** 33,
    platform: 'Linux x64',
    nodeVersion: '24.0.0',
    at: new Date('2026-11-23T10:00:00Z'),
  };
  expect(markdownReport(times, { rounds: 3 }, machine)).toContain(
    'Node 24.0.0. Medians of 3 rounds.\n\n|  | ms | ratio |',
  );
});

test('each is started as often as asked for, and one that fails is no figure', async () => {
  const times = await timesOf([{ name: 'nothing', argv: ['-e', '0'] }], 2);
  expect(times.nothing).toEqual([expect.any(Number), expect.any(Number)]);
  await expect(timesOf([{ name: 'fails', argv: ['-e', 'process.exit(3)'] }], 1)).rejects.toThrow(
    'node -e process.exit(3) ended with 3',
  );
});

test('rounds can be chosen', () => {
  expect(parseBenchOptions(['--rounds', '5'])).toMatchObject({
    kind: 'run',
    options: { rounds: 5, write: false },
  });
  expect(parseBenchOptions(['--rounds', '0']).kind).not.toBe('run');
});
