import { describe, expect, test } from '@jest/globals';
import { figuresOfAnswer, figuresOfStatus, type StudentFigures } from '../../../../src/cli/top/figures.ts';
import { createRates } from '../../../../src/cli/top/rates.ts';
import { type Moment, momentText, sorted } from '../../../../src/cli/top/table.ts';
import { usageAnswer } from '../../../../src/gateway/ledger/usage-answer.ts';
import { studentQuota } from '../../../support/builders.ts';
import { alice } from '../../gateway/builders.ts';

const live = (id: string, difference: Partial<StudentFigures> = {}): StudentFigures => ({
  id,
  source: 'Gateway',
  running: 0,
  requests: 0,
  refused: 0,
  promptTokens: 0,
  completionTokens: 0,
  tokens: 0,
  ...difference,
});

describe('the figures of a student', () => {
  const today = {
    model: 'qwen',
    requests: 5,
    completed: 4,
    throttled: 2,
    queueWaitMs: 1000,
    promptTokens: 100,
    cachedTokens: 0,
    completionTokens: 50,
  };

  test('are those of the answer that the gateway gives', () => {
    const answer = usageAnswer({
      seat: alice(),
      limits: [
        { name: 'concurrentRequests', limit: 4, remaining: 3, resetMs: 0 },
        { name: 'tokensPerDay', limit: 1000, remaining: 850, resetMs: 1000 },
      ],
      usage: { today: [today], week: [today], total: [today] },
      days: { today: '2026-11-23', weekStart: '2026-11-23' },
      nowMs: 0,
    });
    expect(figuresOfAnswer('alice', answer)).toEqual({
      id: 'alice',
      source: 'Gateway',
      running: 1,
      requests: 5,
      refused: 2,
      meanWaitMs: 250,
      promptTokens: 100,
      completionTokens: 50,
      tokens: 150,
      tokensLeft: 850,
    });
  });

  test.each([
    ['no answer was complete', { completed: 0, queue_wait_ms: 0 }],
    ['the gateway is one of before', { completed: 3 }],
  ])('have no mean wait where %s', (_, counts) => {
    const tokens = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
    const answer = { limits: [], today: { requests: 3, throttled: 0, ...tokens, ...counts } };
    expect(figuresOfAnswer('alice', answer)).toMatchObject({ requests: 3, meanWaitMs: undefined });
  });

  test('are none where somebody else answers', () => {
    expect(figuresOfAnswer('alice', { object: 'list' })).toBeUndefined();
  });

  test('are else what the gateway wrote down on the same day of the class', () => {
    const seat = (asOf: string) =>
      studentQuota({ status: { usage: { asOf, requestsToday: 3, tokensToday: 40, tokensTotal: 90 } } });
    const day = { startsMs: Date.parse('2026-11-23T00:00:00Z'), endsMs: Date.parse('2026-11-24T00:00:00Z') };
    expect(figuresOfStatus(seat('2026-11-23T08:00:00Z'), day)).toEqual({
      id: 'alice',
      source: 'Status',
      requests: 3,
      tokens: 40,
    });
    expect(figuresOfStatus(seat('2026-11-22T23:59:59Z'), day)).toMatchObject({ requests: 0, tokens: 0 });
  });
});

describe('tokens a minute', () => {
  test('come from what was seen within a minute', () => {
    const rates = createRates();
    expect(rates.add([live('alice', { tokens: 100 })], 0).get('alice')).toBeUndefined();
    expect(rates.add([live('alice', { tokens: 130 })], 30_000).get('alice')).toBe(60);
    expect(rates.add([live('alice', { tokens: 130 })], 80_000).get('alice')).toBe(0);
  });

  test('begin anew with a new day', () => {
    const rates = createRates();
    rates.add([live('alice', { tokens: 100 })], 0);
    expect(rates.add([live('alice', { tokens: 10 })], 10_000).get('alice')).toBeUndefined();
    expect(rates.add([live('alice', { tokens: 20 })], 20_000).get('alice')).toBe(60);
  });

  test('are not known of figures that are written down now and then', () => {
    const rates = createRates();
    for (const nowMs of [0, 30_000]) {
      expect(rates.add([{ ...live('alice', { tokens: nowMs }), source: 'Status' }], nowMs).size).toBe(0);
    }
  });
});

test('students are sorted by any figure, the most first, else as people count', () => {
  const students = [
    live('s10', { tokens: 5 }),
    live('s2', { tokens: 5, refused: 1, meanWaitMs: 900 }),
    live('s1', { tokens: 9, meanWaitMs: 1500 }),
  ];
  const ids = (by: Parameters<typeof sorted>[1], rates = new Map<string, number>()) =>
    sorted(students, by, rates).map(({ id }) => id);
  expect(ids('tokens')).toEqual(['s1', 's2', 's10']);
  expect(ids('refused')).toEqual(['s2', 's1', 's10']);
  expect(ids('wait')).toEqual(['s1', 's2', 's10']);
  expect(ids('student')).toEqual(['s1', 's2', 's10']);
  expect(ids('rate', new Map([['s10', 3]]))).toEqual(['s10', 's1', 's2']);
});

describe('a moment for people', () => {
  const moment = (students: readonly StudentFigures[], note?: string): Moment => ({
    name: 'python-101',
    namespace: 'school',
    time: '2026-11-23T09:00:00.000Z',
    message: '2 of 2 engines answer.',
    engines: { ready: 2, wanted: 2 },
    students,
    note,
  });
  const text = (of: Moment, rows?: number, rates?: ReadonlyMap<string, number>, columns?: number) =>
    momentText(of, { rates, rows, columns });

  test('sums up the class and has a row for each student', () => {
    const students = [
      live('alice', { requests: 4, refused: 1, tokens: 150, running: 2 }),
      live('bob', { tokens: 10 }),
    ];
    expect(text(moment(students))).toContain('Today 4 requests, 1 refused, 160 tokens; 2 run or wait now.');
    expect(text(moment(students))).toMatch(/^alice +2 +4 +1 /m);
    expect(text(moment(students), undefined, new Map([['alice', 90.4]]))).toMatch(
      /PER MINUTE[\s\S]*alice .* 90 /,
    );
  });

  test('tells how long answers were waited for, in seconds', () => {
    const students = [live('alice', { meanWaitMs: 1249 }), live('bob')];
    expect(text(moment(students))).toMatch(
      /MEAN WAIT[\s\S]*^alice +0 +0 +0 +1\.2s [\s\S]*^bob +0 +0 +0 +- /m,
    );
  });

  test('is no longer than the screen, and says how many are left out', () => {
    const many = Array.from({ length: 50 }, (_, index) => live(`s${index}`));
    const shown = text(moment(many), 20);
    expect(shown.split('\n').length).toBeLessThanOrEqual(20);
    expect(shown).toMatch(/and \d+ more\n$/);
  });

  test('is no wider than the screen: words go on in the next line, and figures that matter less are left out', () => {
    const students = [live('alice', { requests: 4, promptTokens: 9 }), live('bob')];
    const note = `All figures are up to a minute old: ${'the gateway cannot be reached '.repeat(5)}`;
    const shown = text(moment(students, note), 20, new Map(), 80);
    const lines = shown.split('\n');
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
    expect(lines.length).toBeLessThanOrEqual(20);
    expect(lines.find((line) => line.startsWith('STUDENT'))?.split(/ {3,}/)).toEqual([
      'STUDENT',
      'RUNNING',
      'REQUESTS',
      'REFUSED',
      'MEAN WAIT',
      'TOKENS',
      'PER MINUTE',
    ]);
    expect(shown.replace(/\s+/g, ' ')).toContain(note.trim());
  });

  test('is cut where not even the rest has room', () => {
    expect(text(moment([live('alice')]), 20, undefined, 30)).toMatch(/^STUDENT.{22}…$/m);
  });

  test('tells what is not known, and why', () => {
    const alice: StudentFigures = { id: 'alice', source: 'Status', requests: 3, tokens: 40 };
    const shown = text(moment([alice], 'They are old.'));
    expect(shown).toContain('They are old.');
    expect(shown).toContain('Today 3 requests, 40 tokens.\n');
    expect(text(moment([alice, live('bob', { refused: 1, running: 2 })]))).toContain(
      'Today 3 requests, 1 refused, 40 tokens; 2 run or wait now.',
    );
    expect(shown).toMatch(/^alice +<unknown> +3 +<unknown>/m);
  });

  test('of a class without students', () => {
    expect(text(moment([]))).toContain('Nobody is enrolled.');
  });
});
