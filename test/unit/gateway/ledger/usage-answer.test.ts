import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { usageDaysOf } from '../../../../src/gateway/ledger/usage-days.ts';
import { JournalUnavailableError } from '../../../../src/gateway/limits/journal.ts';
import { eventually } from '../../../support/eventually.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { aClassroom, aClassroomLimiting, BOB_KEY } from '../builders.ts';
import { askJson, CHAT, startWorld, type World, type WorldOptions } from '../gateway-world.ts';
import { startScriptedEngine } from '../scripted-engine.ts';
import { anEntry } from './builders.ts';

let world: World;
afterEach(() => world.stop());

/** It is Tuesday, 2026-09-01, half past two at night in Berlin. */
async function atNight(options: WorldOptions = {}): Promise<World> {
  const clock = createFakeClock(Date.parse('2026-09-01T00:30:00Z'));
  world = await startWorld({ clock, classroom: aClassroom({ timeZone: 'Europe/Berlin' }), ...options });
  return world;
}

const askUsage = (key?: string) =>
  askJson(world, '', { path: '/v1/usage', method: 'GET', ...(key === undefined ? {} : { key }) });

describe('GET /v1/usage', () => {
  test("tells a student's limits, and what was used today, this week and so far", async () => {
    await atNight({
      admissionOver: (admission) => ({
        ...admission,
        limitsOf: async () => [
          { name: 'requestsPerMinute', limit: 30, remaining: 28, resetMs: 3_999 },
          { name: 'tokensTotal', limit: 1_000, remaining: 400, resetMs: Number.POSITIVE_INFINITY },
        ],
      }),
    });
    const { ledger } = world;
    await ledger.settled('1', [], anEntry({ day: '2026-09-01' }));
    await ledger.settled('2', [], anEntry({ day: '2026-08-31', model: 'my-adapter' }));
    await ledger.settled('3', [], anEntry({ day: '2026-08-30', outcome: 'interrupted' }));
    ledger.throttled(
      anEntry({ outcome: 'throttled', promptTokens: 0, cachedTokens: 0, completionTokens: 0 }),
    );
    await ledger.settled('4', [], anEntry({ studentId: 'bob' }));

    const answer = await askUsage();
    const once = {
      requests: 1,
      completed: 1,
      throttled: 0,
      queue_wait_ms: 13,
      prompt_tokens: 100,
      completion_tokens: 50,
      total_tokens: 150,
      prompt_tokens_details: { cached_tokens: 40 },
    };
    const twice = {
      ...once,
      requests: 2,
      completed: 2,
      throttled: 1,
      queue_wait_ms: 25,
      prompt_tokens: 200,
      completion_tokens: 100,
      total_tokens: 300,
      prompt_tokens_details: { cached_tokens: 80 },
    };
    const adapter = { model: 'my-adapter', ...once };
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      object: 'usage',
      created: Date.parse('2026-09-01T00:30:00Z') / 1000,
      student: 'alice',
      classroom: 'python-101',
      time_zone: 'Europe/Berlin',
      open_until: null,
      boost: null,
      max_output_tokens: 1024,
      limits: [
        { name: 'requestsPerMinute', limit: 30, remaining: 28, reset_seconds: 4 },
        { name: 'tokensTotal', limit: 1_000, remaining: 400, reset_seconds: null },
      ],
      today: {
        from: '2026-09-01',
        ...once,
        throttled: 1,
        models: [{ model: 'qwen', ...once, throttled: 1 }],
      },
      this_week: {
        from: '2026-08-31',
        ...twice,
        models: [adapter, { model: 'qwen', ...once, throttled: 1 }],
      },
      total: {
        ...twice,
        requests: 3,
        completed: 2,
        prompt_tokens: 300,
        completion_tokens: 150,
        total_tokens: 450,
        prompt_tokens_details: { cached_tokens: 120 },
        models: [adapter, { model: 'qwen', ...twice, completed: 1, queue_wait_ms: 13 }],
      },
    });
  });

  test('has what an answer cost as soon as the answer has ended, and how often the student was refused', async () => {
    const engine = await startScriptedEngine();
    const classroom = aClassroomLimiting({ requestsPerMinute: 1 });
    world = await startWorld({ classroom, engines: [engine.url] });
    const { usage } = (await askJson(world, CHAT)).body;
    expect((await askJson(world, CHAT)).status).toBe(429);
    await eventually('the refusal to be booked', async () => (await askUsage()).body.today.throttled === 1);
    expect((await askUsage()).body).toMatchObject({
      limits: expect.arrayContaining([
        expect.objectContaining({ name: 'requestsPerMinute', limit: 1, remaining: 0 }),
      ]),
      today: { requests: 1, completed: 1, total_tokens: usage.total_tokens },
      total: { models: [{ model: 'qwen', prompt_tokens: usage.prompt_tokens }] },
    });
    await engine.close();
  });

  test("never tells another student's", async () => {
    await atNight();
    await world.ledger.settled('1', [], anEntry());
    const { body } = await askUsage(BOB_KEY);
    expect(body).toMatchObject({ student: 'bob', total: { requests: 0, total_tokens: 0, models: [] } });
  });

  test('that cannot be read now says so, and when to ask again; requests are another matter', async () => {
    await atNight();
    jest.spyOn(world.ledger, 'usageOf').mockRejectedValue(new JournalUnavailableError('no connection'));
    const answer = await askUsage();
    expect([answer.status, answer.body.error.code]).toEqual([503, 'usage_unreadable']);
    expect(answer.headers['retry-after']).toBe('5');
    expect(answer.body.error.message).toContain('Ask Ms Chen, room 214');
  });

  test('needs a key', async () => {
    await atNight();
    const answer = await askJson(world, '', { path: '/v1/usage', method: 'GET', key: undefined });
    expect([answer.status, answer.body.error.code]).toEqual([401, 'missing_api_key']);
  });
});

describe('today and this week', () => {
  test.each([
    ['UTC', '2026-11-23T00:00:00Z', '2026-11-23', '2026-11-23'],
    ['UTC', '2026-11-22T23:59:59Z', '2026-11-22', '2026-11-16'],
    ['America/St_Johns', '2026-11-23T03:29:00Z', '2026-11-22', '2026-11-16'],
    ['Asia/Kolkata', '2026-11-22T18:30:00Z', '2026-11-23', '2026-11-23'],
    ['Europe/Berlin', '2026-10-25T22:59:59Z', '2026-10-25', '2026-10-19'],
    ['Pacific/Kiritimati', '2026-12-31T10:00:00Z', '2027-01-01', '2026-12-28'],
  ])('in %s at %s', (timeZone, instant, today, weekStart) => {
    expect(usageDaysOf(timeZone, Date.parse(instant))).toEqual({ today, weekStart });
  });
});
