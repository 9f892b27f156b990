import { describe, expect, test } from '@jest/globals';
import { inParallel } from '../../../bench/operator/in-parallel.ts';
import { parseBenchOptions } from '../../../bench/operator/options.ts';
import { type Made, writesFor } from '../../../bench/operator/replay.ts';
import {
  comparisonTable,
  markdownReport,
  restartTable,
  writesTable,
} from '../../../bench/operator/report.ts';
import type { Round } from '../../../bench/operator/rounds.ts';
import type { Work } from '../../../bench/operator/work.ts';
import { withSection } from '../../../bench/report/document.ts';
import { spreadOf } from '../../../bench/report/statistics.ts';
import { studentQuotas } from '../../../src/api/student-quota.ts';
import { type Event, events, secrets } from '../../../src/kube/resources.ts';

function work(seconds: number, statuses: number): Work {
  const byResource = { secrets: 20, 'studentquotas/status': statuses };
  const writes = { total: 20 + statuses, refused: 0, byResource };
  return { seconds, secondsToFirstWrite: 1, cpuSeconds: seconds / 2, peakMiB: 200, writes };
}

function round(operatorSeconds: number, loopSeconds: number): Round {
  const restart = {
    secondsToSynced: 1,
    secondsToFullPass: 2,
    cpuSeconds: 1.5,
    peakMiB: 180,
    writes: 0,
    watchSeconds: 60,
    idleCpuPercent: 0.25,
  };
  return { operator: work(operatorSeconds, 24), bareLoop: work(loopSeconds, 20), restart, objects: 40 };
}

describe('the figures', () => {
  test.each([
    [[3], { median: 3, min: 3, max: 3 }],
    [[9, 1, 2], { median: 2, min: 1, max: 9 }],
    [[4, 1, 3, 2], { median: 2.5, min: 1, max: 4 }],
  ])('of %j are %j', (values, spread) => {
    expect(spreadOf(values)).toEqual(spread);
  });

  test('ratios are taken round by round, not of the medians: a slow minute hits both', () => {
    const [seconds] = comparisonTable([round(11, 10), round(60, 50), round(24, 20)]).rows;
    expect(seconds?.slice(1)).toEqual(['24.0 (11.0–60.0)', '20.0 (10.0–50.0)', '1.20 (1.10–1.20)']);
  });

  test('one round has no spread', () => {
    expect(comparisonTable([round(11, 10)]).rows).toContainEqual(['writes per object', '1.10', '1.00', '']);
    expect(restartTable([round(11, 10)]).rows).toContainEqual(['writes, also in the 60 s that follow', '0']);
  });

  test('writes are told apart by what was written', () => {
    expect(writesTable([round(11, 10)]).rows).toEqual([
      ['secrets', '20', '20'],
      ['studentquotas/status', '24', '20'],
    ]);
  });

  test('the report names the machine and the setting', () => {
    const parsed = parseBenchOptions(['--classes=2', '--students=10', '--rounds=1']);
    if (parsed.kind !== 'run') throw new Error(parsed.text);
    const report = markdownReport([round(11, 10)], parsed.options, {
      cpus: [{ model: 'Some CPU ' }, { model: 'Some CPU ' }],
      memoryBytes: 8 * 2 ** 30,
      platform: 'Linux x64',
      nodeVersion: '24.0.0',
      at: new Date('2026-09-01T09:00:00Z'),
    });
    expect(report).toContain('Measured 2026-09-01 on 2 cores (Some CPU), 8 GiB, Linux x64, Node 24.0.0');
    expect(report).toContain(
      '2 classes × 10 students, 1 round, 8 workers a controller, 16 at once in the loop.',
    );
    expect(report).toContain('| writes | 44 | 40 | 1.10 |');
  });
});

describe('the section of the document', () => {
  const start = '<!-- bench:operator: written by `npm run bench:operator -- --write` -->';
  const end = '<!-- /bench:operator -->';

  test('is replaced, and nothing else', () => {
    const once = withSection(`before\n${start}\n${end}\nafter\n`, 'operator', 'old');
    expect(withSection(once, 'operator', 'new')).toBe(`before\n${start}\n\nnew\n\n${end}\nafter\n`);
  });

  test('must be there', () => {
    expect(() => withSection(`before\n${start}\n`, 'operator', 'new')).toThrow('lacks the lines');
  });
});

describe('the loop', () => {
  const seat = (uid: string) => ({
    apiVersion: 'gpu-classroom.io/v1alpha1',
    kind: 'StudentQuota',
    metadata: { name: 'alice', namespace: 'school', uid, resourceVersion: '7' },
  });
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: {
      name: 'alice-api-key',
      namespace: 'school',
      uid: 'secret',
      managedFields: [],
      ownerReferences: [
        {
          apiVersion: 'gpu-classroom.io/v1alpha1',
          kind: 'StudentQuota',
          name: 'alice',
          uid: 'there',
          controller: true,
        },
      ],
    },
  };
  const event: Event = {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'alice.1', namespace: 'school' },
    eventTime: '2026-09-01T09:00:00.000000Z',
    regarding: { kind: 'StudentQuota', name: 'alice', uid: 'there' },
  };
  const made: Made = {
    roots: [{ resource: studentQuotas, object: { ...seat('there'), status: { keys: [] } } }],
    children: [{ resource: secrets, object: secret }],
    events: [{ resource: events, object: event }],
  };

  test('writes what the operator made, bound to the seats of its own cluster', () => {
    const [writes = []] = writesFor(made, new Map([['StudentQuota alice', 'here']]));
    expect(writes.map(({ verb, object }) => `${verb} ${object.kind}`)).toEqual([
      'create Secret',
      'status StudentQuota',
      'create Event',
    ]);
    expect(writes[0]?.object.metadata).toEqual({
      name: 'alice-api-key',
      namespace: 'school',
      ownerReferences: [expect.objectContaining({ uid: 'here' })],
    });
    expect(writes[1]?.object).toMatchObject({ metadata: { name: 'alice' }, status: { keys: [] } });
    expect(writes[2]?.object).toMatchObject({ regarding: { uid: 'here' } });
  });

  test('cannot write for a seat that is not there', () => {
    expect(() => writesFor(made, new Map())).toThrow('StudentQuota alice is missing');
  });

  test('works on so many at once and no more, and on all', async () => {
    let now = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel(3, [1, 2, 3, 4, 5, 6, 7], async (item) => {
      now += 1;
      most = Math.max(most, now);
      await Promise.resolve();
      now -= 1;
      done.push(item);
    });
    expect([most, done.toSorted()]).toEqual([3, [1, 2, 3, 4, 5, 6, 7]]);
  });
});

test.each([
  [['--rounds=0'], '--rounds must be at least 1'],
  [['--classes=many'], '--classes must be a whole number'],
])('%j is refused', (argv, message) => {
  const parsed = parseBenchOptions(argv);
  expect(parsed).toMatchObject({ kind: 'refused', text: expect.stringContaining(message) });
});
