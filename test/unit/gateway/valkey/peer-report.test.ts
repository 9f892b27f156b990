import { expect, test } from '@jest/globals';
import { formatReport, parseReport } from '../../../../src/gateway/valkey/peer-report.ts';

test('a report is read as it was written', () => {
  const report = {
    activity: { requests: 3, weights: new Map([['ann {1}', 2.5]]) },
    served: [['ann {1}', 4, 12.5] as [string, number, number]],
  };
  expect(parseReport(formatReport(report))).toEqual(report);
});

test('a report of a replica without requests has no activity', () => {
  expect(parseReport(formatReport({ activity: undefined, served: [] }))).toEqual({
    activity: undefined,
    served: [],
  });
});

test.each([
  '',
  'x',
  '{}',
  '{"requests":-1,"weights":[],"served":[]}',
  '{"requests":1,"weights":[["a"]],"served":[]}',
])('what is no report, %j, is none', (text) => {
  expect(parseReport(text)).toBeUndefined();
});
