import { describe, expect, test } from '@jest/globals';
import type { StudentQuota } from '../../../../src/api/student-quota.ts';
import { createUsagePublisher, type UsagePublisher } from '../../../../src/gateway/ledger/usage-publisher.ts';
import type { StudentUsage } from '../../../../src/gateway/ledger/usage-reader.ts';
import { JournalUnavailableError } from '../../../../src/gateway/limits/journal.ts';
import type { KubeClient } from '../../../../src/kube/client.ts';
import { KubeApiError } from '../../../../src/kube/errors.ts';
import { studentQuota } from '../../../support/builders.ts';
import { createFakeClock, type FakeClock } from '../../../support/fake-clock.ts';
import { type LogLine, recordingLogger } from '../recording-logger.ts';

const CLASS = 'school/python';
/** More than the start is spread over. */
const LATER_MS = 90_000;
const DAY_MS = 86_400_000;

interface Write {
  readonly atMs: number;
  readonly name: string;
  readonly usage: unknown;
}

interface Scene {
  readonly publisher: UsagePublisher;
  readonly clock: FakeClock;
  readonly writes: Write[];
  readonly log: LogLine[];
  /** Completed requests of 10 tokens each; today and in total. */
  used: { today: number; total: number };
  /** What the API server answers with, instead of doing it. */
  failure: Error | undefined;
  /** What the account answers with. */
  unreadable: Error | undefined;
}

function quotaOf(name: string, usage?: NonNullable<StudentQuota['status']>['usage']): StudentQuota {
  const quota = studentQuota({ metadata: { name, namespace: 'school', uid: `uid-of-${name}` } });
  const spec = { ...quota.spec, classroomRef: { name: 'python' }, student: { id: name } };
  return { ...quota, spec, ...(usage === undefined ? {} : { status: { usage } }) };
}

function periodOf(requests: number) {
  const tokens = { promptTokens: 7 * requests, cachedTokens: 0, completionTokens: 3 * requests };
  return requests === 0
    ? []
    : [{ model: 'qwen', requests, completed: requests, throttled: 0, queueWaitMs: 0, ...tokens }];
}

/** It is 09:00 in a class of Berlin. */
function scene(): Scene {
  const clock = createFakeClock(Date.parse('2026-09-01T07:00:00Z'));
  const log: LogLine[] = [];
  const writes: Write[] = [];
  const apply: KubeClient['apply'] = async (_, object, options) => {
    if (it.failure !== undefined) throw it.failure;
    expect(options).toMatchObject({ fieldManager: 'gpu-classroom-gateway-usage', subresource: 'status' });
    expect(Object.keys(object).sort()).toEqual(['apiVersion', 'kind', 'metadata', 'status']);
    const { usage } = (object as { status?: { usage?: unknown } }).status ?? {};
    writes.push({ atMs: clock.monotonic(), name: object.metadata.name, usage });
    return object;
  };
  const it: Scene = {
    publisher: createUsagePublisher({
      client: { apply },
      usage: {
        async usageOf(): Promise<StudentUsage> {
          if (it.unreadable !== undefined) throw it.unreadable;
          const [today, total] = [periodOf(it.used.today), periodOf(it.used.total)];
          return { today, week: today, total };
        },
      },
      timeZoneOf: (classroomKey) => (classroomKey === CLASS ? 'Europe/Berlin' : undefined),
      clock,
      random: () => 0.5,
      log: recordingLogger(log),
    }),
    clock,
    writes,
    log,
    used: { today: 0, total: 0 },
    failure: undefined,
    unreadable: undefined,
  };
  return it;
}

const FIRST = { requestsToday: 3, tokensToday: 30, tokensTotal: 50 };

describe('what is written', () => {
  test("is today's and all use of the student, with the time", async () => {
    const it = scene();
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice') });
    await it.clock.advance(LATER_MS);
    it.used = { today: 3, total: 5 };
    it.publisher.onSettled('school/alice');
    await it.clock.advance(LATER_MS);
    expect(it.writes.map(({ name, usage }) => [name, usage])).toEqual([
      ['alice', { asOf: '2026-09-01T07:01:32Z', ...FIRST }],
    ]);
  });

  test('is nothing for seats that nobody uses, at any time', async () => {
    const it = scene();
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice') });
    it.publisher.onStudentQuota({
      type: 'added',
      object: quotaOf('bob', {
        asOf: '2026-08-31T10:00:00Z',
        requestsToday: 0,
        tokensToday: 0,
        tokensTotal: 0,
      }),
    });
    await it.clock.advance(LATER_MS);
    expect([it.writes, it.clock.pending]).toEqual([[], 0]);
  });

  test('is what a gateway that died had booked and not published', async () => {
    const it = scene();
    it.used = { today: 3, total: 5 };
    const status = { asOf: '2026-09-01T06:00:00Z', ...FIRST };
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice', status) });
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('bob', { ...status, tokensTotal: 40 }) });
    await it.clock.advance(LATER_MS);
    expect(it.writes.map(({ name }) => name)).toEqual(['bob']);
  });

  test('begins anew with the local day, without a request', async () => {
    const it = scene();
    it.used = { today: 3, total: 5 };
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice') });
    await it.clock.advance(LATER_MS);
    it.used = { today: 0, total: 5 };
    // Midnight in Berlin is 15 hours away.
    await it.clock.advance(14 * 3_600_000);
    expect(it.writes).toHaveLength(1);
    await it.clock.advance(2 * 3_600_000);
    expect(it.writes.at(-1)?.usage).toMatchObject({ requestsToday: 0, tokensToday: 0, tokensTotal: 50 });
    await it.clock.advance(3 * DAY_MS);
    expect([it.writes.length, it.clock.pending]).toEqual([2, 0]);
  });
});

describe('how often', () => {
  test('a student who asks all the time is written once a minute', async () => {
    const it = scene();
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice') });
    for (let second = 0; second < 600; second++) {
      it.used = { today: second, total: second };
      it.publisher.onSettled('school/alice');
      await it.clock.advance(1_000);
    }
    const gaps = it.writes.slice(1).map(({ atMs }, index) => atMs - (it.writes[index]?.atMs ?? 0));
    expect(it.writes.length).toBeGreaterThanOrEqual(9);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(60_000);
  });

  test('a school that begins at once is written over minutes, and each seat once', async () => {
    const it = scene();
    const names = Array.from({ length: 1_000 }, (_, number) => `student-${number}`);
    for (const name of names) it.publisher.onStudentQuota({ type: 'added', object: quotaOf(name) });
    it.used = { today: 1, total: 1 };
    for (const name of names) it.publisher.onSettled(`school/${name}`);
    await it.clock.advance(120_000);
    const bySecond = Map.groupBy(it.writes, ({ atMs }) => atMs);
    expect(Math.max(...[...bySecond.values()].map((writes) => writes.length))).toBeLessThanOrEqual(25);
    expect(it.writes.map(({ name }) => name).sort()).toEqual(names.sort());
  });
});

describe('an API server that does not do it', () => {
  test.each([
    ['is away', new KubeApiError({ status: 0, reason: 'Unreachable', message: 'gone' })],
    ['is overloaded', new KubeApiError({ status: 429, reason: 'TooManyRequests', message: 'later' })],
    ['finds a conflict', new KubeApiError({ status: 409, reason: 'Conflict', message: 'again' })],
    ['forbids it', new KubeApiError({ status: 403, reason: 'Forbidden', message: 'no' })],
  ])('%s: it is tried again every minute or two, and said once', async (_, failure) => {
    const it = scene();
    it.failure = failure;
    it.used = { today: 3, total: 5 };
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice') });
    await it.clock.advance(10 * 60_000);
    expect(it.log.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'The usage of students cannot be published now'],
    ]);
    it.failure = undefined;
    await it.clock.advance(120_000);
    expect(it.writes).toMatchObject([{ name: 'alice', usage: FIRST }]);
    expect(it.log.at(-1)?.message).toBe('The usage of students can be published again');
  });

  test('an account that cannot be read is tried again too', async () => {
    const it = scene();
    it.unreadable = new JournalUnavailableError('the file is damaged');
    it.used = { today: 3, total: 5 };
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice') });
    await it.clock.advance(LATER_MS);
    it.unreadable = undefined;
    await it.clock.advance(120_000);
    expect(it.writes).toHaveLength(1);
  });

  test('has no such seat any more: nothing is tried again', async () => {
    const it = scene();
    it.failure = new KubeApiError({ status: 404, reason: 'NotFound', message: 'not found' });
    it.used = { today: 3, total: 5 };
    it.publisher.onStudentQuota({ type: 'added', object: quotaOf('alice') });
    await it.clock.advance(LATER_MS);
    expect([it.log, it.clock.pending]).toEqual([[], 0]);
  });
});

test('a seat that was deleted is not written, and stopping ends the timers', async () => {
  const it = scene();
  it.used = { today: 3, total: 5 };
  for (const name of ['alice', 'bob']) it.publisher.onStudentQuota({ type: 'added', object: quotaOf(name) });
  it.publisher.onStudentQuota({ type: 'deleted', object: quotaOf('alice') });
  await it.clock.advance(LATER_MS);
  expect(it.writes.map(({ name }) => name)).toEqual(['bob']);
  it.publisher.stop();
  expect(it.clock.pending).toBe(0);
});

test('a seat whose class is not known yet waits for its first request', async () => {
  const it = scene();
  it.used = { today: 3, total: 5 };
  const quota = quotaOf('alice');
  const object = { ...quota, spec: { ...quota.spec, classroomRef: { name: 'unknown' } } };
  it.publisher.onStudentQuota({ type: 'added', object });
  await it.clock.advance(LATER_MS);
  it.publisher.onStudentQuota({ type: 'updated', object: quota, previous: object });
  it.publisher.onSettled('school/alice');
  await it.clock.advance(LATER_MS);
  expect(it.writes).toHaveLength(1);
});
