import { describe, expect, test } from '@jest/globals';
import type { Classroom } from '../../../../src/api/classroom.ts';
import type { Condition } from '../../../../src/api/condition.ts';
import { CLASSROOM_CONDITIONS, CLASSROOM_REASONS, MISFIT_REASONS } from '../../../../src/api/reasons.ts';
import { coloursFor } from '../../../../src/cli/colours.ts';
import { CONDITION_WORDS, inWords } from '../../../../src/cli/status/condition-words.ts';
import { nextStep } from '../../../../src/cli/status/next-step.ts';
import { classReport } from '../../../../src/cli/status/report.ts';
import { reportText } from '../../../../src/cli/status/text.ts';
import { type ClassroomDifference, classroom, studentQuota } from '../../../support/builders.ts';

/** A Monday. */
const NOW_MS = Date.parse('2026-11-23T10:00:00Z');
const ON_TUESDAYS = { sessions: [{ days: ['Tue' as const], start: '09:00', end: '17:00' }] };

const condition = (
  type: string,
  status: Condition['status'],
  reason: string,
  message: string,
): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-11-23T09:00:00Z',
  observedGeneration: 1,
});

const serving = condition('Ready', 'True', 'Serving', '2 of 2 engines answer.');

const classWith = (conditions: Condition[], difference: ClassroomDifference = {}) =>
  classroom({
    ...difference,
    status: { conditions, replicas: 2, readyReplicas: 2, baseURL: 'http://gateway/v1', ...difference.status },
  });

/** A seat of which the operator says this. */
const seat = (id: string, status: Condition['status'], reason: string, tokensToday?: number, asOf?: string) =>
  studentQuota({
    spec: { student: { id } },
    status: {
      conditions: [condition('Ready', status, reason, `${id} is ${reason}.`)],
      ...(tokensToday === undefined
        ? {}
        : {
            usage: {
              asOf: asOf ?? '2026-11-23T09:59:00Z',
              requestsToday: 2,
              tokensToday,
              tokensTotal: tokensToday,
            },
          }),
    },
  });

describe('the report of a class', () => {
  test('says what the operator says of the present spec', () => {
    expect(classReport(classWith([serving]), [], NOW_MS)).toMatchObject({
      name: 'python-101',
      serving: true,
      reason: 'Serving',
      message: '2 of 2 engines answer.',
      engines: { wanted: 2, ready: 2 },
      model: { id: 'Qwen/Qwen2.5-7B-Instruct', servedName: 'Qwen/Qwen2.5-7B-Instruct' },
    });
  });

  test('does not take an older spec for the present one', () => {
    const edited = classWith([serving], { metadata: { generation: 2 } });
    expect(classReport(edited, [], NOW_MS)).toMatchObject({ serving: false, reason: 'Unseen' });
  });

  test('counts the students, and names those who cannot work', () => {
    const seats = [
      seat('alice', 'True', 'Active'),
      seat('bob', 'False', 'Suspended'),
      seat('carol', 'False', 'Expired'),
      seat('dan', 'False', 'Waiting'),
    ];
    expect(classReport(classWith([serving]), seats, NOW_MS).students).toEqual({
      total: 4,
      active: 1,
      suspended: ['bob'],
      expired: ['carol'],
      waiting: [{ id: 'dan', why: 'dan is Waiting.' }],
    });
  });

  test("sums up what was used on the class's own day", () => {
    const inShanghai = { schedule: { timeZone: 'Asia/Shanghai', outsideSessions: 'Open' as const } };
    const seats = [
      seat('alice', 'True', 'Active', 1000),
      seat('bob', 'True', 'Active', 500, '2026-11-22T16:00:00Z'),
      seat('carol', 'True', 'Active', 250, '2026-11-22T15:59:59Z'),
    ];
    const { usageToday } = classReport(classWith([serving], { spec: inShanghai }), seats, NOW_MS);
    expect(usageToday).toEqual({ requests: 4, tokens: 1500, students: 2 });
  });

  test('tells all conditions in words, but the one it begins with', () => {
    const conditions = [
      serving,
      condition('Fits', 'True', 'PlanFits', 'It fits.'),
      condition('GPUAvailable', 'False', 'GPUsTaken', 'Others hold them.'),
      condition('EngineAsPlanned', 'Unknown', 'NotMeasured', 'No engine said.'),
      condition('RolloutPending', 'True', 'AwaitingIdle', 'A change waits.'),
      condition('FeaturePending', 'False', 'AllFieldsActive', 'All do.'),
      condition('MoonFull', 'False', 'NewMoon', 'Written by a newer operator.'),
    ];
    const told = classReport(classWith(conditions), [], NOW_MS).conditions;
    expect(told.map(({ mark, words }) => `${mark}: ${words}`)).toEqual([
      'Good: The model fits its GPU',
      'Bad: There are no GPUs for the engines',
      'Unknown: The engines have the memory that was planned: not known yet',
      'Note: A change waits until engines may be restarted',
      'Bad: Not MoonFull',
    ]);
  });
});

test('nothing is told of the memory of engines that are not to run', () => {
  const unmeasured = condition('EngineAsPlanned', 'Unknown', 'NotMeasured', 'No engine said.');
  const told = (replicas: number) =>
    classReport(classWith([serving, unmeasured], { status: { replicas } }), [], NOW_MS).conditions;
  expect([told(0).length, told(1).length]).toEqual([0, 1]);
});

describe('the timetable', () => {
  // It is Monday, 11:00 in Berlin.
  const sessions = [{ days: ['Mon' as const, 'Wed' as const], start: '09:00', end: '17:00' }];
  const reportOf = (difference: ClassroomDifference, nowMs = NOW_MS) =>
    classReport(
      classWith([serving], {
        ...difference,
        spec: { schedule: { timeZone: 'Europe/Berlin', sessions }, ...difference.spec },
      }),
      [],
      nowMs,
    );
  const AFTER_MS = Date.parse('2026-11-23T17:10:00+01:00');

  test('is that of the present moment, whatever the operator wrote', () => {
    expect(reportOf({})).toMatchObject({
      open: true,
      timetable: {
        session: { start: '2026-11-23T09:00:00+01:00', end: '2026-11-23T17:00:00+01:00' },
        nextChange: 'closes Mon 2026-11-23 17:00',
      },
    });
    expect(reportOf({}, AFTER_MS)).toMatchObject({
      open: false,
      timetable: {
        nextSession: { start: '2026-11-25T09:00:00+01:00', end: '2026-11-25T17:00:00+01:00' },
        nextChange: 'opens Wed 2026-11-25 09:00',
      },
    });
  });

  test('gives way to an extension and to access', () => {
    const annotations = { 'gpu-classroom.io/open-until': '2026-11-23T17:30:00+01:00' };
    expect(reportOf({ metadata: { annotations } }, AFTER_MS)).toMatchObject({
      open: true,
      timetable: { nextChange: 'closes Mon 2026-11-23 17:30' },
    });
    expect(reportOf({ spec: { access: 'Closed' } }).open).toBe(false);
  });

  test('is absent where there is none', () => {
    expect(classReport(classWith([serving]), [], NOW_MS)).toMatchObject({ open: true });
    expect(classReport(classWith([serving]), [], NOW_MS)).not.toHaveProperty('timetable');
  });

  test.each<[string, ClassroomDifference, number, string[]]>([
    [
      'in a session',
      {},
      NOW_MS,
      [
        'Open        yes, closes Mon 2026-11-23 17:00, in 6 h',
        'Session     runs: 2026-11-23 09:00 to 2026-11-23 17:00 (Europe/Berlin), ends in 6 h',
      ],
    ],
    [
      'after a session',
      {},
      AFTER_MS,
      [
        'Open        no, opens Wed 2026-11-25 09:00, in 40 h',
        'Session     next: 2026-11-25 09:00 to 2026-11-25 17:00 (Europe/Berlin), in 40 h',
      ],
    ],
    [
      'when nothing changes by time',
      { spec: { access: 'Closed' } },
      NOW_MS,
      [
        'Open        no',
        'Session     runs: 2026-11-23 09:00 to 2026-11-23 17:00 (Europe/Berlin), ends in 6 h',
      ],
    ],
    [
      'without sessions',
      { spec: { schedule: { outsideSessions: 'Open', sessions: [] } } },
      NOW_MS,
      ['Open        yes', 'Session     none within a year'],
    ],
  ])('is told for people %s', (_, difference, nowMs, lines) => {
    const look = { colours: coloursFor({ write: () => true }, {}), columns: 100, nowMs };
    const text = reportText(reportOf(difference, nowMs), look).split('\n');
    expect(text.filter((line) => /^(Open|Session) /.test(line))).toEqual(lines);
  });
});

test('every condition type of a class has its words', () => {
  for (const type of Object.values(CLASSROOM_CONDITIONS)) expect(CONDITION_WORDS).toHaveProperty(type);
  expect(inWords({ type: 'Ready', status: 'False' })).toEqual({
    mark: 'Bad',
    words: 'Students are not served',
  });
});

test.each([
  ['EnginesReady', 'True', 'Asleep', 'The engines sleep until somebody asks'],
  ['EnginesReady', 'True', 'Closed', 'The engines do not run while the class is closed'],
  ['EnginesReady', 'True', 'NoneWanted', 'No engine is to run'],
  ['AdaptersLoaded', 'False', 'AdaptersWaiting', 'The adapters are loaded when the engines answer'],
] as const)('%s %s for the reason %s is no fault, and no praise', (type, status, reason, words) => {
  expect(inWords({ type, status, reason })).toEqual({ mark: 'Note', words });
});

describe('the next step', () => {
  const step = (
    reason: string,
    {
      serving: isServing = false,
      students = 12,
      access = 'Open',
    }: { serving?: boolean; students?: number; access?: Classroom['spec']['access'] } = {},
  ) => nextStep({ name: 'python-101', namespace: 'school', access, serving: isServing, reason, students });

  test.each<[string, string, RegExp]>([
    [
      'a model that does not fit',
      MISFIT_REASONS.weightsTooLarge,
      /kubectl classroom plan python-101 -n school$/,
    ],
    ['an engine that fails', 'OutOfGPUMemory', /kubectl classroom logs python-101 -n school/],
    ['engines that load', CLASSROOM_REASONS.loading, /kubectl classroom status python-101 -n school --wait/],
    ['no GPU', CLASSROOM_REASONS.noGpuNode, /kubectl classroom doctor python-101 -n school/],
    ['an operator that is silent', 'Unseen', /kubectl classroom doctor/],
    [
      'a class that its timetable keeps closed',
      CLASSROOM_REASONS.closed,
      /^Nothing, where it is meant .* kubectl classroom open python-101 -n school --for 2h$/,
    ],
  ])('of %s', (_, reason, want) => {
    expect(step(reason)).toMatch(want);
  });

  test('of a class that somebody closed is to open it, where that is not meant', () => {
    expect(step(CLASSROOM_REASONS.closed, { access: 'Closed' })).toMatch(
      /^Nothing, where it is meant .* kubectl classroom open python-101 -n school$/,
    );
  });

  test('of a class that serves is to enrol students, then to hand out their keys', () => {
    expect(step('Serving', { serving: true, students: 0 })).toMatch(
      /kubectl classroom enroll python-101 -n school -f/,
    );
    expect(step('Serving', { serving: true })).toMatch(/kubectl classroom keys export python-101/);
  });
});

describe('for people', () => {
  const look = { colours: coloursFor({ write: () => true }, {}), columns: 100, nowMs: NOW_MS };

  test('a class that serves', () => {
    const report = classReport(
      classWith([serving, condition('Fits', 'True', 'PlanFits', 'It fits.')], {
        spec: {
          model: { servedName: 'qwen' },
          schedule: {
            timeZone: 'Europe/Berlin',
            sessions: [{ days: ['Mon'], start: '09:00', end: '17:00' }],
          },
        },
        status: {
          engines: [{ name: 'python-101-engine-1', state: 'Ready', node: 'gpu-1', kvCacheTokens: 79376 }],
        },
      }),
      [seat('alice', 'True', 'Active', 1000)],
      NOW_MS,
    );
    expect(reportText(report, look)).toBe(
      [
        'python-101 in python-101: students are served',
        '2 of 2 engines answer.',
        '',
        'Model       Qwen/Qwen2.5-7B-Instruct, for students qwen',
        'Address     http://gateway/v1',
        'Access      Open: students may ask',
        'Open        yes, closes Mon 2026-11-23 17:00, in 6 h',
        'Session     runs: 2026-11-23 09:00 to 2026-11-23 17:00 (Europe/Berlin), ends in 6 h',
        'Engines     2 of 2 answer',
        'Students    1: 1 can work',
        'Today       2 requests, 1000 tokens by 1 student',
        '',
        'ENGINE                STATE   NODE    CACHE TOKENS   REASON',
        'python-101-engine-1   Ready   gpu-1   79376          <none>',
        '',
        '✓ The model fits its GPU',
        '',
        'Next: Hand out the keys: kubectl classroom keys export python-101 -n python-101',
        '',
      ].join('\n'),
    );
  });

  test.each([
    [1, 'Engines     1 of 1 answers'],
    [2, 'Engines     1 of 2 answer'],
  ])('one engine of %s is counted as people do', (replicas, line) => {
    const report = classReport(classWith([serving], { status: { replicas, readyReplicas: 1 } }), [], NOW_MS);
    expect(reportText(report, look).split('\n')).toContain(line);
  });

  test('what is wrong comes with the words of the operator', () => {
    const why = 'The weights take more than the GPU has.';
    const report = classReport(
      classWith(
        [
          condition('Ready', 'False', 'WeightsTooLarge', why),
          condition('Fits', 'False', 'WeightsTooLarge', why),
        ],
        { status: { readyReplicas: 0 } },
      ),
      [],
      NOW_MS,
    );
    const text = reportText(report, look);
    expect(text).toMatch(/^python-101 in python-101: students are NOT served\nThe weights take more/);
    expect(text).toContain('✗ The model does not fit its GPU: WeightsTooLarge\n\nNext:');
  });

  test.each<[string, ClassroomDifference, Condition, string]>([
    [
      'engines that answer serve, while others load',
      { status: { readyReplicas: 1 } },
      condition('Ready', 'False', 'PartlyServing', '1 of 2 engines answers.'),
      'students are served, but not all is well',
    ],
    [
      'a class that is closed serves nobody, though its engines answer',
      { spec: { access: 'Closed' } },
      serving,
      'closed, students are NOT served',
    ],
    [
      'a class is closed outside of its sessions',
      { spec: { schedule: ON_TUESDAYS } },
      condition('Ready', 'False', 'Closed', 'No session runs.'),
      'closed, students are NOT served',
    ],
    [
      'also where no operator has seen that its session ended',
      { spec: { schedule: ON_TUESDAYS } },
      serving,
      'closed, students are NOT served',
    ],
    [
      'a class whose session no operator has seen begin is not meant to be closed',
      { status: { replicas: 0, readyReplicas: 0 } },
      condition('Ready', 'False', 'Closed', 'No session runs.'),
      'students are NOT served',
    ],
    [
      'a class sleeps while nobody asks',
      { status: { replicas: 0, readyReplicas: 0 } },
      condition('Ready', 'True', 'Asleep', 'No engine runs, because nobody has asked.'),
      'asleep, the first student who asks wakes it',
    ],
  ])('%s', (_, difference, ready, headline) => {
    const report = classReport(classWith([ready], difference), [], NOW_MS);
    expect(reportText(report, look)).toMatch(`python-101 in python-101: ${headline}\n${ready.message}\n`);
  });

  test('long messages are wrapped, and each is told once', () => {
    const loading = 'The engine loads the model. That takes a while. '.repeat(3).trim();
    const report = classReport(
      classWith([
        condition('Ready', 'False', 'Loading', 'Please wait.'),
        condition('EnginesReady', 'False', 'Loading', loading),
      ]),
      [],
      NOW_MS,
    );
    const lines = reportText(report, { ...look, columns: 60 }).split('\n');
    const at = lines.indexOf('✗ The engines do not all answer: Loading');
    expect(lines.slice(at + 1, at + 4)).toEqual([
      '    The engine loads the model. That takes a while. The',
      '    engine loads the model. That takes a while. The engine',
      '    loads the model. That takes a while.',
    ]);
  });
});
